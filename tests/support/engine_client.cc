// The tests' own client of the container engine's API.
#include "support/engine_client.h"

#include <cstdlib>

namespace {

std::string object_dump(const json_t* object) {
  char* text = json_dumps(object, JSON_COMPACT);
  std::string out = text == nullptr ? "" : text;
  free(text);
  return out;
}

bool worked(const HttpReply& reply) { return reply.status >= 200 && reply.status < 300; }
bool worked_or_gone(const HttpReply& reply) { return worked(reply) || reply.status == 404; }

std::map<std::string, std::string> text_map(const json_t* object) {
  std::map<std::string, std::string> out;
  const char* key = nullptr;
  json_t* value = nullptr;
  json_object_foreach(const_cast<json_t*>(object), key, value) {
    out[key] = json_is_string(value) ? json_string_value(value) : "";
  }
  return out;
}

json_t* from_map(const std::map<std::string, std::string>& map) {
  json_t* out = json_object();
  for (const auto& [key, value] : map) json_object_set_new(out, key.c_str(), json_string(value.c_str()));
  return out;
}

}  // namespace

JsonPtr json_from(const std::string& text) { return JsonPtr(json_loadb(text.data(), text.size(), 0, nullptr)); }

std::string json_text(const json_t* object, const char* key) {
  const char* text = json_string_value(json_object_get(object, key));
  return text == nullptr ? "" : text;
}

HttpReply engine_call(const std::string& socket, const std::string& method, const std::string& path,
                      const std::string& body) {
  HttpCall call;
  call.method = method;
  call.url = "http://engine/v1.41" + path;
  call.unix_socket = socket;
  call.body = body;
  return http_call(call);
}

std::vector<std::string> engine_ids(const std::string& socket, const std::string& label, const std::string& value) {
  std::string filter = R"({"label":[")" + label + "=" + value + R"("]})";
  HttpReply reply = engine_call(socket, "GET", "/containers/json?all=1&filters=" + url_encode(filter));
  JsonPtr list = json_from(reply.body);
  std::vector<std::string> ids;
  size_t i = 0;
  json_t* item = nullptr;
  json_array_foreach(list.get(), i, item) ids.push_back(json_text(item, "Id"));
  return ids;
}

bool engine_inspect(const std::string& socket, const std::string& id_or_name, SeenContainer* out) {
  HttpReply reply = engine_call(socket, "GET", "/containers/" + url_encode(id_or_name) + "/json");
  JsonPtr json = json_from(reply.body);
  if (reply.status != 200 || json == nullptr) return false;
  SeenContainer seen;
  seen.id = json_text(json.get(), "Id");
  seen.name = json_text(json.get(), "Name");
  if (!seen.name.empty() && seen.name[0] == '/') seen.name.erase(0, 1);
  json_t* state = json_object_get(json.get(), "State");
  seen.state = json_text(state, "Status");
  seen.health = json_text(json_object_get(state, "Health"), "Status");
  seen.pid = static_cast<long>(json_integer_value(json_object_get(state, "Pid")));
  json_t* config = json_object_get(json.get(), "Config");
  seen.image = json_text(config, "Image");
  seen.labels = text_map(json_object_get(config, "Labels"));
  size_t i = 0;
  json_t* item = nullptr;
  json_array_foreach(json_object_get(config, "Env"), i, item) {
    std::string pair = json_string_value(item);
    size_t equals = pair.find('=');
    if (equals != std::string::npos) seen.env[pair.substr(0, equals)] = pair.substr(equals + 1);
  }
  json_t* host = json_object_get(json.get(), "HostConfig");
  json_array_foreach(json_object_get(host, "Dns"), i, item) seen.dns.push_back(json_string_value(item));
  json_array_foreach(json_object_get(json.get(), "Mounts"), i, item) {
    seen.mounts[json_text(item, "Destination")] =
        json_text(item, "Source") + (json_is_true(json_object_get(item, "RW")) ? " (rw)" : "");
  }
  seen.shm_size = json_integer_value(json_object_get(host, "ShmSize"));
  seen.restart_policy = json_text(json_object_get(host, "RestartPolicy"), "Name");
  seen.log_driver = json_text(json_object_get(host, "LogConfig"), "Type");
  seen.log_options = text_map(json_object_get(json_object_get(host, "LogConfig"), "Config"));
  json_t* binding = json_array_get(json_object_get(json_object_get(host, "PortBindings"), "6080/tcp"), 0);
  seen.host_port = atoi(json_text(binding, "HostPort").c_str());
  seen.host_ip = json_text(binding, "HostIp");
  const char* network = nullptr;
  json_object_foreach(json_object_get(json_object_get(json.get(), "NetworkSettings"), "Networks"), network, item) {
    seen.networks.push_back(network);
  }
  *out = seen;
  return true;
}

std::vector<SeenContainer> engine_containers(const std::string& socket, const std::string& label,
                                             const std::string& value) {
  std::vector<SeenContainer> out;
  for (const std::string& id : engine_ids(socket, label, value)) {
    SeenContainer seen;
    if (engine_inspect(socket, id, &seen)) out.push_back(seen);
  }
  return out;
}

bool engine_kill(const std::string& socket, const std::string& id) {
  return worked(engine_call(socket, "POST", "/containers/" + id + "/kill"));
}

bool engine_remove(const std::string& socket, const std::string& id) {
  // 409: somebody else is removing it already; gone a moment later.
  for (int attempt = 0; attempt < 3; ++attempt) {
    if (worked_or_gone(engine_call(socket, "DELETE", "/containers/" + id + "?force=1&v=1"))) return true;
    engine_call(socket, "POST", "/containers/" + id + "/wait?condition=removed");
  }
  return engine_call(socket, "GET", "/containers/" + id + "/json").status == 404;
}

bool engine_rename(const std::string& socket, const std::string& id, const std::string& name) {
  return worked(engine_call(socket, "POST", "/containers/" + id + "/rename?name=" + url_encode(name)));
}

bool engine_exec(const std::string& socket, const std::string& id, const std::vector<std::string>& command) {
  JsonPtr body(json_object());
  json_t* words = json_array();
  for (const std::string& word : command) json_array_append_new(words, json_string(word.c_str()));
  json_object_set_new(body.get(), "Cmd", words);
  HttpReply reply = engine_call(socket, "POST", "/containers/" + id + "/exec", object_dump(body.get()));
  std::string exec = json_text(json_from(reply.body).get(), "Id");
  return !exec.empty() && worked(engine_call(socket, "POST", "/exec/" + exec + "/start", R"({"Detach":true})"));
}

bool engine_disconnect(const std::string& socket, const std::string& network, const std::string& id) {
  return worked(engine_call(socket, "POST", "/networks/" + network + "/disconnect",
                            R"({"Container":")" + id + R"(","Force":true})"));
}

std::string engine_create(const std::string& socket, const ForeignSpec& spec, std::string* error) {
  JsonPtr body(json_object());
  json_object_set_new(body.get(), "Image", json_string(spec.image.c_str()));
  json_object_set_new(body.get(), "Labels", from_map(spec.labels));
  json_t* env = json_array();
  for (const auto& [key, value] : spec.env) json_array_append_new(env, json_string((key + "=" + value).c_str()));
  json_object_set_new(body.get(), "Env", env);
  json_t* host = json_object();
  json_object_set_new(host, "NetworkMode", json_string(spec.network.empty() ? "none" : spec.network.c_str()));
  if (spec.host_port != 0) {
    json_object_set_new(body.get(), "ExposedPorts", json_pack("{s:{}}", "6080/tcp"));
    json_object_set_new(host, "PortBindings",
                        json_pack("{s:[{s:s, s:s}]}", "6080/tcp", "HostIp", "127.0.0.1", "HostPort",
                                  std::to_string(spec.host_port).c_str()));
  }
  json_object_set_new(body.get(), "HostConfig", host);
  HttpReply reply =
      engine_call(socket, "POST", "/containers/create?name=" + url_encode(spec.name), object_dump(body.get()));
  JsonPtr answer = json_from(reply.body);
  std::string id = json_text(answer.get(), "Id");
  if (!worked(reply) || id.empty()) {
    *error = "create " + spec.name + ": " + (reply.error.empty() ? reply.body : reply.error);
    return "";
  }
  if (!spec.start) return id;
  reply = engine_call(socket, "POST", "/containers/" + id + "/start");
  if (!worked(reply)) {
    *error = "start " + spec.name + ": " + (reply.error.empty() ? reply.body : reply.error);
    engine_remove(socket, id);
    return "";
  }
  return id;
}

bool engine_has_image(const std::string& socket, const std::string& image) {
  return engine_call(socket, "GET", "/images/" + image + "/json").status == 200;
}

bool engine_has_network(const std::string& socket, const std::string& name) {
  return engine_call(socket, "GET", "/networks/" + name).status == 200;
}

bool engine_make_network(const std::string& socket, const std::string& name, const std::string& subnet) {
  JsonPtr body(json_pack("{s:s, s:b, s:s, s:{s:[{s:s}]}}", "Name", name.c_str(), "CheckDuplicate", 1, "Driver",
                         "bridge", "IPAM", "Config", "Subnet", subnet.c_str()));
  return worked(engine_call(socket, "POST", "/networks/create", object_dump(body.get())));
}

bool engine_remove_network(const std::string& socket, const std::string& name) {
  return worked_or_gone(engine_call(socket, "DELETE", "/networks/" + name));
}

std::vector<std::string> engine_subnets(const std::string& socket) {
  JsonPtr list = json_from(engine_call(socket, "GET", "/networks").body);
  std::vector<std::string> out;
  size_t i = 0;
  json_t* item = nullptr;
  json_array_foreach(list.get(), i, item) {
    size_t k = 0;
    json_t* config = nullptr;
    json_array_foreach(json_object_get(json_object_get(item, "IPAM"), "Config"), k, config) {
      out.push_back(json_text(config, "Subnet"));
    }
  }
  return out;
}
