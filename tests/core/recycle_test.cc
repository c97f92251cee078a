// Whose port a newcomer gets when none is free: a pool launch, a READY pool slot, the session not accessed for longest; nobody's
// that is on its way to somebody.
#include "core/drive.h"

// All ports of the table are sessions c0, c1, ..., accessed a second apart in this order.
static Drive full(int ports) {
  Drive d = drive_start(ports, 0);
  for (int i = 0; i < ports; i++) {
    drive_session(d, "c" + std::to_string(i));
    drive_wait(d, 1000);
  }
  drive_calm(d);
  return d;
}

static void test_the_oldest_access_goes(void**) {
  Drive d = full(3);
  drive_access(d, "c0");  // no longer the oldest
  const uint64_t request = drive_access(d, "ana");
  assert_false(has_slot(d, "c1"));
  assert_true(has_slot(d, "c0") && has_slot(d, "c2"));
  expect_state(d, kPort + 1, SlotState::Removing);
  expect_waits(d, request);
  drive_calm(d);
  expect_answer(d, request, 302);
  assert_int_equal(outcome(d, request).port, kPort + 1);
  assert_true(said(d, SayLevel::Warning, "[RECYCLE]") == 1);
}

static void test_three_newcomers_take_three_oldest(void**) {
  Drive d = full(4);
  const uint64_t a = drive_access(d, "ana"), b = drive_access(d, "bia"), c = drive_access(d, "caio");
  assert_true(has_slot(d, "c3"));
  assert_int_equal(count_of(d, SlotState::Removing), 3);
  drive_calm(d);
  for (uint64_t request : {a, b, c}) expect_answer(d, request, 302);
  assert_true(has_slot(d, "c3"));
}

static void test_never_one_on_its_way_to_somebody(void**) {
  Drive d = full(3);
  for (const char* client : {"ana", "bia", "caio"}) drive_access(d, client);
  expect_answer(d, drive_access(d, "duda"), 503);
  for (int port = kPort; port < kPort + 3; port++) drive_removed(d, port);
  expect_answer(d, drive_access(d, "duda"), 503);  // CREATING
  for (int port = kPort; port < kPort + 3; port++) drive_launched(d, port);
  expect_answer(d, drive_access(d, "duda"), 503);  // WAITING
  for (int port = kPort; port < kPort + 3; port++) drive_says(d, ContainerChange::Healthy, slot(d, port).container_id);
  expect_answer(d, drive_access(d, "duda"), 503);  // CLAIMING
  drive_calm(d);
  expect_waits(d, drive_access(d, "duda"));
}

static void test_a_ready_pool_slot_goes_before_any_session(void**) {
  Drive d = drive_start(2, 1);
  const int pool = drive_pool(d);
  drive_session(d, "c0", kOther);
  const uint64_t request = drive_access(d, "ana", kOther);
  expect_state(d, pool, SlotState::Removing);
  assert_true(has_slot(d, "c0"));
  drive_calm(d);
  expect_answer(d, request, 302);
  assert_int_equal(outcome(d, request).port, pool);
}

static void test_a_ready_pool_slot_of_its_very_size_serves_it(void**) {
  Drive d = drive_start(2, 1);
  const int pool = drive_pool(d);
  drive_session(d, "c0", kOther);
  drive_access(d, "ana", kSize);  // spelled out: skips the pool while there are ports, but not to destroy it
  assert_int_equal(slot_for(d, "ana").port, pool);
  expect_state(d, pool, SlotState::Claiming);
}

static void test_a_pool_launch_of_its_size_is_taken(void**) {
  Drive d = drive_start(2, 1);
  const int pool = jobs<DoLaunch>(d).at(0).port;
  drive_session(d, "c0", kOther);
  const uint64_t request = drive_access(d, "ana", kSize);
  assert_int_equal(slot_for(d, "ana").port, pool);
  drive_calm(d);
  expect_answer(d, request, 302);
  assert_true(has_slot(d, "c0"));
  assert_false(slot_for(d, "ana").size_by_default);
}

static void test_a_pool_launch_of_another_size_is_cancelled(void**) {
  Drive d = drive_start(2, 1);
  const int pool = jobs<DoLaunch>(d).at(0).port;
  drive_session(d, "c0", kOther);
  const uint64_t request = drive_access(d, "ana", kOther);
  expect_state(d, pool, SlotState::Removing);
  assert_string_equal(slot(d, pool).heir.c_str(), "ana");
  const std::string id = drive_launched(d, pool);  // the engine finishes what we abandon
  assert_string_equal(jobs<DoRemove>(d).at(0).container_id.c_str(), id.c_str());
  drive_removed(d, pool);
  assert_int_equal(slot_for(d, "ana").port, pool);
  drive_calm(d);
  expect_answer(d, request, 302);
  assert_true(has_slot(d, "c0"));
}

static void test_a_parked_pool_launch_of_another_size_gives_its_port_at_once(void**) {
  Drive d = drive_start(1, 1);
  drive_launch_failed(d, kPort, Fault::ImageMissing, "no such image");
  const uint64_t request = drive_access(d, "ana", kOther);
  assert_int_equal(slot_for(d, "ana").port, kPort);
  assert_true(slot(d, kPort).parked);
  drive_pulled(d);
  drive_calm(d);
  expect_answer(d, request, 302);
}

static void test_a_port_being_freed_is_waited_for_before_anything_is_ended(void**) {
  Drive d = full(2);
  drive_remove(d, "c1");
  const uint64_t request = drive_access(d, "ana");
  assert_true(has_slot(d, "c0"));
  assert_string_equal(slot(d, kPort + 1).heir.c_str(), "ana");
  drive_calm(d);
  expect_answer(d, request, 302);
  assert_true(has_slot(d, "c0"));
}

static void test_one_heir_a_port(void**) {
  Drive d = full(2);
  drive_remove(d, "c1");
  drive_access(d, "ana");
  drive_access(d, "bia");
  assert_false(has_slot(d, "c0"));
  assert_string_equal(slot(d, kPort + 1).heir.c_str(), "ana");
  assert_string_equal(slot(d, kPort).heir.c_str(), "bia");
}

static void test_clients_come_before_refills(void**) {
  Drive d = drive_start(2, 1);
  drive_pool(d);
  drive_session(d, "c0", kOther);
  const uint64_t a = drive_access(d, "ana", kOther), b = drive_access(d, "bia", kOther);
  drive_calm(d);
  expect_answer(d, a, 302);
  expect_answer(d, b, 302);
  assert_int_equal(count_of(d, SlotState::Ready), 0);
  assert_int_equal(count_of(d, SlotState::Assigned), 2);
}

static void test_a_port_that_falls_free_goes_to_an_heir_before_the_pool(void**) {
  Drive d = drive_start(3, 1);
  drive_pool(d);
  drive_session(d, "c0", kOther);
  drive_wait(d, 1000);
  drive_session(d, "c1", kOther);
  drive_calm(d);
  drive_access(d, "c2", kOther);  // takes the pool's port
  drive_calm(d);
  const uint64_t request = drive_access(d, "ana", kOther);
  const int awaited = d.table.heirs.at("ana");
  assert_false(has_slot(d, "c0"));
  const int falls_free = slot_for(d, "c1").port;
  drive_remove(d, "c1");
  drive_removed(d, falls_free);
  assert_int_equal(slot_for(d, "ana").port, falls_free);
  drive_removed(d, awaited);  // and this one is for the pool
  drive_calm(d);
  expect_answer(d, request, 302);
  assert_int_equal(count_of(d, SlotState::Ready), 1);
}

static void test_an_heir_may_change_its_mind_about_the_size(void**) {
  Drive d = full(1);
  const uint64_t first = drive_access(d, "ana"), last = drive_access(d, "ana", kOther);
  drive_calm(d);
  expect_answer(d, first, 302);  // one outcome for all who waited for the port
  expect_answer(d, last, 302);
  assert_true(slot_for(d, "ana").size == kOther);
}

static void test_a_session_outside_the_range_is_not_recycled(void**) {
  CoreConfig config = drive_config(1, 0);
  Record outside = record_of("velha", "v", 7000);
  outside.last_accessed_mono_ms = 1;
  Drive d = drive_create(config, {outside, record_of("c0", "a", kPort)});
  drive_engine_up(d, {seen_named("vnc_velha", "v", 7000), seen_named("vnc_c0", "a", kPort)});
  const uint64_t request = drive_access(d, "ana");
  assert_true(has_slot(d, "velha"));
  assert_false(has_slot(d, "c0"));
  drive_calm(d);
  expect_answer(d, request, 302);
}

static void test_a_port_outside_the_range_that_falls_free_is_given_to_nobody(void**) {
  Drive d = drive_create(drive_config(1, 0), {record_of("velha", "v", 7000), record_of("c0", "a", kPort)});
  drive_engine_up(d, {seen_named("vnc_velha", "v", 7000), seen_named("vnc_c0", "a", kPort)});
  drive_remove(d, "velha");
  const uint64_t request = drive_access(d, "ana");
  assert_false(has_slot(d, "c0"));
  drive_calm(d);
  expect_answer(d, request, 302);
  assert_int_equal(outcome(d, request).port, kPort);
}

// A restart amid creations: the other port is held by what the creations left, and c0's client was sent to its own just now.
static Drive held_by_a_leftover() {
  Drive d = drive_create(drive_config(2, 0), {record_of("c0", "a", kPort)});
  drive_engine_up(d, {seen_named("vnc_c0", "a", kPort), seen_named("vnc_pool_5001", "left", kPort + 1)});
  drive_access(d, "ana");
  drive_launch_failed(d, kPort + 1, Fault::PortTaken, "port is already allocated", "new");
  return d;
}

static void test_nobodys_session_is_ended_while_a_leftover_holds_a_port(void**) {
  Drive d = held_by_a_leftover();
  const uint64_t other = drive_access(d, "bia");  // the failed launch has not been given back yet
  drive_removed(d, kPort + 1);
  assert_true(has_slot(d, "c0"));
  drive_removed(d, 0);
  expect_state(d, kPort + 1, SlotState::Creating);  // at once when the leftover has gone
  assert_int_equal(slot_for(d, "ana").port, kPort + 1);
  drive_calm(d);
  assert_false(has_slot(d, "c0"));  // now there is nothing else for the second
  expect_answer(d, other, 302);
}

static void test_a_leftover_that_cannot_be_removed_keeps_nobody_waiting(void**) {
  Drive d = held_by_a_leftover();
  drive_removed(d, kPort + 1);
  drive_removed(d, 0, Fault::Refused);
  assert_int_equal(slot_for(d, "ana").port, kPort + 1);  // it may be free by now: tried once more
  drive_launch_failed(d, kPort + 1, Fault::PortTaken, "port is already allocated", "new2");
  drive_removed(d, kPort + 1);
  drive_wait(d, 2100);
  assert_false(has_slot(d, "c0"));
}

static void test_with_nobodys_session_to_end_a_leftover_is_waited_for_too(void**) {
  Drive d = drive_create(drive_config(1, 0), {});
  drive_engine_up(d, {seen_named("vnc_pool_5000", "left", kPort)});
  const uint64_t request = drive_access(d, "ana");
  drive_launch_failed(d, kPort, Fault::PortTaken, "port is already allocated", "new");
  drive_removed(d, kPort);
  expect_waits(d, request);
  drive_wait(d, 2100);  // the engine is slow: the port is tried again
  expect_state(d, kPort, SlotState::Creating);
  drive_calm(d);
  expect_answer(d, request, 302);
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(test_the_oldest_access_goes),
      cmocka_unit_test(test_three_newcomers_take_three_oldest),
      cmocka_unit_test(test_never_one_on_its_way_to_somebody),
      cmocka_unit_test(test_a_ready_pool_slot_goes_before_any_session),
      cmocka_unit_test(test_a_ready_pool_slot_of_its_very_size_serves_it),
      cmocka_unit_test(test_a_pool_launch_of_its_size_is_taken),
      cmocka_unit_test(test_a_pool_launch_of_another_size_is_cancelled),
      cmocka_unit_test(test_a_parked_pool_launch_of_another_size_gives_its_port_at_once),
      cmocka_unit_test(test_a_port_being_freed_is_waited_for_before_anything_is_ended),
      cmocka_unit_test(test_one_heir_a_port),
      cmocka_unit_test(test_clients_come_before_refills),
      cmocka_unit_test(test_a_port_that_falls_free_goes_to_an_heir_before_the_pool),
      cmocka_unit_test(test_an_heir_may_change_its_mind_about_the_size),
      cmocka_unit_test(test_a_session_outside_the_range_is_not_recycled),
      cmocka_unit_test(test_a_port_outside_the_range_that_falls_free_is_given_to_nobody),
      cmocka_unit_test(test_nobodys_session_is_ended_while_a_leftover_holds_a_port),
      cmocka_unit_test(test_a_leftover_that_cannot_be_removed_keeps_nobody_waiting),
      cmocka_unit_test(test_with_nobodys_session_to_end_a_leftover_is_waited_for_too),
  };
  return cmocka_run_group_tests_name("core/recycle", tests, nullptr, nullptr);
}
