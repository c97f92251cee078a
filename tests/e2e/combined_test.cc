// Two things at the same moment: the engine returns and the daemon is killed, two daemons start on one state file, everybody is removed
// while everybody asks.
#include <unistd.h>

#include <algorithm>
#include <future>
#include <map>
#include <random>

#include "support/daemon.h"
#include "support/private_engine.h"
#include "support/report.h"

namespace {

const char* const kSize = "&width=800&height=600";

// Nothing left over, the pool full, everything running and written down.
void wait_rest(Daemon* d, int pool, const At& at = At::current()) {
  bool rests = wait_until(60, [&] { return daemon_status(d).pool == pool && daemon_books_agree(d); });
  if (!rests)
    for (const SeenContainer& seen : daemon_containers(d))
      fprintf(stderr, "%s %s\n", seen.name.c_str(), seen.state.c_str());
  check_at(rests, "containers, records and state file do not come together", at);
}

std::string listed(const std::map<long, int>& answers) {
  std::string text;
  for (const auto& [status, count] : answers)
    text +=
        (text.empty() ? "" : ", ") + std::to_string(count) + " x " + (status == 0 ? "cut off" : std::to_string(status));
  return text;
}

struct Returns {
  Daemon* d = nullptr;
  PrivateEngine* engine = nullptr;
  std::string a, b;  // one from the pool, one with a size of its own
  std::map<long, int> told;
  int kills = 0, kept = 0, ended = 0;
  double slowest = 0;
};

// Somewhere between its first try to connect and the launches for those who waited.
void kill_when_it_returns(Scene* scene, Returns* r, bool outlives, int after_ms) {
  Daemon* d = r->d;
  Entry of_a = daemon_access(d, r->a);
  Entry of_b = daemon_access(d, r->b, kSize);
  wait_rest(d, 1);
  private_engine_stop(r->engine);
  std::vector<std::future<HttpReply>> asked;
  for (int i = 0; i < 3; ++i) {
    std::string newcomer = suite_client(*scene->suite, "returns" + std::to_string(r->kills) + "." + std::to_string(i));
    asked.push_back(http_call_later(daemon_call(d, access_path(newcomer, i == 0 ? "" : kSize))));
  }
  private_engine_start(r->engine);
  for (const std::string& client : {r->a, r->b})
    asked.push_back(http_call_later(daemon_call(d, access_path(client, client == r->b ? kSize : ""))));
  usleep(static_cast<useconds_t>(after_ms) * 1000);
  daemon_kill9(d);
  ++r->kills;
  for (std::future<HttpReply>& one : asked) ++r->told[one.get().status];
  double began = now_seconds();
  daemon_start(d);
  daemon_wait_reconciled(d);
  for (const Entry& entry : {of_a, of_b}) {
    std::string query = entry.client == r->b ? kSize : "";
    bool same = daemon_access(d, entry.client, query).id == entry.id;
    check_at(same == outlives, entry.client + (same ? ": a session that had ended" : " was moved"));
    ++(same ? r->kept : r->ended);
  }
  wait_rest(d, 1);
  r->slowest = std::max(r->slowest, now_seconds() - began);
  daemon_get(d, "/remove-all");
  daemon_wait_pool(d, 1);
}

void killed_at_the_moment_the_engine_returns(Scene* scene) {
  Returns r;
  r.d = scene->daemon;
  r.engine = private_engine_make(scene);
  r.a = suite_client(*scene->suite, "returns-a");
  r.b = suite_client(*scene->suite, "returns-b");
  daemon_use_engine(r.d, r.engine);
  daemon_set(r.d, "WARM_POOL_SIZE", "1");
  daemon_set_ports(r.d, 10, 9);
  daemon_start(r.d);
  int each = report_pick(1, 8);
  for (bool live_restore : {true, false}) {
    if (!live_restore && !report_at_length()) break;  // each start of an engine takes its time
    if (r.engine->pid > 0) private_engine_stop(r.engine);
    r.engine->extra = live_restore ? Texts{"--live-restore"} : Texts{};
    private_engine_start(r.engine);
    daemon_wait_pool(r.d, 1);
    for (int i = 0; i < each; ++i) kill_when_it_returns(scene, &r, live_restore, i * 200);
  }
  report_fault({"daemon killed with -9 at the moment the engine returns, " + std::to_string(r.kills) +
                    " times, with live-restore and without",
                "all who asked: " + listed(r.told),
                std::to_string(r.kept) + " sessions that outlived it where they were, " + std::to_string(r.ended) +
                    " that did not replaced, 0 moved",
                "at rest after " + report_seconds(r.slowest) + " at most", ""});
}

void two_daemons_started_at_once_on_one_state_file(Scene* scene) {
  Daemon* pair[] = {scene->daemon, scene_add_daemon(scene, "second")};
  daemon_set(pair[1], "ORCHESTRATOR_PORT", std::to_string(daemon_port(pair[0]) + 1));
  daemon_set(pair[1], "STATE_FILE", daemon_state_path(pair[0]));
  for (Daemon* one : pair) daemon_set(one, "WARM_POOL_SIZE", "1");
  std::string client = suite_client(*scene->suite, "one-of-two");
  Entry entry;
  int won[] = {0, 0};
  double slowest = 0;
  int rounds = report_pick(2, 40);
  for (int round = 0; round < rounds; ++round) {
    double began = now_seconds();
    daemon_spawn(pair[round % 2]);
    daemon_spawn(pair[(round + 1) % 2]);
    int loser = -1;
    int status = -1;
    check_at(wait_until(20,
                        [&] {
                          for (int i = 0; i < 2 && loser < 0; ++i)
                            if ((status = daemon_wait_exit(pair[i], 0)) >= 0) loser = i;
                          return loser >= 0;
                        }),
             "both run");
    check_at(status > 0 && status < 128, "exit status " + std::to_string(status));
    Daemon* winner = pair[1 - loser];
    check_at(daemon_logs_loudly(pair[loser], {"another orchestrator", "STATE_FILE"}), "who lost does not say why");
    check_at(wait_until(20, [&] { return daemon_get(winner, "/health").status == 200; }), "nobody runs");
    ++won[1 - loser];
    Entry now = daemon_access(winner, client);
    check_at(round == 0 || now.id == entry.id, "moved to another container");
    entry = now;
    daemon_wait_pool(winner, 1);
    wait_rest(winner, 1);
    slowest = std::max(slowest, now_seconds() - began);
    if (round + 1 < rounds) daemon_kill9(winner);
  }
  report_fault({"two daemons started at once on one state file, " + std::to_string(rounds) + " times",
                "one of them ended with the reason, each time", "its client in the same container",
                "at rest after " + report_seconds(slowest) + " at most",
                "the first won " + std::to_string(won[0]) + " times, the second " + std::to_string(won[1])});
}

// Accesses of more clients than there are slots, with and without sizes; everybody is removed twice in the middle of each storm.
void everybody_removed_in_the_middle_of_a_storm(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_set(d, "WARM_POOL_SIZE", "2");
  daemon_set_ports(d, 10, 8);
  daemon_start(d);
  daemon_wait_pool(d, 2);
  std::mt19937 dice(20261126);
  std::map<long, int> told;
  std::map<std::string, std::string> owner;  // of each container that was seen to be a client's
  size_t created = ledger_count(scene->suite->ledger.get());
  double slowest = 0;
  int storms = report_pick(1, 20);
  for (int storm = 0; storm < storms; ++storm) {
    std::vector<std::future<HttpReply>> asked;
    for (int i = 0; i < 60; ++i) {
      std::string client = suite_client(*scene->suite, "storm" + std::to_string(dice() % 12));
      std::string path = i == 20 || i == 40 ? "/remove-all" : access_path(client, dice() % 2 == 0 ? "" : kSize);
      asked.push_back(http_call_later(daemon_call(d, path)));
      if (dice() % 3 == 0) usleep(static_cast<useconds_t>(dice() % 150) * 1000);
      for (const Entry& entry : daemon_status(d).records) {
        if (entry.client == "__pool__")
          check_at(owner.count(entry.id) == 0, "a used container in the pool: " + entry.id);
        else
          check_equal(owner.try_emplace(entry.id, entry.client).first->second, entry.client,
                      "whose " + entry.id + " is");
      }
    }
    double began = now_seconds();
    for (std::future<HttpReply>& one : asked) {
      HttpReply reply = one.get();
      bool expected = reply.status == 200 || reply.status == 302 || reply.status == 409 || reply.status == 503;
      check_at(expected, std::to_string(reply.status) + " " + reply.error + reply.body);
      ++told[reply.status];
    }
    bool rests = wait_until(60, [&] {
      Status status = daemon_status(d);
      bool full = status.active == status.max_slots;  // clients come before refills
      return (status.pool == 2 || full) && daemon_books_agree(d);
    });
    check_at(rests, "containers, records and state file do not come together");
    slowest = std::max(slowest, now_seconds() - began);
  }
  check_at(told[302] > 0 && told[409] + told[503] > 0, "no storm: " + listed(told));
  report_fault({"everybody removed twice in the middle of a storm of accesses, " + std::to_string(storms) + " storms",
                std::to_string(60 * storms) + " requests: " + listed(told), "-",
                "at rest " + report_seconds(slowest) + " after the storm at most",
                std::to_string(ledger_count(scene->suite->ledger.get()) - created) + " containers made, " +
                    std::to_string(owner.size()) + " seen with clients, each with one; 0 left over"});
}

}  // namespace

int main() {
  const std::vector<CMUnitTest> tests = {
      E2E_TEST(killed_at_the_moment_the_engine_returns),
      E2E_TEST(two_daemons_started_at_once_on_one_state_file),
      E2E_TEST(everybody_removed_in_the_middle_of_a_storm),
  };
  return suite_main("combined", tests);
}
