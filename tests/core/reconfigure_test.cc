// Settings read again: sessions stay, the pool is made anew where it would be another, ports move when nobody sits on them.
#include "core/drive.h"
#include "core/rules.h"

static void reconfigured(Drive& d, const CoreConfig& config) { drive_step(d, Reconfigured{config}); }

static void test_a_session_outlives_every_change(void**) {
  Drive d = drive_start(4, 1);
  const int port = drive_session(d, "ana");
  CoreConfig config = d.table.config;
  config.fingerprint = "print-tomorrow";
  config.default_size = kOther;
  config.idle_timeout_ms /= 2;
  reconfigured(d, config);
  drive_calm(d);
  expect_state(d, port, SlotState::Assigned);
  const uint64_t again = drive_access(d, "ana");
  expect_answer(d, again, 302);
  assert_int_equal(outcome(d, again).port, port);
}

static void test_what_waits_for_nobody_is_made_anew(void**) {
  Drive d = drive_start(6, 2);
  const int ready = drive_pool(d), coming = jobs<DoLaunch>(d)[0].port;
  CoreConfig config = d.table.config;
  config.fingerprint = "print-tomorrow";
  reconfigured(d, config);
  expect_state(d, ready, SlotState::Removing);
  expect_state(d, coming, SlotState::Removing);
  drive_calm(d);
  assert_int_equal(count_of(d, SlotState::Ready), 2);
  for (const auto& [port, one] : d.table.slots)
    if (one.state == SlotState::Ready) assert_string_equal(one.fingerprint.c_str(), "print-tomorrow");
}

static void test_nothing_that_sessions_are_born_with_changes_nothing_of_the_pool(void**) {
  Drive d = drive_start(6, 2);
  drive_calm(d);
  const std::vector<Record> before = table_status(d.table);
  CoreConfig config = d.table.config;
  config.ready_timeout_ms = 5000;
  reconfigured(d, config);
  drive_calm(d);
  assert_int_equal(before.size(), 2);
  for (const Record& one : before) assert_string_equal(slot(d, one.port).container_id.c_str(), one.container_id.c_str());
}

static void test_a_launch_for_a_client_goes_on(void**) {
  Drive d = drive_start(4, 0);
  const uint64_t ana = drive_access(d, "ana");
  CoreConfig config = d.table.config;
  config.fingerprint = "print-tomorrow";
  reconfigured(d, config);
  drive_healthy(d, "ana");
  expect_answer(d, ana, 302);
}

static void test_the_pool_grows_and_shrinks(void**) {
  Drive d = drive_start(6, 1);
  drive_calm(d);
  CoreConfig config = d.table.config;
  config.warm_pool_size = 4;
  reconfigured(d, config);
  drive_calm(d);
  assert_int_equal(count_of(d, SlotState::Ready), 4);
  config.warm_pool_size = 0;
  reconfigured(d, config);
  drive_calm(d);
  assert_int_equal(count_of(d, SlotState::Ready), 0);
}

static void test_ports_are_added_and_given_up(void**) {
  Drive d = drive_start(2, 1);
  drive_calm(d);
  CoreConfig config = d.table.config;
  config.port_min = kPort + 10;
  config.port_max = kPort + 12;
  reconfigured(d, config);
  drive_calm(d);
  assert_int_equal(d.table.slots.size(), 3);
  assert_int_equal(d.table.slots.begin()->first, kPort + 10);
  assert_int_equal(count_of(d, SlotState::Ready), 1);  // that of the pool on an old port has gone
}

static void test_a_session_outside_keeps_the_range_as_it_is(void**) {
  Drive d = drive_start(3, 0);
  const int port = drive_session(d, "ana");
  CoreConfig config = d.table.config;
  config.port_min = kPort + 10;
  config.port_max = kPort + 12;
  config.ready_timeout_ms = 5000;
  reconfigured(d, config);
  assert_int_equal(d.table.config.port_max, kPort + 2);
  assert_int_equal(d.table.config.ready_timeout_ms, 5000);  // the rest is taken
  assert_int_equal(d.table.slots.size(), 3);
  assert_int_equal(said(d, SayLevel::Warning, "PORT_RANGE_MIN and PORT_RANGE_MAX stay 5000 and 5002"), 1);
  config.port_min = port;
  config.port_max = port + 1;
  reconfigured(d, config);  // around it
  drive_calm(d);
  assert_int_equal(d.table.slots.size(), 2);
  expect_state(d, port, SlotState::Assigned);
}

static void test_somebody_waiting_for_a_port_keeps_the_range_too(void**) {
  Drive d = drive_start(1, 0);
  drive_access(d, "ana");
  CoreConfig config = d.table.config;
  config.port_min = config.port_max = kPort + 10;
  reconfigured(d, config);
  assert_int_equal(d.table.config.port_min, kPort);
}

static void test_an_heir_of_a_port_keeps_the_range_too(void**) {
  Drive d = drive_start(1, 1);
  const uint64_t ana = drive_access(d, "ana", kOther);
  assert_true(slot(d, kPort).client.empty());
  assert_string_equal(slot(d, kPort).heir.c_str(), "ana");
  CoreConfig config = d.table.config;
  config.port_min = config.port_max = kPort + 10;
  reconfigured(d, config);
  assert_int_equal(d.table.config.port_min, kPort);
  drive_launched(d, kPort);
  drive_calm(d);
  expect_answer(d, ana, 302);
}

static void test_a_shorter_interval_counts_at_once(void**) {
  Drive d = drive_start(2, 0);
  CoreConfig config = d.table.config;
  config.cleanup_interval_ms = 60'000;
  const int before = said(d, SayLevel::Info, "[CLEANUP] Done");
  reconfigured(d, config);
  drive_wait(d, 60'000);
  drive_calm(d);
  assert_int_equal(said(d, SayLevel::Info, "[CLEANUP] Done"), before + 1);
}

static void test_nobody_looks_any_more_so_nobody_counts_as_watching(void**) {
  CoreConfig config = drive_config(2, 0);
  config.look_every_ms = 10'000;
  Drive d = drive_create(config);
  drive_engine_up(d, {});
  drive_calm(d);
  const int port = drive_session(d, "ana");
  d.watching[port] = 1;
  drive_wait(d, 10'000);
  drive_calm(d);
  assert_int_equal(slot(d, port).viewers, 1);
  config.look_every_ms = 0;
  config.run = d.table.config.run;
  reconfigured(d, config);
  assert_int_equal(slot(d, port).viewers, -1);
}

static void test_before_the_first_listing_records_keep_their_places(void**) {
  Drive d = drive_create(drive_config(4, 1), {record_of("ana", "c-ana", kPort)});
  CoreConfig config = d.table.config;
  config.fingerprint = "print-tomorrow";
  config.port_max = kPort + 5;
  reconfigured(d, config);
  drive_engine_up(d, {seen_client("ana", "c-ana", kPort)});
  drive_calm(d);
  assert_true(has_slot(d, "ana"));
  assert_int_equal(d.table.slots.size(), 6);
}

static void test_before_the_first_listing_a_pool_outside_is_not_kept(void**) {
  Drive d = drive_create(drive_config(2, 1), {record_of("__pool__", "p", kPort)});
  CoreConfig config = d.table.config;
  config.port_min = config.port_max = kPort + 1;
  reconfigured(d, config);
  drive_engine_up(d, {seen_named("vnc_pool_5000", "p", kPort)});
  drive_calm(d);
  assert_null(slot_at(d.table, kPort));
  expect_state(d, kPort + 1, SlotState::Ready);
}

static void test_a_pool_that_failed_is_tried_at_once(void**) {
  Drive d = drive_start(2, 1);
  drive_launch_failed(d, jobs<DoLaunch>(d)[0].port, Fault::Refused, "no such command");
  drive_calm(d);
  assert_true(jobs<DoLaunch>(d).empty());
  CoreConfig config = d.table.config;
  config.fingerprint = "print-tomorrow";
  reconfigured(d, config);
  assert_int_equal(jobs<DoLaunch>(d).size(), 1);
}

static void test_nothing_changes_any_more_while_stopping(void**) {
  Drive d = drive_start(6, 2);
  drive_calm(d);
  drive_step(d, Stop{});
  const size_t before = jobs<DoRemove>(d).size();
  CoreConfig config = d.table.config;
  config.fingerprint = "print-tomorrow";
  reconfigured(d, config);
  assert_int_equal(jobs<DoRemove>(d).size(), before);
  assert_int_equal(count_of(d, SlotState::Ready), 2);
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(test_a_session_outlives_every_change),
      cmocka_unit_test(test_what_waits_for_nobody_is_made_anew),
      cmocka_unit_test(test_nothing_that_sessions_are_born_with_changes_nothing_of_the_pool),
      cmocka_unit_test(test_a_launch_for_a_client_goes_on),
      cmocka_unit_test(test_the_pool_grows_and_shrinks),
      cmocka_unit_test(test_ports_are_added_and_given_up),
      cmocka_unit_test(test_a_session_outside_keeps_the_range_as_it_is),
      cmocka_unit_test(test_somebody_waiting_for_a_port_keeps_the_range_too),
      cmocka_unit_test(test_an_heir_of_a_port_keeps_the_range_too),
      cmocka_unit_test(test_a_shorter_interval_counts_at_once),
      cmocka_unit_test(test_nobody_looks_any_more_so_nobody_counts_as_watching),
      cmocka_unit_test(test_before_the_first_listing_records_keep_their_places),
      cmocka_unit_test(test_before_the_first_listing_a_pool_outside_is_not_kept),
      cmocka_unit_test(test_a_pool_that_failed_is_tried_at_once),
      cmocka_unit_test(test_nothing_changes_any_more_while_stopping),
  };
  return cmocka_run_group_tests_name("core/reconfigure", tests, nullptr, nullptr);
}
