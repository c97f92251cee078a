// The target of a request line, up to what is asked of the core or answered at once.
#include <event2/http.h>
#include <jansson.h>

#include <memory>

#include "core/names.h"
#include "daemon/routes.h"
#include "fuzz/fuzz.h"
#include "io/docker_http.h"
#include "io/httpd_target.h"

namespace {

struct UriFree {
  void operator()(evhttp_uri* uri) const { evhttp_uri_free(uri); }
};
using Uri = std::unique_ptr<evhttp_uri, UriFree>;

struct JsonUnref {
  void operator()(json_t* json) const { json_decref(json); }
};
using Json = std::unique_ptr<json_t, JsonUnref>;

// As evhttp does it with the second word of a request line.
HttpRequest read_target(const std::string& target) {
  HttpRequest request;
  const Uri uri(evhttp_uri_parse_with_flags(target.c_str(), EVHTTP_URI_NONCONFORMANT));
  httpd_target_read(uri.get(), &request);
  return request;
}

// The client an event is about; empty where it is about none.
std::string client_of(const Event& event) {
  if (const auto* access = std::get_if<AccessAsked>(&event)) return access->client;
  if (const auto* remove = std::get_if<RemoveAsked>(&event)) return remove->client;
  return "";
}

void check_route(const HttpRequest& request, std::string_view target) {
  const Route route = route_request(request, Doors{}, false);
  HOLDS(is_harmless(route.refused), target);
  HOLDS(route.answer.location.empty() && is_harmless(route.answer.allow), target);
  if (route.kind == RouteKind::Answer) {
    const Json body(json_loadb(route.answer.body.data(), route.answer.body.size(), 0, nullptr));
    HOLDS(json_is_object(body.get()), target);
    HOLDS((route.answer.status == 200) == route.refused.empty(), target);
    return;
  }
  if (route.kind != RouteKind::Ask || std::holds_alternative<RemoveAllAsked>(route.event)) return;
  HOLDS(client_is_valid(client_of(route.event)), target);
  const auto* access = std::get_if<AccessAsked>(&route.event);
  if (access != nullptr && access->size_given) HOLDS(access->size.width >= 64 && access->size.height >= 64, target);
}

}  // namespace

FUZZ_TARGET(target) {
  const std::string target(input.substr(0, input.find_first_of(std::string_view("\0\r\n", 3))));
  HttpRequest request = read_target(target);
  check_route(request, target);
  request.method = "POST";
  request.method_allowed = false;
  check_route(request, target);

  // Spelled with percent codes alone, the same parameters come back.
  std::string spelled = "/access?";
  for (const auto& [name, value] : request.params) {
    if (spelled.back() != '?') spelled += '&';
    spelled += docker_escape(name) + "=" + docker_escape(value);
  }
  HOLDS(read_target(spelled).params == request.params, target);
  HOLDS(read_target("/" + docker_escape(request.path)).path == "/" + request.path, target);
}
