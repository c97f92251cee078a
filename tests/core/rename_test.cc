// A claimed pool container gets its client's name in the background, and names that others give or hold.
#include "core/drive.h"

static Drive claimed() {
  Drive d = drive_start(2, 1);
  drive_pool(d);
  drive_access(d, "ana");
  drive_written(d);
  return d;
}

static void test_renamed_once_it_is_assigned(void**) {
  Drive d = drive_start(2, 1);
  const int port = drive_pool(d);
  const uint64_t request = drive_access(d, "ana");
  assert_true(jobs<DoRename>(d).empty());  // not before the disk knows: a claim may still go back
  drive_written(d);
  expect_answer(d, request, 302);  // and nobody waits for it
  assert_string_equal(jobs<DoRename>(d).at(0).name.c_str(), "vnc_ana");
  drive_renamed(d, port);
  assert_string_equal(slot(d, port).container_name.c_str(), "vnc_ana");
  drive_written(d);
  assert_string_equal(d.disk.at(0).container_name.c_str(), "vnc_ana");
}

static void test_a_claim_that_goes_back_was_not_renamed(void**) {
  Drive d = drive_start(2, 1);
  const int port = drive_pool(d);
  drive_access(d, "ana");
  drive_written(d, "disk full");
  assert_true(jobs<DoRename>(d).empty());
  assert_string_equal(slot(d, port).container_name.c_str(), "vnc_pool_5000");
}

static void test_a_refused_rename_is_tried_again_and_given_up(void**) {
  Drive d = claimed();
  int tries = 0;
  for (; tries < 100 && !jobs<DoRename>(d).empty(); tries++) {
    drive_renamed(d, kPort, Fault::NameTaken);
    for (int i = 0; i < 130 && jobs<DoRename>(d).empty(); i++) {
      drive_wait(d, 500);
      for (size_t n = jobs<DoList>(d).size(); n > 0; n--) drive_listed(d, seen_all(d));
    }
  }
  assert_true(tries > 3 && tries < 20);
  assert_int_equal(said(d, SayLevel::Warning, "keeps its name vnc_pool_5000"), 1);
  expect_answer(d, drive_access(d, "ana"), 302);
}

static void test_a_rename_waits_for_the_engine(void**) {
  Drive d = drive_start(2, 1);
  const int port = drive_pool(d);
  drive_access(d, "ana");
  drive_step(d, StreamDown{"gone"});
  drive_written(d);
  drive_wait(d, 120'000);
  assert_true(jobs<DoRename>(d).empty());
  drive_engine_up(d, seen_all(d));
  assert_int_equal(jobs<DoRename>(d).size(), 1);
  drive_renamed(d, port);
}

static void test_a_rename_left_undone_by_an_earlier_run_is_done(void**) {
  Record record = record_of("ana", "a", kPort);
  record.container_name = "vnc_pool_5000";
  Drive d = drive_create(drive_config(2, 0), {record});
  drive_engine_up(d, {seen_named("vnc_pool_5000", "a", kPort)});
  assert_string_equal(jobs<DoRename>(d).at(0).name.c_str(), "vnc_ana");
  expect_answer(d, drive_access(d, "ana"), 302);
}

// Asked for before the rename, answered after it: the listing shows the old name, which must not come back.
static void test_an_old_listing_does_not_undo_a_rename(void**) {
  Drive d = claimed();
  drive_wait(d, 60'000);
  const std::vector<Seen> photograph = seen_all(d);
  drive_renamed(d, kPort);
  drive_listed(d, photograph);
  assert_string_equal(slot(d, kPort).container_name.c_str(), "vnc_ana");
  assert_true(jobs<DoRename>(d).empty());
}

static void test_the_event_of_our_own_rename_may_come_first(void**) {
  Drive d = claimed();
  drive_says(d, ContainerChange::Renamed, slot(d, kPort).container_id, "vnc_ana");
  assert_string_equal(slot(d, kPort).container_name.c_str(), "vnc_ana");
  drive_renamed(d, kPort);
  drive_calm(d);
  expect_state(d, kPort, SlotState::Assigned);
}

static void test_the_name_is_awaited_while_an_old_session_holds_it(void**) {
  Drive d = drive_start(3, 0);
  const int old = drive_session(d, "ana");
  drive_access(d, "ana", kOther);
  const int port = drive_healthy(d, "ana");
  drive_wait(d, 5'000);
  assert_true(jobs<DoRename>(d).empty());
  drive_removed(d, old);
  drive_wait(d, 1'000);
  drive_renamed(d, port);
  assert_string_equal(slot(d, port).container_name.c_str(), "vnc_ana");
}

// ---- Somebody else renames.

static void test_a_session_renamed_by_hand_kept_that_name_unsaid(void**) {
  Drive d = claimed();
  drive_renamed(d, kPort);
  drive_calm(d);
  const std::string id = slot(d, kPort).container_id;
  drive_says(d, ContainerChange::Renamed, id, "odd");
  assert_int_equal(said(d, SayLevel::Warning, "renamed to odd"), 1);
  drive_wait(d, 1);
  assert_string_equal(jobs<DoRename>(d).at(0).name.c_str(), "vnc_ana");
  drive_renamed(d, kPort);
  assert_string_equal(slot(d, kPort).container_name.c_str(), "vnc_ana");
  expect_answer(d, drive_access(d, "ana"), 302);
}

// Renamed by hand and by us, and the events of both come after our own answer.
static void test_events_from_before_our_own_rename_start_no_second_one(void**) {
  Drive d = claimed();
  const std::string id = slot(d, kPort).container_id;
  drive_renamed(d, kPort);
  drive_says(d, ContainerChange::Renamed, id, "odd");
  drive_wait(d, 1);
  drive_renamed(d, kPort, Fault::Refused);  // it has that name already
  drive_says(d, ContainerChange::Renamed, id, "vnc_ana");
  drive_wait(d, 10'000);
  assert_true(jobs<DoRename>(d).empty());
  assert_string_equal(slot(d, kPort).container_name.c_str(), "vnc_ana");
}

static void test_a_ready_one_renamed_to_a_client_is_that_clients(void**) {
  Drive d = drive_start(2, 1);
  const int port = drive_pool(d);
  drive_says(d, ContainerChange::Renamed, slot(d, port).container_id, "vnc_bia");
  expect_state(d, port, SlotState::Claiming);
  drive_calm(d);
  assert_int_equal(slot_for(d, "bia").port, port);
}

static void test_a_ready_one_renamed_to_anything_else_is_replaced(void**) {
  Drive d = drive_start(2, 1);
  const int port = drive_pool(d);
  drive_says(d, ContainerChange::Renamed, slot(d, port).container_id, "web");
  expect_state(d, port, SlotState::Removing);
}

static void test_a_ready_one_renamed_to_a_client_who_has_a_session_is_removed(void**) {
  Drive d = drive_start(3, 1);
  const int port = drive_pool(d);
  const int own = drive_session(d, "bia", kOther);
  drive_says(d, ContainerChange::Renamed, slot(d, port).container_id, "vnc_bia");
  expect_state(d, port, SlotState::Removing);
  assert_int_equal(slot_for(d, "bia").port, own);
}

static void test_a_pool_container_renamed_while_its_record_is_written_is_its_names_clients(void**) {
  Drive d = drive_start(2, 1);
  const std::string id = drive_launched(d, kPort);
  drive_says(d, ContainerChange::Healthy, id);
  drive_says(d, ContainerChange::Renamed, id, "vnc_bia");
  drive_written(d);
  expect_state(d, kPort, SlotState::Claiming);
  drive_calm(d);
  assert_int_equal(slot_for(d, "bia").port, kPort);
}

static void test_a_session_renamed_by_somebody_gets_its_name_back(void**) {
  Drive d = drive_start(2, 0);
  const int port = drive_session(d, "ana");
  drive_says(d, ContainerChange::Renamed, slot(d, port).container_id, "web");
  drive_wait(d, 60'000);
  drive_listed(d, seen_all(d));
  drive_renamed(d, port);
  assert_string_equal(slot(d, port).container_name.c_str(), "vnc_ana");
}

// Planned amid the listing that noticed it, the renaming was asked for and then, its container having to become healthy first,
// never heard of again: it was under way for ever.
static void test_a_renaming_under_way_for_ever(void**) {
  Drive d = drive_create(drive_config(2, 0), {record_of("ana", "a", kPort)});
  Seen seen = seen_named("odd", "a", kPort);
  seen.health = SeenHealth::Starting;
  drive_engine_up(d, {seen});
  drive_says(d, ContainerChange::Healthy, "a");
  drive_calm(d);
  drive_wait(d, 60'000);
  drive_calm(d);
  assert_string_equal(slot(d, kPort).container_name.c_str(), "vnc_ana");
  assert_false(slot(d, kPort).renaming);
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(test_renamed_once_it_is_assigned),
      cmocka_unit_test(test_a_claim_that_goes_back_was_not_renamed),
      cmocka_unit_test(test_a_refused_rename_is_tried_again_and_given_up),
      cmocka_unit_test(test_a_rename_waits_for_the_engine),
      cmocka_unit_test(test_a_rename_left_undone_by_an_earlier_run_is_done),
      cmocka_unit_test(test_an_old_listing_does_not_undo_a_rename),
      cmocka_unit_test(test_the_event_of_our_own_rename_may_come_first),
      cmocka_unit_test(test_the_name_is_awaited_while_an_old_session_holds_it),
      cmocka_unit_test(test_a_session_renamed_by_hand_kept_that_name_unsaid),
      cmocka_unit_test(test_events_from_before_our_own_rename_start_no_second_one),
      cmocka_unit_test(test_a_ready_one_renamed_to_a_client_is_that_clients),
      cmocka_unit_test(test_a_ready_one_renamed_to_anything_else_is_replaced),
      cmocka_unit_test(test_a_ready_one_renamed_to_a_client_who_has_a_session_is_removed),
      cmocka_unit_test(test_a_pool_container_renamed_while_its_record_is_written_is_its_names_clients),
      cmocka_unit_test(test_a_session_renamed_by_somebody_gets_its_name_back),
      cmocka_unit_test(test_a_renaming_under_way_for_ever),
  };
  return cmocka_run_group_tests_name("core/rename", tests, nullptr, nullptr);
}
