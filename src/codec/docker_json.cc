// Docker Engine API bodies, both ways.
#include "codec/docker_json.h"

#include <jansson.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <memory>

#include "codec/snapshot.h"
#include "codec/text.h"

namespace {

struct JsonUnref {
  void operator()(json_t* json) const { json_decref(json); }
};
using Json = std::unique_ptr<json_t, JsonUnref>;

struct TextFree {
  void operator()(char* text) const { free(text); }
};

constexpr json_int_t kSharedMemory = 256L * 1024 * 1024;

// ---- writing ----------------------------------------------------------------------------------------------------------

json_t* json_of(std::string_view text) {
  json_t* json = json_stringn(text.data(), text.size());
  if (json != nullptr) return json;
  const std::string clean = text_one_line(text, SIZE_MAX);  // JSON takes UTF-8 only
  return json_stringn(clean.data(), clean.size());
}

json_t* labels_of(const std::vector<std::pair<std::string, std::string>>& labels) {
  json_t* object = json_object();
  for (const auto& [name, value] : labels) json_object_set_new(object, name.c_str(), json_of(value));
  return object;
}

std::string dump(const Json& json) {
  const std::unique_ptr<char, TextFree> text(json_dumps(json.get(), JSON_COMPACT));
  return text != nullptr ? text.get() : std::string();
}

std::string port_key(int port) { return std::to_string(port) + "/tcp"; }

// ---- reading ----------------------------------------------------------------------------------------------------------

std::string_view text_of(const json_t* json) {
  return json_is_string(json) ? std::string_view(json_string_value(json), json_string_length(json))
                              : std::string_view();
}

std::string member(const json_t* object, const char* key) { return std::string(text_of(json_object_get(object, key))); }

// The object that the API promises; otherwise nullptr and *error.
Json load(std::string_view text, std::string* error) {
  json_error_t fault;
  Json json(json_loadb(text.data(), text.size(), 0, &fault));
  if (json == nullptr) *error = "the engine's answer is not JSON: " + text_one_line(text_trim(text), 120);
  return json;
}

bool refuse(std::string* error, const char* what) {
  *error = std::string("the engine's answer is not what its API promises: ") + what;
  return false;
}

bool is_id(std::string_view text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

// What a name of the enumeration is called in the API, in the enumeration's order.
constexpr std::array<std::string_view, 7> kStates = {"created",  "running", "paused", "restarting",
                                                     "removing", "exited",  "dead"};
constexpr std::array<std::string_view, 4> kHealths = {"none", "starting", "healthy", "unhealthy"};

bool parse_state(std::string_view text, ContainerState* out) {
  for (size_t i = 0; i < kStates.size(); i++) {
    if (kStates[i] != text) continue;
    *out = static_cast<ContainerState>(i);
    return true;
  }
  return false;
}

ContainerHealth health_of(std::string_view text) {
  for (size_t i = 0; i < kHealths.size(); i++) {
    if (kHealths[i] == text) return static_cast<ContainerHealth>(i);
  }
  return ContainerHealth::None;
}

// "Up 2 seconds (healthy)", "Up 2 seconds (health: starting)", "Up 3 minutes (unhealthy)", "Up 2 seconds (Paused)", "Exited (0) 1 hour ago".
ContainerHealth health_of_status(std::string_view status) {
  if (status.ends_with("(healthy)")) return ContainerHealth::Healthy;
  if (status.ends_with("(unhealthy)")) return ContainerHealth::Unhealthy;
  if (status.ends_with("(health: starting)")) return ContainerHealth::Starting;
  return ContainerHealth::None;
}

std::string without_slash(std::string_view name) { return std::string(name.starts_with('/') ? name.substr(1) : name); }

// A container may also answer to names of links, which have a second slash.
std::string own_name(const json_t* names) {
  for (size_t i = 0; i < json_array_size(names); i++) {
    const std::string_view name = text_of(json_array_get(names, i));
    if (name.rfind('/') == 0) return without_slash(name);
  }
  return without_slash(text_of(json_array_get(names, 0)));
}

void take_labels(const json_t* labels, ContainerInfo* out) {
  out->instance = member(labels, kLabelInstance);
  out->run = member(labels, kLabelRun);
  out->job = member(labels, kLabelJob);
  out->fingerprint = member(labels, kLabelFingerprint);
}

bool is_attached(const json_t* container, std::string_view network) {
  const json_t* networks = json_object_get(json_object_get(container, "NetworkSettings"), "Networks");
  return json_object_get(networks, std::string(network).c_str()) != nullptr;
}

// Inspect: {"6080/tcp": [{"HostIp": "0.0.0.0", "HostPort": "5000"}]}; null for a port that is exposed only.
int published_port(const json_t* ports, int container_port) {
  const json_t* bindings = json_object_get(ports, port_key(container_port).c_str());
  for (size_t i = 0; i < json_array_size(bindings); i++) {
    long port = 0;
    if (text_to_int(text_of(json_object_get(json_array_get(bindings, i), "HostPort")), 1, 65535, &port))
      return static_cast<int>(port);
  }
  return 0;
}

// List: [{"IP": "0.0.0.0", "PrivatePort": 6080, "PublicPort": 5000, "Type": "tcp"}].
int listed_port(const json_t* ports, int container_port) {
  for (size_t i = 0; i < json_array_size(ports); i++) {
    const json_t* port = json_array_get(ports, i);
    const json_int_t host_port = json_integer_value(json_object_get(port, "PublicPort"));
    if (json_integer_value(json_object_get(port, "PrivatePort")) == container_port && host_port > 0 &&
        host_port <= 65535 && text_of(json_object_get(port, "Type")) == "tcp") {
      return static_cast<int>(host_port);
    }
  }
  return 0;
}

// "WIDTH=1024" -> "1024"
std::string environment_value(const json_t* environment, std::string_view name) {
  for (size_t i = 0; i < json_array_size(environment); i++) {
    const std::string_view text = text_of(json_array_get(environment, i));
    if (text.size() > name.size() && text.starts_with(name) && text[name.size()] == '=')
      return std::string(text.substr(name.size() + 1));
  }
  return {};
}

std::string last_line(std::string_view text) {
  text = text_trim(text);
  const size_t end = text.find_last_of("\r\n");
  return text_one_line(end == std::string_view::npos ? text : text.substr(end + 1));
}

std::string last_failed_probe(const json_t* log) {
  for (size_t i = json_array_size(log); i > 0; i--) {
    const json_t* probe = json_array_get(log, i - 1);
    if (json_integer_value(json_object_get(probe, "ExitCode")) != 0)
      return last_line(text_of(json_object_get(probe, "Output")));
  }
  return {};
}

bool parse_listed(const json_t* object, std::string_view network, int container_port, ContainerInfo* out,
                  std::string* error) {
  ContainerInfo info;
  info.id = member(object, "Id");
  if (!is_id(info.id)) return refuse(error, "a container without an id in the list");
  if (!parse_state(text_of(json_object_get(object, "State")), &info.state))
    return refuse(error, "a container in an unknown state");
  info.name = own_name(json_object_get(object, "Names"));
  info.image = member(object, "Image");
  info.health = health_of_status(text_of(json_object_get(object, "Status")));
  info.host_port = listed_port(json_object_get(object, "Ports"), container_port);
  info.on_network = is_attached(object, network);
  take_labels(json_object_get(object, "Labels"), &info);
  info.image_id = member(object, "ImageID");
  *out = std::move(info);
  return true;
}

struct EventName {
  std::string_view type;
  std::string_view action;
  EngineEventKind kind;
};

constexpr EventName kEvents[] = {
    {"container", "create", EngineEventKind::Create},
    {"container", "start", EngineEventKind::Start},
    {"container", "die", EngineEventKind::Die},
    {"container", "destroy", EngineEventKind::Destroy},
    {"container", "rename", EngineEventKind::Rename},
    {"container", "health_status: healthy", EngineEventKind::Healthy},
    {"container", "health_status: unhealthy", EngineEventKind::Unhealthy},
    {"container", "pause", EngineEventKind::Pause},
    {"container", "unpause", EngineEventKind::Unpause},
    {"network", "disconnect", EngineEventKind::Disconnect},
};

}  // namespace

// A quota, not NanoCpus: the engine refuses more of those than the machine has processors.
static void add_limits(json_t* host, const LaunchSpec& spec) {
  constexpr int kPeriodUs = 100000;
  if (spec.memory_bytes > 0)
    for (const char* limit : {"Memory", "MemorySwap"}) json_object_set_new(host, limit, json_integer(spec.memory_bytes));
  if (spec.cpu_percent > 0) {
    json_object_set_new(host, "CpuPeriod", json_integer(kPeriodUs));
    json_object_set_new(host, "CpuQuota", json_integer(int64_t{spec.cpu_percent} * kPeriodUs / 100));
  }
  if (spec.processes > 0) json_object_set_new(host, "PidsLimit", json_integer(spec.processes));
  if (!spec.confined) return;
  json_t* kept = json_array();
  for (const std::string& capability : spec.capabilities) json_array_append_new(kept, json_of(capability));
  json_object_set_new(host, "CapDrop", json_pack("[s]", "ALL"));
  json_object_set_new(host, "CapAdd", kept);
  json_object_set_new(host, "SecurityOpt", json_pack("[s]", "no-new-privileges"));
}

std::string docker_create_body(const LaunchSpec& spec) {
  const std::string port = port_key(spec.container_port);
  const Json body(json_object());
  json_object_set_new(body.get(), "Image", json_of(spec.image));
  json_t* environment = json_array();
  for (const auto& [name, value] : spec.env) json_array_append_new(environment, json_of(name + "=" + value));
  json_object_set_new(body.get(), "Env", environment);
  json_object_set_new(body.get(), "Labels", labels_of(spec.labels));
  json_object_set_new(body.get(), "ExposedPorts", json_pack("{s:{}}", port.c_str()));
  json_t* host =
      json_pack("{s:{s:s}, s:{s:s, s:{s:s, s:s}}, s:I, s:b}", "RestartPolicy", "Name", "no", "LogConfig", "Type",
                "json-file", "Config", "max-size", "10m", "max-file", "2", "ShmSize", kSharedMemory, "Init", 0);
  json_object_set_new(host, "NetworkMode", json_of(spec.network));
  json_object_set_new(host, "PortBindings",
                      json_pack("{s:[{s:s, s:s}]}", port.c_str(), "HostIp", spec.bind_address.c_str(), "HostPort",
                                std::to_string(spec.host_port).c_str()));
  json_t* mounts = json_array();
  for (const BindMount& mount : spec.mounts) {
    json_t* one = json_pack("{s:s, s:b}", "Type", "bind", "ReadOnly", 1);
    json_object_set_new(one, "Source", json_of(mount.host_path));
    json_object_set_new(one, "Target", json_of(mount.container_path));
    json_array_append_new(mounts, one);
  }
  json_object_set_new(host, "Mounts", mounts);
  if (!spec.dns.empty()) {
    json_t* servers = json_array();
    for (const std::string& server : spec.dns) json_array_append_new(servers, json_of(server));
    json_object_set_new(host, "Dns", servers);
  }
  add_limits(host, spec);
  json_object_set_new(body.get(), "HostConfig", host);
  return dump(body);
}

// Whether containers of a bridge reach one another; without the option they do.
static constexpr const char* kContainersTalk = "com.docker.network.bridge.enable_icc";

// CheckDuplicate: before API 1.44 the engine makes a second network of the same name when it is not asked to look.
std::string docker_network_body(const NetworkSpec& spec, bool isolated) {
  const Json body(json_pack("{s:s, s:b}", "Driver", "bridge", "CheckDuplicate", 1));
  json_object_set_new(body.get(), "Name", json_of(spec.name));
  json_t* config = json_object();
  json_object_set_new(config, "Subnet", json_of(spec.subnet));
  json_object_set_new(body.get(), "IPAM", json_pack("{s:s, s:[o]}", "Driver", "default", "Config", config));
  if (isolated) json_object_set_new(body.get(), "Options", json_pack("{s:s}", kContainersTalk, "false"));
  json_object_set_new(body.get(), "Labels", labels_of({{kLabelInstance, spec.instance}}));
  return dump(body);
}

bool docker_parse_version(std::string_view text, EngineVersion* out, std::string* error) {
  const Json json = load(text, error);
  if (json == nullptr) return false;
  EngineVersion version;
  version.engine = member(json.get(), "Version");
  version.api = member(json.get(), "ApiVersion");
  version.api_minimum = member(json.get(), "MinAPIVersion");
  if (version.api.empty()) return refuse(error, "no ApiVersion");
  *out = std::move(version);
  return true;
}

bool docker_parse_created(std::string_view text, std::string* id, std::string* error) {
  const Json json = load(text, error);
  if (json == nullptr) return false;
  const std::string_view found = text_of(json_object_get(json.get(), "Id"));
  if (!is_id(found)) return refuse(error, "no Id of 64 hex digits");
  id->assign(found);
  return true;
}

std::string docker_parse_image(std::string_view text) {
  std::string error;
  const Json json = load(text, &error);
  return text_one_line(text_of(json_object_get(json.get(), "Id")), 100);
}

bool docker_parse_inspect(std::string_view text, std::string_view network, int container_port, ContainerInfo* out,
                          std::string* error) {
  const Json json = load(text, error);
  if (json == nullptr) return false;
  const json_t* state = json_object_get(json.get(), "State");
  const json_t* health = json_object_get(state, "Health");
  const json_t* config = json_object_get(json.get(), "Config");
  ContainerInfo info;
  info.id = member(json.get(), "Id");
  if (!is_id(info.id)) return refuse(error, "no Id of 64 hex digits");
  if (!parse_state(text_of(json_object_get(state, "Status")), &info.state))
    return refuse(error, "no State.Status that is known");
  info.name = without_slash(text_of(json_object_get(json.get(), "Name")));
  info.image = member(config, "Image");
  info.health = health_of(text_of(json_object_get(health, "Status")));
  info.host_port =
      published_port(json_object_get(json_object_get(json.get(), "NetworkSettings"), "Ports"), container_port);
  info.on_network = is_attached(json.get(), network);
  take_labels(json_object_get(config, "Labels"), &info);
  info.image_id = member(json.get(), "Image");
  info.exit_code = static_cast<int>(json_integer_value(json_object_get(state, "ExitCode")));
  const json_int_t pid = json_integer_value(json_object_get(state, "Pid"));
  info.pid = pid > 0 && pid <= INT32_MAX ? static_cast<int>(pid) : 0;
  info.oom_killed = json_is_true(json_object_get(state, "OOMKilled"));
  info.state_error = text_one_line(text_trim(text_of(json_object_get(state, "Error"))), 500);
  info.health_output = last_failed_probe(json_object_get(health, "Log"));
  info.width = environment_value(json_object_get(config, "Env"), "WIDTH");
  info.height = environment_value(json_object_get(config, "Env"), "HEIGHT");
  if (!snapshot_parse_time(text_of(json_object_get(json.get(), "Created")), &info.created_us))
    return refuse(error, "no time in Created");
  *out = std::move(info);
  return true;
}

bool docker_parse_list(std::string_view text, std::string_view network, int container_port,
                       std::vector<ContainerInfo>* out, std::string* error) {
  const Json json = load(text, error);
  if (json == nullptr) return false;
  if (!json_is_array(json.get())) return refuse(error, "no list of containers");
  std::vector<ContainerInfo> list(json_array_size(json.get()));
  for (size_t i = 0; i < list.size(); i++) {
    if (!parse_listed(json_array_get(json.get(), i), network, container_port, &list[i], error)) return false;
  }
  *out = std::move(list);
  return true;
}

bool docker_parse_network(std::string_view text, DockerNetwork* out, std::string* error) {
  const Json json = load(text, error);
  if (json == nullptr) return false;
  const json_t* ipam = json_object_get(json.get(), "IPAM");
  if (!json_is_object(ipam)) return refuse(error, "no IPAM of a network");
  const json_t* config = json_object_get(ipam, "Config");
  DockerNetwork found;
  for (size_t i = 0; i < json_array_size(config); i++) {
    std::string subnet = member(json_array_get(config, i), "Subnet");
    if (!subnet.empty()) found.subnets.push_back(std::move(subnet));
  }
  const json_t* options = json_object_get(json.get(), "Options");
  found.isolated = member(options, kContainersTalk) == "false";
  // The engine names a bridge by the network's id where nobody has named it.
  found.bridge = member(options, "com.docker.network.bridge.name");
  if (found.bridge.empty() && member(json.get(), "Driver") == "bridge") found.bridge = "br-" + member(json.get(), "Id").substr(0, 12);
  *out = std::move(found);
  return true;
}

bool docker_parse_event(std::string_view line, EngineEvent* out, std::string* error) {
  error->clear();
  if (text_trim(line).empty()) return false;
  const Json json = load(line, error);
  if (json == nullptr) return false;
  const std::string_view type = text_of(json_object_get(json.get(), "Type"));
  const std::string_view action = text_of(json_object_get(json.get(), "Action"));
  if (type.empty() || action.empty()) return refuse(error, "an event without Type or Action");
  const EventName* known = nullptr;
  for (const EventName& name : kEvents) {
    if (name.type == type && name.action == action) known = &name;
  }
  if (known == nullptr) return false;
  const json_t* actor = json_object_get(json.get(), "Actor");
  const json_t* attributes = json_object_get(actor, "Attributes");
  EngineEvent event;
  event.kind = known->kind;
  event.id = known->kind == EngineEventKind::Disconnect ? member(attributes, "container") : member(actor, "ID");
  // Networks also lose endpoints that belong to no container: nobody needs those.
  if (!is_id(event.id))
    return known->kind != EngineEventKind::Disconnect && refuse(error, "an event without the container's id");
  event.name = without_slash(text_of(json_object_get(attributes, "name")));
  event.instance = member(attributes, kLabelInstance);
  event.run = member(attributes, kLabelRun);
  event.job = member(attributes, kLabelJob);
  long exit_code = 0;
  if (text_to_int(text_of(json_object_get(attributes, "exitCode")), INT32_MIN, INT32_MAX, &exit_code)) {
    event.exit_code = static_cast<int>(exit_code);
  }
  *out = std::move(event);
  return true;
}

// "error" is there up to API 1.47 for sure; "errorDetail" says the same and stays.
bool docker_parse_pull_line(std::string_view line, std::string* progress, std::string* error) {
  if (text_trim(line).empty()) {
    progress->clear();
    return true;
  }
  const Json json = load(line, error);
  if (json == nullptr) return false;
  if (!json_is_object(json.get())) return refuse(error, "no object in the progress of a pull");
  const json_t* detail = json_object_get(json.get(), "errorDetail");
  const std::string fault = detail != nullptr ? member(detail, "message") : member(json.get(), "error");
  if (detail != nullptr || !fault.empty()) {
    *error = text_one_line(text_trim(fault.empty() ? member(json.get(), "error") : fault), 500);
    if (error->empty()) *error = "no reason given";
    return false;
  }
  const std::string id = member(json.get(), "id");
  std::string text = (id.empty() ? "" : id + ": ") + member(json.get(), "status");
  const json_t* amount = json_object_get(json.get(), "progressDetail");
  const json_int_t current = json_integer_value(json_object_get(amount, "current"));
  const json_int_t total = json_integer_value(json_object_get(amount, "total"));
  if (total > 0 && current >= 0 && current <= total) {
    text +=
        " " + std::to_string(static_cast<int>(static_cast<double>(current) / static_cast<double>(total) * 100)) + "%";
  }
  *progress = text_one_line(text);
  return true;
}
