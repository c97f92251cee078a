// What the daemon takes while nobody asks: memory, processor, wake-ups, at 10 and at 1,000 sessions.
#include <unistd.h>

#include <cstdlib>

#include "bench/daemon/baselines.h"
#include "bench/daemon/idler.h"
#include "bench/daemon/rows.h"
#include "support/memory.h"

namespace {

constexpr double kMinute = 60;
constexpr int kSizes[] = {10, 100, 300, 1000};

double resident_mb(pid_t pid) { return proc_field("/proc/" + std::to_string(pid) + "/smaps_rollup", "Rss") / 1024; }
double private_mb(pid_t pid) { return static_cast<double>(memory_private_dirty_kib(pid)) / 1024; }

pid_t idle_start(Scene* scene, int port) {
  auto program = std::make_shared<ProcPtr>(proc_start({baseline_program("idle"), std::to_string(port)}, scene->folder + "/idle.out"));
  scene->cleanups.push_back([program] { program->reset(); });
  return (*program)->pid;
}

}  // namespace

// A round is a set of processes of its own; all sets rest during the same minute, since none takes anything from another.
void memory(Scene* scene) {
  struct Round {
    std::vector<Idler> ours;  // in the order of kSizes
    Idler base;
  };
  std::vector<Round> rounds(static_cast<size_t>(bench_rounds()));
  int number = 0;
  for (Round& round : rounds) {
    for (const int size : kSizes) {
      const bool plotted = size != 10 && size != 1000;
      if (plotted && &round != rounds.data()) {
        round.ours.push_back({});
        continue;
      }
      Daemon* d = stand_daemon(scene, number++);
      stand_crew(scene, d, Crew{.sessions = size == 1000 ? 996 : size, .pool = 1, .spare = 3, .viewers = 0});
      round.ours.push_back(Idler{.pid = d->pid});
    }
    round.base.pid = idle_start(scene, scene->suite->first_port + 39 - static_cast<int>(&round - rounds.data()));
  }
  Row busy = {.name = "idle daemons", .unit = ""};
  sleep(20);  // threads without work end after ten; and those of the daemons that have just begun are no others' work
  row_wait_for_quiet(&busy);
  for (Round& round : rounds) {
    for (Idler& one : round.ours)
      if (one.pid > 0) idler_look(&one);
    idler_look(&round.base);
  }
  const double begin = now_seconds();
  usleep(static_cast<useconds_t>(kMinute * 1e6));
  const double seconds = now_seconds() - begin;
  std::vector<double> base_private, base_resident, base_cpu, base_wakes;
  std::vector<std::vector<double>> mine(std::size(kSizes)), resident(std::size(kSizes)), cpu(std::size(kSizes)), wakes(std::size(kSizes));
  auto note = [&](const Idler& before, std::vector<double>* p, std::vector<double>* r, std::vector<double>* c, std::vector<double>* w) {
    if (before.pid <= 0) return;
    Idler now = before;
    idler_look(&now);
    p->push_back(private_mb(now.pid));
    r->push_back(resident_mb(now.pid));
    c->push_back((now.cpu - before.cpu) / seconds * 100);
    w->push_back((now.wakes - before.wakes) / seconds);
  };
  for (const Round& round : rounds) {
    for (size_t i = 0; i < std::size(kSizes); i++) note(round.ours[i], &mine[i], &resident[i], &cpu[i], &wakes[i]);
    note(round.base, &base_private, &base_resident, &base_cpu, &base_wakes);
  }
  for (size_t i = 0; i < std::size(kSizes); i++) {
    point_add("memory_private_mib", std::to_string(kSizes[i]), samples_median(mine[i]));
    point_add("memory_resident_mib", std::to_string(kSizes[i]), samples_median(resident[i]));
    if (kSizes[i] != 10 && kSizes[i] != 1000) continue;
    const std::string at = " at " + std::to_string(kSizes[i]) + " sessions";
    row_done({.name = "private dirty memory" + at, .unit = "MiB", .digits = 2, .aim = Aim::OursAtMost, .limit = kSizes[i] == 10 ? 4.0 : 8.0,
              .base = base_private, .ours = mine[i], .busy = busy.busy});
    row_done({.name = "resident memory" + at, .unit = "MiB", .digits = 1, .base = base_resident, .ours = resident[i], .busy = busy.busy});
    row_done({.name = "idle processor" + at, .unit = "% of a core", .digits = 3, .aim = Aim::OursAtMost, .limit = 0.1, .base = base_cpu,
              .ours = cpu[i], .busy = busy.busy});
    row_done({.name = "wake-ups" + at, .unit = "1/s", .digits = 2, .aim = Aim::OursAtMost, .limit = 2, .base = base_wakes, .ours = wakes[i],
              .busy = busy.busy});
  }
}
