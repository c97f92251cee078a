// What is said of the firewall.
#include "daemon/guard.h"

#include <cstdio>

GuardWord guard_told(Guard* guard, const FirewallDone& done) {
  const bool same = guard->state == done.state && guard->error == done.error;
  guard->state = done.state;
  guard->error = done.error;
  if (done.mended) return {LogLevel::Warning, "Rules of the firewall had been changed, had gone or did not come first: chain " + firewall_chain(done.plan.instance) + " is there again"};
  if (same) return {};
  switch (done.state) {
    case FirewallState::Pending: return {};
    case FirewallState::Off: return {LogLevel::Info, "FIREWALL=off: what sessions reach on this machine is left to rules of your own"};
    case FirewallState::On:
      return {LogLevel::Info, "Sessions are kept from this machine's addresses and from cloud metadata: chain " + firewall_chain(done.plan.instance) + " for all that comes by " +
                                  done.plan.bridge};
    case FirewallState::Unable:
      return {LogLevel::Warning, "No firewall, so sessions reach what listens on this machine's addresses, other sessions' ports among it, and cloud metadata: " + done.error +
                                     ". It takes iptables and CAP_NET_ADMIN; FIREWALL=off where rules of your own do it"};
  }
  return {};
}

const char* guard_shown(const Guard& guard) {
  switch (guard.state) {
    case FirewallState::Pending: return "pending";
    case FirewallState::On: return "on";
    case FirewallState::Off: return "off";
    case FirewallState::Unable: return "unable";
  }
  return "";
}

int guard_remove(const Settings& settings) {
  FirewallPlan none;
  none.instance = settings.docker_network_name;
  const FirewallDone done = firewall_ensure(none, FirewallSeen{});
  const std::string chain = firewall_chain(none.instance);
  if (!done.error.empty()) {
    fprintf(stderr, "vnc-orchestrator: chain %s is still there: %s\n", chain.c_str(), done.error.c_str());
    return 1;
  }
  printf("Chain %s is not there any more\n", chain.c_str());
  return 0;
}
