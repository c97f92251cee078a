// What the calls of the Engine API do to containers that are not there. Answers and refusals are worded as engine 20.10 words them.
#include "containers.h"

#include <time.h>

#include <cstdlib>

static int64_t wall_us() {
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1000;
}

static std::string time_text(int64_t us) {
  const time_t seconds = static_cast<time_t>(us / 1'000'000);
  tm utc = {};
  gmtime_r(&seconds, &utc);
  char text[40];
  const size_t length = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
  snprintf(text + length, sizeof text - length, ".%06dZ", static_cast<int>(us % 1'000'000));
  return text;
}

static const char* state_name(State state) {
  switch (state) {
    case State::Created: return "created";
    case State::Running: return "running";
    case State::Exited: return "exited";
  }
  return "";
}

static const char* health_name(Health health) {
  switch (health) {
    case Health::Starting: return "starting";
    case Health::Healthy: return "healthy";
    case Health::Unhealthy: return "unhealthy";
  }
  return "";
}

Reply reply_error(int status, const std::string& message) {
  return Reply{status, Json(json_pack("{s:s}", "message", message.c_str()))};
}

static std::string text_of(const json_t* object, const char* key) {
  const char* text = json_string_value(json_object_get(object, key));
  return text == nullptr ? "" : text;
}

Container* containers_find(Containers& all, const std::string& id_or_name) {
  auto by_id = all.by_id.find(id_or_name);
  if (by_id != all.by_id.end()) return by_id->second.get();
  auto by_name = all.by_name.find(id_or_name);
  return by_name == all.by_name.end() ? nullptr : by_name->second;
}

static Reply name_is_taken(const std::string& name, const Container& holder) {
  return reply_error(409, "Conflict. The container name \"/" + name + "\" is already in use by container \"" + holder.id +
                              "\". You have to remove (or rename) that container to be able to reuse that name.");
}

Reply containers_create(Containers& all, const std::string& name, const json_t* body) {
  if (auto held = all.by_name.find(name); held != all.by_name.end()) return name_is_taken(name, *held->second);
  auto container = std::make_unique<Container>();
  char id[65];
  // The moment makes it another's than that of the stand-in before.
  snprintf(id, sizeof id, "%012llx%036d%016llx", static_cast<unsigned long long>(++all.ids), 0, static_cast<unsigned long long>(wall_us()));
  container->id = id;
  container->names.push_back(name);
  container->created_us = wall_us();
  container->config.reset(json_pack("{s:O?, s:O?, s:O?}", "Image", json_object_get(body, "Image"), "Env", json_object_get(body, "Env"),
                                    "Labels", json_object_get(body, "Labels")));
  json_t* host = json_object_get(body, "HostConfig");
  container->network = text_of(host, "NetworkMode");
  const char* key = nullptr;
  json_t* bindings = nullptr;
  json_object_foreach(json_object_get(host, "PortBindings"), key, bindings) {
    container->port_key = key;
    container->host_ip = text_of(json_array_get(bindings, 0), "HostIp");
    container->host_port = atoi(text_of(json_array_get(bindings, 0), "HostPort").c_str());
  }
  Container& made = *container;
  all.by_name[name] = &made;
  all.by_id[made.id] = std::move(container);
  all.tell("create", made);
  return Reply{201, Json(json_pack("{s:s, s:[]}", "Id", made.id.c_str(), "Warnings"))};
}

Reply containers_start(Containers& all, Container& container) {
  if (container.state == State::Running) return Reply{304, nullptr};
  if (all.networks.count(container.network) == 0) return reply_error(404, "network " + container.network + " not found");
  if (container.host_port != 0 && !all.by_port.emplace(container.host_port, &container).second)
    return reply_error(500, "driver failed programming external connectivity on endpoint " + container.names.back() + ": Bind for " +
                                container.host_ip + ":" + std::to_string(container.host_port) + " failed: port is already allocated");
  container.state = State::Running;
  container.health = Health::Starting;
  container.started_us = wall_us();
  all.tell("start", container);
  return Reply{204, nullptr};
}

Reply containers_end(Containers& all, Container& container, int exit_code) {
  if (container.state != State::Running) return reply_error(409, "Container " + container.id + " is not running");
  all.by_port.erase(container.host_port);
  container.state = State::Exited;
  container.exit_code = exit_code;
  container.ended_us = wall_us();
  all.tell("die", container);
  return Reply{204, nullptr};
}

Reply containers_remove(Containers& all, Container& container) {
  if (container.state == State::Running) containers_end(all, container, 137);
  all.tell("destroy", container);
  all.by_name.erase(container.names.back());
  auto found = all.by_id.find(container.id);
  all.finished.push_back(std::move(found->second));
  all.by_id.erase(found);
  return Reply{204, nullptr};
}

Reply containers_rename(Containers& all, Container& container, const std::string& name) {
  if (auto held = all.by_name.find(name); held != all.by_name.end()) return name_is_taken(name, *held->second);
  all.by_name.erase(container.names.back());
  container.names.push_back(name);
  all.by_name[name] = &container;
  all.tell("rename", container);
  return Reply{204, nullptr};
}

void containers_set_pid(Containers& all, const std::string& id, int pid) {
  if (Container* container = containers_find(all, id)) container->pid = pid;
}

void containers_set_health(Containers& all, Container& container, Health health) {
  if (container.state != State::Running || container.health == health) return;
  container.health = health;
  all.tell(health == Health::Healthy ? "health_status: healthy" : "health_status: unhealthy", container);
}

// ---- shown

static Json networks_of(const Container& container) { return Json(json_pack("{s:{}}", container.network.c_str())); }

static json_t* bindings_of(const Container& container) {
  return json_pack("{s:[{s:s, s:s}]}", container.port_key.c_str(), "HostIp", container.host_ip.c_str(), "HostPort",
                   std::to_string(container.host_port).c_str());
}

static json_t* state_of(const Container& container) {
  return json_pack("{s:s, s:b, s:i, s:i, s:b, s:s, s:{s:s, s:[]}}", "Status", state_name(container.state), "Running",
                   container.state == State::Running, "Pid", container.state == State::Running ? container.pid : 0, "ExitCode", container.exit_code, "OOMKilled", 0, "Error", "", "Health", "Status",
                   health_name(container.health), "Log");
}

Json container_inspected(const Container& container) {
  json_t* ports = container.state == State::Running ? bindings_of(container) : json_object();
  return Json(json_pack("{s:s, s:s, s:s, s:o, s:O, s:{s:s, s:o}, s:{s:o, s:o}}", "Id", container.id.c_str(), "Created",
                        time_text(container.created_us).c_str(), "Name", ("/" + container.names.back()).c_str(), "State", state_of(container),
                        "Config", container.config.get(), "HostConfig", "NetworkMode", container.network.c_str(), "PortBindings",
                        bindings_of(container), "NetworkSettings", "Ports", ports, "Networks", networks_of(container).release()));
}

Json container_listed(const Container& container) {
  std::string status = container.state == State::Created ? "Created" : "Exited (" + std::to_string(container.exit_code) + ") 1 second ago";
  if (container.state == State::Running) {
    status = "Up 1 second (";
    status += container.health == Health::Starting ? "health: starting" : health_name(container.health);
    status += ")";
  }
  Json ports(json_array());
  if (container.state == State::Running)
    json_array_append_new(ports.get(), json_pack("{s:s, s:i, s:i, s:s}", "IP", container.host_ip.c_str(), "PrivatePort",
                                                 atoi(container.port_key.c_str()), "PublicPort", container.host_port, "Type", "tcp"));
  return Json(json_pack("{s:s, s:[s], s:O, s:O, s:I, s:s, s:s, s:o, s:{s:o}}", "Id", container.id.c_str(), "Names",
                        ("/" + container.names.back()).c_str(), "Image", json_object_get(container.config.get(), "Image"), "Labels",
                        json_object_get(container.config.get(), "Labels"), "Created",
                        static_cast<json_int_t>(container.created_us / 1'000'000), "State", state_name(container.state), "Status",
                        status.c_str(), "Ports", ports.release(), "NetworkSettings", "Networks", networks_of(container).release()));
}

static void append_history(json_t* list, const Container& container) {
  json_t* names = json_array();
  for (const std::string& name : container.names) json_array_append_new(names, json_string(name.c_str()));
  json_array_append_new(list, json_pack("{s:s, s:o, s:i, s:I, s:I}", "id", container.id.c_str(), "names", names, "port", container.host_port,
                                        "started_us", static_cast<json_int_t>(container.started_us), "ended_us",
                                        static_cast<json_int_t>(container.ended_us)));
}

Json containers_history(const Containers& all) {
  Json list(json_array());
  for (const auto& container : all.finished) append_history(list.get(), *container);
  for (const auto& [id, container] : all.by_id) append_history(list.get(), *container);
  return list;
}
