// The engine's shorter answers: to a creation, about its version and its networks, and every refusal. Two bytes before the body say which call
// was answered, and with which status.
#include <algorithm>

#include "codec/docker_json.h"
#include "fuzz/fuzz.h"

namespace {

constexpr long kStatus[] = {200, 201, 204, 304, 301, 400, 403, 404, 409, 500, 503, 599};
constexpr DockerCall kCalls[] = {DockerCall::Version, DockerCall::Network, DockerCall::NetworkCreate, DockerCall::Create,
                                 DockerCall::Start,   DockerCall::Inspect, DockerCall::List,          DockerCall::Remove,
                                 DockerCall::Rename,  DockerCall::Pull,    DockerCall::Events};

void check_refusal(DockerCall call, long status, std::string_view body) {
  const std::string message = docker_error_message(body);
  HOLDS(!message.empty() && message.size() <= 500 && is_harmless(message), body);
  HOLDS(docker_error_message(message) == message || message.find('{') != message.npos, body);
  const EngineFault fault = docker_fault(call, status, message);
  HOLDS((fault == EngineFault::None) == (status < 300 || status == 304), body);
  std::string loud = message;
  for (char& c : loud) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  HOLDS(docker_fault(call, status, loud) == fault, body);
}

void check_version(std::string_view body) {
  EngineVersion version;
  std::string error, api;
  if (!docker_parse_version(body, &version, &error)) {
    HOLDS(version.api.empty() && !error.empty() && is_harmless(error), body);
    return;
  }
  HOLDS(!version.api.empty(), body);
  if (!docker_choose_api(version, &api, &error)) {
    HOLDS(api.empty() && !error.empty() && is_harmless(error), body);
    return;
  }
  // It becomes part of every path from here on.
  HOLDS(api.starts_with("1.4") || api == "1.50" || api == "1.51" || api == "1.52", api);
  HOLDS(api.size() == 4 && api.find_first_not_of("0123456789.") == api.npos, api);
}

void check_others(std::string_view body) {
  std::string id, error;
  if (docker_parse_created(body, &id, &error))
    HOLDS(id.size() == 64 && id.find_first_not_of("0123456789abcdef") == id.npos, body);
  else
    HOLDS(id.empty() && !error.empty() && is_harmless(error), body);
  DockerNetwork network;
  std::vector<std::string>& subnets = network.subnets;
  subnets = {"untouched"};
  error.clear();
  if (docker_parse_network(body, &network, &error))
    HOLDS(std::none_of(subnets.begin(), subnets.end(), [](const std::string& subnet) { return subnet.empty(); }), body);
  else
    HOLDS(subnets.size() == 1 && !error.empty() && is_harmless(error), body);
}

}  // namespace

FUZZ_TARGET(engine_answers) {
  if (input.size() < 2) return;
  const DockerCall call = kCalls[static_cast<unsigned char>(input[0]) % std::size(kCalls)];
  const long status = kStatus[static_cast<unsigned char>(input[1]) % std::size(kStatus)];
  input.remove_prefix(2);
  check_refusal(call, status, input);
  check_version(input);
  check_others(input);
}
