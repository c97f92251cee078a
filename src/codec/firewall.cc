// The rules for what comes from sessions.
#include "codec/firewall.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "codec/text.h"

namespace {

constexpr std::string_view kPrefix = "VNC-";
constexpr size_t kChainMost = 28;  // XT_EXTENSION_MAXNAMELEN - 1

// Where clouds tell a machine its secrets: link-local (AWS, Azure, Google, Oracle, OpenStack and most others; AWS' credentials of containers), Azure's
// host, Alibaba, Oracle before 2019; and with IPv6 AWS, Google, Oracle, Scaleway. From the documentation of each.
constexpr std::string_view kMetadata4[] = {"169.254.0.0/16", "168.63.129.16", "100.100.100.200", "192.0.0.192"};
constexpr std::string_view kMetadata6[] = {"fe80::/10", "fd00:ec2::254", "fd20:ce::254", "fd00:c1::a9fe:a9fe", "fd00:42::42"};

uint32_t hash_of(std::string_view text) {
  uint32_t value = 0x811C9DC5;  // FNV-1a
  for (const char c : text) value = (value ^ static_cast<unsigned char>(c)) * 0x01000193;
  return value;
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    lines.push_back(text_trim(text.substr(0, end)));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

bool is_rule_of(std::string_view line, std::string_view chain) {
  return line.starts_with("-A ") && line.substr(3).starts_with(chain) && line.substr(3 + chain.size()).starts_with(' ');
}

// "-A INPUT -i br-0123456789ab -j VNC-vnc_network"
bool leads_to(std::string_view line, std::string_view chain) { return line.ends_with(" " + std::string(chain)); }

// Another installation's rule may stand before ours.
bool may_come_first(std::string_view line) {
  const size_t jump = line.rfind(" -j ");
  return jump != std::string_view::npos && line.substr(jump + 4).starts_with(kPrefix);
}

// Where our rules are entered from. Before those in FORWARD the engine puts its own whenever it starts or makes a network; what is in DOCKER-USER, where
// there is such a chain, it leaves alone and asks first.
std::array<std::string_view, 2> hooks_in(const std::vector<std::string_view>& lines) {
  const bool has_own = std::any_of(lines.begin(), lines.end(), [](std::string_view line) { return line.starts_with(":DOCKER-USER "); });
  return {"INPUT", has_own ? "DOCKER-USER" : "FORWARD"};
}

// Our rule is the first there that judges.
bool comes_first(const std::vector<std::string_view>& lines, std::string_view hook, std::string_view chain) {
  for (const std::string_view line : lines) {
    if (!is_rule_of(line, hook)) continue;
    if (leads_to(line, chain)) return true;
    if (!may_come_first(line)) return false;
  }
  return false;
}

bool is_of_family(std::string_view address, IpFamily family) { return (address.find(':') != std::string_view::npos) == (family == IpFamily::V6); }

// One entry of SESSION_ALLOW: 192.0.2.1, 192.0.2.1:80, [2001:db8::1] or [2001:db8::1]:80. What is asked for counts, not where the engine leads it.
void add_allowed(std::string* out, const std::string& chain, IpFamily family, std::string_view place) {
  std::string_view address = place, port;
  if (place.starts_with('[')) {
    const size_t end = place.find(']');
    address = place.substr(1, end - 1);
    if (end + 2 < place.size()) port = place.substr(end + 2);
  } else if (const size_t colon = place.find(':'); colon != std::string_view::npos) {
    address = place.substr(0, colon);
    port = place.substr(colon + 1);
  }
  if (!is_of_family(address, family)) return;
  const std::string original = " -m conntrack --ctorigdst " + std::string(address);
  if (port.empty()) {
    *out += "-A " + chain + original + " -j RETURN\n";
    return;
  }
  for (const char* protocol : {"tcp", "udp"})
    *out += "-A " + chain + " -p " + protocol + original + " --ctorigdstport " + std::string(port) + " -j RETURN\n";
}

// TCP by a reset: of ICMP's refusals the kernel sends six to one session and then one each second (net.ipv4.icmp_ratelimit), and a page that asks for more
// would wait in vain for the others.
void add_refused(std::string* out, const std::string& rule, const std::string& what) {
  *out += rule + " -p tcp" + what + " -j REJECT --reject-with tcp-reset\n" + rule + what + " -j REJECT\n";
}

void add_rules(std::string* out, const FirewallPlan& plan, IpFamily family, const std::string& chain) {
  const std::string rule = "-A " + chain;
  // Answers: to viewers, to the engine's and our own looks. Not what a session has begun itself while the rules were not there: that ends now.
  *out += rule + " -m conntrack --ctstate RELATED,ESTABLISHED --ctdir REPLY -j RETURN\n";
  // By these, neighbours on a network find each other at all.
  if (family == IpFamily::V6) *out += rule + " -p ipv6-icmp -j RETURN\n";
  // Names: the engine asks the machine's name server from inside a session, and that may be this machine's own, or at Google and Azure the very
  // address of the metadata.
  for (const char* protocol : {"udp", "tcp"}) *out += rule + " -p " + protocol + " --dport 53 -j RETURN\n";
  for (const std::string_view place : text_list(plan.allow)) add_allowed(out, chain, family, place);
  if (family == IpFamily::V4)
    for (const std::string_view address : kMetadata4) add_refused(out, rule, " -d " + std::string(address));
  else
    for (const std::string_view address : kMetadata6) add_refused(out, rule, " -d " + std::string(address));
  // A published port of any container's, where the kernel leads there by itself.
  add_refused(out, rule, " -m conntrack --ctstate DNAT");
  // This machine by any of its addresses, and whoever listens to everybody on the network. (Of IPv6 the kernel calls local ones UNICAST, too.)
  if (family == IpFamily::V4) {
    add_refused(out, rule, " -m addrtype ! --dst-type UNICAST");
  } else {
    add_refused(out, rule, " -m addrtype --dst-type LOCAL,ANYCAST");
    *out += rule + " -d ff00::/8 -j REJECT\n";
  }
}

}  // namespace

std::string firewall_chain(std::string_view instance) {
  std::string name(kPrefix);
  if (kPrefix.size() + instance.size() <= kChainMost) return name.append(instance);
  constexpr size_t kHashDigits = 8;
  name.append(instance.substr(0, kChainMost - kPrefix.size() - kHashDigits - 1)) += '-';
  static constexpr char kHex[] = "0123456789abcdef";
  for (unsigned shift = 32; shift > 0; shift -= 4) name += kHex[(hash_of(instance) >> (shift - 4)) & 0xFU];
  return name;
}

std::string firewall_seen(std::string_view instance, std::string_view saved) {
  const std::string chain = firewall_chain(instance);
  const std::vector<std::string_view> lines = lines_of(saved);
  std::string seen;
  for (const std::string_view line : lines) {
    // Not what is counted of its packets.
    if (line.starts_with(":" + chain + " ")) seen += ":" + chain + "\n";
    if (is_rule_of(line, chain) || leads_to(line, chain)) seen.append(line) += '\n';
  }
  if (seen.empty()) return seen;
  for (const std::string_view hook : hooks_in(lines))
    if (comes_first(lines, hook, chain)) seen.append("first in ").append(hook) += '\n';
  return seen;
}

std::string firewall_change(const FirewallPlan& plan, IpFamily family, std::string_view saved) {
  const std::string chain = firewall_chain(plan.instance);
  if (!plan.on && firewall_seen(plan.instance, saved).empty()) return {};
  std::string out = "*filter\n:" + chain + " - [0:0]\n";  // made, or emptied
  const std::vector<std::string_view> lines = lines_of(saved);
  for (const std::string_view line : lines)
    if (leads_to(line, chain) && line.starts_with("-A ")) out.append("-D ").append(line.substr(3)) += '\n';
  if (!plan.on) return out + "-X " + chain + "\nCOMMIT\n";
  add_rules(&out, plan, family, chain);
  for (const std::string_view hook : hooks_in(lines)) out.append("-I ").append(hook) += " 1 -i " + plan.bridge + " -j " + chain + "\n";
  return out + "COMMIT\n";
}
