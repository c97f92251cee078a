// A network of its own for a test's browser, in which nothing comes or goes while containers do on this machine.
#ifndef SUPPORT_QUIET_NET_H
#define SUPPORT_QUIET_NET_H

#include <memory>
#include <string>
#include <vector>

#include "support/proc.h"

// A network namespace without a name: it ends with its last program and descriptor, whatever becomes of the test, and leaves
// nothing behind on this machine. Every TCP connection begun inside, to whatever IPv4 address and port, leads to where the same
// address and port lead on this machine, 127.0.0.1 included; ports kQuietFirst..kQuietLast stay inside.
inline constexpr int kQuietFirst = 61000, kQuietLast = 65000;

struct QuietNet;
struct QuietNetDeleter {
  void operator()(QuietNet* net) const;  // closes its connections; end the programs inside first
};
using QuietNetPtr = std::unique_ptr<QuietNet, QuietNetDeleter>;

// Fails the test when there can be none: it takes root.
QuietNetPtr quiet_net_open();
// As proc_start, inside.
ProcPtr quiet_net_start(QuietNet* net, const std::vector<std::string>& command, const std::string& log);
// A port of 127.0.0.1 on this machine that leads to 127.0.0.1:port inside, as long as the network is there. 0: none.
int quiet_net_door(QuietNet* net, int port);
// A cable between this machine and the inside, which ends with the network. The address that is this machine at its other end:
// connections to it take no relay, they come from outside as those of another machine do. Fails the test when there can be none.
std::string quiet_net_cable(QuietNet* net);
// Pulls it out, with everything still open at both ends.
void quiet_net_cut(QuietNet* net);
// To every program inside.
void quiet_net_signal(const QuietNet* net, int signal);

#endif
