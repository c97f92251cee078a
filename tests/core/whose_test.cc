// Whose a container is: another installation's and a stranger's stay as they are, the first version's are taken over.
#include "core/drive.h"

static void test_foreign_hands_off(void**) {
  Seen other_instance = seen_client("ana", "a", kPort), other_pool = seen_named("vnc_pool_5001", "b", kPort + 1);
  other_instance.instance = other_pool.instance = "another_network";
  Seen outside = seen_unlabelled(seen_client("bia", "c", 9000)), no_port = seen_unlabelled(seen_client("caio", "d", 0));
  Seen web = seen_unlabelled(seen_named("web", "e", kPort + 2)), strange = seen_unlabelled(seen_named("vnc_a b", "f", kPort + 3));
  Seen dead = other_instance;
  dead.id = "g";
  dead.state = SeenState::Ended;
  Drive d = drive_found({}, {other_instance, other_pool, outside, no_port, web, strange, dead});
  assert_true(jobs<DoRemove>(d).empty());
  assert_int_equal(count_of(d, SlotState::Free), 4);
}

static void test_the_first_versions_container_in_our_range_is_adopted(void**) {
  Drive d = drive_found({}, {seen_unlabelled(seen_client("ana", "a", kPort))});
  assert_int_equal(slot_for(d, "ana").port, kPort);
}

static void test_the_first_versions_state_file_is_taken_over(void**) {
  Record ana = record_of("ana", "a", kPort), pool = record_of("__pool__", "p", kPort + 1);
  for (Record* record : {&ana, &pool}) {
    record->fingerprint = record->boot_id = "";
    record->last_accessed_mono_ms = -1;
  }
  Drive d = drive_found(
      {ana, pool},
      {seen_unlabelled(seen_client("ana", "a", kPort)), seen_unlabelled(seen_named("vnc_pool_5001", "p", kPort + 1))}, 4, 1);
  expect_state(d, kPort, SlotState::Assigned);
  expect_state(d, kPort + 1, SlotState::Removing);  // of unknown settings
  drive_calm(d);
  expect_answer(d, drive_access(d, "ana"), 302);
}

// A state file was copied to a second installation, and named what is the first one's: it would have been served, and removed.
static void test_what_a_record_names_of_another_installation_is_let_go(void**) {
  Seen session = seen_client("ana", "a", kPort), pool = seen_named("vnc_pool_5001", "p", kPort + 1);
  session.instance = pool.instance = "another";
  Drive d = drive_found({record_of("ana", "a", kPort), record_of("__pool__", "p", kPort + 1)}, {session, pool}, 4, 0);
  assert_true(jobs<DoRemove>(d).empty() && jobs<DoRename>(d).empty());
  assert_int_equal(count_of(d, SlotState::Free), 4);
  const uint64_t request = drive_access(d, "ana");
  drive_calm(d);
  expect_answer(d, request, 302);
  assert_string_not_equal(outcome(d, request).container_id.c_str(), "a");
}

// Whatever has that id was not listed as ours.
static void test_a_record_whose_container_is_not_listed_removes_nothing(void**) {
  Drive d = drive_found({record_of("ana", "web", kPort)}, {});
  assert_true(jobs<DoRemove>(d).empty());
  expect_state(d, kPort, SlotState::Free);
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(test_foreign_hands_off),
      cmocka_unit_test(test_the_first_versions_container_in_our_range_is_adopted),
      cmocka_unit_test(test_the_first_versions_state_file_is_taken_over),
      cmocka_unit_test(test_what_a_record_names_of_another_installation_is_let_go),
      cmocka_unit_test(test_a_record_whose_container_is_not_listed_removes_nothing),
  };
  return cmocka_run_group_tests_name("core/whose", tests, nullptr, nullptr);
}
