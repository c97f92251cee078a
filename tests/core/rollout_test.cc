// VNC_IMAGE stands for another image: the pool's containers are replaced one by one, and what there is serves on until then.
#include "core/drive.h"
#include "core/rules.h"

static void listed(Drive& d, const std::string& image) {
  if (jobs<DoList>(d).empty()) drive_wait(d, kListEveryMs);
  const DoList list = jobs<DoList>(d).at(0);
  std::erase_if(d.jobs, [](const Action& action) { return std::get_if<DoList>(&action) != nullptr; });
  drive_step(d, Listed{list.asked, {}, seen_all(d), image});
}

static Drive drive_of_one(int ports, int pool) {
  Drive d = drive_start(ports, pool);
  drive_calm(d);
  listed(d, "sha256:one");
  return d;
}

static Drive drive_changed(int ports, int pool) {
  Drive d = drive_of_one(ports, pool);
  assert_int_equal(count_of(d, SlotState::Ready), pool);
  listed(d, "sha256:two");
  return d;
}

static void test_one_after_the_other(void**) {
  Drive d = drive_changed(6, 3);
  for (int left = 3; left > 0; left--) {
    assert_int_equal(rollout_left(d.table), left);
    assert_int_equal(count_of(d, SlotState::Ready), 3);
    assert_int_equal(jobs<DoLaunch>(d).size(), 1);
    assert_true(jobs<DoRemove>(d).empty());
    drive_pool(d);
    assert_int_equal(jobs<DoRemove>(d).size(), 1);
    drive_removed(d, jobs<DoRemove>(d)[0].port);
  }
  assert_int_equal(rollout_left(d.table), 0);
  drive_calm(d);
  assert_int_equal(count_of(d, SlotState::Ready), 3);
  assert_int_equal(said(d, SayLevel::Info, "Replacing one of 3 pool containers of another image"), 1);
}

static void test_with_no_port_free_one_goes_first(void**) {
  Drive d = drive_changed(2, 2);
  assert_int_equal(jobs<DoRemove>(d).size(), 1);
  assert_int_equal(count_of(d, SlotState::Ready), 1);
  drive_removed(d, jobs<DoRemove>(d)[0].port);
  assert_int_equal(count_of(d, SlotState::Ready), 1);
  drive_pool(d);
  drive_calm(d);
  assert_int_equal(rollout_left(d.table), 0);
  assert_int_equal(count_of(d, SlotState::Ready), 2);
}

static void test_the_last_one_stays_until_a_port_is_free(void**) {
  Drive d = drive_of_one(2, 1);
  drive_access(d, "ana");  // from the pool: the other port is the pool's again
  drive_calm(d);
  const int port = slot_for(d, "ana").port;
  listed(d, "sha256:two");
  drive_calm(d);
  assert_int_equal(rollout_left(d.table), 1);
  drive_remove(d, "ana");
  drive_removed(d, port);
  drive_calm(d);
  assert_int_equal(rollout_left(d.table), 0);
  assert_int_equal(count_of(d, SlotState::Ready), 1);
}

static void test_one_that_does_not_start_leaves_what_there_was(void**) {
  Drive d = drive_changed(4, 2);
  for (int tries = 0; tries < 3; tries++) {
    drive_launch_failed(d, jobs<DoLaunch>(d)[0].port, Fault::Refused, "no such command");
    assert_true(jobs<DoLaunch>(d).empty());  // not at once again
    assert_int_equal(rollout_left(d.table), 2);
    assert_true(orchestrator_ready(d.table, d.now).answer == Readiness::Yes);
    drive_wait(d, kPoolBackoffMostMs);
  }
  assert_int_equal(said(d, SayLevel::Error, "The pool cannot be filled"), 1);
  const uint64_t ana = drive_access(d, "ana");
  drive_written(d);
  expect_answer(d, ana, 302);
}

static void test_a_newer_one_is_given_out_first(void**) {
  Drive d = drive_changed(6, 2);
  const int fresh = drive_pool(d);
  drive_access(d, "ana");
  assert_int_equal(slot_for(d, "ana").port, fresh);
  drive_access(d, "bia");  // rather than to wait for a launch
  expect_state(d, slot_for(d, "bia").port, SlotState::Claiming);
}

static void test_of_other_settings_they_are_of_no_use(void**) {
  Drive d = drive_of_one(6, 2);
  CoreConfig config = d.table.config;
  config.fingerprint = "print-tomorrow";
  drive_step(d, Reconfigured{config});
  assert_int_equal(count_of(d, SlotState::Ready), 0);
  drive_calm(d);
  assert_int_equal(count_of(d, SlotState::Ready), 2);
}

static void test_changed_back_nothing_is_replaced(void**) {
  Drive d = drive_of_one(6, 2);
  const std::vector<Record> before = table_status(d.table);
  listed(d, "sha256:two");
  listed(d, "sha256:one");
  drive_calm(d);
  for (const Record& one : before) assert_string_equal(slot(d, one.port).container_id.c_str(), one.container_id.c_str());
}

static void test_draining_replaces_nothing(void**) {
  Drive d = drive_of_one(6, 2);
  drive_step(d, DrainSet{1, 0});
  listed(d, "sha256:two");
  drive_calm(d);
  assert_int_equal(rollout_left(d.table), 2);
}

static void test_a_pool_that_is_to_be_empty_is(void**) {
  Drive d = drive_start(6, 2);
  drive_calm(d);
  CoreConfig config = d.table.config;
  config.fingerprint = "print-tomorrow";
  config.warm_pool_size = 0;
  drive_step(d, Reconfigured{config});
  drive_calm(d);
  assert_int_equal(count_of(d, SlotState::Ready), 0);
}

static void test_another_image_under_the_name_replaces_the_pool(void**) {
  Drive d = drive_start(6, 2);
  drive_calm(d);
  listed(d, "sha256:one");
  drive_calm(d);
  assert_true(jobs<DoLaunch>(d).empty());
  assert_int_equal(rollout_left(d.table), 0);
  listed(d, "");  // it could not be asked
  assert_int_equal(rollout_left(d.table), 0);
  listed(d, "sha256:two");
  assert_int_equal(said(d, SayLevel::Info, "VNC_IMAGE stands for another image now: sha256:two, not sha256:one"), 1);
  assert_int_equal(rollout_left(d.table), 2);
  assert_int_equal(count_of(d, SlotState::Ready), 2);
  drive_calm(d);
  assert_int_equal(rollout_left(d.table), 0);
  assert_int_equal(count_of(d, SlotState::Ready), 2);
  listed(d, "sha256:two");
  assert_int_equal(rollout_left(d.table), 0);
}

static void test_what_an_earlier_run_left_of_another_image_is_replaced_once(void**) {
  Drive d = drive_create(drive_config(4, 1), {record_of("__pool__", "p", kPort), record_of("ana", "a", kPort + 1)});
  Seen pool = seen_named("vnc_pool_5000", "p", kPort), ana = seen_client("ana", "a", kPort + 1);
  pool.image = ana.image = "sha256:one";
  drive_step(d, StreamUp{});
  drive_connected(d);
  const DoList list = jobs<DoList>(d).at(0);
  std::erase_if(d.jobs, [](const Action& action) { return std::get_if<DoList>(&action) != nullptr; });
  drive_step(d, Listed{list.asked, {}, {pool, ana}, "sha256:two"});
  assert_int_equal(rollout_left(d.table), 1);
  drive_calm(d);
  assert_int_equal(rollout_left(d.table), 0);
  expect_state(d, kPort + 1, SlotState::Assigned);
  const std::vector<Record> before = table_status(d.table);
  listed(d, "sha256:two");
  drive_calm(d);
  for (const Record& one : before) assert_string_equal(slot(d, one.port).container_id.c_str(), one.container_id.c_str());
}

static void test_a_reload_asks_what_the_name_stands_for(void**) {
  Drive d = drive_start(6, 2);
  drive_calm(d);
  drive_step(d, Reconfigured{d.table.config});
  drive_step(d, Tick{});
  assert_int_equal(jobs<DoList>(d).size(), 1);
}

static void test_a_name_that_stands_for_nothing_leaves_what_there_was(void**) {
  Drive d = drive_of_one(4, 2);
  drive_step(d, Reconfigured{d.table.config});
  listed(d, kNoImage);
  assert_int_equal(said(d, SayLevel::Info, "VNC_IMAGE stands for another image now: none, not sha256:one"), 1);
  drive_launch_failed(d, jobs<DoLaunch>(d)[0].port, Fault::Refused, "no such image");
  assert_int_equal(said(d, SayLevel::Error, "The pool cannot be filled"), 1);
  assert_int_equal(rollout_left(d.table), 2);
  listed(d, "sha256:one");  // it is there again
  drive_calm(d);
  assert_int_equal(rollout_left(d.table), 0);
  assert_int_equal(d.containers, 3);  // the last of these in vain
}

static void test_what_was_pulled_for_it_is_not_old(void**) {
  Drive d = drive_create(drive_config(2, 1));
  drive_step(d, StreamUp{});
  drive_connected(d);
  listed(d, kNoImage);
  const int port = drive_pool(d);
  listed(d, "sha256:one");
  expect_state(d, port, SlotState::Ready);
  assert_int_equal(rollout_left(d.table), 0);
}

static void test_after_a_reload_nothing_is_known_of_the_image(void**) {
  Drive d = drive_of_one(6, 2);
  drive_access(d, "ana");
  drive_step(d, Reconfigured{d.table.config});
  drive_calm(d);  // one is launched before the listing tells
  listed(d, "sha256:two");
  assert_int_equal(rollout_left(d.table), 1);  // launched before the reload
  drive_calm(d);
  assert_int_equal(rollout_left(d.table), 0);
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(test_one_after_the_other),
      cmocka_unit_test(test_with_no_port_free_one_goes_first),
      cmocka_unit_test(test_the_last_one_stays_until_a_port_is_free),
      cmocka_unit_test(test_one_that_does_not_start_leaves_what_there_was),
      cmocka_unit_test(test_a_newer_one_is_given_out_first),
      cmocka_unit_test(test_of_other_settings_they_are_of_no_use),
      cmocka_unit_test(test_changed_back_nothing_is_replaced),
      cmocka_unit_test(test_draining_replaces_nothing),
      cmocka_unit_test(test_a_pool_that_is_to_be_empty_is),
      cmocka_unit_test(test_another_image_under_the_name_replaces_the_pool),
      cmocka_unit_test(test_what_an_earlier_run_left_of_another_image_is_replaced_once),
      cmocka_unit_test(test_a_reload_asks_what_the_name_stands_for),
      cmocka_unit_test(test_a_name_that_stands_for_nothing_leaves_what_there_was),
      cmocka_unit_test(test_what_was_pulled_for_it_is_not_old),
      cmocka_unit_test(test_after_a_reload_nothing_is_known_of_the_image),
  };
  return cmocka_run_group_tests_name("core/rollout", tests, nullptr, nullptr);
}
