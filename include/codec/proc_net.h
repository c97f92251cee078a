// What the kernel tells in /proc of a container's connections: its cheap counters, its table of connections, and whose process it is.
#ifndef CODEC_PROC_NET_H
#define CODEC_PROC_NET_H

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

// Of /proc/PID/net/snmp. While none has moved, nobody has come, gone or been cut off: a new viewer moves the second, one who goes the first, and
// what is sent to one whose line was cut the third, at each attempt.
struct TcpCounters {
  long established = 0;    // CurrEstab: connections in ESTABLISHED or CLOSE-WAIT, both families
  long passive_opens = 0;  // PassiveOpens: ever accepted
  long retransmitted = 0;  // RetransSegs: segments ever sent again
  bool operator==(const TcpCounters&) const = default;
};
// False when the text holds no such lines; *out is then untouched.
bool proc_tcp_counters(std::string_view snmp, TcpCounters* out);

// IPv4 as IPv6 has it (::ffff:a.b.c.d), so that there is one kind.
using IpAddress = std::array<uint8_t, 16>;
inline constexpr IpAddress kMappedIpv4 = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};  // and then the four bytes of one

struct TcpConnection {
  IpAddress local = {}, remote = {};
  int local_port = 0;
  int retransmits = 0;    // times the oldest segment under way has been sent again with no answer
  int64_t silent_ms = 0;  // since the peer was last heard of, bare acknowledgements included; 0: not known
};

// The ESTABLISHED ones of /proc/PID/net/tcp or tcp6. Lines that cannot be read are passed over.
std::vector<TcpConnection> proc_tcp_established(std::string_view table);

// Whether it is a viewer of a session that listens on `port`: from outside the container, and its peer not long gone. A peer counts as gone
// after 8 retransmissions (51 s as a rule, as each waits twice as long, beginning with 200 ms) when it has been silent for 50 s as well, where that
// is known: as long as a router says that there is no way to it, each waits no longer than the one before, and a laptop between two rooms would be gone
// after two seconds. And after two hours of silence, when the kernel's own keepalive would begin to ask.
bool proc_is_viewer(const TcpConnection& connection, int port);

// Whether /proc/PID/cgroup, as text, is that of a process of the container with this id.
bool proc_cgroup_of(std::string_view cgroup, std::string_view container_id);

#endif
