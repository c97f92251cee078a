// What an engine's refusal means: its error bodies, its wordings, and the API version that both sides know.
#include <jansson.h>

#include <algorithm>
#include <initializer_list>
#include <memory>

#include "codec/docker_json.h"
#include "codec/text.h"

namespace {

struct JsonUnref {
  void operator()(json_t* json) const { json_decref(json); }
};
using Json = std::unique_ptr<json_t, JsonUnref>;

constexpr size_t kMessageMost = 500;

// "1.41" as 1041, so that versions compare as numbers. Newer engines speak older versions too: the newest is what this code
// was held against, not a limit on engines.
constexpr long kMajor = 1000;
constexpr long kOldest = 1 * kMajor + 41;
constexpr long kNewest = 1 * kMajor + 52;

bool parse_api(std::string_view text, long* out) {
  const size_t dot = text.find('.');
  long major = 0;
  long minor = 0;
  if (dot == std::string_view::npos || !text_to_int(text.substr(0, dot), 0, kMajor - 1, &major) ||
      !text_to_int(text.substr(dot + 1), 0, kMajor - 1, &minor)) {
    return false;
  }
  *out = major * kMajor + minor;
  return true;
}

std::string show_api(long version) { return std::to_string(version / kMajor) + "." + std::to_string(version % kMajor); }

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

bool has(std::string_view text, std::string_view word) { return text.find(word) != std::string_view::npos; }

bool has_any(std::string_view text, std::initializer_list<std::string_view> words) {
  for (const std::string_view word : words) {
    if (has(text, word)) return true;
  }
  return false;
}

// Another container: "Bind for 0.0.0.0:5000 failed: port is already allocated". Another program: "listen tcp4 0.0.0.0:5000: bind:
// address already in use" (to 27), "failed to bind host port for 0.0.0.0:5000:172.18.0.2:6080/tcp: address already in use" (from 28).
// The same last words stand for an address inside the network, hence the second look.
bool says_port_taken(std::string_view words) {
  return has(words, "port is already allocated") ||
         (has(words, "address already in use") && has_any(words, {"bind", "listen", "host port", "userland proxy"}));
}

// "network vnc_network not found", from 28 on with "failed to set up container networking: " before it.
// One word stands between: "failed to create endpoint x on network y: link not found" is another matter.
bool says_network_missing(std::string_view words) {
  static constexpr std::string_view kNetwork = "network ";
  if (has(words, "no such network")) return true;
  for (size_t at = words.find(kNetwork); at != std::string_view::npos; at = words.find(kNetwork, at + 1)) {
    const std::string_view rest = words.substr(at + kNetwork.size());
    const size_t end = rest.find(' ');
    if (end != std::string_view::npos && rest.substr(end).starts_with(" not found")) return true;
  }
  return false;
}

bool says_version_unknown(std::string_view words) {
  return has(words, "client version") && has_any(words, {"is too old", "is too new"});
}

// What the router of an engine or of a proxy says of a path it does not know: no word about any container.
bool says_no_such_path(std::string_view words) { return has(words, "page not found"); }

EngineFault by_class(long http_status) { return http_status < 500 ? EngineFault::Refused : EngineFault::Failed; }

}  // namespace

bool docker_choose_api(const EngineVersion& offered, std::string* api, std::string* error) {
  long newest = 0;
  long oldest = 0;
  if (!parse_api(offered.api, &newest) || (!offered.api_minimum.empty() && !parse_api(offered.api_minimum, &oldest))) {
    *error = "the engine names an API version that cannot be read: " +
             text_one_line(offered.api_minimum + " to " + offered.api, 60);
    return false;
  }
  const std::string engine = "Docker engine " + text_one_line(offered.engine, 60);
  if (newest < kOldest) {
    *error = engine + " is too old: it speaks API " + show_api(newest) + ", and " + show_api(kOldest) +
             " is needed (engine 20.10 or newer)";
    return false;
  }
  if (oldest > kNewest) {
    *error = engine + " is too new: it speaks no API below " + show_api(oldest) + ", and " + show_api(kNewest) +
             " is the newest known here; a newer orchestrator is needed";
    return false;
  }
  *api = show_api(std::min(newest, kNewest));
  return true;
}

std::string docker_error_message(std::string_view body) {
  const Json json(json_loadb(body.data(), body.size(), 0, nullptr));
  const json_t* message = json_object_get(json.get(), "message");
  if (json_is_string(message)) body = std::string_view(json_string_value(message), json_string_length(message));
  const std::string_view text = text_trim(body);
  return text.empty() ? "no reason given" : text_one_line(text, kMessageMost);
}

EngineFault docker_fault(DockerCall call, long http_status, std::string_view message) {
  if ((http_status >= 200 && http_status < 300) || http_status == 304) return EngineFault::None;
  if (http_status < 400) return EngineFault::Failed;  // nothing of the API answers so
  const std::string words = lower(message);
  if (says_version_unknown(words)) return EngineFault::TooOld;
  if (says_no_such_path(words)) return by_class(http_status);
  const bool missing = http_status == 404;
  const bool conflict = http_status == 409;
  switch (call) {
    case DockerCall::Create:
      if (says_network_missing(words)) return EngineFault::NetworkMissing;
      if (missing) return EngineFault::ImageMissing;
      if (conflict && has(words, "name")) return EngineFault::NameTaken;
      break;
    case DockerCall::Start:
      if (says_port_taken(words)) return EngineFault::PortTaken;
      if (says_network_missing(words)) return EngineFault::NetworkMissing;
      if (missing) return EngineFault::NotFound;
      break;
    case DockerCall::Inspect:
    case DockerCall::Remove:
      if (missing) return EngineFault::NotFound;
      break;
    case DockerCall::Rename:
      if (missing) return EngineFault::NotFound;
      if (conflict) return EngineFault::NameTaken;
      break;
    case DockerCall::Network:
      if (missing) return EngineFault::NetworkMissing;
      break;
    case DockerCall::NetworkCreate:
      if (conflict) return EngineFault::NameTaken;
      break;
    case DockerCall::Image:
    case DockerCall::Pull:
      if (missing) return EngineFault::ImageMissing;
      break;
    case DockerCall::Version:
    case DockerCall::List:
    case DockerCall::Events: break;
  }
  return by_class(http_status);
}
