// What it costs to know who watches, and how soon it is known: make bench-viewers [ROW=cost] (as root; about eight minutes).
#include <unistd.h>

#include <cstdlib>
#include <random>

#include "bench/daemon/idler.h"
#include "bench/daemon/stand.h"
#include "bench/support/rounds.h"

namespace {

constexpr const char* kViewersResults = "bench/out/viewers.json";
constexpr double kMinute = 60;  // within which every connection is read once, whatever the counters say

void done(const Row& row) { check_at(table_add(kViewersResults, row), std::string("cannot write ") + kViewersResults); }

// Two daemons at rest through the same minutes, each with sessions of its own that have real processes and connections.
void cost(Scene* scene) {
  constexpr int kMany = 1000;
  Idler looks, blind;
  for (Idler* one : {&looks, &blind}) {
    Daemon* d = stand_daemon(scene, one == &looks ? 0 : 1);
    if (one == &blind) daemon_set(d, "VIEWER_CHECK_SECONDS", "0");
    stand_crew(scene, d, Crew{.sessions = kMany, .pool = 0, .spare = 0, .viewers = 1});
    one->pid = d->pid;
    if (one == &blind) continue;
    auto all_seen = [&] {
      const std::vector<Entry> records = daemon_status(d).records;
      return std::all_of(records.begin(), records.end(), [](const Entry& entry) { return entry.viewers == 1; });
    };
    check_at(wait_until(60, all_seen), "not everybody who watches is seen");
  }
  Row cpu = {.name = "looking at 1,000 watched sessions", .unit = "% of a core", .digits = 3, .aim = Aim::MoreAtMost, .limit = 1};
  row_wait_for_quiet(&cpu);
  for (int round = 0; round < bench_rounds(); ++round) {
    idler_look(&looks);
    idler_look(&blind);
    const Idler before = looks, beside = blind;
    usleep(static_cast<useconds_t>(kMinute * 1e6));
    idler_look(&looks);
    idler_look(&blind);
    cpu.ours.push_back((looks.cpu - before.cpu) / kMinute * 100);
    cpu.base.push_back((blind.cpu - beside.cpu) / kMinute * 100);
  }
  done(cpu);
}

// Somebody at a session of the real engine, who comes and goes at moments that have nothing to do with the rounds.
struct Guest {
  Entry session;
  int fd = -1;  // -1: not there
  double acts_at = 0;
  double acted_at = 0;  // 0: what he did last has been seen
};

void delay(Scene* scene) {
  constexpr int kGuests = 8;
  const size_t wanted = 8 * static_cast<size_t>(bench_rounds());
  Daemon* d = scene->daemon;
  daemon_set_ports(d, 10, kGuests);
  daemon_set(d, "VIEWER_CHECK_SECONDS", "");  // as it comes
  daemon_start(d);
  daemon_wait_reconciled(d);
  std::mt19937 random(7);
  std::uniform_real_distribution<double> pause(0.5, 12);
  std::vector<Guest> guests(kGuests);
  for (Guest& guest : guests) {
    guest.session = daemon_access(d, crew_client(static_cast<int>(&guest - guests.data())));
    guest.acts_at = now_seconds() + pause(random);
  }
  Row come = {.name = "somebody comes, until it is known", .unit = "s"}, go = {.name = "somebody goes, until it is known", .unit = "s"};
  const double end = now_seconds() + 600;
  while (come.ours.size() < wanted || go.ours.size() < wanted) {
    check_at(now_seconds() < end, "who comes and goes is not seen");
    const std::vector<Entry> records = daemon_status(d).records;
    for (Guest& guest : guests) {
      const double now = now_seconds();
      if (guest.acted_at > 0 && entry_of(records, guest.session.client).viewers == (guest.fd < 0 ? 0 : 1)) {
        (guest.fd < 0 ? go : come).ours.push_back(now - guest.acted_at);
        guest.acted_at = 0;
        guest.acts_at = now + pause(random);
      }
      if (guest.acted_at > 0 || now < guest.acts_at) continue;
      if (guest.fd < 0) {
        guest.fd = tcp_connect(guest.session.port);
      } else {
        tcp_close(guest.fd);
        guest.fd = -1;
      }
      guest.acted_at = now;
    }
    usleep(20000);
  }
  for (Guest& guest : guests) tcp_close(guest.fd);
  for (Row* row : {&come, &go}) done(*row);
}

}  // namespace

int main() {
  if (const char* row = getenv("ROW"); row != nullptr && *row != '\0') setenv("TESTS", row, 1);
  table_begin(kViewersResults, bench_rounds(), "not looking");
  const int status = suite_main_unwatched("viewers", {E2E_TEST(cost), E2E_TEST(delay)});
  table_print(kViewersResults);
  return status;
}
