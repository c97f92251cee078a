// The engine as a whole: not there at start, away later, back again; and the deaths and oddities of single containers.
#include "core/drive.h"

// ---- At start.

static void test_accesses_wait_for_the_first_listing(void**) {
  Drive d = drive_create(drive_config(2, 0), {record_of("ana", "a", kPort)});
  const uint64_t known = drive_access(d, "ana"), stranger = drive_access(d, "bia");
  const uint64_t removal = drive_remove(d, "caio");
  drive_wait(d, 9'000);
  for (uint64_t request : {known, stranger, removal}) expect_waits(d, request);
  drive_engine_up(d, {seen_named("vnc_ana", "a", kPort)});
  expect_answer(d, known, 302);
  expect_answer(d, removal, 404);
  drive_calm(d);
  expect_answer(d, stranger, 302);
}

static void test_after_ten_seconds_they_are_told_to_come_back(void**) {
  Drive d = drive_create(drive_config(2, 0), {record_of("ana", "a", kPort)});
  drive_step(d, StreamDown{"no such file: /var/run/docker.sock"});
  const uint64_t first = drive_access(d, "ana");
  drive_wait(d, 3'000);
  const uint64_t second = drive_access(d, "bia"), all = drive_remove_all(d);
  drive_wait(d, 6'999);
  expect_waits(d, first);
  drive_wait(d, 1);
  expect_answer(d, first, 503, "docker.sock");  // a record alone is no session that this process has seen running
  assert_true(outcome(d, first).retry_after > 0);
  expect_waits(d, second);
  drive_wait(d, 3'000);
  expect_answer(d, second, 503);
  expect_answer(d, all, 503);
}

static void test_one_who_hangs_up_before_the_first_listing_is_forgotten(void**) {
  Drive d = drive_create(drive_config(2, 0));
  const uint64_t request = drive_access(d, "ana");
  drive_step(d, RequesterGone{request});
  drive_engine_up(d, {});
  drive_wait(d, 20'000);
  expect_waits(d, request);
}

static void test_an_engine_not_there_is_said_once(void**) {
  Drive d = drive_create(drive_config(2, 1));
  for (int i = 0; i < 50; i++) {
    drive_step(d, StreamDown{"connection refused"});
    drive_wait(d, 1'000);
  }
  assert_int_equal(said(d, SayLevel::Warning, "engine"), 1);
  assert_true(d.jobs.empty());
  drive_engine_up(d, {});
  assert_int_equal(said(d, SayLevel::Info, "is back"), 1);
  drive_calm(d);
  assert_int_equal(count_of(d, SlotState::Ready), 1);
}

// Connecting is more than listing (the version is agreed on, the network made): it is what is tried again.
static void test_a_failed_connect_is_tried_again(void**) {
  Drive d = drive_create(drive_config(2, 1));
  drive_step(d, StreamUp{});
  for (int i = 0; i < 3; i++) {
    drive_connected(d, Fault::Refused);
    assert_true(d.jobs.empty());
    drive_wait(d, 1'000);
    assert_true(jobs<DoList>(d).empty());
  }
  drive_connected(d);
  drive_listed(d, {});
  assert_int_equal(jobs<DoLaunch>(d).size(), 1);
  assert_int_equal(said(d, SayLevel::Error, "the engine said no"), 1);
}

static void test_a_failed_listing_is_tried_again(void**) {
  Drive d = drive_create(drive_config(2, 0));
  drive_step(d, StreamUp{});
  drive_connected(d);
  const uint64_t request = drive_access(d, "ana");
  drive_listed(d, {}, Fault::Unreachable);
  expect_waits(d, request);
  drive_wait(d, 1'000);
  drive_listed(d, {});
  drive_calm(d);
  expect_answer(d, request, 302);
}

static void test_the_listing_is_asked_for_after_the_stream_is_open(void**) {
  Drive d = drive_create(drive_config(2, 0));
  assert_true(d.jobs.empty());
  drive_step(d, StreamUp{});
  assert_int_equal(jobs<DoConnect>(d).size(), 1);
  assert_true(jobs<DoList>(d).empty());
  drive_connected(d);
  assert_int_equal(jobs<DoList>(d).size(), 1);
}

static void test_listed_once_a_minute(void**) {
  Drive d = drive_start(2, 0);
  for (int i = 0; i < 5; i++) {
    drive_wait(d, 59'999);
    assert_true(jobs<DoList>(d).empty());
    drive_wait(d, 1);
    drive_listed(d, {});
  }
}

// ---- Away later.

static Drive with_sessions() {
  Drive d = drive_start(4, 1);
  drive_pool(d);
  drive_session(d, "ana", kOther);
  drive_calm(d);
  return d;
}

static void test_while_it_is_away_reuse_goes_on_and_the_rest_is_told(void**) {
  Drive d = with_sessions();
  drive_step(d, StreamDown{"connection reset"});
  expect_answer(d, drive_access(d, "ana", kOther), 302);
  const uint64_t other = drive_access(d, "bia", kOther), resize = drive_access(d, "ana");
  expect_answer(d, other, 503, "connection reset");
  expect_answer(d, resize, 503, "connection reset");
  assert_true(outcome(d, other).retry_after > 0);
  expect_state(d, slot_for(d, "ana").port, SlotState::Assigned);
  assert_true(d.jobs.empty());
}

static void test_unknown_is_not_dead(void**) {
  Drive d = with_sessions();
  drive_step(d, StreamDown{"connection reset"});
  drive_wait(d, 7 * 3'600'000);
  assert_int_equal(count_of(d, SlotState::Assigned), 1);
  assert_int_equal(count_of(d, SlotState::Ready), 1);
  assert_true(jobs<DoLaunch>(d).empty() && jobs<DoRemove>(d).empty() && jobs<DoList>(d).empty());
}

static void test_a_launch_on_its_way_is_not_judged_while_it_is_away(void**) {
  Drive d = drive_start(2, 0);
  drive_access(d, "ana");
  drive_launched(d, kPort);
  drive_step(d, StreamDown{"connection reset"});
  drive_wait(d, 100'000);
  expect_state(d, kPort, SlotState::Waiting);
  drive_engine_up(d, seen_all(d));
  drive_wait(d, 1'000);
  expect_state(d, kPort, SlotState::Waiting);  // past READY_TIMEOUT, but not before it has been looked at
  drive_calm(d);
  expect_state(d, kPort, SlotState::Assigned);
}

static void test_back_again_it_is_compared(void**) {
  Drive d = with_sessions();
  drive_session(d, "bia", kOther);
  const int ana = slot_for(d, "ana").port, bia = slot_for(d, "bia").port;
  drive_calm(d);
  std::vector<Seen> seen;
  for (const Seen& one : seen_all(d))
    if (one.port != ana) seen.push_back(one);
  drive_step(d, StreamDown{"connection reset"});
  drive_engine_up(d, seen);
  expect_state(d, ana, SlotState::Free);
  expect_state(d, bia, SlotState::Assigned);
}

// Asked for before the stream broke, answered after it is open again: what happened in between is in neither.
static void test_a_listing_from_before_the_break_is_no_comparison(void**) {
  Drive d = with_sessions();
  drive_wait(d, 60'000);
  const std::vector<Seen> before = seen_all(d);
  drive_step(d, StreamDown{"connection reset"});
  drive_step(d, StreamUp{});
  drive_listed(d, before);
  expect_answer(d, drive_access(d, "bia", kOther), 503);  // not back yet
  drive_connected(d);
  assert_int_equal(jobs<DoList>(d).size(), 1);
  drive_listed(d, before);
  expect_waits(d, drive_access(d, "bia", kOther));
}

static void test_the_same_when_it_comes_after_the_connect(void**) {
  Drive d = with_sessions();
  drive_wait(d, 60'000);
  const std::vector<Seen> before = seen_all(d);
  const DoList old = jobs<DoList>(d).at(0);
  d.jobs.clear();
  drive_step(d, StreamDown{"connection reset"});
  drive_step(d, StreamUp{});
  drive_connected(d);
  drive_step(d, Listed{old.asked, {}, before});
  expect_answer(d, drive_access(d, "bia", kOther), 503);
  drive_listed(d, before);
  expect_waits(d, drive_access(d, "bia", kOther));
}

// A clean stop of the engine says that each container died before the stream ends.
static void test_an_engine_that_stops_takes_its_sessions_along(void**) {
  Drive d = with_sessions();
  const std::vector<Seen> seen = seen_all(d);
  for (const Seen& one : seen) drive_says(d, ContainerChange::Died, one.id);
  drive_step(d, StreamDown{"end of stream"});
  for (const DoRemove& job : jobs<DoRemove>(d)) drive_removed(d, job.port, Fault::Unreachable);
  for (const DoLaunch& job : jobs<DoLaunch>(d)) drive_launch_failed(d, job.port, Fault::Unreachable, "gone");
  expect_answer(d, drive_access(d, "ana", kOther), 503);
  std::vector<Seen> dead = seen;
  for (Seen& one : dead) one.state = SeenState::Ended;
  drive_engine_up(d, dead);
  const uint64_t request = drive_access(d, "ana", kOther);
  drive_calm(d);
  expect_answer(d, request, 302);
  assert_int_equal(count_of(d, SlotState::Assigned), 1);
}

// ---- Single containers.

static void test_a_session_that_dies_is_dropped_at_once(void**) {
  Drive d = with_sessions();
  const int port = slot_for(d, "ana").port;
  const std::string id = slot(d, port).container_id;
  drive_says(d, ContainerChange::Died, id);
  assert_false(has_slot(d, "ana"));
  const uint64_t request = drive_access(d, "ana", kOther);
  drive_says(d, ContainerChange::Died, id);  // twice
  drive_says(d, ContainerChange::Destroyed, id);
  drive_calm(d);
  expect_answer(d, request, 302);
  assert_string_not_equal(slot_for(d, "ana").container_id.c_str(), id.c_str());
}

static void test_a_claimed_one_that_dies_is_replaced_before_anybody_is_told(void**) {
  Drive d = drive_start(3, 1);
  const int port = drive_pool(d);
  const uint64_t request = drive_access(d, "ana");
  drive_says(d, ContainerChange::Died, slot(d, port).container_id);
  drive_written(d);
  expect_waits(d, request);
  drive_calm(d);
  expect_answer(d, request, 302);
  assert_int_not_equal(outcome(d, request).port, port);
}

static void test_an_unhealthy_session_is_kept_and_said_once(void**) {
  Drive d = with_sessions();
  const int port = slot_for(d, "ana").port;
  for (int i = 0; i < 3; i++) {
    drive_says(d, ContainerChange::Unhealthy, slot(d, port).container_id);
    drive_wait(d, 60'000);
    std::vector<Seen> seen = seen_all(d);
    for (Seen& one : seen)
      if (one.port == port) one.health = SeenHealth::Unhealthy;
    drive_listed(d, seen);
  }
  expect_answer(d, drive_access(d, "ana", kOther), 302);
  assert_int_equal(said(d, SayLevel::Warning, "kept, since it is in use"), 1);
  drive_says(d, ContainerChange::Healthy, slot(d, port).container_id);
  assert_int_equal(said(d, SayLevel::Info, "healthy again"), 1);
}

static void test_a_session_without_network_is_kept(void**) {
  Drive d = with_sessions();
  const int port = slot_for(d, "ana").port;
  drive_says(d, ContainerChange::Disturbed, slot(d, port).container_id);
  std::vector<Seen> seen = seen_all(d);
  for (Seen& one : seen)
    if (one.port == port) one.on_network = false;
  drive_listed(d, seen);
  expect_state(d, port, SlotState::Assigned);
  assert_int_equal(said(d, SayLevel::Warning, "lost its network"), 1);
}

static void test_a_session_was_paused_and_not_a_word_said(void**) {
  Drive d = with_sessions();
  const int port = slot_for(d, "ana").port;
  drive_says(d, ContainerChange::Disturbed, slot(d, port).container_id);
  std::vector<Seen> seen = seen_all(d);
  for (Seen& one : seen) {
    if (one.port != port) continue;
    one.state = SeenState::Paused;
    one.health = SeenHealth::None;  // a listing does not tell it then
  }
  drive_listed(d, seen);
  expect_state(d, port, SlotState::Assigned);
  assert_int_equal(said(d, SayLevel::Warning, "is paused"), 1);
}

static void test_deaths_of_unknown_ids_are_forgotten_after_a_while(void**) {
  Drive d = drive_start(2, 0);
  for (int i = 0; i < 100; i++) drive_says(d, ContainerChange::Died, "stranger" + std::to_string(i));
  assert_int_equal(d.table.deaths.size(), 100);
  drive_wait(d, 200'000);
  drive_listed(d, {});
  drive_wait(d, 100'000);
  assert_true(d.table.deaths.empty());
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(test_accesses_wait_for_the_first_listing),
      cmocka_unit_test(test_after_ten_seconds_they_are_told_to_come_back),
      cmocka_unit_test(test_one_who_hangs_up_before_the_first_listing_is_forgotten),
      cmocka_unit_test(test_an_engine_not_there_is_said_once),
      cmocka_unit_test(test_a_failed_connect_is_tried_again),
      cmocka_unit_test(test_a_failed_listing_is_tried_again),
      cmocka_unit_test(test_the_listing_is_asked_for_after_the_stream_is_open),
      cmocka_unit_test(test_listed_once_a_minute),
      cmocka_unit_test(test_while_it_is_away_reuse_goes_on_and_the_rest_is_told),
      cmocka_unit_test(test_unknown_is_not_dead),
      cmocka_unit_test(test_a_launch_on_its_way_is_not_judged_while_it_is_away),
      cmocka_unit_test(test_back_again_it_is_compared),
      cmocka_unit_test(test_a_listing_from_before_the_break_is_no_comparison),
      cmocka_unit_test(test_the_same_when_it_comes_after_the_connect),
      cmocka_unit_test(test_an_engine_that_stops_takes_its_sessions_along),
      cmocka_unit_test(test_a_session_that_dies_is_dropped_at_once),
      cmocka_unit_test(test_a_claimed_one_that_dies_is_replaced_before_anybody_is_told),
      cmocka_unit_test(test_an_unhealthy_session_is_kept_and_said_once),
      cmocka_unit_test(test_a_session_was_paused_and_not_a_word_said),
      cmocka_unit_test(test_a_session_without_network_is_kept),
      cmocka_unit_test(test_deaths_of_unknown_ids_are_forgotten_after_a_while),
  };
  return cmocka_run_group_tests_name("core/engine", tests, nullptr, nullptr);
}
