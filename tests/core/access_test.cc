// A client and its requests: reuse, claim, one queue a client, sizes, hang-ups, deadlines.
#include <algorithm>

#include "core/drive.h"
#include "core/rules.h"

static void test_reuse_answers_at_once_and_touches(void**) {
  Drive d = drive_start(2, 0);
  const int port = drive_session(d, "ana");
  drive_calm(d);
  drive_wait(d, 5000);
  const uint64_t again = drive_access(d, "ana");
  expect_answer(d, again, 302);
  assert_int_equal(outcome(d, again).port, port);
  assert_true(slot(d, port).last_access_ms == d.now.mono_ms);
  assert_true(slot(d, port).last_access_us == d.now.wall_us);
  assert_true(d.jobs.empty());  // no engine call on the way, no write before the answer
}

static void test_last_access_reaches_the_disk_within_a_second(void**) {
  Drive d = drive_start(2, 0);
  drive_session(d, "ana");
  drive_calm(d);
  drive_wait(d, 5000);
  drive_access(d, "ana");
  const int64_t touched_us = d.now.wall_us;
  drive_wait(d, 400);
  drive_access(d, "ana");  // a second one must not put the write off
  drive_wait(d, 500);
  drive_written(d);
  assert_true(d.disk.at(0).last_accessed_us >= touched_us);
}

// One write a touch, and no turns in vain while a slow disk is at it.
static void test_touch_during_a_slow_write_does_not_spin(void**) {
  Drive d = drive_start(2, 0);
  drive_session(d, "ana");
  drive_calm(d);
  drive_access(d, "ana");
  drive_wait(d, 900);
  assert_int_equal(jobs<DoSave>(d).size(), 1);
  drive_access(d, "ana");
  drive_wait(d, 5000);  // drive_step fails when a Tick asks for another at once
  assert_int_equal(jobs<DoSave>(d).size(), 1);
  drive_written(d);
  drive_written(d);
  assert_true(jobs<DoSave>(d).empty());
}

static void test_claim_of_the_pool_waits_for_the_disk(void**) {
  Drive d = drive_start(2, 1);
  const int port = drive_pool(d);
  const uint64_t request = drive_access(d, "ana");
  expect_state(d, port, SlotState::Claiming);
  expect_waits(d, request);
  assert_true(jobs<DoLaunch>(d).empty());  // nothing is asked of the engine, which would have the disk for itself
  drive_written(d);
  expect_answer(d, request, 302);
  drive_wait(d, kPoolHeldMs);
  assert_int_equal(jobs<DoLaunch>(d).size(), 1);  // the refill
  assert_true(slot(d, jobs<DoLaunch>(d)[0].port).client.empty());
  assert_int_equal(outcome(d, request).port, port);
  expect_state(d, port, SlotState::Assigned);
}

static void test_claim_during_a_write_waits_for_the_next_one(void**) {
  Drive d = drive_start(3, 2);
  drive_pool(d);
  const int second = jobs<DoLaunch>(d).at(0).port;
  drive_says(d, ContainerChange::Healthy, drive_launched(d, second));  // its record is being written
  const uint64_t request = drive_access(d, "ana");
  drive_written(d);
  expect_waits(d, request);
  drive_written(d);
  expect_answer(d, request, 302);
}

static void test_pool_launch_on_its_way_is_taken(void**) {
  Drive d = drive_start(3, 1);
  const int port = jobs<DoLaunch>(d).at(0).port;
  const uint64_t request = drive_access(d, "ana");
  assert_int_equal(slot_for(d, "ana").port, port);
  drive_healthy(d, "ana");
  expect_answer(d, request, 302);
  assert_int_equal(outcome(d, request).port, port);
}

// Of the launches on their way the one that will be there first.
static void test_the_furthest_pool_launch_is_taken(void**) {
  Drive d = drive_start(4, 2);
  const int second = jobs<DoLaunch>(d).at(1).port;
  drive_launched(d, second);
  drive_access(d, "ana");
  assert_int_equal(slot_for(d, "ana").port, second);
}

static void test_a_healthy_pool_container_not_yet_recorded_is_taken(void**) {
  Drive d = drive_start(3, 1);
  const int port = jobs<DoLaunch>(d).at(0).port;
  drive_says(d, ContainerChange::Healthy, drive_launched(d, port));
  const uint64_t request = drive_access(d, "ana");
  drive_written(d);  // of the pool's record: says nothing of ana
  expect_waits(d, request);
  expect_state(d, port, SlotState::Claiming);
  drive_written(d);
  expect_answer(d, request, 302);
}

static void test_forty_requests_of_one_client_are_one_launch(void**) {
  Drive d = drive_start(4, 0);
  std::vector<uint64_t> all;
  for (int i = 0; i < 40; i++) all.push_back(drive_access(d, "ana"));
  assert_int_equal(jobs<DoLaunch>(d).size(), 1);
  const int port = drive_healthy(d, "ana");
  for (uint64_t request : all) {
    expect_answer(d, request, 302);
    assert_int_equal(outcome(d, request).port, port);
  }
}

static void test_n_clients_on_n_free_ports(void**) {
  Drive d = drive_start(20, 0);
  std::vector<uint64_t> all;
  for (int i = 0; i < 20; i++) all.push_back(drive_access(d, "c" + std::to_string(i)));
  assert_int_equal(jobs<DoLaunch>(d).size(), 20);
  drive_calm(d);
  std::map<int, int> ports;
  for (uint64_t request : all) {
    expect_answer(d, request, 302);
    ports[outcome(d, request).port]++;
  }
  assert_int_equal(ports.size(), 20);
}

static void test_more_clients_than_ports_get_503_with_max_slots(void**) {
  Drive d = drive_start(2, 0);
  drive_access(d, "ana");
  drive_access(d, "bia");
  const uint64_t third = drive_access(d, "caio");
  expect_answer(d, third, 503, "No available ports");
  assert_int_equal(outcome(d, third).max_slots, 2);
  assert_true(outcome(d, third).retry_after > 0);
  drive_calm(d);
  assert_true(has_slot(d, "ana") && has_slot(d, "bia") && !has_slot(d, "caio"));
}

static void test_the_port_free_for_longest_is_used_first(void**) {
  Drive d = drive_start(3, 0);
  assert_int_equal(drive_session(d, "ana"), kPort);
  drive_calm(d);
  drive_remove(d, "ana");
  drive_removed(d, kPort);
  assert_int_equal(drive_session(d, "bia"), kPort + 1);
  assert_int_equal(drive_session(d, "caio"), kPort + 2);
  assert_int_equal(drive_session(d, "duda"), kPort);
}

// ---- Sizes.

static void test_custom_size_skips_the_pool(void**) {
  Drive d = drive_start(3, 1);
  const int pool = drive_pool(d);
  const int port = drive_session(d, "ana", kOther);
  assert_int_not_equal(port, pool);
  expect_state(d, pool, SlotState::Ready);
  assert_true(slot(d, port).size == kOther && !slot(d, port).size_by_default);
}

static void test_another_size_recreates(void**) {
  Drive d = drive_start(3, 0);
  const int port = drive_session(d, "ana");
  drive_calm(d);
  const uint64_t request = drive_access(d, "ana", kOther);
  expect_state(d, port, SlotState::Removing);
  expect_waits(d, request);
  const int next = slot_for(d, "ana").port;
  assert_string_equal(slot(d, next).container_name.c_str(),
                      pool_container_name(next).c_str());  // vnc_ana is held still
  drive_healthy(d, "ana");
  expect_answer(d, request, 302);
  assert_true(slot(d, next).size == kOther);
  drive_removed(d, port);
  drive_wait(d, 1000);
  drive_renamed(d, next);
  assert_string_equal(slot(d, next).container_name.c_str(), "vnc_ana");
}

static void test_the_same_size_spelled_out_is_reuse(void**) {
  Drive d = drive_start(3, 0);
  drive_session(d, "ana");
  expect_answer(d, drive_access(d, "ana", kSize), 302);
}

static void test_no_size_after_a_custom_one_goes_back_to_the_default(void**) {
  Drive d = drive_start(3, 0);
  const int port = drive_session(d, "ana", kOther);
  const uint64_t request = drive_access(d, "ana");
  expect_waits(d, request);
  expect_state(d, port, SlotState::Removing);
  drive_calm(d);
  expect_answer(d, request, 302);
  assert_true(slot_for(d, "ana").size == kSize);
}

static void test_a_new_default_size_ends_no_session_that_asked_for_none(void**) {
  CoreConfig config = drive_config(3, 0);
  config.default_size = Size{800, 600};
  Record by_default = record_of("ana", "a", kPort), custom = record_of("bia", "b", kPort + 1);
  by_default.size_by_default = true;
  Drive d = drive_create(config, {by_default, custom});
  drive_engine_up(d, {seen_named("vnc_ana", "a", kPort), seen_named("vnc_bia", "b", kPort + 1)});
  expect_answer(d, drive_access(d, "ana"), 302);
  expect_answer(d, drive_access(d, "bia", kSize), 302);
  expect_waits(d, drive_access(d, "bia"));  // bia's was asked for by size: no size means today's default now
}

static void test_last_in_the_queue_wants_another_size_and_is_served_next(void**) {
  Drive d = drive_start(3, 0);
  const uint64_t first = drive_access(d, "ana"), second = drive_access(d, "ana"), last = drive_access(d, "ana", kOther);
  assert_int_equal(jobs<DoLaunch>(d).size(), 1);
  drive_says(d, ContainerChange::Healthy, drive_launched(d, slot_for(d, "ana").port));
  drive_written(d);
  expect_answer(d, first, 302);
  expect_answer(d, second, 302);
  expect_waits(d, last);
  drive_calm(d);
  expect_answer(d, last, 302);
  assert_true(slot_for(d, "ana").size == kOther);
}

static void test_a_size_in_the_middle_of_the_queue_shares_the_outcome(void**) {
  Drive d = drive_start(3, 0);
  const uint64_t first = drive_access(d, "ana"), middle = drive_access(d, "ana", kOther), last = drive_access(d, "ana");
  drive_calm(d);
  for (uint64_t request : {first, middle, last}) expect_answer(d, request, 302);
  assert_true(slot_for(d, "ana").size == kSize);
  assert_int_equal(d.containers, 1);
}

static void test_a_failed_launch_spares_those_who_wait_for_another_size(void**) {
  Drive d = drive_start(3, 0);
  const uint64_t first = drive_access(d, "ana"), last = drive_access(d, "ana", kOther);
  drive_launch_failed(d, slot_for(d, "ana").port, Fault::Refused, "no memory left");
  expect_answer(d, first, 500, "no memory left");
  expect_waits(d, last);
  drive_calm(d);
  expect_answer(d, last, 302);
}

// One write bears out a client's slot and a pool slot behind it; the client's last request takes that pool slot while the
// write is being told of: it must not be answered from a write that does not know it.
static void test_another_size_takes_a_pool_slot_of_the_same_write(void**) {
  Drive d = drive_start(4, 1);
  const uint64_t first = drive_access(d, "ana", kOther), last = drive_access(d, "ana");
  const int own = slot_for(d, "ana").port;
  drive_launch_failed(d, kPort, Fault::PortTaken, "in use");  // so that the pool's port comes after ana's
  drive_access(d, "bia", kOther);
  int pool = 0;
  for (const DoLaunch& job : jobs<DoLaunch>(d))
    if (slot(d, job.port).client.empty()) pool = job.port;
  assert_true(pool > own);
  drive_says(d, ContainerChange::Healthy, drive_launched(d, slot_for(d, "bia").port));  // a write begins
  drive_says(d, ContainerChange::Healthy, drive_launched(d, own));
  drive_says(d, ContainerChange::Healthy, drive_launched(d, pool));
  drive_written(d);
  drive_written(d);  // of ana's claim and the pool's record
  expect_answer(d, first, 302);
  assert_int_equal(slot_for(d, "ana").port, pool);
  expect_state(d, pool, SlotState::Claiming);
  expect_waits(d, last);
  drive_written(d);
  expect_answer(d, last, 302);
}

// ---- Hang-ups and deadlines.

static void test_hang_up_keeps_the_session_for_the_retry(void**) {
  Drive d = drive_start(2, 0);
  const uint64_t first = drive_access(d, "ana");
  drive_step(d, RequesterGone{first});
  drive_healthy(d, "ana");
  expect_waits(d, first);  // no answer is owed, and none was sent
  expect_answer(d, drive_access(d, "ana"), 302);
  assert_int_equal(d.containers, 1);
}

static void test_hang_up_of_one_leaves_the_others(void**) {
  Drive d = drive_start(2, 0);
  const uint64_t first = drive_access(d, "ana"), second = drive_access(d, "ana");
  drive_step(d, RequesterGone{first});
  drive_calm(d);
  expect_waits(d, first);
  expect_answer(d, second, 302);
}

static void test_hang_up_of_an_heir_keeps_its_place(void**) {
  Drive d = drive_start(1, 0);
  drive_session(d, "ana");
  const uint64_t request = drive_access(d, "bia");
  assert_string_equal(slot(d, kPort).heir.c_str(), "bia");
  drive_step(d, RequesterGone{request});
  drive_calm(d);
  expect_answer(d, drive_access(d, "bia"), 302);
}

static void test_a_request_gives_up_and_its_launch_goes_on(void**) {
  CoreConfig config = drive_config(2, 0);
  config.ready_timeout_ms = 60'000;
  Drive d = drive_create(config);
  drive_engine_up(d, {});
  const uint64_t first = drive_access(d, "ana");
  drive_wait(d, 69'999);
  expect_waits(d, first);
  drive_wait(d, 1);
  expect_answer(d, first, 503);
  assert_true(outcome(d, first).retry_after > 0);
  const uint64_t again = drive_access(d, "ana");
  drive_healthy(d, "ana");
  expect_answer(d, again, 302);
  assert_int_equal(d.containers, 1);
}

static void test_no_more_wait_than_may(void**) {
  CoreConfig config = drive_config(8, 0);
  config.most_waiting = 3;
  Drive d = drive_create(config);
  std::vector<uint64_t> early;
  for (const char* client : {"ana", "bia", "caio", "davi"}) early.push_back(drive_access(d, client));
  const uint64_t removal = drive_remove(d, "eva");  // nobody knows yet what runs: it would wait, too
  for (uint64_t request : {early[3], removal}) {
    expect_answer(d, request, 503, "Too many requests are waiting");
    assert_true(outcome(d, request).retry_after > 0);
  }
  assert_int_equal(said(d, SayLevel::Warning, "MAX_WAITING"), 1);  // once, not once for each
  drive_engine_up(d, {});
  for (size_t i : {0, 1, 2}) expect_waits(d, early[i]);
  const uint64_t other = drive_access(d, "davi"), same = drive_access(d, "ana");
  for (uint64_t request : {other, same}) expect_answer(d, request, 503, "Too many requests are waiting");
  assert_false(has_slot(d, "davi"));  // it took nothing
  drive_healthy(d, "ana");
  expect_answer(d, early[0], 302);
  drive_access(d, "eva");
  const uint64_t reuse = drive_access(d, "ana"), resize = drive_access(d, "ana", kOther);
  expect_answer(d, reuse, 302);  // who has a session is served whatever the crowd
  expect_answer(d, resize, 503, "Too many requests are waiting");
  expect_state(d, slot_for(d, "ana").port, SlotState::Assigned);
  expect_answer(d, drive_remove(d, "nobody"), 404);
}

static void test_a_crowd_that_has_gone_and_comes_again_is_said_again(void**) {
  CoreConfig config = drive_config(8, 0);
  config.most_waiting = 2;
  Drive d = drive_create(config);
  drive_engine_up(d, {});
  for (const char* client : {"ana", "bia", "caio", "davi"}) drive_access(d, client);
  assert_int_equal(said(d, SayLevel::Warning, "MAX_WAITING"), 1);
  for (const char* client : {"ana", "bia"}) drive_healthy(d, client);
  for (const char* client : {"eva", "fabio", "gil", "hugo"}) drive_access(d, client);
  assert_int_equal(said(d, SayLevel::Warning, "MAX_WAITING"), 2);
}

// Whose lines are said, since the last look.
static std::vector<std::string> lines_of(Drive& d, uint64_t request) {
  std::vector<std::string> lines;
  for (const Say& line : d.said)
    if (line.request == request || std::count(line.more.begin(), line.more.end(), request)) lines.push_back(line.text);
  return lines;
}

static bool holds(const std::vector<std::string>& lines, const char* piece) {
  return std::any_of(lines.begin(), lines.end(), [&](const std::string& line) { return line.find(piece) != line.npos; });
}

static void test_each_line_says_whose_it_is(void**) {
  Drive d = drive_start(3, 1);
  drive_pool(d);
  d.said.clear();
  const uint64_t ana = drive_access(d, "ana");
  drive_calm(d);
  const uint64_t bia = drive_access(d, "bia", kOther), again = drive_access(d, "bia", kOther);
  drive_calm(d);
  for (const char* piece : {"Request for CPF=ana", "CLAIM pool", "assigned"}) {
    if (!holds(lines_of(d, ana), piece)) fail_msg("ana: %s", piece);
  }
  for (const char* piece : {"Request for CPF=bia", "Starting creation", "started on port", "HEALTHY", "CREATED"}) {
    if (!holds(lines_of(d, bia), piece)) fail_msg("bia: %s", piece);
  }
  assert_true(holds(lines_of(d, again), "waits for its session") && holds(lines_of(d, again), "CREATED"));
  for (const char* piece : {"CPF=ana", "CLAIM"}) assert_false(holds(lines_of(d, bia), piece));
  for (const Say& line : d.said) {
    const bool of_a_client = line.text.find("CPF=") != line.text.npos;
    if (of_a_client && line.request == 0) fail_msg("nobody's: %s", line.text.c_str());
    if (line.text.find("Replenishing") != line.text.npos) assert_int_equal(line.request, 0);
  }
  d.said.clear();
  const uint64_t reuse = drive_access(d, "ana"), gone = drive_remove(d, "ana"), all = drive_remove_all(d);
  drive_calm(d);
  assert_true(holds(lines_of(d, reuse), "REUSE"));
  assert_true(holds(lines_of(d, gone), "Removed container"));
  assert_true(holds(lines_of(d, all), "Done: ") && holds(lines_of(d, all), "CPF=bia"));
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(test_each_line_says_whose_it_is),
      cmocka_unit_test(test_reuse_answers_at_once_and_touches),
      cmocka_unit_test(test_last_access_reaches_the_disk_within_a_second),
      cmocka_unit_test(test_touch_during_a_slow_write_does_not_spin),
      cmocka_unit_test(test_claim_of_the_pool_waits_for_the_disk),
      cmocka_unit_test(test_claim_during_a_write_waits_for_the_next_one),
      cmocka_unit_test(test_pool_launch_on_its_way_is_taken),
      cmocka_unit_test(test_the_furthest_pool_launch_is_taken),
      cmocka_unit_test(test_a_healthy_pool_container_not_yet_recorded_is_taken),
      cmocka_unit_test(test_forty_requests_of_one_client_are_one_launch),
      cmocka_unit_test(test_n_clients_on_n_free_ports),
      cmocka_unit_test(test_more_clients_than_ports_get_503_with_max_slots),
      cmocka_unit_test(test_the_port_free_for_longest_is_used_first),
      cmocka_unit_test(test_custom_size_skips_the_pool),
      cmocka_unit_test(test_another_size_recreates),
      cmocka_unit_test(test_the_same_size_spelled_out_is_reuse),
      cmocka_unit_test(test_no_size_after_a_custom_one_goes_back_to_the_default),
      cmocka_unit_test(test_a_new_default_size_ends_no_session_that_asked_for_none),
      cmocka_unit_test(test_last_in_the_queue_wants_another_size_and_is_served_next),
      cmocka_unit_test(test_a_size_in_the_middle_of_the_queue_shares_the_outcome),
      cmocka_unit_test(test_a_failed_launch_spares_those_who_wait_for_another_size),
      cmocka_unit_test(test_another_size_takes_a_pool_slot_of_the_same_write),
      cmocka_unit_test(test_hang_up_keeps_the_session_for_the_retry),
      cmocka_unit_test(test_hang_up_of_one_leaves_the_others),
      cmocka_unit_test(test_hang_up_of_an_heir_keeps_its_place),
      cmocka_unit_test(test_a_request_gives_up_and_its_launch_goes_on),
      cmocka_unit_test(test_no_more_wait_than_may),
      cmocka_unit_test(test_a_crowd_that_has_gone_and_comes_again_is_said_again),
  };
  return cmocka_run_group_tests_name("core/access", tests, nullptr, nullptr);
}
