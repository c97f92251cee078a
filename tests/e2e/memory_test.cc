// What is left in memory when sessions have come and gone.
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "support/crowd.h"
#include "support/daemon.h"
#include "support/memory.h"
#include "support/report.h"
#include "support/standin.h"

namespace {

constexpr int kSlots = 24;

// Those of the lanes, which alone come and go: a sanitizer may have one of its own.
long workers_of(const Daemon* d) {
  static const Texts kLanes = {"launch", "engine", "pull", "store", "status"};
  long count = 0;
  for (const auto& task : std::filesystem::directory_iterator("/proc/" + std::to_string(d->pid) + "/task")) {
    const std::string name = file_text(task.path().string() + "/comm");
    count += std::find(kLanes.begin(), kLanes.end(), name.substr(0, name.find('\n'))) != kLanes.end();
  }
  return count;
}

// New clients on all ports at once, then nobody.
void wave(Scene* scene, int number) {
  Daemon* d = scene->daemon;
  Crowd crowd = crowd_open(daemon_port(d), kSlots);
  for (int i = 0; i < kSlots; ++i)
    crowd_send(&crowd, static_cast<size_t>(i),
               "GET " + access_path(suite_client(*scene->suite, std::to_string(number) + "-" + std::to_string(i))) +
                   " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  check_at(crowd_read_to_end(&crowd, 60), "not all are answered");
  for (const CrowdOne& one : crowd.ones) check_number(crowd_status(one), 302, "an answer");
  crowd_close(&crowd);
  check_number(daemon_get(d, "/remove-all").status, 200, "/remove-all");
}

// Once no thread has work any more.
long at_rest(const Daemon* d) {
  check_at(workers_of(d) > 0, "no worker is seen");
  check_at(wait_until(40, [&] { return workers_of(d) == 0; }), "threads without work do not end");
  return memory_settled_kib(d->pid);
}

// Each thread of the workers kept what it had freed, in a heap of its own: a third of a megabyte more after twelve waves than after two, and on it
// went. What grows now, by half of that, is what is remembered for a minute of each container that has gone (150 to 170 KiB, 240 seen on a busy machine); a
// minute later ten more waves add nothing.
void what_one_wave_took_serves_the_next(Scene* scene) {
  Daemon* d = scene->daemon;
  standin_start(scene, kSlots, 100, 20);
  daemon_set(d, "WARM_POOL_SIZE", "0");
  daemon_start(d);
  int number = 0;
  while (number < 2) wave(scene, number++);
  const long early = at_rest(d);
  while (number < 12) wave(scene, number++);
  const long late = at_rest(d);
  report_row("memory (private, dirty) after 2 waves of 24 sessions, after 12", std::to_string(early) + ", " + std::to_string(late) + " KiB");
  if (!memory_is_sanitized())
    check_at(late - early < 280, std::to_string(late) + " KiB after twelve waves, " + std::to_string(early) + " after two");
}

}  // namespace

int main() { return suite_main("memory", {E2E_TEST(what_one_wave_took_serves_the_next)}); }
