// Whether somebody new could be served: state by state. That it is so is held against the rules themselves after each step of every test (drive.cc).
#include "core/drive.h"

static void expect_ready(const Drive& drive, Readiness::Answer answer, const char* why = "") {
  const Readiness ready = orchestrator_ready(drive.table, drive.now);
  if (ready.answer != answer) fail_msg("%d, not %d: %s", static_cast<int>(ready.answer), static_cast<int>(answer), ready.why.c_str());
  if (ready.why.find(why) == std::string::npos) fail_msg("%s: %s", why, ready.why.c_str());
}

static void test_not_before_the_first_listing(void**) {
  Drive d = drive_create(drive_config(2, 0));
  expect_ready(d, Readiness::No, "has not answered yet");
  drive_engine_up(d, {});
  expect_ready(d, Readiness::ByLaunch);
}

static void test_a_pool_serves_without_an_engine(void**) {
  Drive d = drive_start(2, 1);
  expect_ready(d, Readiness::ByLaunch);
  drive_pool(d);
  drive_calm(d);
  expect_ready(d, Readiness::Yes);
  drive_step(d, StreamDown{"it is being restarted"});
  expect_ready(d, Readiness::Yes);
  drive_access(d, "ana");
  expect_ready(d, Readiness::No, "it is being restarted");
}

static void test_not_while_nothing_can_be_written(void**) {
  Drive d = drive_start(2, 1);
  drive_pool(d);
  drive_calm(d);
  drive_access(d, "ana");
  drive_written(d, "No space left on device");
  expect_ready(d, Readiness::No, "No space left on device");
  drive_wait(d, 1000);
  drive_written(d);
  expect_ready(d, Readiness::Yes);
}

static void test_not_without_a_port_that_may_be_taken(void**) {
  CoreConfig config = drive_config(1, 0);
  config.recycle = RecycleRule::Never;
  Drive d = drive_create(config);
  drive_engine_up(d, {});
  drive_calm(d);
  drive_session(d, "ana");
  expect_ready(d, Readiness::No, "No port is free of 1");
  drive_remove(d, "ana");
  expect_ready(d, Readiness::ByLaunch);  // it is being freed

  Drive oldest = drive_start(1, 0);
  drive_session(oldest, "ana");
  expect_ready(oldest, Readiness::ByLaunch);
}

static void test_not_while_all_are_watched(void**) {
  CoreConfig config = drive_config(1, 0);
  config.look_every_ms = 10'000;
  Drive d = drive_create(config);
  drive_engine_up(d, {});
  drive_calm(d);
  const int port = drive_session(d, "ana");
  d.watching[port] = 1;
  drive_wait(d, 10'000);
  drive_looked(d, LookFor::Round);
  expect_ready(d, Readiness::No, "nobody's may be taken");
  d.watching[port] = 0;
  drive_wait(d, 10'000);
  drive_looked(d, LookFor::Round);
  expect_ready(d, Readiness::ByLaunch);
}

static void test_not_while_the_pool_fails(void**) {
  Drive d = drive_start(2, 1);
  drive_launch_failed(d, kPort, Fault::Refused, "no such device");
  expect_ready(d, Readiness::No, "no such device");
}

// It has no port to try again with, and a client has just shown that it would work.
static void test_a_pool_that_has_failed_is_forgotten_when_a_clients_launch_works(void**) {
  Drive d = drive_start(1, 1);
  drive_launch_failed(d, kPort, Fault::Refused, "no such device");
  expect_ready(d, Readiness::No, "no such device");
  drive_wait(d, 61'000);
  drive_access(d, "ana");
  drive_calm(d);
  expect_state(d, kPort, SlotState::Assigned);
  expect_ready(d, Readiness::ByLaunch);  // her port, as nobody watches
}

static void test_not_when_as_many_wait_as_may(void**) {
  CoreConfig config = drive_config(2, 0);
  config.most_waiting = 1;
  Drive d = drive_create(config);
  drive_engine_up(d, {});
  drive_access(d, "ana");
  expect_ready(d, Readiness::No, "As many requests wait");
}

static void test_not_while_stopping(void**) {
  Drive d = drive_start(2, 0);
  drive_step(d, Stop{});
  expect_ready(d, Readiness::No, "stopping");
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(test_not_before_the_first_listing),
      cmocka_unit_test(test_a_pool_serves_without_an_engine),
      cmocka_unit_test(test_not_while_nothing_can_be_written),
      cmocka_unit_test(test_not_without_a_port_that_may_be_taken),
      cmocka_unit_test(test_not_while_all_are_watched),
      cmocka_unit_test(test_not_while_the_pool_fails),
      cmocka_unit_test(test_a_pool_that_has_failed_is_forgotten_when_a_clients_launch_works),
      cmocka_unit_test(test_not_when_as_many_wait_as_may),
      cmocka_unit_test(test_not_while_stopping),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
