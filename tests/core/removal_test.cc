// The way back to FREE: /remove in each state, /remove-all, heirs, removals that fail, orphans.
#include "core/drive.h"

static void test_remove_a_session(void**) {
  Drive d = drive_start(2, 0);
  const int port = drive_session(d, "ana");
  const std::string id = slot(d, port).container_id;
  const uint64_t request = drive_remove(d, "ana");
  expect_waits(d, request);
  drive_removed(d, port);
  expect_answer(d, request, 200);
  assert_string_equal(outcome(d, request).container_id.c_str(), id.c_str());
  assert_int_equal(outcome(d, request).port, port);
  expect_state(d, port, SlotState::Free);
  drive_calm(d);
  assert_true(d.disk.empty());
}

static void test_remove_a_stranger_is_404(void**) {
  Drive d = drive_start(2, 1);
  drive_pool(d);
  expect_answer(d, drive_remove(d, "ana"), 404, "No container found");
  assert_int_equal(count_of(d, SlotState::Ready), 1);
}

static void test_remove_on_its_way_tells_those_who_wait_409(void**) {
  Drive d = drive_start(2, 0);
  const uint64_t first = drive_access(d, "ana"), second = drive_access(d, "ana", kOther);
  const uint64_t removal = drive_remove(d, "ana");
  expect_answer(d, first, 409);
  expect_answer(d, second, 409);
  expect_waits(d, removal);
  expect_state(d, kPort, SlotState::Removing);  // port and name are held until the job has reported
  const uint64_t again = drive_access(d, "ana");
  const int other = slot_for(d, "ana").port;
  assert_int_not_equal(other, kPort);
  assert_string_equal(slot(d, other).container_name.c_str(), pool_container_name(other).c_str());
  const std::string id = drive_launched(d, kPort);
  assert_string_equal(jobs<DoRemove>(d).at(0).container_id.c_str(), id.c_str());
  drive_removed(d, kPort);
  expect_answer(d, removal, 200);
  drive_calm(d);
  expect_answer(d, again, 302);
  assert_string_equal(slot(d, other).container_name.c_str(), "vnc_ana");
}

static void test_remove_while_its_record_is_written(void**) {
  Drive d = drive_start(2, 1);
  const int port = drive_pool(d);
  const uint64_t request = drive_access(d, "ana"), removal = drive_remove(d, "ana");
  expect_answer(d, request, 409);
  drive_written(d);
  drive_calm(d);
  expect_answer(d, removal, 200);
  assert_false(has_slot(d, "ana"));
  assert_int_equal(outcome(d, removal).port, port);
}

static void test_remove_of_one_who_waits_for_its_old_session_to_go(void**) {
  Drive d = drive_start(1, 0);
  drive_session(d, "ana");
  const uint64_t request = drive_access(d, "ana", kOther);  // heir of its own port
  const uint64_t removal = drive_remove(d, "ana");
  expect_answer(d, request, 409);
  expect_waits(d, removal);
  drive_removed(d, kPort);
  expect_answer(d, removal, 200);
  expect_state(d, kPort, SlotState::Free);
}

static void test_remove_of_one_who_waits_for_anothers_port(void**) {
  Drive d = drive_start(1, 0);
  drive_session(d, "ana");
  const uint64_t request = drive_access(d, "bia"), removal = drive_remove(d, "bia");
  expect_answer(d, request, 409);
  expect_answer(d, removal, 200);
  drive_removed(d, kPort);
  expect_state(d, kPort, SlotState::Free);
}

static void test_remove_twice_is_200_then_404(void**) {
  Drive d = drive_start(1, 0);
  drive_session(d, "ana");
  const uint64_t first = drive_remove(d, "ana");
  expect_answer(d, drive_remove(d, "ana"), 404);
  drive_removed(d, kPort);
  expect_answer(d, first, 200);
}

static void test_who_asks_after_a_remove_gets_a_new_session(void**) {
  Drive d = drive_start(1, 0);
  drive_session(d, "ana");
  const std::string old = slot(d, kPort).container_id;
  const uint64_t removal = drive_remove(d, "ana"), request = drive_access(d, "ana");
  drive_calm(d);
  expect_answer(d, removal, 200);
  expect_answer(d, request, 302);
  assert_string_not_equal(slot_for(d, "ana").container_id.c_str(), old.c_str());
}

static void test_a_remover_may_hang_up(void**) {
  Drive d = drive_start(1, 0);
  drive_session(d, "ana");
  const uint64_t removal = drive_remove(d, "ana");
  drive_step(d, RequesterGone{removal});
  drive_removed(d, kPort);
  expect_waits(d, removal);  // no answer is owed, and none was sent
  expect_state(d, kPort, SlotState::Free);
}

static void test_a_removal_that_takes_too_long_answers_503_and_goes_on(void**) {
  Drive d = drive_start(1, 0);
  drive_session(d, "ana");
  const uint64_t removal = drive_remove(d, "ana");
  drive_wait(d, 70'000);
  expect_answer(d, removal, 503);
  expect_state(d, kPort, SlotState::Removing);
  drive_removed(d, kPort);
  expect_state(d, kPort, SlotState::Free);
}

static void test_remove_with_the_engine_away_is_503(void**) {
  Drive d = drive_start(1, 0);
  drive_session(d, "ana");
  drive_step(d, StreamDown{"no such socket"});
  expect_answer(d, drive_remove(d, "ana"), 503, "no such socket");
  expect_state(d, kPort, SlotState::Assigned);
  expect_answer(d, drive_remove(d, "bia"), 404);
}

// ---- Removals that fail.

static void test_a_failed_removal_is_tried_again_with_pauses(void**) {
  Drive d = drive_start(1, 0);
  drive_session(d, "ana");
  const uint64_t removal = drive_remove(d, "ana");
  drive_removed(d, kPort, Fault::Refused);
  expect_answer(d, removal, 500, "the engine said no");
  int64_t last = 0;
  for (int i = 0; i < 8; i++) {
    const int64_t from = d.now.mono_ms;
    while (jobs<DoRemove>(d).empty()) drive_wait(d, 100);
    const int64_t pause = d.now.mono_ms - from;
    assert_true(pause >= last && pause <= 30'100);
    last = pause - 100;
    drive_removed(d, kPort, Fault::Refused);
  }
  assert_int_equal(said(d, SayLevel::Warning, "Could not remove"), 1);  // once, not each time
  while (jobs<DoRemove>(d).empty()) drive_wait(d, 100);
  drive_removed(d, kPort, Fault::NotFound);
  expect_state(d, kPort, SlotState::Free);
}

static void test_an_heir_is_told_when_its_port_cannot_be_freed(void**) {
  Drive d = drive_start(1, 0);
  drive_session(d, "ana");
  const uint64_t request = drive_access(d, "bia");
  drive_removed(d, kPort, Fault::Refused);
  expect_answer(d, request, 500, "the engine said no");
  assert_true(slot(d, kPort).heir.empty());
  expect_answer(d, drive_access(d, "caio"), 503);  // nobody is made to wait for a port that does not come free
}

static void test_removals_wait_for_the_engine(void**) {
  Drive d = drive_start(1, 0);
  drive_session(d, "ana");
  const uint64_t request = drive_access(d, "bia");
  drive_step(d, StreamDown{"gone"});
  drive_removed(d, kPort, Fault::Unreachable);
  expect_answer(d, request, 503);
  drive_wait(d, 30'000);
  assert_true(jobs<DoRemove>(d).empty());
  drive_engine_up(d, seen_all(d));
  assert_int_equal(jobs<DoRemove>(d).size(), 1);
  drive_removed(d, kPort);
  expect_state(d, kPort, SlotState::Free);
}

// ---- All.

static void test_remove_all_of_nothing(void**) {
  Drive d = drive_start(2, 0);
  const uint64_t request = drive_remove_all(d);
  expect_answer(d, request, 200);
  assert_int_equal(outcome(d, request).removed, 0);
}

static void test_remove_all_takes_clients_pool_and_what_is_on_its_way(void**) {
  Drive d = drive_start(5, 1);
  drive_pool(d);
  drive_access(d, "ana");  // the pool's
  drive_calm(d);           // and refilled
  drive_session(d, "bia", kOther);
  const uint64_t caio = drive_access(d, "caio", kOther);
  drive_launched(d, slot_for(d, "caio").port);
  const uint64_t duda = drive_access(d, "duda", kOther);
  const uint64_t all = drive_remove_all(d);
  expect_answer(d, caio, 409);
  expect_answer(d, duda, 409);
  expect_waits(d, all);
  assert_true(table_status(d.table).empty());
  drive_launch_failed(d, kPort + 4, Fault::Refused, "cancelled: nothing was made");
  drive_calm(d);
  expect_answer(d, all, 200);
  assert_int_equal(outcome(d, all).removed, 4);
  assert_int_equal(count_of(d, SlotState::Ready), 1);  // the pool is filled again
  assert_int_equal(d.disk.size(), 1);
}

static void test_remove_all_tells_heirs(void**) {
  Drive d = drive_start(1, 0);
  drive_session(d, "ana");
  const uint64_t bia = drive_access(d, "bia"), all = drive_remove_all(d);
  expect_answer(d, bia, 409);
  drive_calm(d);
  expect_answer(d, all, 200);
  expect_state(d, kPort, SlotState::Free);
}

static void test_two_remove_alls_at_once(void**) {
  Drive d = drive_start(2, 0);
  drive_session(d, "ana");
  const uint64_t first = drive_remove_all(d), second = drive_remove_all(d);
  drive_calm(d);
  expect_answer(d, first, 200);
  expect_answer(d, second, 200);
  assert_int_equal(outcome(d, first).removed + outcome(d, second).removed, 1);
}

static void test_remove_all_with_the_engine_away_is_503(void**) {
  Drive d = drive_start(2, 0);
  drive_session(d, "ana");
  drive_step(d, StreamDown{"gone"});
  expect_answer(d, drive_remove_all(d), 503);
  assert_true(has_slot(d, "ana"));
}

// ---- Containers without a slot.

static void test_an_orphan_is_asked_for_once(void**) {
  Drive d = drive_start(2, 0);
  drive_wait(d, 60'000);
  drive_listed(d, {seen_named("vnc_pool_5001", "left", kPort + 1)});
  assert_int_equal(jobs<DoRemove>(d).size(), 1);
  drive_wait(d, 60'000);
  drive_listed(d, {seen_named("vnc_pool_5001", "left", kPort + 1)});
  assert_int_equal(jobs<DoRemove>(d).size(), 1);
  drive_removed(d, 0, Fault::Refused);
  drive_wait(d, 60'000);
  drive_listed(d, {seen_named("vnc_pool_5001", "left", kPort + 1)});
  assert_int_equal(jobs<DoRemove>(d).size(), 1);  // tried again
}

static void test_a_listing_older_than_a_removal_finds_no_orphan(void**) {
  Drive d = drive_start(2, 0);
  drive_session(d, "ana");
  drive_wait(d, 60'000);
  const std::vector<Seen> photograph = seen_all(d);
  drive_remove(d, "ana");
  drive_removed(d, kPort);
  drive_listed(d, photograph);
  assert_true(jobs<DoRemove>(d).empty());
  assert_false(has_slot(d, "ana"));
}

// The engine may still carry out a removal that it never answered: until a listing shows the truth, what it was of is nobody's.
static void test_what_may_still_be_removed_is_never_adopted(void**) {
  Drive d = drive_start(2, 0);
  drive_session(d, "ana");
  drive_wait(d, 60'000);
  std::vector<Seen> seen = seen_all(d);
  seen.push_back(seen_client("ana", "twice", kPort + 1));
  drive_listed(d, seen);
  drive_removed(d, 0, Fault::Unknown);
  drive_remove(d, "ana");
  drive_removed(d, kPort);
  drive_wait(d, 60'000);
  drive_listed(d, {seen_client("ana", "twice", kPort + 1)});
  assert_false(has_slot(d, "ana"));
  assert_int_equal(jobs<DoRemove>(d).size(), 1);
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(test_remove_a_session),
      cmocka_unit_test(test_remove_a_stranger_is_404),
      cmocka_unit_test(test_remove_on_its_way_tells_those_who_wait_409),
      cmocka_unit_test(test_remove_while_its_record_is_written),
      cmocka_unit_test(test_remove_of_one_who_waits_for_its_old_session_to_go),
      cmocka_unit_test(test_remove_of_one_who_waits_for_anothers_port),
      cmocka_unit_test(test_remove_twice_is_200_then_404),
      cmocka_unit_test(test_who_asks_after_a_remove_gets_a_new_session),
      cmocka_unit_test(test_a_remover_may_hang_up),
      cmocka_unit_test(test_a_removal_that_takes_too_long_answers_503_and_goes_on),
      cmocka_unit_test(test_remove_with_the_engine_away_is_503),
      cmocka_unit_test(test_a_failed_removal_is_tried_again_with_pauses),
      cmocka_unit_test(test_an_heir_is_told_when_its_port_cannot_be_freed),
      cmocka_unit_test(test_removals_wait_for_the_engine),
      cmocka_unit_test(test_remove_all_of_nothing),
      cmocka_unit_test(test_remove_all_takes_clients_pool_and_what_is_on_its_way),
      cmocka_unit_test(test_remove_all_tells_heirs),
      cmocka_unit_test(test_two_remove_alls_at_once),
      cmocka_unit_test(test_remove_all_with_the_engine_away_is_503),
      cmocka_unit_test(test_an_orphan_is_asked_for_once),
      cmocka_unit_test(test_a_listing_older_than_a_removal_finds_no_orphan),
      cmocka_unit_test(test_what_may_still_be_removed_is_never_adopted),
  };
  return cmocka_run_group_tests_name("core/removal", tests, nullptr, nullptr);
}
