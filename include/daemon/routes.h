// HTTP to events: what a request asks for. The answers to events are turned back here too.
#ifndef DAEMON_ROUTES_H
#define DAEMON_ROUTES_H

#include <cstddef>
#include <string>

#include "codec/origin.h"
#include "codec/settings.h"
#include "core/events.h"
#include "core/slots.h"
#include "io/httpd.h"

enum class RouteKind {
  Answer,  // answered at once: `answer`
  Status,  // wants the table
  Ready,   // the same
  Metrics,  // wants all that is counted
  Drain,    // no session is to begin: to be kept on disk first
  Undrain,  // they are to begin again
  Ask,     // an event for step(), which answers when it can
};

struct Route {
  RouteKind kind = RouteKind::Answer;
  HttpAnswer answer;
  Event event;
  std::string client;   // Status: of this one alone; empty: of all
  size_t row = 0;       // of the table of routes; route_count() when it is none of them
  std::string refused;  // for the log: why a request was not let in; empty otherwise
};

// Whom the routes let in.
struct Doors {
  OwnHosts own;
  std::string token;             // what administrators have to show; empty: nothing
  bool admin_elsewhere = false;  // they have an entrance of their own
  std::vector<std::string> sessions;  // subnets of the session network: from there nobody comes in
};

// Rows of one table: path -> what it does. Everything that can be wrong with a request is found here.
Route route_request(const HttpRequest& request, const Doors& doors, bool by_admin_entrance);

// The rows, for those who count by them.
size_t route_count();
const char* route_path(size_t row);  // "/access"

HttpAnswer route_ready(const std::string& why);  // why not; empty: ready
HttpAnswer route_redirect(const Settings& settings, int port);
HttpAnswer route_removed(const AnswerRemoved& removed);
HttpAnswer route_removed_all(const AnswerRemovedAll& removed);
HttpAnswer route_drained(const Table& table, const std::string& error);
HttpAnswer route_error(const AnswerError& error);

#endif
