// Containers called after a hash of their client (MASK_IDS): who they belong to when no record says so.
#include "core/drive.h"
#include "core/names.h"

static std::string masked_name(const std::string& client) { return client_container_name(drive_naming(true), client); }

static CoreConfig config_of(int ports, bool masked) {
  CoreConfig config = drive_config(ports, 0);
  config.naming = drive_naming(masked);
  return config;
}

static Drive found(const std::vector<Record>& records, const std::vector<Seen>& seen, bool masked = true) {
  Drive d = drive_create(config_of(3, masked), records);
  drive_engine_up(d, seen);
  drive_calm(d);
  return d;
}

static void test_names(void**) {
  std::string client;
  const std::string name = masked_name("ana");
  assert_true(name.starts_with("vnc__") && name.size() == 4 + 1 + 32);
  assert_true(container_name_kind(name, &client) == NameKind::Client);
  assert_true(client_is_stand_in(client) && !client_is_valid(client));
  assert_string_equal(client_container_name(drive_naming(true), client).c_str(), name.c_str());
  assert_string_equal(client_container_name(drive_naming(false), "ana").c_str(), "vnc_ana");
  for (const char* strange : {"vnc__123", "vnc__0123456789abcdef0123456789ABCDEF", "vnc__0123456789abcdef0123456789abcdef0"})
    assert_true(container_name_kind(strange, &client) == NameKind::Foreign);
}

static void test_it_is_launched_and_renamed_under_the_hash(void**) {
  Drive d = drive_create(config_of(3, true));
  drive_engine_up(d, {});
  drive_access(d, "ana");
  assert_string_equal(jobs<DoLaunch>(d).at(0).name.c_str(), masked_name("ana").c_str());
}

static void test_without_a_record_it_waits_for_its_client(void**) {
  Drive d = found({}, {seen_named(masked_name("ana"), "c-ana", kPort)});
  assert_int_equal(count_of(d, SlotState::Assigned), 1);
  const uint64_t other = drive_access(d, "bia"), own = drive_access(d, "ana");
  drive_calm(d);
  expect_answer(d, own, 302);
  assert_int_equal(outcome(d, own).port, kPort);
  expect_answer(d, other, 302);
  assert_int_not_equal(outcome(d, other).port, kPort);
  assert_string_equal(slot_for(d, "ana").container_id.c_str(), "c-ana");
}

static void test_its_client_may_remove_it_too(void**) {
  Drive d = found({}, {seen_named(masked_name("ana"), "c-ana", kPort)});
  const uint64_t request = drive_remove(d, "ana");
  drive_calm(d);
  expect_answer(d, request, 200);
  assert_int_equal(count_of(d, SlotState::Assigned), 0);
}

static void test_one_whose_client_has_another_is_a_leftover(void**) {
  Drive d = found({record_of("ana", "c-ana", kPort)}, {seen_named("vnc_ana", "c-ana", kPort), seen_named(masked_name("ana"), "left", kPort + 1)});
  assert_int_equal(count_of(d, SlotState::Assigned), 1);
  assert_string_equal(slot_for(d, "ana").container_id.c_str(), "c-ana");
}

static void test_one_of_each_name_are_not_two_sessions(void**) {
  Drive d = found({}, {seen_named(masked_name("ana"), "c-ana", kPort), seen_named("vnc_ana", "left", kPort + 1)});
  assert_int_equal(count_of(d, SlotState::Assigned), 1);
  const uint64_t request = drive_access(d, "ana");
  drive_calm(d);
  expect_answer(d, request, 302);
}

static void test_switched_on_and_off_names_follow_and_nobody_moves(void**) {
  Record record = record_of("ana", "c-ana", kPort);
  Drive on = found({record}, {seen_named("vnc_ana", "c-ana", kPort)});
  assert_string_equal(slot_for(on, "ana").container_name.c_str(), masked_name("ana").c_str());
  record.container_name = masked_name("ana");
  Drive off = found({record}, {seen_named(masked_name("ana"), "c-ana", kPort)}, false);
  assert_string_equal(slot_for(off, "ana").container_name.c_str(), "vnc_ana");
  Drive lost = found({}, {seen_named(masked_name("ana"), "c-ana", kPort)}, false);  // the record, too
  const uint64_t request = drive_access(lost, "ana");
  drive_calm(lost);
  assert_int_equal(outcome(lost, request).port, kPort);
}

static void test_status_of_one_finds_it_before_he_comes(void**) {
  Drive d = found({}, {seen_named(masked_name("ana"), "c-ana", kPort)});
  Record record;
  assert_true(table_status_of(d.table, "ana", &record));
  assert_string_equal(record.container_id.c_str(), "c-ana");
  assert_false(table_status_of(d.table, "bia", &record));
}

static void test_a_record_under_the_hash_is_taken_up(void**) {
  std::string stand_in = client_stand_in(drive_naming(true), "ana");
  Record record = record_of(stand_in, "c-ana", kPort);
  record.container_name = masked_name("ana");
  Drive d = found({record}, {seen_named(masked_name("ana"), "c-ana", kPort)});
  const uint64_t request = drive_access(d, "ana");
  drive_calm(d);
  assert_int_equal(outcome(d, request).port, kPort);
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(test_names),
      cmocka_unit_test(test_it_is_launched_and_renamed_under_the_hash),
      cmocka_unit_test(test_without_a_record_it_waits_for_its_client),
      cmocka_unit_test(test_its_client_may_remove_it_too),
      cmocka_unit_test(test_one_whose_client_has_another_is_a_leftover),
      cmocka_unit_test(test_one_of_each_name_are_not_two_sessions),
      cmocka_unit_test(test_switched_on_and_off_names_follow_and_nobody_moves),
      cmocka_unit_test(test_status_of_one_finds_it_before_he_comes),
      cmocka_unit_test(test_a_record_under_the_hash_is_taken_up),
  };
  return cmocka_run_group_tests_name("core/stand_in", tests, nullptr, nullptr);
}
