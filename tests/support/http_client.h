// An HTTP client for tests: one call, many at once, one in the background, and raw bytes for what no client library would send.
#ifndef SUPPORT_HTTP_CLIENT_H
#define SUPPORT_HTTP_CLIENT_H

#include <future>
#include <string>
#include <utility>
#include <vector>

struct HttpCall {
  std::string method = "GET";
  std::string url;
  std::string unix_socket;  // path; empty: TCP
  std::string body;
  std::string body_type = "application/json";
  std::vector<std::string> headers;  // "Name: value"
  long timeout_ms = 60000;
};

// Redirects are never followed: a 302 is an answer to look at.
struct HttpReply {
  long status = 0;  // 0: no whole answer; `error` says why
  std::string error;
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case, in order
  std::string body;
  double seconds = 0;
};

// Value of the first header of that (lower-case) name; empty when absent.
std::string http_reply_header(const HttpReply& reply, const std::string& name);

HttpReply http_call(const HttpCall& call);
// Each on a connection of its own, all opened before the first answer is read; replies in the order of the calls.
std::vector<HttpReply> http_calls_at_once(const std::vector<HttpCall>& calls);
// On a thread of its own. A test that fails before get() leaves the thread to end by itself within the call's timeout.
std::future<HttpReply> http_call_later(const HttpCall& call);

// Sends `bytes` to 127.0.0.1:port and returns all that comes back until the other side closes, or nothing came for `quiet_ms`.
std::string http_raw(int port, const std::string& bytes, int quiet_ms);

// Bare sockets on 127.0.0.1: descriptors that the caller closes with tcp_close, -1 when it cannot be had.
int tcp_connect(int port);
int tcp_listen(int port);  // takes the port, and answers nobody
void tcp_close(int fd);

std::string url_encode(const std::string& text);

#endif
