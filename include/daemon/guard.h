// The firewall as the daemon sees it: what came of the last look at it, told once, and how it is taken away by hand.
#ifndef DAEMON_GUARD_H
#define DAEMON_GUARD_H

#include <string>

#include "codec/log_level.h"
#include "codec/settings.h"
#include "io/firewall.h"

struct Guard {
  FirewallState state = FirewallState::Pending;
  std::string error;  // as it was logged last
  bool looking = false;  // a look is on its way
};

struct GuardWord {
  LogLevel level = LogLevel::Info;
  std::string text;  // for the log; empty: nothing new
};

GuardWord guard_told(Guard* guard, const FirewallDone& done);
const char* guard_shown(const Guard& guard);  // in /status: on, off, unable, pending

// --firewall-remove: takes away the rules that a daemon of these settings has left. The exit status; what was done is on stdout, why not on stderr.
int guard_remove(const Settings& settings);

#endif
