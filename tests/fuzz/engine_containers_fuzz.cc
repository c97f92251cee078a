// What the engine says of containers: one inspected (first byte 'i') or all in a list (anything else).
#include <jansson.h>

#include <memory>

#include "codec/docker_json.h"
#include "codec/snapshot.h"
#include "daemon/translate.h"
#include "fuzz/fuzz.h"

namespace {

constexpr const char* kNetwork = "vnc_network";
constexpr int kPort = 6080;
constexpr const char* kStates[] = {"created", "running", "paused", "restarting", "removing", "exited", "dead"};
constexpr const char* kHealths[] = {"none", "starting", "healthy", "unhealthy"};
constexpr const char* kStatus[] = {"Up", "Up (health: starting)", "Up (healthy)", "Up (unhealthy)"};

struct JsonUnref {
  void operator()(json_t* json) const { json_decref(json); }
};
using Json = std::unique_ptr<json_t, JsonUnref>;

json_t* json_of(const std::string& text) { return json_stringn(text.data(), text.size()); }

bool same(const ContainerInfo& a, const ContainerInfo& b) {
  return a.id == b.id && a.name == b.name && a.image == b.image && a.state == b.state && a.health == b.health && a.host_port == b.host_port &&
         a.on_network == b.on_network && a.instance == b.instance && a.run == b.run && a.job == b.job && a.fingerprint == b.fingerprint &&
         a.exit_code == b.exit_code && a.oom_killed == b.oom_killed && a.state_error == b.state_error && a.width == b.width &&
         a.height == b.height;
}

json_t* labels_of(const ContainerInfo& info) {
  return json_pack("{s:o, s:o, s:o, s:o}", kLabelInstance, json_of(info.instance), kLabelRun, json_of(info.run), kLabelJob, json_of(info.job),
                   kLabelFingerprint, json_of(info.fingerprint));
}

json_t* networks_of(const ContainerInfo& info) {
  return info.on_network ? json_pack("{s:{}}", kNetwork) : json_object();
}

std::string text_of(const Json& json) {
  const std::unique_ptr<char, decltype(&free)> text(json_dumps(json.get(), JSON_COMPACT), free);
  return text != nullptr ? text.get() : "";
}

std::string inspect_of(const ContainerInfo& info) {
  const std::string created = snapshot_time(info.created_us);
  const Json json(json_pack("{s:o, s:o, s:s, s:{s:s, s:i, s:b, s:o, s:{s:s}}, s:{s:o, s:o, s:[o, o]}, s:{s:o, s:{s:[{s:s}]}}}", "Id", json_of(info.id),
                            "Name", json_of("/" + info.name), "Created", created.c_str(), "State", "Status",
                            kStates[static_cast<size_t>(info.state)], "ExitCode", info.exit_code, "OOMKilled", info.oom_killed ? 1 : 0, "Error",
                            json_of(info.state_error), "Health", "Status", kHealths[static_cast<size_t>(info.health)], "Config", "Image",
                            json_of(info.image), "Labels", labels_of(info), "Env", json_of("WIDTH=" + info.width),
                            json_of("HEIGHT=" + info.height), "NetworkSettings", "Networks", networks_of(info), "Ports", "6080/tcp", "HostPort",
                            std::to_string(info.host_port).c_str()));
  return text_of(json);
}

std::string list_of(const std::vector<ContainerInfo>& list) {
  const Json json(json_array());
  for (const ContainerInfo& info : list) {
    json_array_append_new(
        json.get(), json_pack("{s:o, s:[o], s:o, s:s, s:s, s:[{s:i, s:i, s:s}], s:o, s:{s:o}}", "Id", json_of(info.id), "Names",
                              json_of("/" + info.name), "Image", json_of(info.image), "State", kStates[static_cast<size_t>(info.state)], "Status",
                              kStatus[static_cast<size_t>(info.health)], "Ports", "PrivatePort", kPort, "PublicPort", info.host_port, "Type", "tcp",
                              "Labels", labels_of(info), "NetworkSettings", "Networks", networks_of(info)));
  }
  return text_of(json);
}

void check_info(const ContainerInfo& info, std::string_view input) {
  HOLDS(info.id.size() == 64 && info.id.find_first_not_of("0123456789abcdef") == info.id.npos, input);
  HOLDS(info.host_port >= 0 && info.host_port <= 65535, input);
  HOLDS(is_harmless(info.state_error) && is_harmless(info.health_output), input);
  JobResult result;
  result.kind = JobKind::Check;
  result.info = info;
  HOLDS(std::get<CheckDone>(*event_of_result(result)).seen.id == info.id, input);
}

void check_inspect(std::string_view input) {
  ContainerInfo info, again;
  std::string error;
  if (!docker_parse_inspect(input, kNetwork, kPort, &info, &error)) {
    HOLDS(info.id.empty() && !error.empty() && is_harmless(error), input);
    return;
  }
  check_info(info, input);
  const std::string text = inspect_of(info);
  HOLDS(docker_parse_inspect(text, kNetwork, kPort, &again, &error) && same(info, again), text);
}

void check_list(std::string_view input) {
  std::vector<ContainerInfo> list, again;
  std::string error;
  if (!docker_parse_list(input, kNetwork, kPort, &list, &error)) {
    HOLDS(list.empty() && !error.empty() && is_harmless(error), input);
    return;
  }
  for (const ContainerInfo& info : list) check_info(info, input);
  const std::string text = list_of(list);
  HOLDS(docker_parse_list(text, kNetwork, kPort, &again, &error) && again.size() == list.size(), text);
  for (size_t i = 0; i < list.size(); i++) HOLDS(same(list[i], again[i]), text);
}

}  // namespace

FUZZ_TARGET(engine_containers) {
  if (input.empty()) return;
  const bool inspect = input[0] == 'i';
  input.remove_prefix(1);
  if (inspect)
    check_inspect(input);
  else
    check_list(input);
}
