// What the kernel tells in /proc of a container's connections: its cheap counters, its table of connections, and whose process it is.
#include "codec/proc_net.h"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace {

constexpr int kRetransmitsMost = 8;
constexpr int64_t kCutMs = 50000;
constexpr int64_t kSilentMostMs = int64_t{2} * 3600 * 1000;
constexpr int kEstablished = 1;  // TCP_ESTABLISHED, include/net/tcp_states.h

// Takes the next word off *rest; empty at its end.
std::string_view take_word(std::string_view* rest) {
  const size_t begin = std::min(rest->find_first_not_of(" \t"), rest->size());
  const size_t end = std::min(rest->find_first_of(" \t", begin), rest->size());
  const std::string_view word = rest->substr(begin, end - begin);
  rest->remove_prefix(end);
  return word;
}

std::string_view take_line(std::string_view* rest) {
  const size_t end = std::min(rest->find('\n'), rest->size());
  const std::string_view line = rest->substr(0, end);
  rest->remove_prefix(std::min(end + 1, rest->size()));
  return line;
}

template <typename Number>
bool number_of(std::string_view text, int base, Number* out) {
  const char* end = text.data() + text.size();
  const std::from_chars_result read = std::from_chars(text.data(), end, *out, base);
  return read.ec == std::errc() && read.ptr == end;
}

// "0100007F:17C0": words of 32 bits as this machine holds them, so copied back they are in network order.
bool parse_end(std::string_view text, IpAddress* address, int* port) {
  const size_t colon = text.find(':');
  if (colon != 8 && colon != 32) return false;
  *address = kMappedIpv4;
  uint8_t* to = address->data() + address->size() - colon / 2;
  for (size_t i = 0; i < colon; i += 8, to += 4) {
    uint32_t word = 0;
    if (!number_of(text.substr(i, 8), 16, &word)) return false;
    memcpy(to, &word, sizeof word);
  }
  return number_of(text.substr(colon + 1), 16, port);
}

// "sl local remote st tx:rx tr:when retrnsmt uid ...", the first word with a colon.
bool parse_row(std::string_view line, TcpConnection* out) {
  int state = 0, remote_port = 0;
  take_word(&line);
  if (!parse_end(take_word(&line), &out->local, &out->local_port)) return false;
  if (!parse_end(take_word(&line), &out->remote, &remote_port)) return false;
  if (!number_of(take_word(&line), 16, &state) || state != kEstablished) return false;
  take_word(&line);
  take_word(&line);
  return number_of(take_word(&line), 16, &out->retransmits);
}

bool is_loopback(const IpAddress& address) {
  if (std::equal(kMappedIpv4.begin(), kMappedIpv4.begin() + 12, address.begin())) return address[12] == 127;
  IpAddress one = {};
  one.back() = 1;
  return address == one;
}

}  // namespace

bool proc_tcp_counters(std::string_view snmp, TcpCounters* out) {
  // Two lines for each protocol: its names, then its values.
  for (std::string_view names = take_line(&snmp); !snmp.empty(); names = take_line(&snmp)) {
    if (!names.starts_with("Tcp:")) continue;
    std::string_view values = take_line(&snmp);
    TcpCounters found{-1, -1, -1};
    for (std::string_view name = take_word(&names); !name.empty(); name = take_word(&names)) {
      const std::string_view value = take_word(&values);
      if (name == "CurrEstab" && !number_of(value, 10, &found.established)) return false;
      if (name == "PassiveOpens" && !number_of(value, 10, &found.passive_opens)) return false;
      if (name == "RetransSegs" && !number_of(value, 10, &found.retransmitted)) return false;
    }
    if (found.established < 0 || found.passive_opens < 0 || found.retransmitted < 0) return false;
    *out = found;
    return true;
  }
  return false;
}

std::vector<TcpConnection> proc_tcp_established(std::string_view table) {
  std::vector<TcpConnection> found;
  while (!table.empty()) {
    TcpConnection connection;
    if (parse_row(take_line(&table), &connection)) found.push_back(connection);
  }
  return found;
}

bool proc_is_viewer(const TcpConnection& connection, int port) {
  const bool from_outside = !is_loopback(connection.remote) && connection.remote != connection.local;
  const bool is_cut = connection.retransmits >= kRetransmitsMost && (connection.silent_ms == 0 || connection.silent_ms >= kCutMs);
  const bool is_gone = is_cut || connection.silent_ms > kSilentMostMs;
  return connection.local_port == port && from_outside && !is_gone;
}

bool proc_cgroup_of(std::string_view cgroup, std::string_view container_id) {
  return !container_id.empty() && cgroup.find(container_id) != cgroup.npos;
}
