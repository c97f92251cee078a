// The HTTP listener: evhttp behind one door. Requests come as values, answers go back by number, later and from the loop thread only.
#ifndef IO_HTTPD_H
#define IO_HTTPD_H

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "codec/origin.h"

struct event_base;

struct HttpRequest {
  uint64_t id = 0;  // never used twice
  bool method_allowed = true;  // GET or HEAD
  std::string method;
  std::string path;  // decoded, without the query
  std::vector<std::pair<std::string, std::string>> params;  // decoded, in order, repeated ones kept
  std::string peer;  // address of the client; of a unix socket its path
  RequestSource source;
  std::string label;  // X-Request-Id: the client's, where it is one (text_is_request_id), else of our making. It is in the answer
};

struct HttpAnswer {
  int status = 200;
  std::string body;       // left out for HEAD by evhttp
  std::string location;   // for 302
  std::string allow;      // for 405
  std::string authenticate = {};  // for 401: WWW-Authenticate
  int retry_after_seconds = 0;
  const char* content_type = "application/json";  // of the body
};

// Where to listen, and which settings say so, for the words of an error.
struct HttpPlace {
  std::string address = {};  // IPv4, IPv6 or localhost
  int port = 0;
  std::string socket = {};  // path of a unix socket in place of these: 0660, gone when it is listened on no more
  const char* address_setting = "ORCHESTRATOR_HOST";
  const char* port_setting = "ORCHESTRATOR_PORT";
};

struct HttpHooks {
  void (*handler)(void* context, const HttpRequest& request) = nullptr;
  // The client hung up before its answer: none is owed any more. What is still there of it is answered here, right after this call.
  void (*gone)(void* context, uint64_t id) = nullptr;
  void (*notice)(void* context, const std::string& text) = nullptr;  // a warning for people; may be null
  void* context = nullptr;
  uint64_t ids_after = 0;  // of requests: where there is more than one listener, none is to share any
};

struct HttpLimits {
  int max_connections = 4096;    // beyond it, each new one costs the one that has kept us waiting for longest
  int max_header_bytes = 16384;  // of the request line and all headers together
  int max_body_bytes = 65536;
  int64_t idle_ms = 60000;     // a connection without a request
  int64_t request_ms = 20000;  // a request, from its first byte to its last
  int64_t send_ms = 60000;     // an answer, until the client has taken all of it
};

struct Httpd;
struct HttpdDeleter {
  void operator()(Httpd* httpd) const;  // everything must have been answered
};
using HttpdPtr = std::unique_ptr<Httpd, HttpdDeleter>;

// nullptr with *error in words (address in use, not ours, no right to a low port).
HttpdPtr httpd_create(event_base* base, const HttpPlace& place, const HttpLimits& limits, const HttpHooks& hooks, std::string* error);
// Exactly once for each request handed out. `Cache-Control: no-store` and Content-Type go on everything.
void httpd_answer(Httpd* httpd, uint64_t id, const HttpAnswer& answer);
size_t httpd_waiting(const Httpd* httpd);     // handed out and not answered
void httpd_stop_accepting(Httpd* httpd);      // the listener closes; connections there go on, without keep-alive
bool httpd_drained(const Httpd* httpd);       // after stop_accepting: nothing is waiting and everything answered has been sent

#endif
