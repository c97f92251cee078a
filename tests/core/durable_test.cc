// What must be on disk before somebody is told, and a disk that fails.
#include "core/drive.h"

static void test_nothing_is_written_before_the_first_listing(void**) {
  Drive d = drive_create(drive_config(2, 0), {record_of("ana", "a", kPort)});
  drive_step(d, StreamUp{});
  drive_wait(d, 60'000);
  assert_true(jobs<DoSave>(d).empty());  // the file knows more than we do
  drive_connected(d);
  drive_listed(d, {seen_named("vnc_ana", "a", kPort)});
  assert_int_equal(jobs<DoSave>(d).size(), 1);
}

static void test_one_write_serves_all_that_came_meanwhile(void**) {
  Drive d = drive_start(8, 0);
  std::vector<uint64_t> all;
  for (int i = 0; i < 6; i++) all.push_back(drive_access(d, "c" + std::to_string(i)));
  for (int port = kPort; port < kPort + 6; port++) drive_says(d, ContainerChange::Healthy, drive_launched(d, port));
  assert_int_equal(jobs<DoSave>(d).size(), 1);  // of the first; one at a time
  drive_written(d);
  expect_answer(d, all[0], 302);
  for (int i = 1; i < 6; i++) expect_waits(d, all[static_cast<size_t>(i)]);
  drive_written(d);
  for (uint64_t request : all) expect_answer(d, request, 302);
  assert_true(jobs<DoSave>(d).empty());
}

static void test_a_write_carries_the_table_as_of_its_version(void**) {
  Drive d = drive_start(3, 0);
  drive_access(d, "ana");
  drive_access(d, "bia");
  drive_says(d, ContainerChange::Healthy, drive_launched(d, kPort));
  const uint64_t version = jobs<DoSave>(d).at(0).version;
  drive_says(d, ContainerChange::Healthy, drive_launched(d, kPort + 1));
  drive_written(d);
  assert_int_equal(d.disk.size(), 1);
  assert_true(d.table.on_disk == version);
  assert_true(jobs<DoSave>(d).at(0).version > version);
}

// ---- It fails.

static void test_a_claim_that_cannot_be_written_goes_back_to_the_pool(void**) {
  Drive d = drive_start(2, 1);
  const int port = drive_pool(d);
  const uint64_t request = drive_access(d, "ana");
  drive_written(d, "no space left on device");
  expect_answer(d, request, 503, "no space left on device");
  assert_true(outcome(d, request).retry_after > 0);
  expect_state(d, port, SlotState::Ready);
  assert_false(has_slot(d, "ana"));
  drive_wait(d, 1'000);
  drive_calm(d);
  expect_state(d, port, SlotState::Ready);
  drive_access(d, "bia");  // nobody was told, so it may go to another
  drive_calm(d);
  assert_int_equal(slot_for(d, "bia").port, port);
}

// The same of a pool container that an earlier run left: it was the pool's before, by record and name.
static void test_a_claim_of_a_pool_container_of_an_earlier_run_goes_back_too(void**) {
  Drive d = drive_create(drive_config(2, 1), {record_of("__pool__", "p", kPort)});
  drive_engine_up(d, {seen_named("vnc_pool_5000", "p", kPort)});
  drive_written(d);
  const uint64_t request = drive_access(d, "ana");
  drive_written(d, "disk full");
  expect_answer(d, request, 503, "disk full");
  expect_state(d, kPort, SlotState::Ready);
  assert_false(has_slot(d, "ana"));
}

// A launch of the pool, taken by a client before its pool record was ever on disk: healthy, but not READY without that record.
static void test_a_taken_launch_goes_back_to_wait_for_its_pool_record(void**) {
  Drive d = drive_start(2, 1);
  const uint64_t request = drive_access(d, "ana");
  drive_says(d, ContainerChange::Healthy, drive_launched(d, kPort));
  drive_written(d, "disk full");
  expect_answer(d, request, 503);
  expect_state(d, kPort, SlotState::Waiting);
  assert_true(slot(d, kPort).client.empty());
  drive_wait(d, 1'000);
  drive_written(d, "disk full");
  expect_state(d, kPort, SlotState::Waiting);
  drive_wait(d, 1'000);
  drive_written(d);
  expect_state(d, kPort, SlotState::Ready);
}

// Found starting, it waits without a record; taken and not written, it must not be READY without one.
static void test_a_ready_one_that_had_to_wait_again_needs_its_record_anew(void**) {
  Drive d = drive_create(drive_config(2, 1), {record_of("__pool__", "p", kPort)});
  Seen starting = seen_named("vnc_pool_5000", "p", kPort);
  starting.health = SeenHealth::Starting;
  drive_engine_up(d, {starting});
  drive_written(d);
  expect_state(d, kPort, SlotState::Waiting);
  assert_true(d.disk.empty());
  const uint64_t request = drive_access(d, "ana");
  drive_says(d, ContainerChange::Healthy, "p");
  expect_state(d, kPort, SlotState::Claiming);
  drive_written(d, "disk full");
  expect_answer(d, request, 503);
  expect_state(d, kPort, SlotState::Waiting);
  drive_wait(d, 1'000);
  drive_written(d);
  expect_state(d, kPort, SlotState::Ready);
}

// Healthy once is not healthy now: seen to go back to READY with the next write, whatever its health.
static void test_a_ready_one_found_starting_is_ready_when_it_is_healthy_again(void**) {
  Drive d = drive_start(2, 1);
  const int port = drive_pool(d);
  drive_wait(d, 60'000);
  std::vector<Seen> seen = seen_all(d);
  seen[0].health = SeenHealth::Starting;
  drive_listed(d, seen);
  expect_state(d, port, SlotState::Waiting);
  drive_written(d);
  expect_state(d, port, SlotState::Waiting);
  assert_true(d.disk.empty());
  drive_says(d, ContainerChange::Healthy, slot(d, port).container_id);
  drive_written(d);
  expect_state(d, port, SlotState::Ready);
}

static void test_a_session_of_its_own_that_cannot_be_written_is_removed(void**) {
  Drive d = drive_start(2, 0);
  const uint64_t request = drive_access(d, "ana", kOther);
  drive_says(d, ContainerChange::Healthy, drive_launched(d, kPort));
  drive_written(d, "disk full");
  expect_answer(d, request, 503, "disk full");
  expect_state(d, kPort, SlotState::Removing);
  drive_calm(d);
  expect_state(d, kPort, SlotState::Free);
}

// Launched for the client under the pool's name, since its own was held: that makes it no container of the pool.
static void test_a_client_launch_under_a_pool_name_never_goes_to_the_pool(void**) {
  Drive d = drive_start(2, 0);
  drive_access(d, "ana");
  drive_launch_failed(d, kPort, Fault::NameTaken, "in use");
  drive_says(d, ContainerChange::Healthy, drive_launched(d, kPort));
  drive_written(d, "disk full");
  expect_state(d, kPort, SlotState::Removing);
}

static void test_an_adopted_session_is_kept_while_the_disk_fails(void**) {
  Drive d = drive_create(drive_config(2, 0));
  drive_engine_up(d, {seen_named("vnc_ana", "a", kPort)});
  drive_written(d, "disk full");
  expect_state(d, kPort, SlotState::Claiming);
  assert_string_equal(slot(d, kPort).client.c_str(), "ana");
  const uint64_t request = drive_access(d, "ana");
  drive_wait(d, 1'000);
  drive_written(d, "disk full");
  expect_answer(d, request, 503, "disk full");
  expect_state(d, kPort, SlotState::Claiming);
  drive_wait(d, 1'000);
  drive_written(d);
  expect_answer(d, drive_access(d, "ana"), 302);
}

static void test_reuse_goes_on_and_nothing_new_begins_while_the_disk_fails(void**) {
  Drive d = drive_start(4, 1);
  drive_pool(d);
  drive_session(d, "ana", kOther);
  drive_calm(d);
  drive_access(d, "bia");
  drive_written(d, "disk full");
  drive_wait(d, 1'000);
  drive_calm(d);
  drive_access(d, "caio");
  drive_written(d, "disk full");
  const int launches = d.containers;
  expect_answer(d, drive_access(d, "ana", kOther), 302);
  expect_answer(d, drive_access(d, "duda"), 503, "disk full");         // no claim
  expect_answer(d, drive_access(d, "eva", kOther), 503, "disk full");  // no launch
  expect_answer(d, drive_access(d, "ana"), 503, "disk full");          // no other size either: hers is kept
  expect_state(d, slot_for(d, "ana").port, SlotState::Assigned);
  assert_int_equal(d.containers, launches);
  drive_wait(d, 1'000);
  drive_written(d);
  expect_waits(d, drive_access(d, "duda"));
  assert_int_equal(said(d, SayLevel::Info, "can be written again"), 2);
}

static void test_a_failing_disk_is_tried_each_second_and_said_once(void**) {
  Drive d = drive_start(2, 0);
  drive_session(d, "ana");
  drive_calm(d);
  drive_access(d, "ana");
  drive_wait(d, 1'000);
  for (int i = 0; i < 20; i++) {
    drive_written(d, "disk full");
    assert_true(jobs<DoSave>(d).empty());
    drive_access(d, "ana");  // reuse goes on, and does not hurry it
    assert_true(jobs<DoSave>(d).empty());
    drive_wait(d, 999);
    assert_true(jobs<DoSave>(d).empty());
    drive_wait(d, 1);
  }
  drive_written(d);
  assert_int_equal(said(d, SayLevel::Error, "could not be written"), 1);
  assert_int_equal(said(d, SayLevel::Info, "can be written again"), 1);
}

static void test_removals_go_on_while_the_disk_fails(void**) {
  Drive d = drive_start(2, 0);
  drive_session(d, "ana");
  drive_calm(d);
  drive_access(d, "ana");
  drive_wait(d, 1'000);
  drive_written(d, "disk full");
  const uint64_t removal = drive_remove(d, "ana");
  drive_removed(d, kPort);
  expect_answer(d, removal, 200);
}

// ---- What a record says.

static void test_the_record_of_a_session(void**) {
  Drive d = drive_start(2, 0);
  const int port = drive_session(d, "ana", kOther);
  const Record& record = d.disk.at(0);
  assert_string_equal(record.client_id.c_str(), "ana");
  assert_string_equal(record.container_name.c_str(), "vnc_ana");
  assert_int_equal(record.port, port);
  assert_string_equal(record.width.c_str(), "1024");
  assert_string_equal(record.height.c_str(), "768");
  assert_false(record.size_by_default);
  assert_string_equal(record.fingerprint.c_str(), kPrint);
  assert_string_equal(record.boot_id.c_str(), "boot-now");
  assert_true(record.created_us == d.now.wall_us && record.last_accessed_us == d.now.wall_us);
  assert_true(record.last_accessed_mono_ms == d.now.mono_ms);
}

static void test_unknown_fields_are_kept_as_long_as_the_record(void**) {
  Record record = record_of("ana", "a", kPort);
  record.extra = "{\"note\":1}";
  Drive d = drive_create(drive_config(2, 0), {record});
  drive_engine_up(d, {seen_named("vnc_ana", "a", kPort)});
  drive_written(d);
  assert_string_equal(d.disk.at(0).extra.c_str(), "{\"note\":1}");
  drive_remove(d, "ana");
  drive_calm(d);
  drive_access(d, "bia");
  drive_calm(d);
  for (const Record& one : d.disk) assert_string_equal(one.extra.c_str(), "");
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(test_nothing_is_written_before_the_first_listing),
      cmocka_unit_test(test_one_write_serves_all_that_came_meanwhile),
      cmocka_unit_test(test_a_write_carries_the_table_as_of_its_version),
      cmocka_unit_test(test_a_claim_that_cannot_be_written_goes_back_to_the_pool),
      cmocka_unit_test(test_a_claim_of_a_pool_container_of_an_earlier_run_goes_back_too),
      cmocka_unit_test(test_a_taken_launch_goes_back_to_wait_for_its_pool_record),
      cmocka_unit_test(test_a_ready_one_that_had_to_wait_again_needs_its_record_anew),
      cmocka_unit_test(test_a_ready_one_found_starting_is_ready_when_it_is_healthy_again),
      cmocka_unit_test(test_a_session_of_its_own_that_cannot_be_written_is_removed),
      cmocka_unit_test(test_a_client_launch_under_a_pool_name_never_goes_to_the_pool),
      cmocka_unit_test(test_an_adopted_session_is_kept_while_the_disk_fails),
      cmocka_unit_test(test_reuse_goes_on_and_nothing_new_begins_while_the_disk_fails),
      cmocka_unit_test(test_a_failing_disk_is_tried_each_second_and_said_once),
      cmocka_unit_test(test_removals_go_on_while_the_disk_fails),
      cmocka_unit_test(test_the_record_of_a_session),
      cmocka_unit_test(test_unknown_fields_are_kept_as_long_as_the_record),
  };
  return cmocka_run_group_tests_name("core/durable", tests, nullptr, nullptr);
}
