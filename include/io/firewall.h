// The rules for what comes from sessions, in this machine's packet filter: by iptables and ip6tables, whichever of their kinds this machine has,
// as the engine does it. A change is one iptables-restore, so it is there as a whole or not at all.
#ifndef IO_FIREWALL_H
#define IO_FIREWALL_H

#include <string>

#include "codec/firewall.h"

enum class FirewallState {
  Pending,  // nobody has tried yet
  On,
  Off,     // as the settings have it
  Unable,  // it should be there, and cannot be made
};

// What was made, and how iptables shows it.
struct FirewallSeen {
  FirewallPlan plan;
  std::string v4, v6;  // firewall_seen
};

struct FirewallDone {
  FirewallPlan plan;    // that was to be made
  FirewallState state = FirewallState::Pending;
  std::string error;    // why it could not be made as planned; empty: it could
  bool mended = false;  // of the plan that was made before, something had gone or been changed
  FirewallSeen seen;    // what the next call begins with
};

// Blocks, from any thread. Makes it as the plan has it, unless it is so since `before`, which the last call has left (none: an empty plan). With
// plan.on unset it takes away what is there of ours, once.
FirewallDone firewall_ensure(const FirewallPlan& plan, const FirewallSeen& before);

#endif
