// HTTP with a Docker engine: one call or one stream of lines, over a unix socket or TCP. Knows nothing of containers.
#ifndef IO_DOCKER_HTTP_H
#define IO_DOCKER_HTTP_H

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "codec/container.h"
#include "io/stop_sign.h"

struct DockerEndpoint {
  std::string shown;   // as people wrote it
  std::string socket;  // path of the unix socket; empty: TCP
  std::string base;    // "http://host:port"; "https://..." with a tls_folder
  std::string tls_folder;  // of ca.pem, cert.pem and key.pem; empty: no TLS
  long connect_timeout_ms = 3000;
};
// False with *error when `host` is neither unix:///path nor tcp://host[:port]. Taken from *out: connect_timeout_ms, tls_folder (TCP alone has use for it).
bool docker_endpoint_parse(const std::string& host, DockerEndpoint* out, std::string* error);

struct DockerRequest {
  const char* method = "GET";
  std::string target;                       // path and query
  std::string body;                         // JSON; sent with POST
  long timeout_ms = 30000;                  // the whole call, or a stream's time until its headers
  long quiet_timeout_ms = 0;                // a stream only: silence that ends it; 0: none
  size_t most_body = size_t{1} << 20;       // bytes of an answer; a larger one is none. A refusal has far less
  const StopSign* stop = nullptr;           // ends the transfer; may be null
};

struct DockerReply {
  long status = 0;    // 0: no answer
  bool json = false;  // by its Content-Type
  std::string body;
};

// One call on a connection of its own: never repeated by libcurl behind our back. Unreachable: nothing was sent. Unknown: sent, and no whole
// answer came (for GET, an answer that is no HTTP or too large is Failed: asking again does no harm). Ended by *stop: Unknown. An answer of
// any status is no error.
EngineError docker_exchange(const DockerEndpoint& endpoint, const DockerRequest& request, DockerReply* reply);

struct DockerStream {
  std::function<void()> opened;                     // the headers of a 200 are there
  std::function<bool(std::string_view line)> line;  // false ends the stream
};
// A 200 becomes lines; any other answer fills *reply. No error: it ended as HTTP ends, or `line` ended it.
EngineError docker_stream(const DockerEndpoint& endpoint, const DockerRequest& request, const DockerStream& stream,
                          DockerReply* reply);

std::string docker_escape(std::string_view text);  // percent-encoding for a path segment or a query value

#endif
