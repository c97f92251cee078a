// What the rules count: how clients come to their sessions, why containers go, how long launches take.
#include "core/drive.h"

static uint64_t claims(const Drive& d, Claim claim) { return d.table.tally.claims[static_cast<size_t>(claim)]; }
static uint64_t endings(const Drive& d, Ending ending) { return d.table.tally.endings[static_cast<size_t>(ending)]; }

static uint64_t all_claims(const Drive& d) { return claims(d, Claim::Reuse) + claims(d, Claim::Pool) + claims(d, Claim::Cold) + claims(d, Claim::Resize); }
static uint64_t all_endings(const Drive& d) {
  uint64_t sum = 0;
  for (const uint64_t one : d.table.tally.endings) sum += one;
  return sum;
}
static uint64_t count(const Durations& durations) {
  uint64_t sum = 0;
  for (const uint64_t one : durations.counts) sum += one;
  return sum;
}

static void test_one_of_each_kind(void**) {
  Drive d = drive_start(4, 1);
  drive_calm(d);
  drive_access(d, "ana");
  drive_calm(d);
  assert_int_equal(claims(d, Claim::Pool), 1);
  drive_access(d, "ana");
  assert_int_equal(claims(d, Claim::Reuse), 1);
  drive_access(d, "bia", kOther);
  drive_calm(d);
  assert_int_equal(claims(d, Claim::Cold), 1);
  drive_access(d, "ana", kOther);
  drive_calm(d);
  assert_int_equal(claims(d, Claim::Resize), 1);
  assert_int_equal(endings(d, Ending::Resized), 1);
  assert_int_equal(all_claims(d), 4);
  assert_int_equal(all_endings(d), 1);
  assert_int_equal(d.table.tally.pool_misses, 0);
}

static void test_many_who_wait_for_one_session_are_one_claim(void**) {
  Drive d = drive_start(2, 0);
  for (int i = 0; i < 5; i++) drive_access(d, "ana");
  drive_calm(d);
  assert_int_equal(claims(d, Claim::Cold), 1);
  assert_int_equal(all_claims(d), 1);
  assert_int_equal(d.table.tally.pool_misses, 1);
}

static void test_who_joins_a_resize_does_not_make_it_a_cold_claim(void**) {
  Drive d = drive_start(3, 0);
  drive_session(d, "ana");
  drive_calm(d);
  drive_access(d, "ana", kOther);
  drive_access(d, "ana", kOther);
  const int port = slot_for(d, "ana").port;
  drive_launch_failed(d, port, Fault::PortTaken, "port is already allocated");  // it goes on at another port
  drive_calm(d);
  assert_int_equal(claims(d, Claim::Resize), 1);
  assert_int_equal(claims(d, Claim::Cold), 1);
  assert_int_equal(endings(d, Ending::PortHeld), 1);
}

static void test_nor_does_who_joins_while_it_waits_for_its_own_port(void**) {
  Drive d = drive_start(1, 0);
  drive_session(d, "ana");
  drive_calm(d);
  drive_access(d, "ana", kOther);
  drive_access(d, "ana", kOther);
  drive_calm(d);
  assert_int_equal(claims(d, Claim::Resize), 1);
  assert_int_equal(claims(d, Claim::Cold), 1);
}

static void test_another_size_while_it_is_on_its_way_is_a_resize(void**) {
  Drive d = drive_start(3, 0);
  drive_access(d, "ana");
  drive_access(d, "ana", kOther);
  drive_calm(d);
  assert_int_equal(claims(d, Claim::Cold), 1);
  assert_int_equal(claims(d, Claim::Resize), 1);
}

static void test_a_launch_of_the_pool_on_its_way_is_a_miss_and_cold(void**) {
  Drive d = drive_start(3, 1);
  drive_access(d, "ana");  // the first of the pool is being launched
  drive_calm(d);
  assert_int_equal(claims(d, Claim::Cold), 1);
  assert_int_equal(claims(d, Claim::Pool), 0);
  assert_int_equal(d.table.tally.pool_misses, 1);
  drive_access(d, "bia", kOther);  // of a size of its own: the pool could not have helped
  drive_calm(d);
  assert_int_equal(d.table.tally.pool_misses, 1);
}

static void test_sessions_found_at_the_start_are_no_claims(void**) {
  Drive d = drive_found({}, {seen_client("ana", "a", kPort), seen_client("bia", "b", kPort + 1)});
  drive_calm(d);
  assert_int_equal(all_claims(d), 0);
  expect_answer(d, drive_access(d, "ana"), 302);
  assert_int_equal(claims(d, Claim::Reuse), 1);
  assert_int_equal(all_claims(d), 1);
}

static void test_each_ending_has_its_reason(void**) {
  Drive d = drive_start(2, 0);
  drive_session(d, "ana");
  drive_session(d, "bia");
  drive_calm(d);
  drive_access(d, "caio");
  drive_calm(d);
  assert_int_equal(endings(d, Ending::Recycled), 1);
  drive_says(d, ContainerChange::Died, slot_for(d, "caio").container_id);
  drive_calm(d);
  assert_int_equal(endings(d, Ending::Died), 1);
  drive_remove(d, "bia");
  drive_calm(d);
  assert_int_equal(endings(d, Ending::Asked), 1);
  drive_access(d, "duda");
  drive_launch_failed(d, slot_for(d, "duda").port, Fault::Refused, "no such device");
  drive_calm(d);
  assert_int_equal(endings(d, Ending::LaunchFailed), 1);
  drive_session(d, "eva");
  drive_calm(d);
  drive_remove_all(d);
  drive_calm(d);
  assert_int_equal(endings(d, Ending::AskedForAll), 1);
  drive_session(d, "fabio");
  drive_calm(d);
  for (int minute = 0; minute < 9 * 60; minute++) {
    drive_wait(d, 60'000);
    drive_calm(d);
  }
  assert_int_equal(endings(d, Ending::Idle), 1);
  assert_int_equal(all_endings(d), 6);
}

static void test_a_port_that_a_client_needs_is_yielded_by_the_pool(void**) {
  Drive d = drive_start(1, 1);
  drive_calm(d);
  drive_access(d, "ana", kOther);
  drive_calm(d);
  assert_int_equal(endings(d, Ending::Yielded), 1);
  assert_int_equal(all_endings(d), 1);
}

static void test_a_launch_is_timed_from_its_start_and_as_a_whole(void**) {
  Drive d = drive_start(2, 0);
  drive_access(d, "ana");
  drive_wait(d, 2000);
  const std::string id = drive_launched(d, kPort);
  drive_wait(d, 500);
  drive_says(d, ContainerChange::Healthy, id);
  assert_true(d.table.tally.healthy.seconds == 0.5);
  assert_true(d.table.tally.launch.seconds == 2.5);
  drive_says(d, ContainerChange::Healthy, id);
  assert_int_equal(count(d.table.tally.healthy), 1);
  assert_int_equal(count(d.table.tally.launch), 1);
}

static void test_a_launch_that_waited_for_the_image_is_no_whole_one(void**) {
  Drive d = drive_start(2, 0);
  drive_access(d, "ana");
  drive_launch_failed(d, kPort, Fault::ImageMissing, "no such image");
  drive_wait(d, 30'000);
  drive_pulled(d);
  drive_calm(d);
  assert_int_equal(count(d.table.tally.healthy), 1);
  assert_int_equal(count(d.table.tally.launch), 0);
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(test_one_of_each_kind),
      cmocka_unit_test(test_many_who_wait_for_one_session_are_one_claim),
      cmocka_unit_test(test_who_joins_a_resize_does_not_make_it_a_cold_claim),
      cmocka_unit_test(test_nor_does_who_joins_while_it_waits_for_its_own_port),
      cmocka_unit_test(test_another_size_while_it_is_on_its_way_is_a_resize),
      cmocka_unit_test(test_a_launch_of_the_pool_on_its_way_is_a_miss_and_cold),
      cmocka_unit_test(test_sessions_found_at_the_start_are_no_claims),
      cmocka_unit_test(test_each_ending_has_its_reason),
      cmocka_unit_test(test_a_port_that_a_client_needs_is_yielded_by_the_pool),
      cmocka_unit_test(test_a_launch_is_timed_from_its_start_and_as_a_whole),
      cmocka_unit_test(test_a_launch_that_waited_for_the_image_is_no_whole_one),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
