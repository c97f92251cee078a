// Claims: who has no session is given one of the pool. A claim is written down before it is told, so one durable write is the limit.
#include <sys/stat.h>
#include <unistd.h>

#include <functional>

#include "bench/daemon/baselines.h"
#include "bench/daemon/paced.h"
#include "bench/daemon/rows.h"

namespace {

constexpr int kClaims = 100;      // a round
constexpr int kPool = 20;
constexpr int kClaimsOfMany = 20;  // where each write is of megabytes
constexpr int kRoundsOfMany = 2;   // told and not judged

// As wait_until, with looks as close as what is waited for is short.
bool soon(const std::function<bool()>& holds) {
  const double end = now_seconds() + 30;
  while (!holds()) {
    if (now_seconds() > end) return false;
    usleep(2000);
  }
  return true;
}

// Until nothing has been written for a while: what a claim sets going (a launch of the pool, its record, a removal) is no part of the next one.
void wait_for_rest(const Daemon* d) {
  timespec last = {};
  double since = now_seconds();
  check_at(soon([&] {
             struct stat now;
             check_at(stat(daemon_state_path(d).c_str(), &now) == 0, "no state file");
             if (now.st_mtim.tv_sec != last.tv_sec || now.st_mtim.tv_nsec != last.tv_nsec) since = now_seconds();
             last = now.st_mtim;
             return now_seconds() - since > 0.01;
           }),
           "the state file does not come to rest");
}

struct Newcomers {
  Daemon* daemon = nullptr;
  LinePtr line;
  int come = 0;
  int pool = 0;
};

std::string newcomer(Newcomers* all) { return std::to_string(22233300000L + all->come++); }

bool pool_is_full(const Newcomers& all) {
  std::string answer;
  line_ask(all.line.get(), "/status", 200, &answer);
  return answer.find("\"pool_containers\": " + std::to_string(all.pool)) != std::string::npos;
}

void go(Newcomers* all, const std::vector<std::string>& clients) {
  for (const std::string& client : clients) line_ask(all->line.get(), "/remove?id=" + client, 200);
  check_at(soon([&] { return pool_is_full(*all); }), "the pool is not refilled");
  wait_for_rest(all->daemon);
}

// So many one after the other, a pool at a time; the durable write of the same bytes in turn with them.
void claims(Newcomers* all, int count, std::vector<double>* ours, std::vector<double>* base) {
  all->line = line_open(daemon_port(all->daemon));  // one that has rested for a minute is closed
  std::vector<std::string> come;
  for (int i = 0; i < count; i++) {
    const std::string bytes = base == nullptr ? "" : file_text(daemon_state_path(all->daemon));
    if (base != nullptr && i % 2 == 0) base->push_back(durable_write(all->daemon, bytes));
    come.push_back(newcomer(all));
    ours->push_back(line_ask(all->line.get(), access_path(come.back())));
    if (base != nullptr && i % 2 == 1) base->push_back(durable_write(all->daemon, bytes));
    if (static_cast<int>(come.size()) < all->pool && i + 1 < count) {
      wait_for_rest(all->daemon);
      continue;
    }
    go(all, come);
    come.clear();
  }
}

Newcomers newcomers_at(Scene* scene, int number, int sessions, int pool) {
  Newcomers all;
  all.daemon = stand_daemon(scene, number);
  stand_crew(scene, all.daemon, Crew{.sessions = sessions, .pool = pool, .spare = 0});  // no port to refill it on until they go
  all.line = line_open(daemon_port(all.daemon));
  all.pool = pool;
  all.come = number * 1000000;
  go(&all, {});
  return all;
}

}  // namespace

void claim(Scene* scene) {
  Newcomers all = newcomers_at(scene, 0, 10, kPool);
  Row p50 = {.name = "pool claim, request to 302, p50", .unit = "ms", .digits = 3, .aim = Aim::RatioAtMost, .limit = 2};
  Row p99 = {.name = "pool claim, request to 302, p99", .unit = "ms", .digits = 3, .aim = Aim::RatioAtMost, .limit = 3};
  row_wait_for_quiet(&p50);
  p99.busy = p50.busy;
  for (int round = -1; round < bench_rounds(); round++) {
    std::vector<double> ours, base;
    claims(&all, kClaims, &ours, &base);
    if (round < 0) continue;
    p50.ours.push_back(samples_median(ours));
    p50.base.push_back(samples_median(base));
    p99.ours.push_back(samples_quantile(ours, 0.99));
    p99.base.push_back(samples_quantile(base, 0.99));
  }
  row_done(p50);
  row_done(p99);
}

// Ours counts as claims a second, the limit as durable writes a second.
void claim_together(Scene* scene) {
  constexpr int kTogether = 32;
  Newcomers all = newcomers_at(scene, 0, 10, kTogether);
  Row row = {.name = "claims, 32 clients at once", .unit = "1/s", .digits = 0, .aim = Aim::RatioAtLeast, .limit = 8};
  row_wait_for_quiet(&row);
  rounds_alternate(
      true,
      [&](int round) {
        const std::string bytes = file_text(daemon_state_path(all.daemon));
        double ms = 0;
        for (int i = 0; i < kTogether; i++) ms += durable_write(all.daemon, bytes);
        if (round >= 0) row.base.push_back(kTogether / ms * 1000);
      },
      [&](int round) {
        std::vector<std::string> clients, paths;
        for (int i = 0; i < kTogether; i++) {
          clients.push_back(newcomer(&all));
          paths.push_back(access_path(clients.back()));
        }
        const Burst burst = burst_ask(daemon_port(all.daemon), paths);
        if (round >= 0) row.ours.push_back(kTogether / burst.all_ms * 1000);
        go(&all, clients);
      });
  row_done(row);
}

// Daemons of several sizes side by side, each in turn.
void claim_scale(Scene* scene) {
  const std::vector<int> sizes = {10, 100, 1000, 10000};
  std::vector<Newcomers> all;
  for (size_t i = 0; i < sizes.size(); i++) all.push_back(newcomers_at(scene, static_cast<int>(i), sizes[i], kPool));
  Row busy = {.name = "claims of many sessions", .unit = ""};
  row_wait_for_quiet(&busy);
  std::vector<std::vector<double>> p50(sizes.size()), p99(sizes.size());
  for (int round = -1; round < bench_rounds(); round++)
    for (size_t i = 0; i < sizes.size(); i++) {
      if (sizes[i] > 1000 && round >= kRoundsOfMany) continue;
      std::vector<double> ours;
      claims(&all[i], sizes[i] > 1000 ? kClaimsOfMany : kClaims, &ours, nullptr);
      if (round < 0) continue;
      p50[i].push_back(samples_median(ours));
      p99[i].push_back(samples_quantile(ours, 0.99));
    }
  for (size_t i = 0; i < sizes.size(); i++) {
    const bool judged = sizes[i] == 1000;
    row_done({.name = "claim p99 with " + std::to_string(sizes[i]) + " sessions, beside 10", .unit = "ms", .digits = 2,
              .aim = judged ? Aim::RatioAtMost : Aim::None, .limit = 3, .base = i == 0 ? std::vector<double>{} : p99[0], .ours = p99[i], .busy = busy.busy});
    point_add("claim_p50_ms", std::to_string(sizes[i]), samples_median(p50[i]));
    point_add("claim_p99_ms", std::to_string(sizes[i]), samples_median(p99[i]));
  }
}
