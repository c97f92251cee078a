// The order of the rounds, and how much of the machine others use, from the kernel's own count.
#include "bench/support/rounds.h"

#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <string>

int bench_rounds() {
  const char* rounds = getenv("BENCH_ROUNDS");
  return rounds != nullptr && atoi(rounds) > 0 ? atoi(rounds) : 5;
}

void rounds_alternate(bool with_warm_up, const std::function<void(int round)>& base, const std::function<void(int round)>& ours) {
  for (int round = with_warm_up ? -1 : 0; round < bench_rounds(); round++) {
    (round % 2 == 0 ? base : ours)(round);
    (round % 2 == 0 ? ours : base)(round);
  }
}

namespace {

// Share of all processors that was in use during these seconds.
double machine_busy(double seconds) {
  auto read = [](double* idle) {
    std::ifstream stat("/proc/stat");
    std::string word;
    stat >> word;
    double all = 0;
    for (int field = 0; field < 8; field++) {
      double ticks = 0;
      stat >> ticks;
      all += ticks;
      if (field == 3 || field == 4) *idle += ticks;
    }
    return all;
  };
  double idle_before = 0;
  double idle_after = 0;
  double before = read(&idle_before);
  usleep(static_cast<useconds_t>(seconds * 1e6));
  double after = read(&idle_after);
  return after > before ? 1 - (idle_after - idle_before) / (after - before) : 0;
}

}  // namespace

void row_wait_for_quiet(Row* row) {
  const double kQuiet = 0.25;
  for (int look = 0; look < 5; look++) {
    row->busy = machine_busy(2);
    if (row->busy < kQuiet) return;
  }
  fprintf(stderr, "warning: this machine is busy (%.0f %%): \"%s\" is measured all the same, side by side\n",
          row->busy * 100, row->name.c_str());
}
