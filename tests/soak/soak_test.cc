// A working day in miniature, again and again for SOAK_MINUTES: waves of visitors on a real engine, reuse, sizes, removals, idle cleanup,
// one fault a day, and beside it a second daemon that is killed every day. Each night all must be as it was the night before.
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <random>
#include <set>
#include <thread>

#include "soak/faults.h"
#include "soak/gauges.h"
#include "soak/slope.h"
#include "soak/visitors.h"
#include "support/daemon.h"
#include "support/memory.h"
#include "support/private_engine.h"

namespace {

constexpr int kSlots = 8;
constexpr int kPool = 2;
// Seconds: threads without work have ended (kLaneRestMs). Once a minute one has some, so of as many looks the one that finds the fewest counts.
constexpr unsigned kThreadsRest = 14;

struct Soak {
  Scene* scene = nullptr;
  PrivateEngine* engine = nullptr;
  Daemon* main = nullptr;
  Daemon* other = nullptr;
  std::string other_network;
  LedgerPtr ledger, other_ledger;
  double begun = 0, minutes = 0, day_seconds = 0;
  std::mt19937 dice;
  int day = 0;
  Meeting meeting;
  size_t visitors = 0, log_read = 0, lines = 0, provoked = 0;
  std::map<std::string, int> faults;
  bool engine_killed = false;   // ever
  std::set<int> stuck_ports;    // that it has called allocated since, though no container had them
  std::vector<std::string> unprovoked;
  std::vector<Reading> nights;
  long peak_dirty = 0;
  size_t peak_descriptors = 0;
};

int below(Soak* soak, int most) { return static_cast<int>(soak->dice() % static_cast<unsigned>(most)); }

double minutes_asked() {
  const char* text = getenv("SOAK_MINUTES");
  const double minutes = text == nullptr ? 0 : atof(text);
  return minutes > 0 ? minutes : 3;
}

// ---- Morning.

void with_hours(Daemon* daemon, double day_seconds) {
  daemon_set(daemon, "LOG_LEVEL", "INFO");
  daemon_set(daemon, "IDLE_TIMEOUT_HOURS", std::to_string(day_seconds * 0.15 / 3600));
  daemon_set(daemon, "CLEANUP_INTERVAL_MINUTES", std::to_string(day_seconds * 0.04 / 60));
}

void open_house(Soak* soak) {
  Scene* scene = soak->scene;
  soak->engine = private_engine_make(scene);
  soak->engine->extra = {"--live-restore"};
  private_engine_start(soak->engine);
  soak->main = scene->daemon;
  daemon_use_engine(soak->main, soak->engine);
  daemon_set(soak->main, "WARM_POOL_SIZE", std::to_string(kPool));
  daemon_set_ports(soak->main, 10, kSlots);
  with_hours(soak->main, soak->day_seconds);
  soak->other = scene_add_daemon(scene, "other");
  soak->other_network = scene->suite->network + "-other";
  daemon_use_engine(soak->other, soak->engine);
  daemon_set(soak->other, "ORCHESTRATOR_PORT", std::to_string(scene->suite->first_port + 1));
  daemon_set(soak->other, "DOCKER_NETWORK_NAME", soak->other_network);
  daemon_set(soak->other, "DOCKER_NETWORK_SUBNET", suite_subnet(*scene->suite, 1));
  daemon_set(soak->other, "WARM_POOL_SIZE", "1");
  daemon_set_ports(soak->other, 20, 3);
  with_hours(soak->other, soak->day_seconds);
  soak->ledger = ledger_start(soak->engine->socket, scene->suite->network);
  soak->other_ledger = ledger_start(soak->engine->socket, soak->other_network);
  ledger_watch_file(soak->ledger.get(), daemon_state_path(soak->main));
  ledger_watch_file(soak->other_ledger.get(), daemon_state_path(soak->other));
  daemon_start(soak->main);
  daemon_start(soak->other);
  daemon_wait_pool(soak->main, kPool);
}

// Everybody is new: what is kept of somebody who will never come again is a leak. Two waves, and a crowd on the first day.
std::vector<Visitor> guests(Soak* soak, double from, double until) {
  std::vector<Visitor> all;
  const double span = until - from;
  const int many = soak->day == 0 ? 16 : 12;
  for (int i = 0; i < many; i++) {
    Visitor one;
    one.client = suite_client(*soak->scene->suite, "d" + std::to_string(soak->day) + "-" + std::to_string(i));
    const double wave = i % 2 ? 0.45 : 0.0;
    one.arrives = from + span * (wave + (soak->day == 0 ? 0.01 : 0.25) * below(soak, 1000) / 1000);
    one.leaves = std::min(until, one.arrives + span * (0.2 + 0.3 * below(soak, 1000) / 1000));
    one.reloads = static_cast<int>((100 + below(soak, 200)) * soak->day_seconds / 60);
    one.hangs_up = below(soak, 10) == 0;
    one.resizes = below(soak, 5) == 0;
    one.removes = below(soak, 3) == 0;
    if (below(soak, 4) == 0) one.size = "&width=800&height=600";
    all.push_back(one);
  }
  soak->visitors += all.size();
  return all;
}

// ---- Midday.

// Its clients ask, and in the middle of that it is killed and started again.
void other_daemon_dies(Soak* soak) {
  std::vector<std::future<HttpReply>> asked;
  for (int i = 0; i < 3; i++)
    asked.push_back(http_call_later(daemon_call(
        soak->other,
        access_path(suite_client(*soak->scene->suite, "o" + std::to_string(soak->day) + "-" + std::to_string(i))))));
  usleep(static_cast<useconds_t>(below(soak, 1'500'000)));
  daemon_kill9(soak->other);
  for (std::future<HttpReply>& one : asked) one.get();
  daemon_start(soak->other);
}

void look(Soak* soak) {
  soak->peak_dirty = std::max(soak->peak_dirty, memory_private_dirty_kib(soak->main->pid));
  soak->peak_descriptors = std::max(soak->peak_descriptors, process_descriptors(soak->main->pid));
}

void look_until(Soak* soak, double when) {
  while (now_seconds() < when) {
    look(soak);
    usleep(500'000);
  }
}

// ---- Night.

bool rests(Daemon* daemon, int pool) {
  const Status status = daemon_status(daemon);
  if (status.active != pool || status.pool != pool) return false;
  const std::vector<SeenContainer> seen = daemon_containers(daemon);
  return static_cast<int>(seen.size()) == pool &&
         std::all_of(seen.begin(), seen.end(), [](const SeenContainer& one) { return one.state == "running"; });
}

// Whether the line is of a port that a killed engine has left behind; what is started on it ends that.
bool is_left_behind(Soak* soak, const std::string& line) {
  int port = 0;
  const size_t started = line.find(" started on port ");
  if (started != std::string::npos && sscanf(line.c_str() + started, " started on port %d", &port) == 1)
    soak->stuck_ports.erase(port);
  port = soak->engine_killed ? fault_allocated_port(line) : 0;
  if (port != 0 && !fault_port_is_had(soak->main, port)) soak->stuck_ports.insert(port);
  return soak->stuck_ports.count(port) != 0;
}

void judge(Soak* soak, const Fault& fault) {
  usleep(1'200'000);  // the log is written once a second
  const size_t start = soak->log_read;
  const std::string log = daemon_log(soak->main);
  while (true) {
    const size_t end = log.find('\n', soak->log_read);
    if (end == std::string::npos) break;
    const std::string line = log.substr(soak->log_read, end - soak->log_read);
    const bool left_behind = is_left_behind(soak, line);
    const bool loud = line.find(" WARNING ") == 23 || line.find(" ERROR ") == 23;
    if (loud && (left_behind || fault_explains_line(fault, line, soak->log_read)))
      soak->provoked++;
    else if (loud)
      soak->unprovoked.push_back(line);
    soak->log_read = end + 1;
    soak->lines++;
  }
  for (const Surprise& one : soak->meeting.surprises)
    if (!fault_explains_answer(fault, one.client, one.status, one.at))
      soak->unprovoked.push_back(one.client + " " + one.path + ": " + std::to_string(one.status) + " " + one.text);
  soak->meeting.surprises.clear();
  soak->nights.back().values[kLogBytes] = static_cast<double>(soak->log_read - start);
}

void night(Soak* soak, const Fault& fault) {
  const double patience = now_seconds() + 60 + soak->day_seconds;
  while (!rests(soak->main, kPool) || !rests(soak->other, 1)) {
    check_at(now_seconds() < patience, "it does not come to rest in the night");
    usleep(500'000);
  }
  sleep(kThreadsRest);
  Reading reading = gauges_read(soak->main, soak->scene->suite->network, soak->engine->folder + "/data/containers");
  for (unsigned look = 0; look < kThreadsRest; look++) {
    sleep(1);
    reading.values[kThreads] = std::min(reading.values[kThreads], gauges_threads(soak->main));
  }
  reading.hours = (now_seconds() - soak->begun) / 3600;
  soak->nights.push_back(reading);
  judge(soak, fault);
  printf("night %2d, after %4.1f min:", soak->day + 1, reading.hours * 60);
  for (size_t g = 0; g < kGauges; g++) printf(" %.0f", soak->nights.back().values[g]);
  printf("  %s\n", fault.what.c_str());
  fflush(stdout);
}

void one_day(Soak* soak) {
  const double from = now_seconds(), noon = from + soak->day_seconds * 0.25, evening = from + soak->day_seconds * 0.55;
  std::vector<std::thread> threads;
  for (const Visitor& visitor : guests(soak, from, evening))
    threads.emplace_back([soak, visitor] { visitor_live(visitor, soak->main, &soak->meeting); });
  look_until(soak, noon);
  Fault fault = fault_provoke(soak->day % kFaultKinds, soak->main, soak->engine, soak->scene->suite->network);
  if (!fault.what.empty()) soak->faults[fault.what]++;
  soak->engine_killed = soak->engine_killed || fault.engine_killed;
  other_daemon_dies(soak);
  soak->faults["the other daemon killed with -9"]++;
  look_until(soak, evening);
  for (std::thread& thread : threads) thread.join();
  night(soak, fault);
}

// ---- The reckoning.

void nobody_shared(Ledger* ledger) {
  for (const LedgerEntry& entry : ledger_entries(ledger))
    check_at(entry.clients.size() < 2 || entry.clients[1].rfind("renamed", 0) == 0,
             "container " + entry.id + " served two clients");
}

void show(Soak* soak, size_t warm) {
  size_t asked = 0;
  for (const auto& [status, times] : soak->meeting.statuses) asked += times;
  printf("\n%.1f minutes, %d days, the first %zu of them to warm up; %zu visitors, %zu requests (",
         (now_seconds() - soak->begun) / 60, soak->day, warm, soak->visitors, asked);
  for (const auto& [status, times] : soak->meeting.statuses) printf(" %ld: %zu", status, times);
  printf(
      " ), %zu of them told that all ports are on their way to others, %zu hung up; %zu containers, %zu of the other "
      "daemon\n",
      soak->meeting.full, soak->meeting.hung_up, ledger_count(soak->ledger.get()),
      ledger_count(soak->other_ledger.get()));
  for (const auto& [what, times] : soak->faults) printf("- %s: %d\n", what.c_str(), times);
  printf("at most %ld KiB private and dirty and %zu descriptors by day\n", soak->peak_dirty, soak->peak_descriptors);
  printf("%zu lines of log, %zu of them warnings and errors that were provoked, %zu that were not\n\n", soak->lines,
         soak->provoked, soak->unprovoked.size());
  for (const std::string& line : soak->unprovoked) printf("NOT PROVOKED: %s\n", line.c_str());
}

void every_night_is_as_the_night_before(Scene* scene) {
  Soak* soak = new Soak;  // an assert that fails jumps away over it: threads may still use it
  soak->scene = scene;
  soak->minutes = minutes_asked();
  soak->day_seconds = std::clamp(soak->minutes * 60 / 24, 30.0, 150.0);
  soak->dice.seed(static_cast<unsigned>(time(nullptr)));
  open_house(soak);
  soak->begun = now_seconds();
  for (; now_seconds() - soak->begun < soak->minutes * 60; soak->day++) one_day(soak);
  std::vector<Reading> measured;
  for (const Reading& night : soak->nights)
    if (night.hours * 60 >= std::min(10.0, soak->minutes / 2)) measured.push_back(night);
  show(soak, soak->nights.size() - measured.size());
  check_at(measured.size() >= 3, "too short to tell: no three nights after the warm-up");
  const bool level = gauges_show(measured);
  fflush(stdout);
  check_at(soak->unprovoked.empty(), std::to_string(soak->unprovoked.size()) + " errors that nobody provoked");
  check_at(level, "something grows");
  for (Ledger* ledger : {soak->ledger.get(), soak->other_ledger.get()}) nobody_shared(ledger);
  for (Daemon* daemon : {soak->main, soak->other}) {
    daemon_stop(daemon);
    daemon_check_books(daemon);
  }
  delete soak;
}

// ---- That the measure itself can tell.

void test_a_leak_is_told_from_noise(void**) {
  std::vector<std::pair<double, double>> flat, leaking, steps;
  std::mt19937 dice(1);
  for (int i = 0; i < 20; i++) {
    const double hours = 0.17 + i * 0.04, noise = static_cast<double>(dice() % 41) - 20;
    flat.emplace_back(hours, 2000 + noise);
    leaking.emplace_back(hours, 2000 + noise + hours * 100);
    steps.emplace_back(hours, 30 + (i >= 10));
  }
  assert_true(slope_is_level(slope_of(flat), 16));
  assert_false(slope_is_level(slope_of(leaking), 16));
  assert_false(slope_is_level(slope_of(steps), 1));
  const Slope exact = slope_of({{0, 1}, {1, 3}, {2, 5}});
  assert_true(exact.per_hour > 1.999 && exact.per_hour < 2.001 && exact.error < 1e-9);
}

}  // namespace

int main() {
  const std::vector<CMUnitTest> tests = {
      cmocka_unit_test(test_a_leak_is_told_from_noise),
      E2E_TEST(every_night_is_as_the_night_before),
  };
  return suite_main("soak", tests);
}
