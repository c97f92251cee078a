// The simulator: every schedule that ever found something, and new ones. As a program of its own, as many as one likes:
//   sim_test --seeds N [--first N] [--moves]     sim_test --seed N [--choices "…"]
#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include "sim/found_seeds.h"
#include "sim/schedule.h"
#include "support/cmocka_cc.h"

static void tell_failure(uint64_t seed, const Run& run) {
  if (getenv("VNC_SIM_QUIET")) {  // only whether it fails
    printf("seed %" PRIu64 ": %s\n", seed, run.failure.c_str());
    return;
  }
  printf("\nseed %" PRIu64 ": %s\n(%zu choices; looking for a shorter story)\n", seed, run.failure.c_str(),
         run.choices.size());
  fflush(stdout);
  const std::vector<Choice> shortest = schedule_shrink(seed, run.choices);
  const Run told = schedule_replay(seed, shortest, true);
  const bool warm = seed % 3 != 0;
  printf("The story of seed %" PRIu64 ", as short as it was found%s:\n", seed,
         warm ? " (ana has a session, the pool is filled)" : "");
  for (const std::string& line : told.story) printf("%s\n", line.c_str());
  printf("BROKEN: %s\n", told.failure.c_str());
  printf("For found_seeds.h:\n    {\"...\", %" PRIu64 ",\n     \"%s\"},\n", seed, schedule_text(shortest).c_str());
  fflush(stdout);
}

// True when every rule held under every seed; else the first one that failed has been told.
static bool run_seeds(uint64_t first, uint64_t many, Tally* tally) {
  for (uint64_t seed = first; seed < first + many; seed++) {
    const Run run = schedule_run(seed);
    tally_add(*tally, run.tally);
    if (run.failure.empty()) continue;
    tell_failure(seed, run);
    return false;
  }
  return true;
}

// ---- Which transitions were made.

static const char* unreachable(SlotState, SlotState) { return nullptr; }

// Prints the table; the number of legal ones that were never made.
static int show_moves(const Tally& tally) {
  int missing = 0;
  printf("\n| from     | to       |      times |\n|----------|----------|------------|\n");
  for (size_t from = 0; from < kSlotStates; from++)
    for (size_t to = 0; to < kSlotStates; to++) {
      const auto a = static_cast<SlotState>(from), b = static_cast<SlotState>(to);
      if (!slot_move_is_legal(a, b)) continue;
      const uint64_t times = tally.moves[from][to];
      const char* why = unreachable(a, b);
      printf("| %-8s | %-8s | %10" PRIu64 " |%s%s\n", slot_state_name(a), slot_state_name(b), times,
             times ? "" : " never: ",
             times ? ""
             : why ? why
                   : "NO REASON");
      missing += times == 0 && !why;
    }
  return missing;
}

static void show(const Tally& tally) {
  printf("\n%" PRIu64 " events; 302: %" PRIu64 ", removed: %" PRIu64 ", all removed: %" PRIu64 ", 404: %" PRIu64
         ", 409: %" PRIu64 ", 500: %" PRIu64 ", 503: %" PRIu64 ", 503 full: %" PRIu64 "\n",
         tally.steps, tally.redirects, tally.removed, tally.removed_all, tally.errors[0], tally.errors[1],
         tally.errors[2], tally.errors[3], tally.errors[4]);
  for (size_t i = 0; i < kWhats; i++)
    printf("%s %" PRIu64 "%s", what_name(static_cast<What>(i)), tally.whats[i], i + 1 == kWhats ? "\n" : ", ");
}

// ---- As a test.

static uint64_t number_from(const char* name, uint64_t otherwise) {
  const char* text = getenv(name);
  return text && *text ? strtoull(text, nullptr, 10) : otherwise;
}

static void test_schedules_that_found_something(void**) {
  for (const Found& found : kFound) {
    std::vector<Choice> choices;
    if (!schedule_parse(found.choices, &choices)) fail_msg("\"%s\" is no schedule", found.what);
    const Run run = schedule_replay(found.seed, choices, false);
    if (!run.failure.empty()) {
      tell_failure(found.seed, run);
      fail_msg("found again: %s", found.what);
    }
  }
}

// Others every day, the same all day.
static void test_new_schedules(void**) {
  const uint64_t first = number_from("VNC_SIM_FIRST_SEED", static_cast<uint64_t>(time(nullptr) / 86400) * 1'000'000);
  const uint64_t many = number_from("VNC_SIM_SEEDS", 4000);
  print_message("seeds %" PRIu64 " to %" PRIu64 " (again: make sim FIRST_SEED=%" PRIu64 " SEEDS=%" PRIu64 ")\n", first,
                first + many - 1, first, many);
  Tally tally;
  if (!run_seeds(first, many, &tally)) fail_msg("a rule is broken");
}

// What the schedules are to reach, they do reach: else they would prove little.
static void test_schedules_reach_every_transition(void**) {
  Tally tally;
  if (!run_seeds(1, 3000, &tally)) fail_msg("a rule is broken");
  show(tally);
  assert_int_equal(show_moves(tally), 0);
  for (uint64_t times : tally.whats) assert_true(times > 10);
  for (size_t i = 0; i < 5; i++) assert_true(tally.errors[i] > 10);
  assert_int_equal(tally.errors[5], 0);
  assert_true(tally.redirects > 1000 && tally.removed > 100 && tally.removed_all > 10);
}

static void test_a_schedule_is_told_and_read_again(void**) {
  const Run run = schedule_run(1);
  std::vector<Choice> read;
  assert_true(schedule_parse(schedule_text(run.choices), &read));
  assert_string_equal(schedule_text(read).c_str(), schedule_text(run.choices).c_str());
  const Run again = schedule_replay(1, read, true);
  assert_int_equal(again.tally.steps, run.tally.steps);
  assert_false(schedule_parse("Dance 0 0 0 0", &read));
}

static int run_as_program(int count, char** words) {
  uint64_t first = 1, many = 1;
  const char* choices_text = nullptr;
  bool moves = false, story = false;
  for (int i = 1; i < count; i++) {
    const bool has_value = i + 1 < count;
    if (!strcmp(words[i], "--seeds") && has_value)
      many = strtoull(words[++i], nullptr, 10);
    else if (!strcmp(words[i], "--first") && has_value)
      first = strtoull(words[++i], nullptr, 10);
    else if (!strcmp(words[i], "--seed") && has_value)
      first = strtoull(words[++i], nullptr, 10), story = true;
    else if (!strcmp(words[i], "--choices") && has_value)
      choices_text = words[++i];
    else if (!strcmp(words[i], "--moves"))
      moves = true;
    else
      return fprintf(stderr, "usage: sim_test --seeds N [--first N] [--moves] | --seed N [--choices TEXT]\n"), 2;
  }
  if (story) {
    std::vector<Choice> choices = choices_text ? std::vector<Choice>() : schedule_run(first).choices;
    if (choices_text && !schedule_parse(choices_text, &choices)) return fprintf(stderr, "no such schedule\n"), 2;
    const Run run = schedule_replay(first, choices, true);
    for (const std::string& line : run.story) printf("%s\n", line.c_str());
    printf("%s%s\n", run.failure.empty() ? "all rules held" : "BROKEN: ", run.failure.c_str());
    return run.failure.empty() ? 0 : 1;
  }
  Tally tally;
  const auto begun = std::chrono::steady_clock::now();
  const bool held = run_seeds(first, many, &tally);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  if (moves) show(tally);
  const int missing = moves ? show_moves(tally) : 0;
  if (!held) return 1;
  printf("%" PRIu64 " schedules from seed %" PRIu64 " on, all rules held: %.1f s, %.0f a minute\n", many, first,
         seconds, static_cast<double>(many) / seconds * 60);
  if (missing) printf("%d legal transitions were never made\n", missing);
  return missing ? 1 : 0;
}

int main(int count, char** words) {
  if (count > 1) return run_as_program(count, words);
  const CMUnitTest tests[] = {
      cmocka_unit_test(test_schedules_that_found_something),
      cmocka_unit_test(test_new_schedules),
      cmocka_unit_test(test_schedules_reach_every_transition),
      cmocka_unit_test(test_a_schedule_is_told_and_read_again),
  };
  return cmocka_run_group_tests_name("sim", tests, nullptr, nullptr);
}
