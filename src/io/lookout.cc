// Who watches a session: the connections to its port from outside its container, as the kernel has them. No image helps, no engine is asked.
#include "io/lookout.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "codec/proc_memory.h"
#include "codec/proc_net.h"
#include "io/host.h"

namespace {

constexpr int64_t kReadEveryMs = 600000;  // the connections, although the counters stand still: a peer that is silent moves none
constexpr int64_t kAskEveryMs = 60000;   // the engine, for a process; ten times less often where nothing can be seen
constexpr int64_t kForgetMs = 600000;    // what nobody has asked for
constexpr int64_t kMeasuredMost = 32;    // containers whose memory is averaged
constexpr uint32_t kEstablishedOnly = 1u << 1;  // of TCP_ESTABLISHED

struct File {
  int fd = -1;
  File() = default;
  explicit File(int opened) : fd(opened) {}
  File(File&& other) noexcept : fd(std::exchange(other.fd, -1)) {}
  File& operator=(File&& other) noexcept {
    std::swap(fd, other.fd);
    return *this;
  }
  ~File() {
    if (fd >= 0) close(fd);
  }
};

struct Known {
  File process;  // /proc/PID; fd -1: not known
  bool counted = false;
  TcpCounters counters;
  int viewers = -1;
  int64_t read_ms = 0;  // when the connections were last read
  int64_t used_ms = 0;  // when it was last asked for
  int64_t ask_at_ms = 0;  // the engine may be asked for its process
  int strangers = 0;  // times in a row that the process that the engine names was not its
};

}  // namespace

struct Lookout {
  int port = 0;
  std::unordered_map<std::string, Known> known;
  File own;           // our network namespace
  bool sees_diag = true;  // the namespaces of containers may be entered
  int64_t sweep_at_ms = 0;
  std::string blind;  // until somebody is seen
};

// ---- Reading -----------------------------------------------------------------------------------------------------------

static bool read_below(const File& folder, const char* path, std::string* out) {
  out->clear();
  const File file(openat(folder.fd, path, O_RDONLY | O_CLOEXEC));
  if (file.fd < 0) return false;
  char part[16384];
  for (;;) {
    const ssize_t got = read(file.fd, part, sizeof part);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return false;
    if (got == 0) return true;
    out->append(part, static_cast<size_t>(got));
  }
}

static int count_viewers(const std::vector<TcpConnection>& connections, int port) {
  return static_cast<int>(std::count_if(connections.begin(), connections.end(), [port](const TcpConnection& one) { return proc_is_viewer(one, port); }));
}

// By the tables: open to everybody, but the kernel walks all of the machine's connections for each (1.2 ms).
static bool read_tables(const Known& known, std::vector<TcpConnection>* out) {
  std::string text;
  for (const char* table : {"net/tcp", "net/tcp6"}) {
    if (!read_below(known.process, table, &text)) {
      if (errno == ENOENT && table[strlen(table) - 1] == '6' && !out->empty()) continue;
      return false;
    }
    const std::vector<TcpConnection> more = proc_tcp_established(text);
    out->insert(out->end(), more.begin(), more.end());
  }
  return true;
}

static IpAddress address_of(int family, const __be32* words) {
  IpAddress address = kMappedIpv4;
  if (family == AF_INET)
    memcpy(address.data() + 12, words, 4);
  else
    memcpy(address.data(), words, 16);
  return address;
}

static void take_diag(const nlmsghdr* header, std::vector<TcpConnection>* out) {
  const auto* message = static_cast<const inet_diag_msg*>(NLMSG_DATA(header));
  TcpConnection connection;
  connection.local = address_of(message->idiag_family, message->id.idiag_src);
  connection.remote = address_of(message->idiag_family, message->id.idiag_dst);
  connection.local_port = ntohs(message->id.idiag_sport);
  connection.retransmits = message->idiag_timer == 1 ? message->idiag_retrans : 0;  // timer 1 is that of retransmission
  size_t left = header->nlmsg_len - NLMSG_LENGTH(sizeof *message);
  for (const auto* more = reinterpret_cast<const rtattr*>(message + 1); RTA_OK(more, left); more = RTA_NEXT(more, left)) {
    if (more->rta_type != INET_DIAG_INFO) continue;
    tcp_info info = {};
    memcpy(&info, RTA_DATA(more), std::min<size_t>(sizeof info, RTA_PAYLOAD(more)));
    connection.retransmits = info.tcpi_retransmits;
    connection.silent_ms = std::min(info.tcpi_last_data_recv, info.tcpi_last_ack_recv);
  }
  out->push_back(connection);
}

static bool dump_family(const File& socket, uint8_t family, std::vector<TcpConnection>* out) {
  struct {
    nlmsghdr header = {};
    inet_diag_req_v2 request = {};
  } ask;
  ask.header.nlmsg_len = sizeof ask;
  ask.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  ask.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  ask.request.sdiag_family = family;
  ask.request.sdiag_protocol = IPPROTO_TCP;
  ask.request.idiag_ext = 1 << (INET_DIAG_INFO - 1);
  ask.request.idiag_states = kEstablishedOnly;
  if (send(socket.fd, &ask, sizeof ask, 0) != static_cast<ssize_t>(sizeof ask)) return false;
  alignas(nlmsghdr) char answer[32768];
  for (;;) {
    const ssize_t got = recv(socket.fd, answer, sizeof answer, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    size_t left = static_cast<size_t>(got);
    for (const auto* header = reinterpret_cast<const nlmsghdr*>(answer); NLMSG_OK(header, left); header = NLMSG_NEXT(header, left)) {
      if (header->nlmsg_type == NLMSG_DONE) return true;
      if (header->nlmsg_type != SOCK_DIAG_BY_FAMILY) return false;
      take_diag(header, out);
    }
  }
}

// By asking the kernel from inside the container's network, ten times cheaper than its tables, and it tells for how long a peer has been silent.
// False when that is not ours to do.
static bool read_diag(const Lookout& lookout, const Known& known, std::vector<TcpConnection>* out) {
  const File theirs(openat(known.process.fd, "ns/net", O_RDONLY | O_CLOEXEC));
  if (theirs.fd < 0 || lookout.own.fd < 0 || setns(theirs.fd, CLONE_NEWNET) != 0) return false;
  const File socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
  const bool back = setns(lookout.own.fd, CLONE_NEWNET) == 0;
  if (!back || socket.fd < 0) return false;
  return dump_family(socket, AF_INET, out) && dump_family(socket, AF_INET6, out);
}

// -1 when the process is gone.
static int read_connections(Lookout& lookout, const Known& known) {
  std::vector<TcpConnection> connections;
  if (lookout.sees_diag) {
    if (read_diag(lookout, known, &connections)) return count_viewers(connections, lookout.port);
    connections.clear();
  }
  if (!read_tables(known, &connections)) return -1;
  lookout.sees_diag = false;  // the process is there, so it is we who may not
  return count_viewers(connections, lookout.port);
}

// ---- Whose process -----------------------------------------------------------------------------------------------------

void LookoutDeleter::operator()(Lookout* lookout) const { delete lookout; }

LookoutPtr lookout_create(int container_port) {
  LookoutPtr lookout(new Lookout);
  lookout->port = container_port;
  return lookout;
}

void lookout_learn(Lookout* lookout, const std::string& container_id, int pid, int64_t now_ms) {
  Known& known = lookout->known[container_id];
  known.used_ms = now_ms;
  const std::string path = "/proc/" + std::to_string(pid);
  File process(pid > 0 ? open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1);
  std::string cgroup;
  // Which group it is in is read through the folder that is kept: what it says is of that very process.
  if (process.fd < 0 || !read_below(process, "cgroup", &cgroup) || !proc_cgroup_of(cgroup, container_id)) {
    // It may have ended a moment ago: the engine is asked once more before this counts.
    if (++known.strangers == 1) known.ask_at_ms = now_ms;
    return;
  }
  known.process = std::move(process);
  known.counted = false;
  known.strangers = 0;
}

// ---- Looking -----------------------------------------------------------------------------------------------------------

static int look_at(Lookout& lookout, Known& known, bool thorough, int64_t now_ms) {
  std::string text;
  TcpCounters counters;
  if (!read_below(known.process, "net/snmp", &text) || !proc_tcp_counters(text, &counters)) return -1;
  const bool is_quiet = known.counted && counters == known.counters && now_ms - known.read_ms < kReadEveryMs;
  if (is_quiet && !thorough) return known.viewers;
  // Read before the connections: who comes in between is found by the next look.
  known.counters = counters;
  known.counted = true;
  known.read_ms = now_ms;
  known.viewers = counters.established == 0 ? 0 : read_connections(lookout, known);
  return known.viewers;
}

LookoutMemory lookout_memory(const Lookout* lookout) {
  LookoutMemory seen;
  std::string text, error;
  bool missing = false;
  if (MachineMemory machine; host_read_file("/proc/meminfo", &text, &missing, &error) && proc_machine_memory(text, &machine)) {
    seen.total_kib = machine.total_kib;
    seen.available_kib = machine.available_kib;
  }
  int64_t counted = 0, used = 0;
  for (const auto& [id, known] : lookout->known) {
    if (counted == kMeasuredMost) break;
    if (known.process.fd < 0 || !read_below(known.process, "cgroup", &text)) continue;
    const std::string path = proc_memory_stat_path(text);
    if (path.empty() || !host_read_file("/sys/fs/cgroup" + path, &text, &missing, &error)) continue;
    const int64_t one = proc_memory_used_kib(text);
    if (one == 0) continue;
    used += one;
    ++counted;
  }
  if (counted > 0) seen.session_kib = used / counted;
  return seen;
}

static void sweep(Lookout& lookout, int64_t now_ms) {
  if (now_ms < lookout.sweep_at_ms) return;
  lookout.sweep_at_ms = now_ms + kForgetMs;
  std::erase_if(lookout.known, [now_ms](const auto& entry) { return now_ms - entry.second.used_ms > kForgetMs; });
}

LookoutSeen lookout_look(Lookout* lookout, const std::vector<LookTarget>& at, bool thorough, int64_t now_ms) {
  LookoutSeen seen;
  size_t strange = 0, told = 0;
  // Here, and not where it is made: it is of the thread that looks.
  if (lookout->own.fd < 0) lookout->own = File(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  for (const LookTarget& target : at) {
    Known& known = lookout->known[target.container_id];
    known.used_ms = now_ms;
    int viewers = known.process.fd < 0 ? -1 : look_at(*lookout, known, thorough, now_ms);
    if (viewers < 0) known.process = File();  // ended
    if (viewers < 0 && now_ms >= known.ask_at_ms) {
      known.ask_at_ms = now_ms + kAskEveryMs * (known.strangers > 1 ? 10 : 1);
      seen.unknown.push_back(target.container_id);
    }
    if (viewers >= 0) told++;
    if (known.strangers > 1) strange++;
    seen.viewers.push_back(viewers);
  }
  if (told > 0) lookout->blind.clear();
  if (strange > 0 && told == 0)
    lookout->blind = "what the engine names as the processes of its containers are not theirs here. If the orchestrator runs in a container itself, start it "
                     "with --pid=host; into an engine on another machine nobody can look";
  sweep(*lookout, now_ms);
  seen.blind = lookout->blind;
  return seen;
}
