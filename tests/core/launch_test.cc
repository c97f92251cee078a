// The life of a launch: what it takes, what it gives back when it fails, and what the client is told.
#include "core/drive.h"

static int on_the_way(const Drive& d) {
  return count_of(d, SlotState::Creating) + count_of(d, SlotState::Waiting) + count_of(d, SlotState::Removing);
}

static bool blocked(const Drive& d, int port) {
  expect_state(d, port, SlotState::Free);
  return slot(d, port).blocked_until_ms > d.now.mono_ms;
}

static void test_a_launch_from_free_to_assigned(void**) {
  Drive d = drive_start(2, 0);
  const uint64_t request = drive_access(d, "ana");
  const DoLaunch job = jobs<DoLaunch>(d).at(0);
  assert_string_equal(job.name.c_str(), "vnc_ana");
  assert_true(job.urgent && job.size == kSize && job.port == kPort);
  expect_state(d, kPort, SlotState::Creating);
  const std::string id = drive_launched(d, kPort);
  expect_state(d, kPort, SlotState::Waiting);
  assert_true(table_records(d.table).empty());  // nothing of it on disk before it is ready
  drive_says(d, ContainerChange::Healthy, id);
  expect_state(d, kPort, SlotState::Claiming);
  expect_waits(d, request);
  drive_written(d);
  expect_answer(d, request, 302);
  assert_string_equal(d.disk.at(0).client_id.c_str(), "ana");
  assert_string_equal(d.disk.at(0).container_id.c_str(), id.c_str());
  assert_true(jobs<DoRename>(d).empty());
}

static void test_a_pool_launch_is_not_urgent(void**) {
  Drive d = drive_start(2, 1);
  const DoLaunch job = jobs<DoLaunch>(d).at(0);
  assert_false(job.urgent);
  assert_string_equal(job.name.c_str(), "vnc_pool_5000");
}

static void test_a_check_each_second_is_the_net_below_the_events(void**) {
  Drive d = drive_start(1, 0);
  const uint64_t request = drive_access(d, "ana");
  drive_launched(d, kPort);
  Seen seen = seen_of(d, kPort);
  seen.health = SeenHealth::Starting;
  drive_wait(d, 200);
  for (int i = 0; i < 5; i++) {
    drive_checked(d, kPort, Fault::None, seen);
    drive_wait(d, 999);
    assert_true(jobs<DoCheck>(d).empty());
    drive_wait(d, 1);
  }
  drive_wait(d, 20'000);
  assert_int_equal(jobs<DoCheck>(d).size(), 1);  // one at a time, however slow
  seen.health = SeenHealth::Healthy;
  drive_checked(d, kPort, Fault::None, seen);
  drive_written(d);
  expect_answer(d, request, 302);
}

static void test_an_image_without_health_check_is_ready_when_its_page_is_served(void**) {
  Drive d = drive_start(1, 0);
  const uint64_t request = drive_access(d, "ana");
  drive_launched(d, kPort);
  Seen seen = seen_of(d, kPort);
  seen.health = SeenHealth::None;
  drive_wait(d, 200);
  drive_checked(d, kPort, Fault::None, seen, false);
  drive_wait(d, 250);
  expect_waits(d, request);
  drive_checked(d, kPort, Fault::None, seen, true);
  drive_written(d);
  expect_answer(d, request, 302);
}

// ---- Failures.

static void test_a_refused_launch_gives_everything_back(void**) {
  Drive d = drive_start(1, 0);
  const uint64_t request = drive_access(d, "ana");
  drive_launch_failed(d, kPort, Fault::Refused, "no such device");
  expect_answer(d, request, 500, "Failed to create container: no such device");
  expect_state(d, kPort, SlotState::Free);
  assert_true(jobs<DoRemove>(d).empty());  // nothing was made
  drive_session(d, "ana");
}

static void test_a_container_made_but_not_started_is_removed(void**) {
  Drive d = drive_start(1, 0);
  const uint64_t request = drive_access(d, "ana");
  drive_launch_failed(d, kPort, Fault::Refused, "cannot start", "half");
  expect_answer(d, request, 500);
  expect_state(d, kPort, SlotState::Removing);
  assert_string_equal(jobs<DoRemove>(d).at(0).container_id.c_str(), "half");
  drive_removed(d, kPort);
  expect_state(d, kPort, SlotState::Free);
}

static void test_port_taken_tries_another_before_the_client_is_told(void**) {
  Drive d = drive_start(2, 0);
  const uint64_t request = drive_access(d, "ana", kOther);
  drive_launch_failed(d, kPort, Fault::PortTaken, "port is already allocated");
  expect_waits(d, request);
  const DoLaunch job = jobs<DoLaunch>(d).at(0);
  assert_int_equal(job.port, kPort + 1);
  assert_true(job.size == kOther);
  assert_string_equal(job.name.c_str(), "vnc_ana");
  drive_calm(d);
  expect_answer(d, request, 302);
}

static void test_a_port_taken_is_skipped_for_a_while(void**) {
  Drive d = drive_start(2, 0);
  drive_access(d, "ana");
  drive_launch_failed(d, kPort, Fault::PortTaken, "port is already allocated");
  drive_calm(d);
  const uint64_t refused = drive_access(d, "bia", kOther);  // ana's is recycled sooner than the blocked port is tried
  expect_state(d, kPort, SlotState::Free);
  drive_calm(d);
  expect_answer(d, refused, 302);
  assert_int_equal(outcome(d, refused).port, kPort + 1);
  drive_wait(d, 50'000);
  drive_calm(d);
  assert_true(blocked(d, kPort));
  drive_wait(d, 10'000);
  drive_calm(d);
  assert_int_equal(drive_session(d, "caio"), kPort);
}

static void test_a_container_that_found_its_port_taken_is_removed_first(void**) {
  Drive d = drive_start(2, 0);
  const uint64_t request = drive_access(d, "ana");
  drive_launch_failed(d, kPort, Fault::PortTaken, "port is already allocated", "half");
  expect_state(d, kPort, SlotState::Removing);
  const DoLaunch job = jobs<DoLaunch>(d).at(0);
  assert_string_equal(job.name.c_str(), "vnc_pool_5001");  // vnc_ana is still held
  drive_removed(d, kPort);
  assert_true(blocked(d, kPort));
  drive_calm(d);
  expect_answer(d, request, 302);
}

static void test_all_ports_taken_by_others_ends_in_503(void**) {
  Drive d = drive_start(3, 0);
  const uint64_t request = drive_access(d, "ana");
  for (int port = kPort; port < kPort + 3; port++) {
    expect_waits(d, request);
    drive_launch_failed(d, port, Fault::PortTaken, "port is already allocated");
  }
  expect_answer(d, request, 503, "other programs");
  assert_int_equal(outcome(d, request).max_slots, 3);
}

static void test_name_taken_falls_back_to_the_pool_name(void**) {
  Drive d = drive_start(2, 0);
  const uint64_t request = drive_access(d, "ana");
  drive_launch_failed(d, kPort, Fault::NameTaken, "name is in use");
  const DoLaunch job = jobs<DoLaunch>(d).at(0);
  assert_int_equal(job.port, kPort);
  assert_string_equal(job.name.c_str(), "vnc_pool_5000");
  drive_says(d, ContainerChange::Healthy, drive_launched(d, kPort));
  drive_written(d);
  expect_answer(d, request, 302);
  drive_renamed(d, kPort);
  assert_string_equal(slot(d, kPort).container_name.c_str(), "vnc_ana");
}

static void test_both_names_taken_takes_another_port(void**) {
  Drive d = drive_start(2, 0);
  const uint64_t request = drive_access(d, "ana");
  drive_launch_failed(d, kPort, Fault::NameTaken, "name is in use");
  drive_launch_failed(d, kPort, Fault::NameTaken, "name is in use");
  assert_int_equal(jobs<DoLaunch>(d).at(0).port, kPort + 1);
  drive_calm(d);
  expect_answer(d, request, 302);
}

// After a kill -9 the first listing clears leftovers away while the pool is launched: the port of one must not be lost for a minute.
static void test_a_port_held_by_a_leftover_of_ours_is_back_soon(void**) {
  for (bool leftover : {true, false}) {
    Drive d = drive_create(drive_config(1, 1), {});
    Seen left = seen_named("vnc_pool_5000", "left", kPort);
    left.state = SeenState::Created;
    drive_engine_up(d, leftover ? std::vector<Seen>{left} : std::vector<Seen>{});
    drive_launch_failed(d, kPort, Fault::NameTaken, "name is in use");
    assert_true(jobs<DoLaunch>(d).empty());
    drive_wait(d, 2000);
    assert_int_equal(jobs<DoLaunch>(d).size(), leftover ? 1 : 0);
    drive_wait(d, 58000);
    assert_int_equal(jobs<DoLaunch>(d).size(), 1);
  }
}

static void test_engine_away_at_launch_is_503(void**) {
  Drive d = drive_start(1, 0);
  const uint64_t request = drive_access(d, "ana");
  drive_launch_failed(d, kPort, Fault::Unreachable, "connection refused");
  expect_answer(d, request, 503, "connection refused");
  assert_true(outcome(d, request).retry_after > 0);
  expect_state(d, kPort, SlotState::Free);
}

static void test_unknown_outcome_keeps_the_port_until_a_look_by_name(void**) {
  Drive d = drive_start(1, 0);
  const uint64_t request = drive_access(d, "ana");
  const uint64_t job = jobs<DoLaunch>(d).at(0).job;
  drive_launch_failed(d, kPort, Fault::Unknown, "the connection broke");
  expect_answer(d, request, 500, "the connection broke");
  expect_state(d, kPort, SlotState::Removing);
  const DoRemove look = jobs<DoRemove>(d).at(0);
  assert_true(look.container_id.empty() && look.launch_job == job);
  assert_string_equal(look.name.c_str(), "vnc_ana");
  drive_removed(d, kPort, Fault::Unknown);
  expect_state(d, kPort, SlotState::Removing);
  drive_wait(d, 60'000);
  drive_removed(d, kPort, Fault::NotFound);
  expect_state(d, kPort, SlotState::Free);
}

static void test_a_cancelled_launch_of_unknown_outcome_is_looked_for_too(void**) {
  Drive d = drive_start(1, 0);
  drive_access(d, "ana");
  drive_remove(d, "ana");
  drive_launch_failed(d, kPort, Fault::Unknown, "timed out");
  expect_state(d, kPort, SlotState::Removing);
  assert_string_equal(jobs<DoRemove>(d).at(0).name.c_str(), "vnc_ana");
}

static void test_unhealthy_says_what_the_probe_said(void**) {
  Drive d = drive_start(1, 0);
  const uint64_t request = drive_access(d, "ana");
  const std::string id = drive_launched(d, kPort);
  drive_says(d, ContainerChange::Unhealthy, id);
  Seen seen = seen_of(d, kPort);
  seen.health = SeenHealth::Unhealthy;
  seen.why = "no window is painted";
  drive_checked(d, kPort, Fault::None, seen);
  expect_answer(d, request, 500, "no window is painted");
  drive_removed(d, kPort);
  expect_state(d, kPort, SlotState::Free);
}

static void test_ready_timeout_runs_from_the_start(void**) {
  Drive d = drive_start(1, 0);
  const uint64_t request = drive_access(d, "ana");
  drive_wait(d, 8'000);  // creating and starting
  drive_launched(d, kPort);
  drive_wait(d, 59'999);
  expect_waits(d, request);
  drive_wait(d, 1);
  expect_answer(d, request, 500, "READY_TIMEOUT_SECONDS=60");
  expect_state(d, kPort, SlotState::Removing);
}

static void test_death_before_ready(void**) {
  Drive d = drive_start(1, 0);
  const uint64_t request = drive_access(d, "ana");
  drive_says(d, ContainerChange::Died, drive_launched(d, kPort));
  expect_answer(d, request, 500, "exit code 137");
  drive_removed(d, kPort);
  expect_state(d, kPort, SlotState::Free);
}

static void test_death_known_before_the_launch_reported(void**) {
  Drive d = drive_start(1, 0);
  const uint64_t request = drive_access(d, "ana");
  drive_says(d, ContainerChange::Died, "container-1");  // the id that drive_launched will give
  drive_wait(d, 5'000);
  assert_string_equal(drive_launched(d, kPort).c_str(), "container-1");
  expect_answer(d, request, 500, "exit code 137");
  expect_state(d, kPort, SlotState::Removing);
}

static void test_a_pool_launch_that_fails_is_not_the_clients_misfortune(void**) {
  Drive d = drive_start(2, 1);
  const uint64_t request = drive_access(d, "ana");
  assert_int_equal(slot_for(d, "ana").port, kPort);
  drive_launch_failed(d, kPort, Fault::Refused, "no luck");
  expect_waits(d, request);
  assert_string_equal(slot_for(d, "ana").container_name.c_str(), "vnc_ana");
  drive_launch_failed(d, slot_for(d, "ana").port, Fault::Refused, "no luck");
  expect_answer(d, request, 500, "no luck");  // its own launch it is told of
}

// ---- The image.

static void test_one_pull_serves_all(void**) {
  Drive d = drive_start(4, 1);
  const uint64_t ana = drive_access(d, "ana", kOther), bia = drive_access(d, "bia", kOther);
  for (const DoLaunch& job : jobs<DoLaunch>(d)) drive_launch_failed(d, job.port, Fault::ImageMissing, "no such image");
  assert_int_equal(jobs<DoPull>(d).size(), 1);
  const uint64_t caio = drive_access(d, "caio", kOther);  // while it is being pulled
  assert_true(jobs<DoLaunch>(d).empty());
  assert_int_equal(jobs<DoPull>(d).size(), 1);
  drive_pulled(d);
  assert_int_equal(jobs<DoLaunch>(d).size(), 4);
  drive_calm(d);
  for (uint64_t request : {ana, bia, caio}) expect_answer(d, request, 302);
}

static void test_a_failed_pull_tells_all(void**) {
  Drive d = drive_start(2, 0);
  const uint64_t ana = drive_access(d, "ana"), bia = drive_access(d, "bia");
  for (const DoLaunch& job : jobs<DoLaunch>(d)) drive_launch_failed(d, job.port, Fault::ImageMissing, "no such image");
  drive_pulled(d, Fault::Refused);
  expect_answer(d, ana, 500, "the engine said no");
  expect_answer(d, bia, 500, "the engine said no");
  assert_int_equal(count_of(d, SlotState::Free), 2);
  assert_true(d.jobs.empty());
}

static void test_an_image_missing_after_its_pull_is_a_failure(void**) {
  Drive d = drive_start(1, 0);
  const uint64_t request = drive_access(d, "ana");
  drive_launch_failed(d, kPort, Fault::ImageMissing, "no such image");
  drive_pulled(d);
  drive_launch_failed(d, kPort, Fault::ImageMissing, "no such image");
  expect_answer(d, request, 500, "no such image");
  assert_true(jobs<DoPull>(d).empty());
}

static void test_who_waits_too_long_for_a_pull_is_told_so(void**) {
  Drive d = drive_start(1, 0);
  const uint64_t request = drive_access(d, "ana");
  drive_launch_failed(d, kPort, Fault::ImageMissing, "no such image");
  drive_wait(d, 70'000);
  expect_answer(d, request, 503, "being pulled");
  expect_state(d, kPort, SlotState::Creating);
  drive_pulled(d);
  drive_healthy(d, "ana");
  expect_answer(d, drive_access(d, "ana"), 302);
}

static void test_remove_during_a_pull_frees_at_once(void**) {
  Drive d = drive_start(1, 0);
  const uint64_t request = drive_access(d, "ana");
  drive_launch_failed(d, kPort, Fault::ImageMissing, "no such image");
  const uint64_t removal = drive_remove(d, "ana");
  expect_answer(d, request, 409);
  expect_answer(d, removal, 200);
  expect_state(d, kPort, SlotState::Free);
  drive_pulled(d);
  assert_int_equal(on_the_way(d), 0);
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(test_a_launch_from_free_to_assigned),
      cmocka_unit_test(test_a_pool_launch_is_not_urgent),
      cmocka_unit_test(test_a_check_each_second_is_the_net_below_the_events),
      cmocka_unit_test(test_an_image_without_health_check_is_ready_when_its_page_is_served),
      cmocka_unit_test(test_a_refused_launch_gives_everything_back),
      cmocka_unit_test(test_a_container_made_but_not_started_is_removed),
      cmocka_unit_test(test_port_taken_tries_another_before_the_client_is_told),
      cmocka_unit_test(test_a_port_taken_is_skipped_for_a_while),
      cmocka_unit_test(test_a_container_that_found_its_port_taken_is_removed_first),
      cmocka_unit_test(test_all_ports_taken_by_others_ends_in_503),
      cmocka_unit_test(test_name_taken_falls_back_to_the_pool_name),
      cmocka_unit_test(test_both_names_taken_takes_another_port),
      cmocka_unit_test(test_a_port_held_by_a_leftover_of_ours_is_back_soon),
      cmocka_unit_test(test_engine_away_at_launch_is_503),
      cmocka_unit_test(test_unknown_outcome_keeps_the_port_until_a_look_by_name),
      cmocka_unit_test(test_a_cancelled_launch_of_unknown_outcome_is_looked_for_too),
      cmocka_unit_test(test_unhealthy_says_what_the_probe_said),
      cmocka_unit_test(test_ready_timeout_runs_from_the_start),
      cmocka_unit_test(test_death_before_ready),
      cmocka_unit_test(test_death_known_before_the_launch_reported),
      cmocka_unit_test(test_a_pool_launch_that_fails_is_not_the_clients_misfortune),
      cmocka_unit_test(test_one_pull_serves_all),
      cmocka_unit_test(test_a_failed_pull_tells_all),
      cmocka_unit_test(test_an_image_missing_after_its_pull_is_a_failure),
      cmocka_unit_test(test_who_waits_too_long_for_a_pull_is_told_so),
      cmocka_unit_test(test_remove_during_a_pull_frees_at_once),
  };
  return cmocka_run_group_tests_name("core/launch", tests, nullptr, nullptr);
}
