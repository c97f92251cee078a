// Where requests come in: the port for everybody and, with ADMIN_LISTEN, one for administrators alone.
#ifndef DAEMON_ENTRANCES_H
#define DAEMON_ENTRANCES_H

#include <cstdint>
#include <string>
#include <vector>

#include "codec/settings.h"
#include "daemon/labels.h"
#include "io/httpd.h"

// How often a route was answered with this status.
struct StatusCount {
  int status = 0;
  uint64_t count = 0;
};

struct Entrances {
  Labels labels;                                   // of the requests that have come in and have no answer yet
  std::vector<std::vector<StatusCount>> answered;  // by the row of their route
  HttpdPtr main;
  HttpdPtr admin;  // null without ADMIN_LISTEN. A listener of its own, so that a crowd at the other keeps no administrator out
};

// As many connections as there are file descriptors for, some of them never for clients. *warning: that there are fewer than were set.
HttpLimits entrances_limits(const Settings& settings, std::string* warning);

// Numbers of requests tell by which they came; both share the hooks. False with *error.
bool entrances_open(Entrances* entrances, event_base* base, const Settings& settings, const HttpLimits& limits, const HttpHooks& hooks,
                    std::string* error);
bool entrances_is_admin(uint64_t request);
// Exactly once for each request.
void entrances_answer(Entrances& entrances, uint64_t request, const HttpAnswer& answer);
void entrances_stop_accepting(const Entrances& entrances);
bool entrances_drained(const Entrances& entrances);

#endif
