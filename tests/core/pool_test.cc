// The warm pool: filled after start and after each change, never above its size, with growing pauses when it fails.
#include "core/drive.h"

static int ready(const Drive& d) { return count_of(d, SlotState::Ready); }

static void test_filled_after_start(void**) {
  Drive d = drive_start(6, 3);
  assert_int_equal(jobs<DoLaunch>(d).size(), 3);  // several at once
  drive_calm(d);
  assert_int_equal(ready(d), 3);
  for (const Record& record : d.disk) assert_string_equal(record.client_id.c_str(), "__pool__");
}

static void test_parallel_launches_are_bounded(void**) {
  Drive d = drive_start(40, 30);
  const size_t at_once = jobs<DoLaunch>(d).size();
  assert_true(at_once >= 2 && at_once <= 8);
  drive_calm(d);
  assert_int_equal(ready(d), 30);
}

static void test_no_pool_at_size_zero(void**) {
  Drive d = drive_start(3, 0);
  drive_wait(d, 10 * 60'000);
  drive_calm(d);
  assert_int_equal(d.containers, 0);
}

static void test_recorded_before_it_is_ready(void**) {
  Drive d = drive_start(2, 1);
  drive_says(d, ContainerChange::Healthy, drive_launched(d, kPort));
  expect_state(d, kPort, SlotState::Waiting);
  assert_true(table_status(d.table).empty());
  drive_written(d);
  expect_state(d, kPort, SlotState::Ready);
  assert_string_equal(d.disk.at(0).client_id.c_str(), "__pool__");
  assert_string_equal(d.disk.at(0).container_name.c_str(), "vnc_pool_5000");
}

static void test_refilled_after_a_claim_a_launch_and_a_removal(void**) {
  Drive d = drive_start(3, 1);
  drive_calm(d);
  drive_access(d, "ana");
  assert_int_equal(jobs<DoLaunch>(d).size(), 1);  // while the claim is still being written
  drive_calm(d);
  drive_access(d, "bia");
  drive_calm(d);
  assert_int_equal(ready(d), 1);
  drive_access(d, "caio", kOther);  // the pool slot is given up
  drive_calm(d);
  assert_int_equal(ready(d), 0);
  drive_remove(d, "ana");
  drive_calm(d);
  assert_int_equal(ready(d), 1);
}

static void test_a_dead_one_is_replaced_with_nobody_asking(void**) {
  Drive d = drive_start(2, 1);
  const int port = drive_pool(d);
  drive_says(d, ContainerChange::Died, slot(d, port).container_id);
  expect_state(d, port, SlotState::Removing);
  drive_calm(d);
  assert_int_equal(ready(d), 1);
}

static void test_an_unhealthy_one_is_replaced(void**) {
  Drive d = drive_start(2, 1);
  const int port = drive_pool(d);
  drive_says(d, ContainerChange::Unhealthy, slot(d, port).container_id);
  expect_state(d, port, SlotState::Removing);
  drive_calm(d);
  assert_int_equal(ready(d), 1);
}

static void test_one_that_lost_its_network_is_replaced(void**) {
  Drive d = drive_start(2, 1);
  const int port = drive_pool(d);
  drive_calm(d);
  drive_says(d, ContainerChange::Disturbed, slot(d, port).container_id);
  std::vector<Seen> seen = seen_all(d);
  for (Seen& one : seen) one.on_network = false;
  drive_listed(d, seen);
  expect_state(d, port, SlotState::Removing);
}

static void test_one_was_paused_before_the_listing_showed_it(void**) {
  Drive d = drive_start(2, 1);
  const int port = drive_pool(d);
  drive_calm(d);
  drive_says(d, ContainerChange::Disturbed, slot(d, port).container_id);
  std::vector<Seen> seen = seen_all(d);
  drive_listed(d, seen);  // as if nothing were
  expect_state(d, port, SlotState::Ready);
  drive_wait(d, 1'000);
  for (Seen& one : seen) one.state = SeenState::Paused;
  drive_listed(d, seen);
  expect_state(d, port, SlotState::Removing);
}

static void test_ports_held_by_sessions_are_left_alone(void**) {
  Drive d = drive_start(2, 2);
  drive_calm(d);
  drive_access(d, "ana");
  drive_access(d, "bia");
  drive_calm(d);
  drive_wait(d, 10 * 60'000);
  drive_calm(d);
  assert_int_equal(count_of(d, SlotState::Assigned), 2);
}

// ---- It fails.

static void test_a_failing_pool_backs_off_to_a_minute_and_says_so_once(void**) {
  Drive d = drive_start(2, 1);
  std::vector<int64_t> pauses;
  size_t lines_after_first = 0;
  for (int i = 0; i < 12; i++) {
    drive_launch_failed(d, jobs<DoLaunch>(d).at(0).port, Fault::Refused, "no more memory");
    if (i == 0) lines_after_first = static_cast<size_t>(said(d, SayLevel::Info, ""));
    const int64_t from = d.now.mono_ms;
    while (jobs<DoLaunch>(d).empty()) {
      drive_wait(d, 100);
      for (size_t n = jobs<DoList>(d).size(); n > 0; n--) drive_listed(d, {});
    }
    pauses.push_back(d.now.mono_ms - from);
  }
  for (size_t i = 1; i < pauses.size(); i++) {
    if (pauses[i] < pauses[i - 1]) fail_msg("pause %d is shorter than the one before", static_cast<int>(i));
    assert_true(pauses[i] <= 60'100);
    if (pauses[i - 1] < 30'000) assert_true(pauses[i] >= pauses[i - 1] * 2 - 200);
  }
  assert_true(pauses.back() >= 59'000);
  assert_int_equal(said(d, SayLevel::Warning, "[POOL] The pool cannot be filled"), 1);
  assert_int_equal(said(d, SayLevel::Info, ""), static_cast<int>(lines_after_first));  // not a line more
  drive_calm(d);
  assert_int_equal(ready(d), 1);
  assert_int_equal(said(d, SayLevel::Info, "The pool can be filled again"), 1);
}

static void test_a_pool_without_its_image_says_so_once(void**) {
  Drive d = drive_start(2, 1);
  int lines_after_first = 0;
  for (int i = 0; i < 6; i++) {
    drive_launch_failed(d, jobs<DoLaunch>(d).at(0).port, Fault::ImageMissing, "no such image");
    drive_pulled(d, Fault::Refused);
    if (i == 0) lines_after_first = said(d, SayLevel::Info, "");
    while (jobs<DoLaunch>(d).empty()) {
      drive_wait(d, 100);
      for (size_t n = jobs<DoList>(d).size(); n > 0; n--) drive_listed(d, {});
    }
  }
  assert_int_equal(said(d, SayLevel::Info, ""), lines_after_first);
}

static void test_the_pause_is_short_again_after_a_success(void**) {
  Drive d = drive_start(2, 1);
  for (int i = 0; i < 5; i++) {
    drive_launch_failed(d, jobs<DoLaunch>(d).at(0).port, Fault::Refused, "no");
    while (jobs<DoLaunch>(d).empty()) drive_wait(d, 100);
  }
  const int port = drive_pool(d);
  drive_says(d, ContainerChange::Died, slot(d, port).container_id);
  drive_calm(d);
  drive_says(d, ContainerChange::Died,
             slot(d, slot(d, kPort).state == SlotState::Ready ? kPort : kPort + 1).container_id);
  assert_int_equal(jobs<DoLaunch>(d).size(), 1);
  drive_launch_failed(d, jobs<DoLaunch>(d).at(0).port, Fault::Refused, "no");
  drive_wait(d, 1'000);
  assert_int_equal(jobs<DoLaunch>(d).size(), 1);
}

static void test_a_failing_pool_keeps_no_client_waiting(void**) {
  Drive d = drive_start(2, 1);
  drive_launch_failed(d, kPort, Fault::Refused, "no");
  const uint64_t request = drive_access(d, "ana");
  assert_int_equal(jobs<DoLaunch>(d).size(), 1);  // at once, whatever the pool's pause
  drive_calm(d);
  expect_answer(d, request, 302);
}

static void test_a_failing_store_stops_refills(void**) {
  Drive d = drive_start(3, 1);
  drive_pool(d);
  drive_access(d, "ana");
  drive_written(d, "disk full");
  for (const DoLaunch& job : jobs<DoLaunch>(d)) drive_launch_failed(d, job.port, Fault::Refused, "no");
  drive_wait(d, 5'000);
  assert_true(jobs<DoLaunch>(d).empty());
  drive_calm(d);
  assert_int_equal(ready(d), 1);
}

// ---- Too many.

static void test_a_smaller_setting_trims_the_pool(void**) {
  std::vector<Record> records;
  std::vector<Seen> seen;
  for (int i = 0; i < 3; i++) {
    records.push_back(record_of("__pool__", "p" + std::to_string(i), kPort + i));
    seen.push_back(seen_named(pool_container_name(kPort + i), "p" + std::to_string(i), kPort + i));
  }
  Drive d = drive_create(drive_config(4, 1), records);
  drive_engine_up(d, seen);
  assert_int_equal(ready(d), 1);
  drive_calm(d);
  assert_int_equal(ready(d), 1);
  assert_int_equal(count_of(d, SlotState::Free), 3);
}

// A claim that could not be written comes back while its refill is on the way.
static void test_a_claim_that_comes_back_makes_none_too_many(void**) {
  Drive d = drive_start(3, 1);
  drive_pool(d);
  drive_access(d, "ana");
  const int refill = jobs<DoLaunch>(d).at(0).port;
  drive_written(d, "disk full");
  assert_int_equal(ready(d), 1);
  drive_says(d, ContainerChange::Healthy, drive_launched(d, refill));
  drive_wait(d, 1'000);
  drive_calm(d);
  assert_int_equal(ready(d), 1);
  assert_int_equal(d.disk.size(), 1);
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(test_filled_after_start),
      cmocka_unit_test(test_parallel_launches_are_bounded),
      cmocka_unit_test(test_no_pool_at_size_zero),
      cmocka_unit_test(test_recorded_before_it_is_ready),
      cmocka_unit_test(test_refilled_after_a_claim_a_launch_and_a_removal),
      cmocka_unit_test(test_a_dead_one_is_replaced_with_nobody_asking),
      cmocka_unit_test(test_an_unhealthy_one_is_replaced),
      cmocka_unit_test(test_one_that_lost_its_network_is_replaced),
      cmocka_unit_test(test_one_was_paused_before_the_listing_showed_it),
      cmocka_unit_test(test_ports_held_by_sessions_are_left_alone),
      cmocka_unit_test(test_a_failing_pool_backs_off_to_a_minute_and_says_so_once),
      cmocka_unit_test(test_a_pool_without_its_image_says_so_once),
      cmocka_unit_test(test_the_pause_is_short_again_after_a_success),
      cmocka_unit_test(test_a_failing_pool_keeps_no_client_waiting),
      cmocka_unit_test(test_a_failing_store_stops_refills),
      cmocka_unit_test(test_a_smaller_setting_trims_the_pool),
      cmocka_unit_test(test_a_claim_that_comes_back_makes_none_too_many),
  };
  return cmocka_run_group_tests_name("core/pool", tests, nullptr, nullptr);
}
