// A second pair of eyes on the container engine: its API over a unix socket, sharing nothing with the daemon's own client.
#ifndef SUPPORT_ENGINE_CLIENT_H
#define SUPPORT_ENGINE_CLIENT_H

#include <jansson.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "support/http_client.h"

struct JsonDeleter {
  void operator()(json_t* json) const { json_decref(json); }
};
using JsonPtr = std::unique_ptr<json_t, JsonDeleter>;

JsonPtr json_from(const std::string& text);                    // nullptr when it is not JSON
std::string json_text(const json_t* object, const char* key);  // "" when absent or no string

inline constexpr const char* kEngineSocket = "/var/run/docker.sock";
inline constexpr const char* kInstanceLabel = "io.vnc-orchestrator.instance";
inline constexpr const char* kRunLabel = "io.vnc-orchestrator.run";
inline constexpr const char* kJobLabel = "io.vnc-orchestrator.job";
inline constexpr const char* kFingerprintLabel = "io.vnc-orchestrator.fingerprint";
inline constexpr const char* kForeignLabel = "vnc-e2e.suite";  // on containers that a test makes itself

// `socket` is the engine's unix socket everywhere below.
struct SeenContainer {
  std::string id;
  std::string name;    // without the slash
  std::string state;   // "running", "created", "exited" ...
  std::string health;  // "healthy", "starting", "unhealthy"; empty without a health check
  std::string image;
  std::map<std::string, std::string> labels;
  std::map<std::string, std::string> env;
  int host_port = 0;  // of 6080/tcp
  std::string host_ip;
  std::vector<std::string> networks;
  std::vector<std::string> dns;
  std::map<std::string, std::string> mounts;  // path inside -> path on the host, " (rw)" behind it where it may be written
  long long shm_size = 0;
  std::string restart_policy;
  std::string log_driver;
  std::map<std::string, std::string> log_options;
  long pid = 0;
};

HttpReply engine_call(const std::string& socket, const std::string& method, const std::string& path,
                      const std::string& body = "");

// Ids of all containers, in any state, that carry label=value.
std::vector<std::string> engine_ids(const std::string& socket, const std::string& label, const std::string& value);
bool engine_inspect(const std::string& socket, const std::string& id_or_name, SeenContainer* out);  // false: not there
// engine_ids + engine_inspect; one that vanishes in between is left out.
std::vector<SeenContainer> engine_containers(const std::string& socket, const std::string& label,
                                             const std::string& value);

bool engine_kill(const std::string& socket, const std::string& id);    // SIGKILL; false when the engine refused
bool engine_remove(const std::string& socket, const std::string& id);  // forced; true also when it was gone already
bool engine_rename(const std::string& socket, const std::string& id, const std::string& name);
bool engine_exec(const std::string& socket, const std::string& id, const std::vector<std::string>& command);  // started
bool engine_disconnect(const std::string& socket, const std::string& network, const std::string& id);

struct ForeignSpec {
  std::string name;
  std::string image;
  std::string network;  // empty: the engine's default one is avoided, "none" is used
  int host_port = 0;    // 6080/tcp published there on 127.0.0.1; 0: not published
  std::map<std::string, std::string> labels;
  std::map<std::string, std::string> env;
  bool start = true;
};
// Returns the id, or "" with *error in the engine's words.
std::string engine_create(const std::string& socket, const ForeignSpec& spec, std::string* error);

bool engine_has_image(const std::string& socket, const std::string& image);
bool engine_has_network(const std::string& socket, const std::string& name);
bool engine_make_network(const std::string& socket, const std::string& name, const std::string& subnet);
bool engine_remove_network(const std::string& socket, const std::string& name);  // true also when it was gone already
std::vector<std::string> engine_subnets(const std::string& socket);              // of every network

#endif
