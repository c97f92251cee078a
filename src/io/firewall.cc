// Looks at the packet filter's rules, and changes ours where they are not as planned.
#include "io/firewall.h"

#include <net/if.h>
#include <unistd.h>

#include <mutex>

#include "codec/text.h"
#include "io/program.h"

namespace {

constexpr int kTimeoutMs = 10000;
constexpr const char* kLockWaitS = "5";  // for the lock of iptables' older kind, which somebody else may hold

struct Tools {
  IpFamily family;
  const char* save;
  const char* restore;
};
constexpr Tools kTools4 = {IpFamily::V4, "iptables-save", "iptables-restore"};
constexpr Tools kTools6 = {IpFamily::V6, "ip6tables-save", "ip6tables-restore"};

// A kernel without IPv6 has nothing to keep sessions from.
bool has_ipv6() { return access("/proc/net/if_inet6", F_OK) == 0; }

std::string why(const ProgramEnd& end) {
  const std::string_view said = text_trim(end.err);
  return said.empty() ? "status " + std::to_string(end.status) : text_one_line(said);
}

bool look(const Tools& tools, std::string* saved, std::string* error) {
  ProgramEnd end = program_run({tools.save, "-t", "filter"}, "", kTimeoutMs);
  if (!end.started || end.status != 0) {
    *error = why(end);
    return false;
  }
  *saved = std::move(end.out);
  return true;
}

// One family: *seen is then what is there. `same`: that is all right. Twice, for between a look and a change somebody else may change the same.
bool ensure(const Tools& tools, const FirewallPlan& plan, const std::string* same, bool* changed, std::string* seen, std::string* error) {
  std::string saved;
  for (int i = 0; i < 2; ++i) {
    if (!look(tools, &saved, error)) return false;
    *seen = firewall_seen(plan.instance, saved);
    if (same != nullptr && *seen == *same) return true;
    const std::string change = firewall_change(plan, tools.family, saved);
    if (change.empty()) return true;
    const ProgramEnd end = program_run({tools.restore, "--noflush", "--wait", kLockWaitS}, change, kTimeoutMs);
    if (!end.started || end.status != 0) {
      *error = why(end);
      continue;
    }
    *changed = true;
    if (!look(tools, &saved, error)) return false;
    *seen = firewall_seen(plan.instance, saved);
    return true;
  }
  return false;
}

}  // namespace

FirewallDone firewall_ensure(const FirewallPlan& plan, const FirewallSeen& before) {
  static std::mutex one_after_the_other;  // or two threads look, and both put what neither has seen
  const std::lock_guard<std::mutex> guard(one_after_the_other);
  const bool known = before.plan == plan;
  FirewallDone done;
  done.plan = plan;
  done.state = plan.on ? FirewallState::On : FirewallState::Off;
  done.seen = FirewallSeen{plan, "", ""};
  if (!plan.on && known) return done;
  bool good = true, changed = false;
  if (plan.on && if_nametoindex(plan.bridge.c_str()) == 0) {
    good = false;
    done.error = "there is no interface " + plan.bridge + " here: the engine is on another machine, the orchestrator in a container with a network of its own, "
                 "or the sessions' network has gone";
  }
  good = good && ensure(kTools4, plan, known ? &before.v4 : nullptr, &changed, &done.seen.v4, &done.error);
  if (has_ipv6()) good = good && ensure(kTools6, plan, known ? &before.v6 : nullptr, &changed, &done.seen.v6, &done.error);
  if (good) {
    done.mended = known && changed;
    done.error.clear();
    return done;
  }
  if (plan.on) done.state = FirewallState::Unable;
  done.seen = {};
  return done;
}
