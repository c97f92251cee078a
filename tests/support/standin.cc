// Starts the stand-in beside the test programs and reads its history.
#include "support/standin.h"

#include <algorithm>
#include <filesystem>
#include <map>

#include "support/proc.h"

namespace {

constexpr int kFirstSlot = 40000;  // no port of these is ever opened
constexpr const char* kClientName = "vnc_";
constexpr const char* kPoolName = "vnc_pool_";

std::string program() {
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe");
  const std::filesystem::path folder = self.parent_path().parent_path();  // build/debug/tests, build/release/bench
  const std::filesystem::path beside = folder.parent_path() / "tests/standin/standin_engine";
  return beside.string();
}

}  // namespace

void standin_start(Scene* scene, int slots, int healthy_after_ms, int call_ms, const At& at) {
  standin_start_for(scene, scene->daemon, slots, healthy_after_ms, call_ms, -1, at);
}

void standin_start_for(Scene* scene, Daemon* d, int slots, int healthy_after_ms, int call_ms, int viewers, const At& at) {
  d->socket = d->folder + "/standin.sock";
  std::vector<std::string> command = {program(), d->socket, std::to_string(healthy_after_ms), std::to_string(call_ms)};
  if (viewers >= 0) command.insert(command.end(), {"6080", std::to_string(viewers)});
  auto engine = std::make_shared<ProcPtr>(proc_start(command, d->folder + "/standin.log"));
  scene->cleanups.push_back([engine] { engine->reset(); });
  const bool up = wait_until(10, [&] { return engine_call(d->socket, "GET", "/version").status == 200; });
  check_at(up, "the stand-in does not answer: " + file_text(d->folder + "/standin.log"), at);
  daemon_set(d, "DOCKER_HOST", "unix://" + d->socket);
  daemon_set(d, "DOCKER_NETWORK_SUBNET", "10.98.0.0/20");
  daemon_set(d, "PORT_RANGE_MIN", std::to_string(kFirstSlot));
  daemon_set(d, "PORT_RANGE_MAX", std::to_string(kFirstSlot + slots - 1));
}

std::vector<StandinLife> standin_history(const Daemon* daemon) {
  std::vector<StandinLife> lives;
  JsonPtr list = json_from(engine_call(daemon->socket, "GET", "/standin/history").body);
  size_t i = 0, k = 0;
  json_t *entry = nullptr, *name = nullptr;
  json_array_foreach(list.get(), i, entry) {
    StandinLife life;
    life.id = json_text(entry, "id");
    json_array_foreach(json_object_get(entry, "names"), k, name) life.names.emplace_back(json_string_value(name));
    life.port = static_cast<int>(json_integer_value(json_object_get(entry, "port")));
    life.started_us = json_integer_value(json_object_get(entry, "started_us"));
    life.ended_us = json_integer_value(json_object_get(entry, "ended_us"));
    lives.push_back(life);
  }
  return lives;
}

void standin_check_history(const std::vector<StandinLife>& lives, const At& at) {
  std::map<int, std::vector<const StandinLife*>> by_port;
  for (const StandinLife& life : lives) {
    const long clients = std::count_if(life.names.begin(), life.names.end(), [](const std::string& name) {
      return name.rfind(kClientName, 0) == 0 && name.rfind(kPoolName, 0) != 0;
    });
    check_at(clients <= 1, "a container that was " + life.names.front() + " served " + std::to_string(clients) + " clients", at);
    if (life.started_us != 0) by_port[life.port].push_back(&life);
  }
  for (auto& [port, on_it] : by_port) {
    std::sort(on_it.begin(), on_it.end(), [](const StandinLife* a, const StandinLife* b) { return a->started_us < b->started_us; });
    for (size_t i = 1; i < on_it.size(); ++i)
      check_at(on_it[i - 1]->ended_us != 0 && on_it[i - 1]->ended_us <= on_it[i]->started_us,
               "two containers at once on port " + std::to_string(port), at);
  }
}
