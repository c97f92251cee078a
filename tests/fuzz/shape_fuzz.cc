// What operators write as one setting: every kind of text that a setting may be, each against itself, inet_pton and a URL parser.
#include "codec/shape.h"

#include <arpa/inet.h>
#include <event2/http.h>

#include <memory>

#include "codec/accept.h"
#include "fuzz/fuzz.h"
#include "io/docker_http.h"

namespace {

constexpr Accept* kAll[] = {accept_plain,     accept_file,      accept_host_path, accept_url_host,  accept_address,    accept_addresses,
                            accept_listen,    accept_subnet,    accept_image,     accept_network,   accept_scheme,     accept_web_url,
                            accept_engine,    accept_keyboard,  accept_clipboard, accept_proxy,     accept_exceptions, accept_languages,
                            accept_time_zone};

struct UriFree {
  void operator()(evhttp_uri* uri) const { evhttp_uri_free(uri); }
};
using Uri = std::unique_ptr<evhttp_uri, UriFree>;

void check_accept(Accept* accept, std::string_view text) {
  std::string kept = "untouched";
  if (!accept(text, &kept)) {
    HOLDS(kept == "untouched", text);
    return;
  }
  HOLDS(!shape_has_control(kept), text);
  std::string again;
  HOLDS(accept(kept, &again) && again == kept, kept);
}

// The host goes into the Location of every 302.
void check_host(std::string_view text) {
  std::string host;
  if (!accept_url_host(text, &host)) return;
  const Uri uri(evhttp_uri_parse(("https://" + host + ":5000").c_str()));
  HOLDS(uri != nullptr && evhttp_uri_get_host(uri.get()) == host && evhttp_uri_get_port(uri.get()) == 5000, text);
  std::string url;
  HOLDS(accept_web_url("https://" + host + ":5000/", &url), text);
}

void check_against_the_c_library(std::string_view text) {
  if (text.find('\0') != text.npos) return;
  const std::string whole(text);
  unsigned char address[sizeof(in6_addr)];
  HOLDS(shape_is_ipv4(text) == (inet_pton(AF_INET, whole.c_str(), address) == 1), text);
  HOLDS(shape_is_ipv6(text) == (inet_pton(AF_INET6, whole.c_str(), address) == 1), text);
}

void check_engine(std::string_view text) {
  std::string host, error;
  DockerEndpoint endpoint;
  if (accept_engine(text, &host)) HOLDS(docker_endpoint_parse(host, &endpoint, &error), text);
}

}  // namespace

FUZZ_TARGET(shape) {
  for (Accept* accept : kAll) check_accept(accept, input);
  check_host(input);
  check_against_the_c_library(input);
  check_engine(input);
  int prefix = 0;
  if (shape_parse_subnet(input, &prefix)) HOLDS(prefix >= 8 && prefix <= 30 && shape_subnet_room(prefix) > 0, input);
}
