// The containers of an engine that has none: what they would be, in memory. Nothing runs, no port is opened, no image is there.
#ifndef TESTS_STANDIN_CONTAINERS_H
#define TESTS_STANDIN_CONTAINERS_H

#include <jansson.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

struct JsonUnref {
  void operator()(json_t* json) const { json_decref(json); }
};
using Json = std::unique_ptr<json_t, JsonUnref>;

enum class State { Created, Running, Exited };
enum class Health { Starting, Healthy, Unhealthy };

struct Container {
  std::string id;
  std::vector<std::string> names;  // the last one is today's
  State state = State::Created;
  Health health = Health::Starting;
  int exit_code = 0;
  Json config;  // {"Image", "Env", "Labels"} as it was created
  std::string network, port_key, host_ip;
  int host_port = 0;
  int pid = 0;  // 0: none
  int64_t created_us = 0, started_us = 0, ended_us = 0;  // wall clock
};

// One event of the stream: action, container, exit code where it has one.
using Tell = std::function<void(const char* action, const Container& container)>;

struct Containers {
  std::unordered_map<std::string, std::unique_ptr<Container>> by_id;
  std::unordered_map<std::string, Container*> by_name;
  std::unordered_map<int, Container*> by_port;       // running ones
  std::map<std::string, std::string> networks;       // name -> subnet
  std::vector<std::unique_ptr<Container>> finished;  // removed ones, in order
  uint64_t ids = 0;
  Tell tell;
};

// What a call comes to: a status, and a body where it has one.
struct Reply {
  int status = 204;
  Json body;
};
Reply reply_error(int status, const std::string& message);

Container* containers_find(Containers& all, const std::string& id_or_name);
Reply containers_create(Containers& all, const std::string& name, const json_t* body);
Reply containers_start(Containers& all, Container& container);
Reply containers_end(Containers& all, Container& container, int exit_code);
Reply containers_remove(Containers& all, Container& container);
Reply containers_rename(Containers& all, Container& container, const std::string& name);
void containers_set_pid(Containers& all, const std::string& id, int pid);
void containers_set_health(Containers& all, Container& container, Health health);

Json container_inspected(const Container& container);
Json container_listed(const Container& container);
Json containers_history(const Containers& all);  // every one there ever was: names, port, and from when to when it ran

#endif
