// The table against the world: records of an earlier run and the engine's listing at start, and every listing after that.
#include "core/drive.h"

static Seen ended(Seen seen) {
  seen.state = SeenState::Ended;
  seen.health = SeenHealth::None;
  seen.on_network = false;
  return seen;
}

static bool orphan_asked(const Drive& d, const std::string& id) {
  for (const DoRemove& job : jobs<DoRemove>(d))
    if (job.port == 0 && job.container_id == id) return true;
  return false;
}

// ---- Records and their containers.

static void test_a_running_container_keeps_its_record(void**) {
  Drive d = drive_found({record_of("ana", "a", kPort)}, {seen_client("ana", "a", kPort)});
  expect_state(d, kPort, SlotState::Assigned);
  assert_true(jobs<DoRemove>(d).empty());
  drive_written(d);
  expect_answer(d, drive_access(d, "ana"), 302);
}

// Found "starting", it waits to be healthy again; the engine's own idea of its age must not replace the record's.
static void test_created_at_stays_the_records(void**) {
  Record record = record_of("ana", "a", kPort);
  record.created_us = 12345;
  Seen seen = seen_client("ana", "a", kPort);
  seen.health = SeenHealth::Starting;
  Drive d = drive_found({record}, {seen});
  seen.health = SeenHealth::Healthy;
  seen.created_us = 67890;
  drive_written(d);
  drive_checked(d, kPort, Fault::None, seen);
  drive_written(d);
  expect_state(d, kPort, SlotState::Assigned);
  assert_int_equal(table_records(d.table).at(0).created_us, 12345);
}

static void test_a_dead_container_loses_its_record(void**) {
  for (bool gone : {false, true}) {
    std::vector<Seen> seen;
    if (!gone) seen.push_back(ended(seen_client("ana", "a", kPort)));
    Drive d = drive_found({record_of("ana", "a", kPort)}, seen);
    if (!gone) assert_string_equal(jobs<DoRemove>(d).at(0).container_id.c_str(), "a");  // what is left of it goes too
    drive_calm(d);
    assert_true(d.disk.empty());
    expect_state(d, kPort, SlotState::Free);
  }
}

static void test_a_pool_record_makes_a_ready_slot(void**) {
  Drive d = drive_found({record_of("__pool__", "p", kPort)}, {seen_named("vnc_pool_5000", "p", kPort)}, 4, 1);
  expect_state(d, kPort, SlotState::Ready);
  assert_true(jobs<DoLaunch>(d).empty());
}

static void test_a_second_record_of_a_client_is_discarded(void**) {
  Record older = record_of("ana", "a", kPort), newer = record_of("ana", "b", kPort + 1);
  newer.last_accessed_us += 1;
  Seen left = seen_client("ana", "a", kPort);
  left.name = "vnc_pool_5000";  // two containers cannot bear one name
  Drive d = drive_found({older, newer}, {left, seen_client("ana", "b", kPort + 1)});
  assert_int_equal(slot_for(d, "ana").port, kPort + 1);
  assert_true(orphan_asked(d, "a"));
}

static void test_two_records_of_one_container(void**) {
  Drive d = drive_found({record_of("__pool__", "a", kPort), record_of("ana", "a", kPort)}, {seen_client("ana", "a", kPort)},
                    4, 0);
  assert_int_equal(slot_for(d, "ana").port, kPort);  // a client's counts more than the pool's
  assert_true(jobs<DoRemove>(d).empty());
}

static void test_two_records_of_one_port(void**) {
  Record older = record_of("ana", "a", kPort), newer = record_of("bia", "b", kPort);
  newer.last_accessed_us += 1;
  Drive d = drive_found({older, newer}, {seen_client("bia", "b", kPort)});
  assert_int_equal(slot_for(d, "bia").port, kPort);
  assert_false(has_slot(d, "ana"));
}

static void test_records_that_make_no_sense_are_discarded(void**) {
  Record no_client = record_of("", "a", kPort), bad_client = record_of("a/b", "b", kPort + 1);
  Record reserved = record_of("pool_1", "c", kPort + 2), no_id = record_of("ana", "", kPort + 3);
  Record port_zero = record_of("bia", "d", 0), port_high = record_of("caio", "e", 70'000),
         negative = record_of("duda", "f", -1);
  Drive d = drive_found({no_client, bad_client, reserved, no_id, port_zero, port_high, negative}, {});
  assert_int_equal(d.table.slots.size(), 4);
  assert_int_equal(count_of(d, SlotState::Free), 4);
  drive_calm(d);
  assert_true(d.disk.empty());
}

// The record is wrong, not the session: it goes on where it is.
static void test_a_record_whose_port_is_not_the_containers(void**) {
  Drive d = drive_found({record_of("ana", "a", kPort)}, {seen_client("ana", "a", kPort + 1)});
  assert_true(jobs<DoRemove>(d).empty());
  const uint64_t request = drive_access(d, "ana");
  drive_calm(d);
  expect_answer(d, request, 302);
  assert_int_equal(outcome(d, request).port, kPort + 1);
  assert_string_equal(outcome(d, request).container_id.c_str(), "a");
}

// The pool's is replaced: nobody knows whose it is.
static void test_a_pool_record_whose_port_is_not_the_containers(void**) {
  Drive d = drive_found({record_of("__pool__", "p", kPort)}, {seen_named("vnc_pool_5000", "p", kPort + 1)});
  expect_state(d, kPort, SlotState::Removing);
}

// ---- Rule 2: who was ever given a container keeps it.

static void test_a_pool_container_without_a_record_is_removed(void**) {
  for (bool label : {true, false}) {
    Seen seen = seen_named("vnc_pool_5000", "p", kPort);
    Drive d = drive_found({}, {label ? seen : seen_unlabelled(seen)}, 4, 1);
    assert_true(orphan_asked(d, "p"));
    assert_int_equal(count_of(d, SlotState::Ready), 0);
  }
}

static void test_a_record_says_pool_and_the_name_says_client(void**) {
  Drive d = drive_found({record_of("__pool__", "p", kPort)}, {seen_client("ana", "p", kPort)}, 4, 1);
  expect_state(d, kPort, SlotState::Claiming);
  const uint64_t request = drive_access(d, "ana");
  expect_waits(d, request);
  drive_calm(d);
  expect_answer(d, request, 302);
  assert_int_equal(outcome(d, request).port, kPort);
}

static void test_the_same_when_the_client_has_another_record(void**) {
  Drive d = drive_found({record_of("__pool__", "p", kPort), record_of("ana", "a", kPort + 1)},
                    {seen_client("ana", "p", kPort), seen_named("vnc_pool_5001", "a", kPort + 1)}, 4, 0);
  assert_int_equal(slot_for(d, "ana").port, kPort + 1);
  expect_state(d, kPort, SlotState::Removing);
}

static void test_a_pool_record_with_a_foreign_name_is_not_ready(void**) {
  Drive d = drive_found({record_of("__pool__", "p", kPort)}, {seen_named("web", "p", kPort)}, 4, 0);
  expect_state(d, kPort, SlotState::Removing);
}

static void test_a_record_says_client_and_the_name_says_pool(void**) {
  Record record = record_of("ana", "a", kPort);
  record.container_name = "vnc_pool_5000";
  Drive d = drive_found({record}, {seen_named("vnc_pool_5000", "a", kPort)}, 4, 1);
  assert_int_equal(slot_for(d, "ana").port, kPort);  // claimed, and killed before the rename
  expect_state(d, kPort, SlotState::Assigned);
}

static void test_a_client_container_without_a_record_is_that_clients(void**) {
  Seen seen = seen_client("ana", "a", kPort + 2);
  seen.size = kOther;
  Drive d = drive_found({}, {seen});
  const uint64_t request = drive_access(d, "ana", kOther);
  expect_waits(d, request);  // its record is being written
  drive_written(d);
  expect_answer(d, request, 302);
  assert_int_equal(outcome(d, request).port, kPort + 2);
  assert_string_equal(d.disk.at(0).width.c_str(), "1024");
}

static void test_adopted_of_unknown_size_serves_who_asks_for_none(void**) {
  Seen seen = seen_client("ana", "a", kPort);
  seen.size = Size{};
  Drive d = drive_found({}, {seen});
  drive_written(d);
  expect_answer(d, drive_access(d, "ana"), 302);
}

static void test_adopted_and_not_yet_healthy_waits(void**) {
  Seen seen = seen_client("ana", "a", kPort);
  seen.health = SeenHealth::Starting;
  Drive d = drive_found({}, {seen});
  expect_state(d, kPort, SlotState::Waiting);
  const uint64_t request = drive_access(d, "ana");
  drive_calm(d);
  expect_answer(d, request, 302);
}

static void test_adopted_without_health_check_waits_for_its_page(void**) {
  Seen seen = seen_client("ana", "a", kPort);
  seen.health = SeenHealth::None;
  Drive d = drive_found({}, {seen});
  drive_wait(d, 1);
  drive_checked(d, kPort, Fault::None, seen, true);
  drive_calm(d);
  expect_answer(d, drive_access(d, "ana"), 302);
}

static void test_adopted_and_unhealthy_is_kept(void**) {
  Seen seen = seen_client("ana", "a", kPort);
  seen.health = SeenHealth::Unhealthy;
  Drive d = drive_found({}, {seen});
  drive_says(d, ContainerChange::Unhealthy, "a");
  drive_calm(d);
  expect_answer(d, drive_access(d, "ana"), 302);
}

static void test_recorded_and_not_yet_healthy_waits(void**) {
  Seen ana = seen_client("ana", "a", kPort), pool = seen_named("vnc_pool_5001", "p", kPort + 1);
  ana.health = pool.health = SeenHealth::Starting;
  Drive d = drive_found({record_of("ana", "a", kPort), record_of("__pool__", "p", kPort + 1)}, {ana, pool}, 4, 1);
  expect_state(d, kPort, SlotState::Waiting);
  expect_state(d, kPort + 1, SlotState::Waiting);
  expect_waits(d, drive_access(d, "ana"));
  drive_calm(d);
  expect_state(d, kPort, SlotState::Assigned);
  expect_state(d, kPort + 1, SlotState::Ready);
}

static void test_a_second_container_of_a_client_is_removed(void**) {
  Record record = record_of("ana", "a", kPort);
  record.container_name = "vnc_pool_5000";
  Drive d = drive_found({record}, {seen_named("vnc_pool_5000", "a", kPort), seen_client("ana", "b", kPort + 1)});
  assert_int_equal(slot_for(d, "ana").port, kPort);
  assert_true(orphan_asked(d, "b"));
}

// Its death came by the stream, the listing was older: nobody is sent to a dead container.
static void test_a_container_known_to_be_dead_is_not_adopted(void**) {
  Drive d = drive_create(drive_config(2, 0));
  drive_step(d, StreamUp{});
  drive_connected(d);
  drive_says(d, ContainerChange::Died, "a");
  drive_listed(d, {seen_client("ana", "a", kPort)});
  assert_false(has_slot(d, "ana"));
  assert_true(orphan_asked(d, "a"));
}

// The port's slot still holds what its record says; as soon as that is gone the client gets what is its own.
static void test_a_client_container_on_a_port_of_a_dead_record_is_adopted(void**) {
  Drive d = drive_found({record_of("bia", "old", kPort)}, {seen_client("ana", "a", kPort)});
  assert_int_equal(slot_for(d, "ana").port, kPort);
}

static void test_ours_left_created_or_ended_is_removed(void**) {
  Seen created = seen_client("ana", "a", kPort), dead = ended(seen_client("bia", "b", kPort + 1));
  created.state = SeenState::Created;
  Drive d = drive_found({}, {created, dead, ended(seen_named("vnc_pool_5002", "c", 0))});
  for (const char* id : {"a", "b", "c"}) assert_true(orphan_asked(d, id));
}

static void test_a_container_of_ours_that_publishes_nothing_is_removed(void**) {
  Drive d = drive_found({}, {seen_client("ana", "a", 0)});
  assert_true(orphan_asked(d, "a"));
}

static void test_created_by_a_launch_on_its_way_is_left_alone(void**) {
  Drive d = drive_start(2, 0);
  drive_access(d, "ana");
  const DoLaunch job = jobs<DoLaunch>(d).at(0);
  Seen seen = seen_client("ana", "half", kPort);
  seen.run = kRun;
  seen.job = std::to_string(job.job);
  seen.state = SeenState::Created;
  drive_wait(d, 60'000);
  drive_listed(d, {seen});
  assert_true(jobs<DoRemove>(d).empty());
  drive_remove(d, "ana");  // cancelled: still not reported
  drive_wait(d, 60'000);
  drive_listed(d, {seen});
  assert_true(jobs<DoRemove>(d).empty());
}

static void test_what_an_abandoned_launch_of_this_run_left_is_removed(void**) {
  for (SeenState state : {SeenState::Created, SeenState::Running}) {
    Drive d = drive_start(2, 0);
    Seen seen = seen_client("ana", "late", kPort);
    seen.run = kRun;
    seen.job = "77";
    seen.state = state;
    drive_wait(d, 60'000);
    drive_listed(d, {seen});
    assert_true(orphan_asked(d, "late"));
    assert_false(has_slot(d, "ana"));
  }
}

// The engine finishes what we abandon: its creation is an event, and the listing that follows judges it.
static void test_a_creation_nobody_waits_for_asks_for_a_listing(void**) {
  Drive d = drive_start(2, 0);
  ContainerChanged created;
  created.id = "late";
  created.name = "vnc_ana";
  created.instance = kInstance;
  created.run = kRun;
  created.job = "77";
  drive_step(d, created);
  assert_int_equal(jobs<DoList>(d).size(), 1);
  created.instance = "another_network";
  drive_listed(d, {});
  drive_step(d, created);
  assert_true(jobs<DoList>(d).empty());
}

// ---- Settings that changed.

static void test_a_pool_container_of_other_settings_is_replaced(void**) {
  Record record = record_of("__pool__", "p", kPort);
  record.fingerprint = "print-before";
  Drive d = drive_found({record}, {seen_named("vnc_pool_5000", "p", kPort)}, 2, 1);
  expect_state(d, kPort, SlotState::Removing);
}

static void test_a_session_of_other_settings_is_kept(void**) {
  Record record = record_of("ana", "a", kPort);
  record.fingerprint = "print-before";
  Drive d = drive_found({record}, {seen_client("ana", "a", kPort)});
  drive_written(d);
  expect_answer(d, drive_access(d, "ana"), 302);
}

static void test_sessions_outside_a_changed_range_stay_until_they_end(void**) {
  Drive d =
      drive_found({record_of("ana", "a", 7000), record_of("__pool__", "p", 7001)},
              {seen_client("ana", "a", 7000), seen_named("vnc_pool_7001", "p", 7001), seen_client("bia", "b", 7002)});
  assert_int_equal(slot_for(d, "ana").port, 7000);
  assert_int_equal(slot_for(d, "bia").port, 7002);
  assert_true(orphan_asked(d, "p"));
  drive_calm(d);
  expect_answer(d, drive_access(d, "ana"), 302);
  drive_remove(d, "ana");
  drive_calm(d);
  assert_true(d.table.slots.count(7000) == 0);
  assert_int_equal(table_max_slots(d.table), 4);
  drive_access(d, "ana");
  drive_calm(d);
  assert_true(slot_for(d, "ana").port < kPort + 4);
}

// ---- Idle time across runs.

static int64_t idle_ms(const Record& record) {
  Drive d = drive_found({record}, {seen_client("ana", "a", kPort)});
  return d.now.mono_ms - slot(d, kPort).last_access_ms;
}

static void test_idle_time_in_the_same_boot_follows_the_monotonic_clock(void**) {
  Record record = record_of("ana", "a", kPort);  // its clock was 99,000,000 ms; now is 100,000,000
  record.last_accessed_us = 1'770'000'000'000'000 - 9LL * 3'600'000'000;  // the wall clock has been set meanwhile
  assert_true(idle_ms(record) == 1'000'000);
}

static void test_idle_time_across_a_boot_follows_the_wall_clock(void**) {
  Record record = record_of("ana", "a", kPort);
  record.boot_id = "boot-before";
  record.last_accessed_us = 1'770'000'000'000'000 - 2LL * 3'600'000'000;
  assert_true(idle_ms(record) == 2 * 3'600'000);
  record.boot_id = "";  // as the first version wrote it
  record.last_accessed_mono_ms = -1;
  assert_true(idle_ms(record) == 2 * 3'600'000);
}

static void test_a_time_in_the_future_counts_as_now(void**) {
  Record record = record_of("ana", "a", kPort);
  record.boot_id = "boot-before";
  record.last_accessed_us = 1'770'000'000'000'000 + 5LL * 3'600'000'000;
  assert_true(idle_ms(record) == 0);
  record.boot_id = "boot-now";
  record.last_accessed_mono_ms = 100'000'001;
  assert_true(idle_ms(record) == 0);
}

// ---- A listing is a photograph.

static void test_an_old_listing_does_not_judge_a_changed_slot(void**) {
  Drive d = drive_start(3, 1);
  drive_wait(d, 60'000);
  assert_int_equal(jobs<DoList>(d).size(), 1);  // asked for now, answered below: it knows of nothing that follows
  const int pool = drive_pool(d);
  const int port = drive_session(d, "ana", kOther);
  drive_access(d, "bia", kOther);
  const int waiting = slot_for(d, "bia").port;
  drive_launched(d, waiting);
  drive_listed(d, {});
  expect_state(d, pool, SlotState::Ready);
  expect_state(d, port, SlotState::Assigned);
  expect_state(d, waiting, SlotState::Waiting);
  drive_wait(d, 60'000);
  drive_listed(d, {});  // this one does know
  assert_int_equal(count_of(d, SlotState::Ready), 0);
  assert_false(has_slot(d, "ana"));
}

static void test_a_claim_after_the_photograph_is_not_judged_by_it(void**) {
  Drive d = drive_start(2, 1);
  const int port = drive_pool(d);
  drive_wait(d, 60'000);
  std::vector<Seen> seen = seen_all(d);
  seen[0].health = SeenHealth::Unhealthy;
  drive_access(d, "ana");
  drive_written(d);
  drive_listed(d, seen);
  expect_state(d, port, SlotState::Assigned);
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(test_a_running_container_keeps_its_record),
      cmocka_unit_test(test_created_at_stays_the_records),
      cmocka_unit_test(test_a_dead_container_loses_its_record),
      cmocka_unit_test(test_a_pool_record_makes_a_ready_slot),
      cmocka_unit_test(test_a_second_record_of_a_client_is_discarded),
      cmocka_unit_test(test_two_records_of_one_container),
      cmocka_unit_test(test_two_records_of_one_port),
      cmocka_unit_test(test_records_that_make_no_sense_are_discarded),
      cmocka_unit_test(test_a_record_whose_port_is_not_the_containers),
      cmocka_unit_test(test_a_pool_record_whose_port_is_not_the_containers),
      cmocka_unit_test(test_a_pool_container_without_a_record_is_removed),
      cmocka_unit_test(test_a_record_says_pool_and_the_name_says_client),
      cmocka_unit_test(test_the_same_when_the_client_has_another_record),
      cmocka_unit_test(test_a_pool_record_with_a_foreign_name_is_not_ready),
      cmocka_unit_test(test_a_record_says_client_and_the_name_says_pool),
      cmocka_unit_test(test_a_client_container_without_a_record_is_that_clients),
      cmocka_unit_test(test_adopted_of_unknown_size_serves_who_asks_for_none),
      cmocka_unit_test(test_adopted_and_not_yet_healthy_waits),
      cmocka_unit_test(test_adopted_without_health_check_waits_for_its_page),
      cmocka_unit_test(test_adopted_and_unhealthy_is_kept),
      cmocka_unit_test(test_recorded_and_not_yet_healthy_waits),
      cmocka_unit_test(test_a_second_container_of_a_client_is_removed),
      cmocka_unit_test(test_a_container_known_to_be_dead_is_not_adopted),
      cmocka_unit_test(test_a_client_container_on_a_port_of_a_dead_record_is_adopted),
      cmocka_unit_test(test_ours_left_created_or_ended_is_removed),
      cmocka_unit_test(test_a_container_of_ours_that_publishes_nothing_is_removed),
      cmocka_unit_test(test_created_by_a_launch_on_its_way_is_left_alone),
      cmocka_unit_test(test_what_an_abandoned_launch_of_this_run_left_is_removed),
      cmocka_unit_test(test_a_creation_nobody_waits_for_asks_for_a_listing),
      cmocka_unit_test(test_a_pool_container_of_other_settings_is_replaced),
      cmocka_unit_test(test_a_session_of_other_settings_is_kept),
      cmocka_unit_test(test_sessions_outside_a_changed_range_stay_until_they_end),
      cmocka_unit_test(test_idle_time_in_the_same_boot_follows_the_monotonic_clock),
      cmocka_unit_test(test_idle_time_across_a_boot_follows_the_wall_clock),
      cmocka_unit_test(test_a_time_in_the_future_counts_as_now),
      cmocka_unit_test(test_an_old_listing_does_not_judge_a_changed_slot),
      cmocka_unit_test(test_a_claim_after_the_photograph_is_not_judged_by_it),
  };
  return cmocka_run_group_tests_name("core/reconcile", tests, nullptr, nullptr);
}
