// Thousands of schedules of the modelled world, each from a fixed seed: what must hold always, and what must hold in the end.
#include <cstdlib>

#include "core/world.h"
#include "support/cmocka_cc.h"

// VNC_TRACE_SEED=n shows what happens under this one seed.
static void run(uint64_t seed, int steps, std::map<std::string, int>* happened) {
  World world = world_create(seed);
  const char* wanted = getenv("VNC_TRACE_SEED");
  world.trace = wanted && strtoull(wanted, nullptr, 10) == seed;
  while (world.steps < steps) world_step(world);
  world_settle(world);
  world_check_end(world);
  for (const auto& [what, often] : world.seen_happen) (*happened)[what] += often;
}

static void run_all(uint64_t first, uint64_t many, int steps) {
  std::map<std::string, int> happened;
  for (uint64_t seed = first; seed < first + many; seed++) run(seed, steps, &happened);
  // The schedules reach what they are meant to reach.
  for (const char* what : {"302", "404", "409", "500", "503", "removed", "launched", "launch failed", "written",
                           "not written", "killed", "stopped"})
    if (happened[what] < 100) fail_msg("%s came about only %d times", what, happened[what]);
}

static void test_short_schedules(void**) { run_all(1, 6000, 150); }
static void test_middle_schedules(void**) { run_all(100'001, 3000, 500); }
static void test_long_schedules(void**) { run_all(200'001, 400, 4000); }

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(test_short_schedules),
      cmocka_unit_test(test_middle_schedules),
      cmocka_unit_test(test_long_schedules),
  };
  return cmocka_run_group_tests_name("core/property", tests, nullptr, nullptr);
}
