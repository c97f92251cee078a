// Maintenance: who has a session keeps it, what is on its way arrives, nothing else begins, until it is over.
#include "core/drive.h"
#include "core/rules.h"

static void drain(Drive& d, int64_t since_us = 77) { drive_step(d, DrainSet{since_us, 0}); }

static void test_nobody_new_gets_a_session(void**) {
  Drive d = drive_start(3, 1);
  const int pool = drive_pool(d);
  drive_calm(d);
  drain(d);
  const uint64_t request = drive_access(d, "ana");
  expect_answer(d, request, 503, "drained");
  assert_int_equal(outcome(d, request).retry_after, kRetryAfterLongSeconds);
  expect_answer(d, drive_access(d, "bia", kOther), 503, "drained");
  expect_state(d, pool, SlotState::Ready);  // for when it is over
  assert_int_equal(orchestrator_ready(d.table, d.now).answer == Readiness::No, true);
}

static void test_who_has_one_keeps_it_whatever_the_size(void**) {
  Drive d = drive_start(3, 0);
  const int port = drive_session(d, "ana");
  drain(d);
  for (const uint64_t request : {drive_access(d, "ana"), drive_access(d, "ana", kOther)}) {
    expect_answer(d, request, 302);
    assert_int_equal(outcome(d, request).port, port);
  }
  expect_state(d, port, SlotState::Assigned);
}

static void test_what_is_on_its_way_arrives(void**) {
  Drive d = drive_start(3, 0);
  const uint64_t request = drive_access(d, "ana");
  drain(d);
  drive_calm(d);
  expect_answer(d, request, 302);
}

static void test_a_change_of_size_that_has_begun_is_ended(void**) {
  Drive d = drive_start(3, 0);
  drive_session(d, "ana");
  const uint64_t request = drive_access(d, "ana", kOther);
  drain(d);
  drive_calm(d);
  expect_answer(d, request, 302);
  assert_true(slot_for(d, "ana").size == kOther);
}

static void test_nobodys_session_is_ended_for_it(void**) {
  Drive d = drive_start(2, 0);
  drive_session(d, "c0");
  drive_session(d, "c1");
  drive_wait(d, 1000);
  const uint64_t request = drive_access(d, "c1", kOther);
  drain(d);
  const int port = kPort + 1;
  drive_removed(d, port);
  drive_launch_failed(d, port, Fault::PortTaken, "port is already allocated", "x");
  drive_calm(d);
  expect_answer(d, request, 503, "drained");
  assert_true(has_slot(d, "c0"));
}

static void test_the_pool_is_not_refilled(void**) {
  Drive d = drive_start(4, 2);
  drive_pool(d);
  const int second = drive_pool(d);
  drive_calm(d);
  drain(d);
  drive_says(d, ContainerChange::Died, slot(d, second).container_id);
  drive_calm(d);
  assert_int_equal(count_of(d, SlotState::Ready), 1);
  drain(d, 0);
  drive_calm(d);
  assert_int_equal(count_of(d, SlotState::Ready), 2);
}

static void test_a_session_that_ends_is_not_made_again(void**) {
  Drive d = drive_start(2, 0);
  const int port = drive_session(d, "ana");
  drain(d);
  drive_says(d, ContainerChange::Died, slot(d, port).container_id);
  drive_calm(d);
  expect_answer(d, drive_access(d, "ana"), 503, "drained");
  drain(d, 0);
  const uint64_t request = drive_access(d, "ana");
  drive_calm(d);
  expect_answer(d, request, 302);
}

static void test_it_is_said_once(void**) {
  Drive d = drive_start(2, 0);
  drain(d);
  drain(d);
  assert_int_equal(said(d, SayLevel::Warning, "[DRAIN]"), 1);
  drain(d, 0);
  drain(d, 0);
  assert_int_equal(said(d, SayLevel::Info, "[DRAIN]"), 2);
}

static void test_before_the_first_listing(void**) {
  Drive d = drive_create(drive_config(2, 1), {record_of("ana", "c-ana", kPort)});
  drain(d);
  const uint64_t own = drive_access(d, "ana"), other = drive_access(d, "bia");
  drive_engine_up(d, {seen_client("ana", "c-ana", kPort)});
  drive_calm(d);
  expect_answer(d, own, 302);
  expect_answer(d, other, 503, "drained");
  assert_int_equal(count_of(d, SlotState::Free), 1);
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(test_nobody_new_gets_a_session),
      cmocka_unit_test(test_who_has_one_keeps_it_whatever_the_size),
      cmocka_unit_test(test_what_is_on_its_way_arrives),
      cmocka_unit_test(test_a_change_of_size_that_has_begun_is_ended),
      cmocka_unit_test(test_nobodys_session_is_ended_for_it),
      cmocka_unit_test(test_the_pool_is_not_refilled),
      cmocka_unit_test(test_a_session_that_ends_is_not_made_again),
      cmocka_unit_test(test_it_is_said_once),
      cmocka_unit_test(test_before_the_first_listing),
  };
  return cmocka_run_group_tests_name("core/drain", tests, nullptr, nullptr);
}
