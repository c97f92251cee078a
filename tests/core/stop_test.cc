// Stopping: everybody is told, what is on its way is given back, sessions and pool run on, and the last write is made.
#include "core/drive.h"

static void test_an_idle_one_stops_at_once(void**) {
  Drive d = drive_start(2, 1);
  drive_pool(d);
  drive_session(d, "ana", kOther);
  drive_calm(d);
  drive_step(d, Stop{});
  assert_true(orchestrator_at_rest(d.table));
  expect_state(d, kPort, SlotState::Ready);
  assert_true(has_slot(d, "ana"));
  assert_int_equal(d.disk.size(), 2);
}

static void test_who_waits_is_told_503(void**) {
  Drive d = drive_start(3, 0);
  for (const char* client : {"ana", "bia", "caio"}) drive_session(d, client);
  drive_calm(d);
  const uint64_t heir = drive_access(d, "duda"), removal = drive_remove(d, "bia");
  drive_removed(d, kPort);
  const uint64_t launching = drive_access(d, "duda", kOther);
  drive_step(d, Stop{});
  for (uint64_t request : {heir, removal, launching}) {
    expect_answer(d, request, 503, "stopping");
    assert_true(outcome(d, request).retry_after > 0);
  }
}

static void test_who_waits_for_all_to_be_removed_is_told_503(void**) {
  Drive d = drive_start(2, 0);
  drive_session(d, "ana");
  const uint64_t all = drive_remove_all(d);
  expect_waits(d, all);
  drive_step(d, Stop{});
  expect_answer(d, all, 503, "stopping");
  drive_calm(d);
}

static void test_before_the_first_listing_too(void**) {
  Drive d = drive_create(drive_config(2, 0));
  const uint64_t request = drive_access(d, "ana");
  drive_step(d, Stop{});
  expect_answer(d, request, 503, "stopping");
  assert_true(orchestrator_at_rest(d.table));
  assert_true(jobs<DoSave>(d).empty());  // what is not known is not written
}

static void test_nothing_new_after_it(void**) {
  Drive d = drive_start(3, 1);
  drive_pool(d);
  drive_session(d, "ana", kOther);
  drive_calm(d);
  drive_step(d, Stop{});
  expect_answer(d, drive_access(d, "ana", kOther), 503);
  expect_answer(d, drive_access(d, "bia"), 503);
  expect_answer(d, drive_remove(d, "ana"), 503);
  expect_answer(d, drive_remove_all(d), 503);
  drive_says(d, ContainerChange::Died, slot(d, kPort).container_id);
  drive_calm(d);
  drive_wait(d, 100'000);
  assert_true(jobs<DoLaunch>(d).empty() && jobs<DoList>(d).empty());
}

static void test_what_is_on_its_way_is_given_back(void**) {
  Drive d = drive_start(5, 2);
  drive_access(d, "ana", kOther);
  drive_access(d, "bia", kOther);
  const int ana = slot_for(d, "ana").port, bia = slot_for(d, "bia").port;
  const std::string id = drive_launched(d, bia);
  drive_step(d, Stop{});
  assert_false(orchestrator_at_rest(d.table));
  expect_state(d, ana, SlotState::Removing);
  assert_string_equal(jobs<DoRemove>(d).at(0).container_id.c_str(), id.c_str());
  drive_calm(d);
  assert_true(orchestrator_at_rest(d.table));
  assert_int_equal(count_of(d, SlotState::Free), 5);
  assert_true(d.disk.empty());
}

static void test_a_claim_being_written_is_finished(void**) {
  Drive d = drive_start(2, 1);
  const int port = drive_pool(d);
  const uint64_t request = drive_access(d, "ana");
  drive_step(d, Stop{});
  expect_answer(d, request, 503);
  assert_false(orchestrator_at_rest(d.table));
  drive_calm(d);
  expect_state(d, port, SlotState::Assigned);  // the client's next try finds it
  assert_string_equal(d.disk.at(0).client_id.c_str(), "ana");
  assert_true(orchestrator_at_rest(d.table));
}

static void test_the_last_access_is_written(void**) {
  Drive d = drive_start(2, 0);
  drive_session(d, "ana");
  drive_calm(d);
  drive_wait(d, 5'000);
  drive_access(d, "ana");
  drive_step(d, Stop{});
  assert_false(orchestrator_at_rest(d.table));
  drive_written(d);
  assert_true(orchestrator_at_rest(d.table));
  assert_true(d.disk.at(0).last_accessed_us == d.now.wall_us);
}

static void test_a_disk_that_fails_does_not_hold_it_up(void**) {
  Drive d = drive_start(2, 0);
  drive_session(d, "ana");
  drive_calm(d);
  drive_access(d, "ana");
  drive_step(d, Stop{});
  drive_written(d, "disk full");
  assert_true(orchestrator_at_rest(d.table));
}

// The engine carries out a renaming that is under way; a daemon gone before its answer leaves the old name in the file.
static void test_a_renaming_under_way_is_waited_for(void**) {
  Drive d = drive_start(1, 1);
  const int port = drive_pool(d);
  const uint64_t request = drive_access(d, "ana");
  drive_written(d);
  expect_answer(d, request, 302);
  drive_step(d, Stop{});
  assert_false(orchestrator_at_rest(d.table));
  drive_renamed(d, port);
  drive_written(d);
  assert_true(orchestrator_at_rest(d.table));
  assert_string_equal(d.disk.at(0).container_name.c_str(), "vnc_ana");
}

static void test_an_engine_that_is_away_does_not_hold_it_up(void**) {
  Drive d = drive_start(2, 0);
  drive_access(d, "ana");
  drive_launched(d, kPort);
  drive_step(d, StreamDown{"gone"});
  drive_step(d, Stop{});
  while (!jobs<DoSave>(d).empty()) drive_written(d);
  assert_true(orchestrator_at_rest(d.table));
}

static void test_an_adopted_session_not_yet_healthy_runs_on(void**) {
  Drive d = drive_create(drive_config(2, 0));
  Seen seen = seen_named("vnc_ana", "a", kPort);
  seen.health = SeenHealth::Starting;
  drive_engine_up(d, {seen});
  drive_written(d);
  drive_step(d, Stop{});
  expect_state(d, kPort, SlotState::Waiting);
  assert_true(jobs<DoRemove>(d).empty());
  assert_true(orchestrator_at_rest(d.table));
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(test_an_idle_one_stops_at_once),
      cmocka_unit_test(test_who_waits_is_told_503),
      cmocka_unit_test(test_who_waits_for_all_to_be_removed_is_told_503),
      cmocka_unit_test(test_before_the_first_listing_too),
      cmocka_unit_test(test_nothing_new_after_it),
      cmocka_unit_test(test_what_is_on_its_way_is_given_back),
      cmocka_unit_test(test_a_claim_being_written_is_finished),
      cmocka_unit_test(test_the_last_access_is_written),
      cmocka_unit_test(test_a_disk_that_fails_does_not_hold_it_up),
      cmocka_unit_test(test_a_renaming_under_way_is_waited_for),
      cmocka_unit_test(test_an_engine_that_is_away_does_not_hold_it_up),
      cmocka_unit_test(test_an_adopted_session_not_yet_healthy_runs_on),
  };
  return cmocka_run_group_tests_name("core/stop", tests, nullptr, nullptr);
}
