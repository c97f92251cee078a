// The packet filter's rules for what comes from sessions, as iptables-restore takes them; and what iptables-save shows of them. Pure.
//
// One chain for each installation, entered from INPUT (to this machine itself: docker-proxy's published ports, the orchestrator, the engine, sshd)
// and from DOCKER-USER, or FORWARD where there is none (metadata addresses, published ports where there is no docker-proxy), by whatever comes in by
// the bridge of the sessions' network.
// It forbids and never accepts: what it lets by, the machine's own rules and the engine's go on to judge.
#ifndef CODEC_FIREWALL_H
#define CODEC_FIREWALL_H

#include <string>
#include <string_view>

enum class IpFamily { V4, V6 };

// What is to be there.
struct FirewallPlan {
  bool on = false;       // false: nothing of ours is to be there
  std::string instance;  // DOCKER_NETWORK_NAME
  std::string bridge;    // the network interface by which the sessions' packets come
  std::string allow;     // SESSION_ALLOW, as accept_allowed keeps it
  bool operator==(const FirewallPlan& other) const = default;
};

// The installation's chain, by DOCKER_NETWORK_NAME: so that two on one machine keep out of each other's. At most 28 characters, as iptables has it.
std::string firewall_chain(std::string_view instance);

// All lines of iptables-save (-t filter) that are about our chain, and whether it comes before whatever could accept a packet: equal for two
// moments, nobody has changed anything of ours between them. Empty: there is nothing of ours.
std::string firewall_seen(std::string_view instance, std::string_view saved);

// Input of iptables-restore --noflush, all of it one change, which makes things as `plan` has them whatever `saved` shows; with plan.on unset
// it takes away all that is ours. Empty: there is nothing to take away.
std::string firewall_change(const FirewallPlan& plan, IpFamily family, std::string_view saved);

#endif
