// The faults of the long run: containers killed, removed, paused, cut off and renamed by hand, the engine frozen and killed.
#include "soak/faults.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "soak/gauges.h"

namespace {

// The last one who came: likely to stay for a while.
bool somebody(Daemon* daemon, bool of_the_pool, Entry* out) {
  bool found = false;
  for (const Entry& entry : daemon_status(daemon).records) {
    if ((entry.client == "__pool__") != of_the_pool) continue;
    *out = entry;
    found = true;
  }
  return found;
}

void befall(int kind, Daemon* daemon, const std::string& network, const Entry& entry, Fault* fault) {
  fault->words = {entry.id.substr(0, 12), entry.client == "__pool__" ? entry.id.substr(0, 12) : entry.client};
  switch (kind) {
    case 1:
    case 2:
      fault->what = kind == 1 ? "a session's container killed" : "a pool container killed";
      engine_kill(daemon->socket, entry.id);
      break;
    case 3:
      fault->what = "a session's container removed by hand";
      engine_remove(daemon->socket, entry.id);
      break;
    case 4:
      fault->what = "a session's container paused for 4 s";
      engine_call(daemon->socket, "POST", "/containers/" + entry.id + "/pause");
      sleep(4);
      engine_call(daemon->socket, "POST", "/containers/" + entry.id + "/unpause");
      break;
    case 5:
      fault->what = "a pool container cut off its network";
      engine_disconnect(daemon->socket, network, entry.id);
      break;
    case 6:
      fault->what = "a session's container renamed by hand";
      engine_rename(daemon->socket, entry.id, "renamed-" + entry.id.substr(0, 12));
      break;
  }
}

}  // namespace

Fault fault_provoke(int kind, Daemon* daemon, PrivateEngine* engine, const std::string& network) {
  Fault fault;
  fault.log_from = log_bytes(daemon);
  fault.from = now_seconds();
  Entry entry;
  if (kind >= 1 && kind <= 6 && somebody(daemon, kind == 2 || kind == 5, &entry))
    befall(kind, daemon, network, entry, &fault);
  if (kind == 7) {
    fault.what = "the engine frozen for 4 s";
    fault.engine = true;
    private_engine_freeze(engine);
    sleep(4);
    private_engine_thaw(engine);
  } else if (kind == 8) {
    fault.what = "/remove-all";
    fault.removed_all = true;
    check_number(daemon_get(daemon, "/remove-all").status, 200, "/remove-all");
  } else if (kind == 9) {
    fault.what = "the engine killed with -9 and started again";
    fault.engine = true;
    fault.engine_killed = true;
    private_engine_kill9(engine);
    sleep(1);
    private_engine_start(engine);
  }
  return fault;
}

int fault_allocated_port(const std::string& line) {
  int port = 0;
  const size_t at = line.find("[PORT] Port ");
  if (at == std::string::npos || line.find("failed: port is already allocated") == std::string::npos) return 0;
  return sscanf(line.c_str() + at, "[PORT] Port %d is skipped", &port) == 1 ? port : 0;
}

bool fault_port_is_had(const Daemon* daemon, int port) {
  const HttpReply all = engine_call(daemon->socket, "GET", "/containers/json?all=1");
  return all.status != 200 || all.body.find("\"PublicPort\":" + std::to_string(port) + ",") != std::string::npos;
}

bool fault_explains_line(const Fault& fault, const std::string& line, size_t at) {
  if (fault.engine && at >= fault.log_from) return true;
  // More came than there are ports: nothing went wrong.
  for (const char* load : {"[RECYCLE] No port is free", "[ACCESS] No port for CPF", "answered 503: No available ports"})
    if (line.find(load) != std::string::npos) return true;
  if (fault.removed_all && line.find("answered 409") != std::string::npos) return true;
  return std::any_of(fault.words.begin(), fault.words.end(),
                     [&](const std::string& word) { return line.find(word) != std::string::npos; });
}

bool fault_explains_answer(const Fault& fault, const std::string& client, long status, double when) {
  if (when < fault.from) return false;
  if (fault.engine) return status == 500 || status == 503;
  if (fault.removed_all) return status == 409;
  return std::find(fault.words.begin(), fault.words.end(), client) != fault.words.end();
}
