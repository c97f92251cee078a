// The warm pool: filled after start and after each change, never above its size, with growing pauses when it fails.
#include "core/drive.h"
#include "core/rules.h"

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

// One that has been started keeps no launch thread, so others are launched; but it boots, and too many of these would take the machine.
static void test_so_many_boot_at_once_and_no_more(void**) {
  Drive d = drive_start(40, 30);
  std::vector<std::string> ids;
  for (int port = kPort; port < kPort + 8; port++) {
    assert_int_equal(slot(d, port).state == SlotState::Creating, 1);
    ids.push_back(drive_launched(d, port));
    assert_true(count_of(d, SlotState::Creating) <= kPoolParallel);
  }
  assert_int_equal(count_of(d, SlotState::Waiting), kPoolComing);
  assert_int_equal(count_of(d, SlotState::Creating), 0);
  drive_says(d, ContainerChange::Healthy, ids[3]);
  drive_written(d);
  assert_int_equal(count_of(d, SlotState::Creating), 1);
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
  assert_true(jobs<DoLaunch>(d).empty());  // while the claim is still being written
  drive_written(d);
  drive_wait(d, kPoolHeldMs);
  assert_int_equal(jobs<DoLaunch>(d).size(), 1);
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

static void test_what_waits_for_its_health_keeps_no_other_launch_waiting(void**) {
  Drive d = drive_start(8, 6);
  assert_int_equal(jobs<DoLaunch>(d).size(), 4);
  drive_launched(d, jobs<DoLaunch>(d)[0].port);
  assert_int_equal(jobs<DoLaunch>(d).size(), 4);
  drive_launched(d, jobs<DoLaunch>(d)[0].port);
  drive_launched(d, jobs<DoLaunch>(d)[0].port);
  assert_int_equal(jobs<DoLaunch>(d).size(), 3);  // six in all
}

static void test_claim_after_claim_does_not_keep_it_empty(void**) {
  Drive d = drive_start(8, 3);
  drive_calm(d);
  const size_t before = jobs<DoLaunch>(d).size();
  drive_access(d, "ana");
  drive_wait(d, kPoolHeldMs - 1);
  assert_int_equal(jobs<DoLaunch>(d).size(), before);
  drive_wait(d, 1);  // the disk has not answered yet
  assert_int_equal(jobs<DoLaunch>(d).size(), before + 1);
  drive_calm(d);
  assert_int_equal(ready(d), 3);
}

static void test_the_first_picture_is_not_shown_beside_a_refill(void**) {
  Drive d = drive_start(8, 3);
  drive_calm(d);
  const uint64_t ana = drive_access(d, "ana");
  drive_written(d);
  expect_answer(d, ana, 302);
  assert_int_equal(jobs<DoLaunch>(d).size(), 0);
  drive_wait(d, kPoolHeldMs - 1);
  assert_int_equal(jobs<DoLaunch>(d).size(), 0);
  drive_wait(d, 1);
  assert_int_equal(jobs<DoLaunch>(d).size(), 1);
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
  drive_written(d, "disk full");
  assert_int_equal(ready(d), 1);
  drive_wait(d, 1'000);
  drive_calm(d);
  assert_int_equal(ready(d), 1);
  assert_int_equal(d.containers, 1);
  assert_int_equal(d.disk.size(), 1);
}

// ---- A pool that thinks. The drive's clock begins in the night of a Thursday (1970), local time.

static CoreConfig thinking(int ports, int most) {
  CoreConfig config = drive_config(ports, kPoolAuto);
  config.pool_most = most;
  return config;
}

static Drive thinking_start(const CoreConfig& config) {
  Drive d = drive_create(config);
  drive_engine_up(d, {});
  drive_written(d);
  return d;
}

static void ask(Drive& d, int people) {
  for (int i = 0; i < people; ++i) drive_access(d, "crowd" + std::to_string(d.requests));
}

static void test_a_crowd_makes_the_pool_larger_up_to_its_bound(void**) {
  Drive d = thinking_start(thinking(60, 5));
  drive_calm(d);
  assert_int_equal(ready(d), 1);
  ask(d, 8);
  drive_calm(d);
  assert_int_equal(d.table.pool_target, 5);
  assert_int_equal(ready(d), 5);
}

static void test_what_is_too_many_goes_ten_minutes_later(void**) {
  Drive d = thinking_start(thinking(60, 8));
  ask(d, 12);
  drive_calm(d);
  assert_int_equal(ready(d), 8);
  // Nobody comes again, and foresight asks for fewer and fewer.
  int64_t wanted_ms = 0;
  while (ready(d) == 8) {
    if (d.table.pool_wanted >= 8) wanted_ms = d.now.mono_ms;
    drive_wait(d, 60'000);
    if (!jobs<DoRemove>(d).empty()) drive_calm(d);
  }
  assert_in_range(d.now.mono_ms - wanted_ms, 10 * 60'000, 13 * 60'000);
  for (int half_hours = 0; half_hours < 40; ++half_hours) {
    drive_wait(d, 30 * 60'000);
    drive_calm(d);
  }
  assert_true(ready(d) <= 1);
}

static void test_other_sizes_are_nothing_that_the_pool_could_have_had(void**) {
  Drive d = thinking_start(thinking(60, 8));
  for (int i = 0; i < 12; ++i) drive_access(d, "crowd" + std::to_string(i), kOther);
  drive_calm(d);
  assert_true(d.table.pool_target <= 1);
}

// They come again every few seconds, as they are told to.
static void test_who_is_refused_makes_no_crowd(void**) {
  Drive d = thinking_start(thinking(60, 8));
  drive_calm(d);
  drive_step(d, StreamDown{"gone"});
  for (int i = 0; i < 40; ++i) drive_access(d, "retry" + std::to_string(i % 8));
  assert_int_equal(outcome(d, d.requests).status, 503);
  assert_true(d.table.foresight.now.asked <= 1);  // the one for whom a container was ready
}

static void test_a_shift_that_ends_goes_a_few_at_a_time(void**) {
  CoreConfig config = drive_config(40, 1);
  config.pool_shifts = {PoolShift{0x7f, 0, 60, 20}};
  Drive d = thinking_start(config);
  d.now.wall_us = 30 * 60'000'000LL;
  drive_wait(d, 60'000);
  drive_calm(d);
  assert_int_equal(ready(d), 20);
  drive_wait(d, 29 * 60'000);
  while (jobs<DoRemove>(d).empty()) drive_wait(d, 1000);
  assert_int_equal(jobs<DoRemove>(d).size(), 4);
  for (int i = 0; i < 10; ++i) {
    drive_wait(d, 1000);
    drive_calm(d);
  }
  assert_int_equal(ready(d), 1);
}

static void test_a_shift_is_ready_when_it_begins(void**) {
  CoreConfig config = drive_config(20, 1);
  config.pool_shifts = {PoolShift{1U << 3, 8 * 60, 10 * 60, 6}, PoolShift{1U << 4, 23 * 60, 60, 3}};
  Drive d = thinking_start(config);
  d.now.wall_us = 0;
  d.now.east_s = 5 * 3600;  // five in the morning of a Thursday
  drive_wait(d, 170 * 60'000);
  drive_calm(d);
  assert_int_equal(ready(d), 1);
  drive_wait(d, 9 * 60'000 + 30'000);  // half a minute to eight
  drive_calm(d);
  assert_int_equal(ready(d), 6);
  drive_wait(d, 119 * 60'000);
  drive_calm(d);
  assert_int_equal(ready(d), 6);
  drive_wait(d, 15 * 60'000);
  drive_calm(d);
  assert_int_equal(ready(d), 1);
  drive_wait(d, 37 * 60 * 60'000 + 20 * 60'000);  // Friday, half past eleven at night: over midnight
  drive_calm(d);
  assert_int_equal(ready(d), 3);
  drive_wait(d, 60 * 60'000);
  drive_calm(d);
  assert_int_equal(ready(d), 3);
  drive_wait(d, 60 * 60'000);
  drive_calm(d);
  assert_int_equal(ready(d), 1);
}

static void test_no_memory_no_more_containers(void**) {
  const int64_t kGib = 1024 * 1024;
  Drive d = thinking_start(thinking(60, 20));
  const RoomSeen none{16 * kGib, 16 * kGib / 10 - 1, 200 * 1024};
  const RoomSeen for_three{16 * kGib, 16 * kGib / 10 + 3 * 200 * 1024, 200 * 1024};  // beside the machine's tenth
  drive_step(d, none);
  ask(d, 20);  // people are served as long as there are ports
  drive_calm(d);
  assert_int_equal(count_of(d, SlotState::Assigned), 20);
  assert_true(d.table.pool_wanted > 10);
  assert_int_equal(ready(d), 0);
  drive_step(d, for_three);
  drive_calm(d);
  assert_int_equal(ready(d), 3);
  drive_step(d, none);
  drive_calm(d);
  assert_int_equal(ready(d), 3);  // those that are there stay: their memory is taken
  ask(d, 3);
  drive_calm(d);
  assert_int_equal(ready(d), 0);
  drive_step(d, RoomSeen{16 * kGib, 8 * kGib, 0});  // nobody knows what one takes: as much as they are known to
  drive_calm(d);
  assert_true(ready(d) > 10);
}

static void test_a_number_stays_a_number(void**) {
  Drive d = drive_start(40, 3);
  ask(d, 20);
  drive_calm(d);
  drive_step(d, RoomSeen{1000, 0, 1000});
  drive_calm(d);
  assert_int_equal(ready(d), 3);
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(test_filled_after_start),
      cmocka_unit_test(test_parallel_launches_are_bounded),
      cmocka_unit_test(test_so_many_boot_at_once_and_no_more),
      cmocka_unit_test(test_no_pool_at_size_zero),
      cmocka_unit_test(test_recorded_before_it_is_ready),
      cmocka_unit_test(test_refilled_after_a_claim_a_launch_and_a_removal),
      cmocka_unit_test(test_what_waits_for_its_health_keeps_no_other_launch_waiting),
      cmocka_unit_test(test_claim_after_claim_does_not_keep_it_empty),
      cmocka_unit_test(test_the_first_picture_is_not_shown_beside_a_refill),
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
      cmocka_unit_test(test_a_crowd_makes_the_pool_larger_up_to_its_bound),
      cmocka_unit_test(test_what_is_too_many_goes_ten_minutes_later),
      cmocka_unit_test(test_other_sizes_are_nothing_that_the_pool_could_have_had),
      cmocka_unit_test(test_who_is_refused_makes_no_crowd),
      cmocka_unit_test(test_a_shift_that_ends_goes_a_few_at_a_time),
      cmocka_unit_test(test_a_shift_is_ready_when_it_begins),
      cmocka_unit_test(test_no_memory_no_more_containers),
      cmocka_unit_test(test_a_number_stays_a_number),
  };
  return cmocka_run_group_tests_name("core/pool", tests, nullptr, nullptr);
}
