// Who watches decides: whose port a newcomer gets, which session is idle, and which container of the pool is still nobody's.
#include "core/drive.h"

static constexpr int64_t kRound = 10'000;
static constexpr int64_t kHour = 3'600'000;

static Drive start(int ports, int pool, RecycleRule rule = RecycleRule::Unwatched, int64_t most = 0) {
  CoreConfig config = drive_config(ports, pool);
  config.look_every_ms = kRound;
  config.recycle = rule;
  config.max_session_ms = most;
  Drive d = drive_create(config);
  drive_engine_up(d, {});
  drive_written(d);
  return d;
}

// Sessions c0, c1, ... on all ports, each accessed two minutes after the one before; the last one two minutes ago.
static Drive full(int ports, RecycleRule rule = RecycleRule::Unwatched) {
  Drive d = start(ports, 0, rule);
  for (int i = 0; i < ports; i++) {
    drive_session(d, "c" + std::to_string(i));
    drive_calm(d);
    for (int64_t gone = 0; gone < 120'000; gone += kRound) {
      drive_wait(d, kRound);
      drive_calm(d);
    }
  }
  drive_wait(d, 5000);  // the last look is a while ago
  return d;
}

static void pass(Drive& d, int64_t ms) {
  for (int64_t gone = 0; gone < ms; gone += 60'000) {
    drive_wait(d, 60'000);
    drive_calm(d);
  }
}

// Until the cleanup has asked for a look at whom it would end.
static void pass_until_cleanup_looks(Drive& d) {
  for (int64_t gone = 0; gone < 10 * kHour; gone += 1000) {
    drive_wait(d, 1000);
    for (const DoLook& look : jobs<DoLook>(d))
      if (look.purpose == LookFor::Cleanup) return;
    drive_calm(d);
  }
  fail_msg("the cleanup looks at nobody");
}

static int port_of(const Drive& d, const std::string& client) { return slot_for(d, client).port; }

// ---- Recycling.

static void test_who_is_watched_is_not_taken_however_long_ago_it_was_accessed(void**) {
  Drive d = full(3);
  d.watching[port_of(d, "c0")] = 1;
  const int taken = port_of(d, "c1");
  const uint64_t request = drive_access(d, "ana");
  assert_true(has_slot(d, "c1"));  // nobody is taken before the look
  expect_waits(d, request);
  drive_looked(d, LookFor::Recycle);
  assert_true(has_slot(d, "c0") && has_slot(d, "c2"));
  assert_false(has_slot(d, "c1"));
  drive_calm(d);
  expect_answer(d, request, 302);
  assert_int_equal(outcome(d, request).port, taken);
  assert_int_equal(said(d, SayLevel::Warning, "of CPF=c1, last accessed"), 1);
  assert_int_equal(said(d, SayLevel::Warning, "nobody was ever seen watching it, is ended for CPF=ana"), 1);
}

static void test_all_watched_is_503_and_says_how_many(void**) {
  Drive d = full(2);
  for (int port = kPort; port < kPort + 2; port++) d.watching[port] = 2;
  const uint64_t request = drive_access(d, "ana");
  drive_looked(d, LookFor::Recycle);
  expect_answer(d, request, 503, "2 sessions are in use, 2 of them watched");
  assert_int_equal(outcome(d, request).retry_after, 60);
  assert_int_equal(outcome(d, request).max_slots, 2);
  assert_true(has_slot(d, "c0") && has_slot(d, "c1"));
}

static void test_who_left_longest_ago_goes(void**) {
  Drive d = full(2);
  d.watching[port_of(d, "c0")] = 1;  // the older access, and still there when c1 is not any more
  pass(d, 5 * 60'000);
  d.watching.clear();
  drive_wait(d, 5000);
  drive_access(d, "ana");
  drive_looked(d, LookFor::Recycle);
  assert_true(has_slot(d, "c0"));
  assert_false(has_slot(d, "c1"));
}

static void test_one_just_given_out_goes_after_all_others_that_nobody_watches(void**) {
  Drive d = full(2);
  d.watching[port_of(d, "c0")] = 1;
  pass(d, 60'000);
  d.watching.clear();  // c0's viewer was seen later than c1's access
  drive_access(d, "c1");
  drive_wait(d, 20'000);
  drive_access(d, "ana");
  drive_looked(d, LookFor::Recycle);
  assert_true(has_slot(d, "c1"));
  assert_false(has_slot(d, "c0"));
  drive_calm(d);
  drive_wait(d, 61'000);
  d.watching[port_of(d, "ana")] = 1;
  drive_access(d, "bia");
  drive_looked(d, LookFor::Recycle);
  assert_false(has_slot(d, "c1"));
}

static void test_who_is_on_the_way_stays_before_one_who_just_left(void**) {
  Drive d = full(2);
  d.watching[port_of(d, "c0")] = 1;
  drive_calm(d);
  drive_access(d, "c1");
  for (int i = 0; i < 3; i++) {
    drive_wait(d, kRound);
    drive_calm(d);
  }
  d.watching.clear();  // c0 was seen later than c1 asked
  drive_wait(d, 5000);
  drive_access(d, "ana");
  drive_looked(d, LookFor::Recycle);
  assert_true(has_slot(d, "c1"));
  assert_false(has_slot(d, "c0"));
}

static void test_an_older_look_says_nothing_new(void**) {
  Drive d = full(1);
  drive_calm(d);
  drive_wait(d, kRound);  // a round is asked for, and slow
  drive_access(d, "ana");
  d.watching[kPort] = 1;
  drive_looked(d, LookFor::Recycle);
  d.watching.clear();
  drive_looked(d, LookFor::Round, 400);
  assert_int_equal(slot_for(d, "c0").viewers, 1);
}

static void test_a_look_that_ended_long_ago_takes_nobody(void**) {
  Drive d = full(1);
  const uint64_t request = drive_access(d, "ana");
  drive_looked(d, LookFor::Recycle, 600);
  assert_true(has_slot(d, "c0"));
  expect_waits(d, request);
  drive_looked(d, LookFor::Recycle, 400);
  assert_false(has_slot(d, "c0"));
}

static void test_newcomers_share_a_look(void**) {
  Drive d = full(3);
  d.watching[kPort] = 1;
  const uint64_t a = drive_access(d, "ana"), b = drive_access(d, "bia"), c = drive_access(d, "caio");
  assert_int_equal(jobs<DoLook>(d).size(), 1);
  drive_looked(d, LookFor::Recycle);
  expect_answer(d, c, 503, "1 of them watched");
  drive_calm(d);
  expect_answer(d, a, 302);
  expect_answer(d, b, 302);
}

static void test_a_second_request_of_one_who_seeks_waits_with_the_first(void**) {
  Drive d = full(2);
  const uint64_t first = drive_access(d, "ana"), second = drive_access(d, "ana");
  drive_looked(d, LookFor::Recycle);
  drive_calm(d);
  expect_answer(d, first, 302);
  expect_answer(d, second, 302);
  assert_true(has_slot(d, "c1"));
}

static void test_nobody_is_taken_for_one_who_hung_up_while_we_looked(void**) {
  Drive d = full(1);
  const uint64_t request = drive_access(d, "ana");
  drive_step(d, RequesterGone{request});
  drive_looked(d, LookFor::Recycle);
  assert_true(has_slot(d, "c0"));
}

static void test_a_removal_takes_back_what_seeks(void**) {
  Drive d = full(1);
  const uint64_t request = drive_access(d, "ana");
  expect_answer(d, drive_remove(d, "ana"), 404);
  expect_answer(d, request, 409);
  drive_looked(d, LookFor::Recycle);
  assert_true(has_slot(d, "c0"));
}

static void test_a_port_that_falls_free_meanwhile_ends_the_search(void**) {
  Drive d = full(2);
  drive_remove(d, "c1");
  drive_access(d, "bia");  // heir of that port
  const uint64_t request = drive_access(d, "ana");
  expect_waits(d, request);
  drive_remove(d, "bia");
  drive_removed(d, kPort + 1);
  assert_int_equal(port_of(d, "ana"), kPort + 1);
  drive_looked(d, LookFor::Recycle);
  assert_true(has_slot(d, "c0"));
}

// The engine comes back and shows a session of hers that nobody has a record of.
static void test_who_seeks_and_is_found_a_session_takes_nobodys(void**) {
  Drive d = full(1);
  const uint64_t request = drive_access(d, "ana");
  expect_waits(d, request);
  drive_engine_up(d, {seen_of(d, kPort), seen_client("ana", "a", kPort + 7)});
  drive_written(d);
  expect_answer(d, request, 302);
  assert_int_equal(outcome(d, request).port, kPort + 7);
  drive_looked(d, LookFor::Recycle);
  drive_calm(d);
  assert_true(has_slot(d, "c0"));
}

static void test_a_stop_while_somebody_seeks(void**) {
  Drive d = full(1);
  const uint64_t request = drive_access(d, "ana");
  drive_step(d, Stop{});
  expect_answer(d, request, 503, "stopping");
  drive_looked(d, LookFor::Recycle);
  assert_true(has_slot(d, "c0"));
}

static void test_recycle_oldest_does_not_ask_who_watches(void**) {
  Drive d = full(2, RecycleRule::Oldest);
  d.watching[port_of(d, "c0")] = 1;
  pass(d, 60'000);
  drive_access(d, "ana");
  assert_false(has_slot(d, "c0"));
  assert_true(has_slot(d, "c1"));
}

static void test_recycle_never_takes_nobodys(void**) {
  Drive d = full(2, RecycleRule::Never);
  expect_answer(d, drive_access(d, "ana"), 503, "RECYCLE=never");
  assert_true(jobs<DoLook>(d).empty());
  assert_true(has_slot(d, "c0") && has_slot(d, "c1"));
}

static void test_where_nobody_can_tell_the_oldest_access_goes(void**) {
  Drive d = full(2);
  d.blind = "no eyes here";
  pass(d, 60'000);
  assert_int_equal(said(d, SayLevel::Warning, "[VIEWERS]"), 1);
  pass(d, 60'000);
  assert_int_equal(said(d, SayLevel::Warning, "[VIEWERS]"), 1);
  assert_int_equal(slot_for(d, "c0").viewers, -1);
  drive_wait(d, 5000);
  drive_access(d, "ana");
  drive_looked(d, LookFor::Recycle);
  assert_false(has_slot(d, "c0"));
  assert_true(has_slot(d, "c1"));
}

static void test_one_that_alone_cannot_be_looked_at_counts_as_watched(void**) {
  Drive d = full(2);
  d.watching[port_of(d, "c0")] = -1;
  drive_access(d, "ana");
  drive_looked(d, LookFor::Recycle);
  assert_true(has_slot(d, "c0"));
  assert_false(has_slot(d, "c1"));
}

// ---- The pool.

static void test_a_watched_container_of_the_pool_is_replaced(void**) {
  Drive d = start(2, 1);
  const int pool = drive_pool(d);
  const std::string id = slot(d, pool).container_id;
  d.watching[pool] = 1;
  drive_wait(d, kRound);
  drive_looked(d, LookFor::Round);
  expect_state(d, pool, SlotState::Removing);
  d.watching.clear();
  drive_calm(d);
  assert_int_equal(count_of(d, SlotState::Ready), 1);
  assert_int_equal(said(d, SayLevel::Warning, "did somebody try the ports?"), 1);
}

static void test_a_claim_looks_and_waits_for_the_look_as_for_the_disk(void**) {
  for (const bool disk_first : {true, false}) {
    Drive d = start(2, 1);
    const int pool = drive_pool(d);
    const uint64_t request = drive_access(d, "ana");
    if (disk_first) {
      drive_written(d);
      expect_state(d, pool, SlotState::Claiming);
      drive_looked(d, LookFor::Claim);
    } else {
      drive_looked(d, LookFor::Claim);
      expect_waits(d, request);
      drive_written(d);
    }
    expect_answer(d, request, 302);
    assert_int_equal(outcome(d, request).port, pool);
  }
}

static void test_a_slow_disk_makes_a_claim_look_again(void**) {
  Drive d = start(2, 1);
  const int pool = drive_pool(d);
  const uint64_t request = drive_access(d, "ana");
  drive_looked(d, LookFor::Claim);
  drive_wait(d, 3000);
  drive_written(d);
  expect_waits(d, request);
  d.watching[pool] = 1;
  drive_looked(d, LookFor::Claim);
  expect_state(d, pool, SlotState::Removing);
}

static void test_who_would_be_watched_by_a_stranger_gets_another(void**) {
  Drive d = start(3, 1);
  const int pool = drive_pool(d);
  d.watching[pool] = 1;
  const uint64_t request = drive_access(d, "ana");
  drive_written(d);
  drive_looked(d, LookFor::Claim);
  expect_state(d, pool, SlotState::Removing);
  expect_waits(d, request);
  d.watching.clear();
  drive_calm(d);
  expect_answer(d, request, 302);
  assert_int_not_equal(outcome(d, request).port, pool);
}

static void test_a_claim_that_cannot_be_written_forgets_its_look(void**) {
  Drive d = start(2, 1);
  const int pool = drive_pool(d);
  const uint64_t request = drive_access(d, "ana");
  drive_written(d, "disk full");
  expect_answer(d, request, 503, "disk full");
  expect_state(d, pool, SlotState::Ready);
  d.watching[pool] = 1;
  drive_looked(d, LookFor::Claim);
  expect_state(d, pool, SlotState::Removing);
}

static void test_a_claim_where_nobody_can_tell_is_served(void**) {
  Drive d = start(2, 1);
  drive_pool(d);
  d.blind = "no eyes here";
  const uint64_t request = drive_access(d, "ana");
  drive_calm(d);
  expect_answer(d, request, 302);
}

// ---- Idle and old.

static void test_a_clerk_who_works_on_is_not_idle(void**) {
  Drive d = start(2, 0);
  drive_session(d, "ana");
  drive_session(d, "bia");
  d.watching[port_of(d, "ana")] = 1;
  pass(d, 9 * kHour);
  assert_true(has_slot(d, "ana"));
  assert_false(has_slot(d, "bia"));
  d.watching.clear();
  pass(d, 7 * kHour);
  assert_true(has_slot(d, "ana"));
  pass(d, 2 * kHour);
  assert_false(has_slot(d, "ana"));
}

static void test_one_who_comes_back_in_the_last_moment_stays(void**) {
  Drive d = start(2, 0);
  drive_session(d, "ana");
  pass_until_cleanup_looks(d);
  d.watching[port_of(d, "ana")] = 1;
  drive_calm(d);
  assert_true(has_slot(d, "ana"));
  assert_int_equal(said(d, SayLevel::Info, "[CLEANUP] IDLE"), 0);
}

static void test_a_cleanup_whose_look_comes_too_late_ends_nobody(void**) {
  for (bool engine_goes : {false, true}) {
    Drive d = start(2, 0);
    drive_session(d, "ana");
    pass_until_cleanup_looks(d);
    if (engine_goes) drive_step(d, StreamDown{"gone"});
    drive_looked(d, LookFor::Cleanup, engine_goes ? 0 : 600);
    assert_true(has_slot(d, "ana"));
  }
}

static void test_last_seen_is_known_after_a_restart(void**) {
  Drive d = start(2, 0);
  drive_session(d, "ana");
  drive_session(d, "bia");
  d.watching[port_of(d, "ana")] = 1;
  pass(d, 7 * kHour);
  d.watching.clear();
  drive_wait(d, 2000);
  drive_calm(d);
  CoreConfig config = drive_config(2, 0);
  config.look_every_ms = kRound;
  Drive e = drive_create(config);
  e.now = d.now;
  std::vector<Action> actions;
  e.table = orchestrator_create(config, d.disk, e.now, &actions);
  e.disk = d.disk;
  drive_engine_up(e, seen_all(d));
  assert_int_equal(jobs<DoLook>(e).size(), 1);  // at once
  pass(e, 2 * kHour);
  assert_true(has_slot(e, "ana"));
  assert_false(has_slot(e, "bia"));
}

static void test_an_upper_age_waits_until_nobody_watches(void**) {
  Drive d = start(2, 0, RecycleRule::Unwatched, 4 * kHour);
  drive_session(d, "ana");
  d.watching[port_of(d, "ana")] = 1;
  pass(d, 5 * kHour);
  assert_true(has_slot(d, "ana"));
  d.watching.clear();
  drive_wait(d, kRound);
  drive_calm(d);
  assert_true(has_slot(d, "ana"));  // who just left may have shut the tab by mistake
  pass(d, 2 * 60'000);
  assert_false(has_slot(d, "ana"));
  assert_int_equal(said(d, SayLevel::Info, "[CLEANUP] OLD"), 1);
}

static void test_an_upper_age_where_nobody_can_tell_goes_by_the_last_access(void**) {
  Drive d = start(2, 0, RecycleRule::Unwatched, 4 * kHour);
  d.blind = "no eyes here";
  drive_session(d, "ana");
  pass(d, 3 * kHour);
  drive_access(d, "ana");
  pass(d, 3 * kHour);
  assert_true(has_slot(d, "ana"));
  pass(d, 2 * kHour);
  assert_false(has_slot(d, "ana"));
}

// ---- Rounds.

static void test_rounds_come_in_pieces_and_one_after_the_other(void**) {
  Drive d = start(300, 0);
  for (int i = 0; i < 300; i++) drive_session(d, "c" + std::to_string(i));
  drive_calm(d);
  drive_wait(d, kRound);
  assert_int_equal(jobs<DoLook>(d).size(), 2);
  drive_wait(d, 3 * kRound);
  assert_int_equal(jobs<DoLook>(d).size(), 2);
  drive_looked(d, LookFor::Round);
  drive_wait(d, kRound);
  assert_int_equal(jobs<DoLook>(d).size(), 1);
  drive_looked(d, LookFor::Round);
  drive_wait(d, 1);
  assert_int_equal(jobs<DoLook>(d).size(), 2);
}

static void test_who_watches_is_shown_and_what_is_seen_reaches_the_disk(void**) {
  Drive d = start(2, 0);
  drive_session(d, "ana");
  drive_calm(d);
  d.watching[port_of(d, "ana")] = 2;
  drive_wait(d, kRound);
  drive_calm(d);
  assert_int_equal(table_status(d.table).at(0).viewers, 2);
  drive_wait(d, 2000);
  drive_calm(d);
  assert_true(d.disk.at(0).last_seen_us > 0);
  const int64_t first = d.disk.at(0).last_seen_us;
  for (int i = 0; i < 4; i++) {
    drive_wait(d, kRound);
    drive_calm(d);
  }
  assert_true(d.disk.at(0).last_seen_us == first);  // not a write a round
  d.watching.clear();
  drive_wait(d, kRound);
  drive_calm(d);
  drive_wait(d, 2000);
  drive_calm(d);
  assert_true(d.disk.at(0).last_seen_us > first);  // but when somebody leaves
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(test_who_is_watched_is_not_taken_however_long_ago_it_was_accessed),
      cmocka_unit_test(test_all_watched_is_503_and_says_how_many),
      cmocka_unit_test(test_who_left_longest_ago_goes),
      cmocka_unit_test(test_one_just_given_out_goes_after_all_others_that_nobody_watches),
      cmocka_unit_test(test_who_is_on_the_way_stays_before_one_who_just_left),
      cmocka_unit_test(test_an_older_look_says_nothing_new),
      cmocka_unit_test(test_a_look_that_ended_long_ago_takes_nobody),
      cmocka_unit_test(test_newcomers_share_a_look),
      cmocka_unit_test(test_a_second_request_of_one_who_seeks_waits_with_the_first),
      cmocka_unit_test(test_nobody_is_taken_for_one_who_hung_up_while_we_looked),
      cmocka_unit_test(test_a_removal_takes_back_what_seeks),
      cmocka_unit_test(test_a_port_that_falls_free_meanwhile_ends_the_search),
      cmocka_unit_test(test_who_seeks_and_is_found_a_session_takes_nobodys),
      cmocka_unit_test(test_a_stop_while_somebody_seeks),
      cmocka_unit_test(test_recycle_oldest_does_not_ask_who_watches),
      cmocka_unit_test(test_recycle_never_takes_nobodys),
      cmocka_unit_test(test_where_nobody_can_tell_the_oldest_access_goes),
      cmocka_unit_test(test_one_that_alone_cannot_be_looked_at_counts_as_watched),
      cmocka_unit_test(test_a_watched_container_of_the_pool_is_replaced),
      cmocka_unit_test(test_a_claim_looks_and_waits_for_the_look_as_for_the_disk),
      cmocka_unit_test(test_a_slow_disk_makes_a_claim_look_again),
      cmocka_unit_test(test_who_would_be_watched_by_a_stranger_gets_another),
      cmocka_unit_test(test_a_claim_that_cannot_be_written_forgets_its_look),
      cmocka_unit_test(test_a_claim_where_nobody_can_tell_is_served),
      cmocka_unit_test(test_a_clerk_who_works_on_is_not_idle),
      cmocka_unit_test(test_one_who_comes_back_in_the_last_moment_stays),
      cmocka_unit_test(test_a_cleanup_whose_look_comes_too_late_ends_nobody),
      cmocka_unit_test(test_last_seen_is_known_after_a_restart),
      cmocka_unit_test(test_an_upper_age_waits_until_nobody_watches),
      cmocka_unit_test(test_an_upper_age_where_nobody_can_tell_goes_by_the_last_access),
      cmocka_unit_test(test_rounds_come_in_pieces_and_one_after_the_other),
      cmocka_unit_test(test_who_watches_is_shown_and_what_is_seen_reaches_the_disk),
  };
  return cmocka_run_group_tests_name("core/viewers", tests, nullptr, nullptr);
}
