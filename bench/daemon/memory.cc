// What the daemon takes while nobody asks: memory, processor, wake-ups, at 10 and at 1,000 sessions.
#include <dirent.h>
#include <unistd.h>

#include <cstdlib>

#include "bench/daemon/baselines.h"
#include "bench/daemon/rows.h"
#include "support/memory.h"

namespace {

constexpr double kMinute = 60;
constexpr int kSizes[] = {10, 100, 300, 1000};

struct Idler {
  pid_t pid = -1;
  double cpu = 0, wakes = 0;  // as of the last look
};

double field(const std::string& path, const std::string& name) {
  const std::string text = file_text(path);
  const size_t at = text.find("\n" + name + ":");
  return at == std::string::npos ? 0 : atof(text.c_str() + at + name.size() + 2);
}

// Of all its threads: seconds on a processor, and how often each was put on one.
void look(Idler* one) {
  one->cpu = one->wakes = 0;
  const std::string tasks = "/proc/" + std::to_string(one->pid) + "/task/";
  DIR* folder = opendir(tasks.c_str());
  check_at(folder != nullptr, "a process that is measured has ended");
  while (const dirent* entry = readdir(folder)) {
    if (entry->d_name[0] == '.') continue;
    one->cpu += atof(file_text(tasks + entry->d_name + "/schedstat").c_str()) / 1e9;
    one->wakes += field(tasks + entry->d_name + "/status", "voluntary_ctxt_switches");
  }
  closedir(folder);
}

double resident_mb(pid_t pid) { return field("/proc/" + std::to_string(pid) + "/smaps_rollup", "Rss") / 1024; }
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
      stand_crew(scene, d, Crew{.sessions = size == 1000 ? 996 : size, .pool = 1, .spare = 3});
      round.ours.push_back(Idler{.pid = d->pid});
    }
    round.base.pid = idle_start(scene, scene->suite->first_port + 39 - static_cast<int>(&round - rounds.data()));
  }
  Row busy = {.name = "idle daemons", .unit = ""};
  row_wait_for_quiet(&busy);
  sleep(20);  // threads without work end after ten
  for (Round& round : rounds) {
    for (Idler& one : round.ours)
      if (one.pid > 0) look(&one);
    look(&round.base);
  }
  const double begin = now_seconds();
  usleep(static_cast<useconds_t>(kMinute * 1e6));
  const double seconds = now_seconds() - begin;
  std::vector<double> base_private, base_resident, base_cpu, base_wakes;
  std::vector<std::vector<double>> mine(std::size(kSizes)), resident(std::size(kSizes)), cpu(std::size(kSizes)), wakes(std::size(kSizes));
  auto note = [&](const Idler& before, std::vector<double>* p, std::vector<double>* r, std::vector<double>* c, std::vector<double>* w) {
    if (before.pid <= 0) return;
    Idler now = before;
    look(&now);
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
