// An unshared network namespace whose connections are redirected to a relay that sits in both networks.
//
// Chromium gives up what it loads (ERR_NETWORK_CHANGED) when an interface of its host comes or goes, as they do with every
// container on the engine; a person's browser runs elsewhere and never sees that. No interface of the host is part of this (but for a cable,
// where a test asks for one), no rule of its firewall: the namespace has a pair of interfaces with both ends inside, so that there is a way out for the browser to
// believe in, and its own rule that redirects what would go out to a socket inside, which this process serves.
#include "support/quiet_net.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

// After netinet/in.h, or the kernel's header defines the same again.
#include <linux/netfilter_ipv4.h>

#include "support/http_client.h"
#include "support/suite.h"
#include "support/tcp_relay.h"

struct QuietNet {
  int outside = -1, inside = -1;  // namespaces
  RelayPtr out;                   // from inside to this machine
  std::vector<RelayPtr> doors;    // from this machine to the inside
  std::string cable;              // the interface of this machine that leads inside; empty: none
};

namespace {

int namespace_here() { return open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC); }

int connect_to_original(int taken) {
  sockaddr_in at = {};
  socklen_t size = sizeof at;
  if (getsockopt(taken, SOL_IP, SO_ORIGINAL_DST, &at, &size) != 0) return -1;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connect(fd, reinterpret_cast<sockaddr*>(&at), sizeof at) == 0) return fd;
  close(fd);
  return -1;
}

// Sockets stay in the network that they were made in, so a thread goes there only to make one.
int connect_inside(const QuietNet* net, int port) {
  if (setns(net->inside, CLONE_NEWNET) != 0) return -1;
  int fd = tcp_connect(port);
  if (setns(net->outside, CLONE_NEWNET) != 0) abort();
  return fd;
}

// Called inside. The listener that all ways out lead to; -1 and why.
int furnish(std::string* why) {
  int listener = tcp_listen(kQuietFirst);
  if (listener < 0) {
    *why = strerror(errno);
    return -1;
  }
  std::string range = std::to_string(kQuietFirst) + ":" + std::to_string(kQuietLast);
  // Addresses of RFC 5737, where nobody lives. Those that the kernel gives for IPv6 are there at once: it would ask around for a second or two
  // first, and to Chromium that is a network that has changed, while its first page loads.
  std::string script =
      "set -e; for dad in /proc/sys/net/ipv6/conf/*/accept_dad; do [ ! -e $dad ] || echo 0 >$dad; done;"
      " ip link add near type veth peer name far; ip link set far up; ip link set near up;"
      " ip address add 198.51.100.1/24 dev near; ip route add default via 198.51.100.2 dev near;"
      " ip neighbour add 198.51.100.2 lladdr 02:00:00:00:00:02 dev near;"
      " echo '" +
      std::to_string(kQuietFirst + 1) + " " + std::to_string(kQuietLast) +
      "' >/proc/sys/net/ipv4/ip_local_port_range;"
      " iptables -t nat -A OUTPUT -p tcp ! --dport " +
      range + " -j REDIRECT --to-ports " + std::to_string(kQuietFirst);
  ProcResult up = proc_run({"sh", "-c", script});
  if (up.status == 0) return listener;
  *why = up.err;
  close(listener);
  return -1;
}

}  // namespace

QuietNetPtr quiet_net_open() {
  QuietNetPtr net(new QuietNet);
  net->outside = namespace_here();
  check_at(unshare(CLONE_NEWNET) == 0,
           std::string("a browser needs a network of its own, and that takes root: ") + strerror(errno));
  net->inside = namespace_here();
  std::string why;
  int listener = -1;
  if (proc_run({"ip", "link", "set", "lo", "up"}).status == 0) listener = furnish(&why);
  if (setns(net->outside, CLONE_NEWNET) != 0) abort();
  check_at(listener >= 0, "no network of its own for a browser: " + why);
  net->out = relay_start_on(listener, connect_to_original);
  check_at(net->out != nullptr, "no relay out of the browser's network");
  return net;
}

ProcPtr quiet_net_start(QuietNet* net, const std::vector<std::string>& command, const std::string& log) {
  if (setns(net->inside, CLONE_NEWNET) != 0) return nullptr;
  ProcPtr proc = proc_start(command, log);
  if (setns(net->outside, CLONE_NEWNET) != 0) abort();
  return proc;
}

int quiet_net_door(QuietNet* net, int port) {
  int listener = tcp_listen(0);
  if (listener < 0) return 0;
  RelayPtr door = relay_start_on(listener, [net, port](int) { return connect_inside(net, port); });
  if (!door) return 0;
  net->doors.push_back(std::move(door));
  return relay_port(net->doors.back().get());
}

std::string quiet_net_cable(QuietNet* net) {
  // Of RFC 2544, for tests of networks: no machine has one.
  const std::string here = "198.18.77.1", there = "198.18.77.2", inside = "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(net->inside);
  net->cable = "cable" + std::to_string(getpid());
  proc_output({"sh", "-c", "ip link add " + net->cable + " type veth peer name cable netns " + inside + " && ip address add " + here + "/30 dev " +
                               net->cable + " && ip link set " + net->cable + " up"});
  check_at(setns(net->inside, CLONE_NEWNET) == 0, "cannot go inside");
  const ProcResult up = proc_run({"sh", "-c", "ip address add " + there + "/30 dev cable && ip link set cable up && iptables -t nat -I OUTPUT -d " + here +
                                                  " -j RETURN"});
  if (setns(net->outside, CLONE_NEWNET) != 0) abort();
  check_at(up.status == 0, "no cable: " + up.err);
  return here;
}

void quiet_net_cut(QuietNet* net) { proc_output({"ip", "link", "set", net->cable, "down"}); }

void quiet_net_signal(const QuietNet* net, int signal) {
  struct stat ours = {}, theirs = {};
  if (fstat(net->inside, &ours) != 0) return;
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", none)) {
    const int pid = atoi(entry.path().filename().c_str());
    if (pid > 0 && stat((entry.path() / "ns/net").c_str(), &theirs) == 0 && theirs.st_dev == ours.st_dev && theirs.st_ino == ours.st_ino)
      kill(pid, signal);
  }
}

void QuietNetDeleter::operator()(QuietNet* net) const {
  net->doors.clear();
  net->out.reset();
  for (int fd : {net->outside, net->inside}) {
    if (fd >= 0) close(fd);
  }
  delete net;
}
