// The stand-in for an engine (tests/standin) as tests start it, and what it remembers.
#ifndef SUPPORT_STANDIN_H
#define SUPPORT_STANDIN_H

#include <string>
#include <vector>

#include "support/daemon.h"

struct StandinLife {
  std::string id;
  std::vector<std::string> names;  // one after the other
  int port = 0;
  long long started_us = 0, ended_us = 0;  // 0: never, not yet
};

// Until the scene ends; the daemon uses it from its next start on, with `slots` session ports that nobody opens.
void standin_start(Scene* scene, int slots, int healthy_after_ms, int call_ms, const At& at = At::current());
// The same for any daemon of the scene: each has a stand-in of its own. With `viewers` of 0 or more its containers have processes, each watched by
// so many (takes root).
void standin_start_for(Scene* scene, Daemon* daemon, int slots, int healthy_after_ms, int call_ms, int viewers = -1, const At& at = At::current());
std::vector<StandinLife> standin_history(const Daemon* daemon);
// Every container served one client at most, and no two ran on one port at the same moment.
void standin_check_history(const std::vector<StandinLife>& lives, const At& at = At::current());

#endif
