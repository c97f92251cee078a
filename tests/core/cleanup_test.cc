// Idle sessions are ended, by the monotonic clock and at each interval; the pool is reserve, not idle.
#include "core/drive.h"

static constexpr int64_t kMinute = 60'000;
static constexpr int64_t kHour = 60 * kMinute;

// Time goes on with the engine listing and answering.
static void hours(Drive& d, int64_t ms) {
  for (int64_t gone = 0; gone < ms; gone += kMinute) {
    drive_wait(d, kMinute);
    drive_calm(d);
  }
}

static void test_idle_sessions_are_ended(void**) {
  Drive d = drive_start(4, 1);
  drive_calm(d);
  drive_access(d, "ana", kOther);
  drive_access(d, "bia", kOther);
  drive_calm(d);
  hours(d, 5 * kHour);
  expect_answer(d, drive_access(d, "bia", kOther), 302);
  hours(d, 3 * kHour + 31 * kMinute);
  assert_false(has_slot(d, "ana"));
  assert_true(has_slot(d, "bia"));
  assert_int_equal(count_of(d, SlotState::Ready), 1);
  assert_true(said(d, SayLevel::Info, "[CLEANUP] IDLE") == 1);
}

static void test_not_before_the_timeout(void**) {
  Drive d = drive_start(2, 0);
  drive_access(d, "ana");
  drive_calm(d);
  hours(d, 8 * kHour - kMinute);
  assert_true(has_slot(d, "ana"));
}

static void test_a_wall_clock_that_jumps_changes_nothing(void**) {
  Drive d = drive_start(2, 0);
  drive_access(d, "ana");
  drive_calm(d);
  d.now.wall_us += 30LL * 24 * 3'600'000'000;
  hours(d, kHour);
  assert_true(has_slot(d, "ana"));
  d.now.wall_us -= 90LL * 24 * 3'600'000'000;
  hours(d, kHour);
  assert_true(has_slot(d, "ana"));
}

static void test_the_freed_port_refills_the_pool(void**) {
  Drive d = drive_start(1, 1);
  drive_calm(d);
  drive_access(d, "ana");
  drive_calm(d);
  assert_int_equal(count_of(d, SlotState::Ready), 0);
  hours(d, 9 * kHour);
  assert_int_equal(count_of(d, SlotState::Ready), 1);
}

static void test_nobody_is_ended_while_the_engine_is_away(void**) {
  Drive d = drive_start(2, 0);
  drive_access(d, "ana");
  drive_calm(d);
  drive_step(d, StreamDown{"gone"});
  drive_wait(d, 20 * kHour);
  assert_true(has_slot(d, "ana"));
  drive_engine_up(d, seen_all(d));
  drive_wait(d, 31 * kMinute);
  assert_false(has_slot(d, "ana"));
}

static void test_idle_time_goes_on_over_a_restart(void**) {
  Drive d = drive_start(2, 0);
  drive_access(d, "ana");
  drive_calm(d);
  hours(d, 7 * kHour);
  Drive e = drive_create(drive_config(2, 0), d.disk);
  e.now = d.now;
  std::vector<Action> actions;
  e.table = orchestrator_create(drive_config(2, 0), d.disk, e.now, &actions);
  drive_engine_up(e, seen_all(d));
  hours(e, kHour / 2);
  assert_true(has_slot(e, "ana"));
  hours(e, kHour);
  assert_false(has_slot(e, "ana"));
}

static void test_each_interval_looks_once(void**) {
  Drive d = drive_start(2, 0);
  hours(d, 5 * kHour);
  assert_int_equal(said(d, SayLevel::Info, "[CLEANUP] Done"), 10);
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(test_idle_sessions_are_ended),
      cmocka_unit_test(test_not_before_the_timeout),
      cmocka_unit_test(test_a_wall_clock_that_jumps_changes_nothing),
      cmocka_unit_test(test_the_freed_port_refills_the_pool),
      cmocka_unit_test(test_nobody_is_ended_while_the_engine_is_away),
      cmocka_unit_test(test_idle_time_goes_on_over_a_restart),
      cmocka_unit_test(test_each_interval_looks_once),
  };
  return cmocka_run_group_tests_name("core/cleanup", tests, nullptr, nullptr);
}
