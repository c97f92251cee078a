// A web server for the pages that sessions show in tests: slow, late or never answering on demand, and it remembers who asked for what.
#ifndef SUPPORT_PAGE_SERVER_H
#define SUPPORT_PAGE_SERVER_H

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

struct Page {
  std::string body;
  std::string type = "text/html; charset=utf-8";
  int delay_ms = 0;       // before anything is sent; -1: never answered
  std::string late_body;  // sent after `late_ms` more, on the same answer
  int late_ms = 0;
  std::string set_cookie;  // header, when not empty
  std::string location;    // answered with a 302 to there, when not empty
  std::vector<std::pair<std::string, std::string>> headers;  // more of them
  std::string password_of;  // "name:password" that this page asks for (HTTP Basic); empty: none
};

struct PageRequest {
  std::string method;
  std::string path;   // without the query
  std::string query;  // decoded, as sent
  std::string body;
  std::string cookie;      // header
  std::map<std::string, std::string> headers;  // by their names in lower case
  double answered_at = 0;  // now_seconds() when the last byte was handed over; 0: not yet
};

struct PageServer;
struct PageServerDeleter {
  void operator()(PageServer* server) const;  // stops and joins its thread
};
using PageServerPtr = std::unique_ptr<PageServer, PageServerDeleter>;

// Listens on this IPv4 address and a free port. nullptr when it cannot. Unknown paths answer 404; POST is remembered and answered 204.
PageServerPtr page_server_start(const std::string& address);
std::string page_server_url(const PageServer* server, const std::string& path);
// From any thread, also while it serves.
void page_server_set(PageServer* server, const std::string& path, const Page& page);
// All requests for `path` so far, oldest first.
std::vector<PageRequest> page_server_requests(PageServer* server, const std::string& path);

// A page of one colour with an input over its whole width at the top, 60 pixels high and focused. What is typed is posted to
// `report` as it changes, in order; once `expected` has arrived there the page turns to the second colour. Colours are 0xRRGGBB.
Page page_with_input(const std::string& title, unsigned rgb, unsigned rgb_when_typed, const std::string& expected,
                     const std::string& report);

#endif
