// Lanes: how many threads, in which order, what ends with them.
#include "io/workers.h"

#include <dirent.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>

#include <atomic>
#include <condition_variable>
#include <fstream>
#include <mutex>
#include <string>
#include <thread>

#include "support/cmocka_cc.h"

// A door that work waits at until the test opens it.
struct Gate {
  std::mutex mutex;
  std::condition_variable changed;
  bool open = false;
  int waiting = 0;
};

static void gate_pass(Gate* gate) {
  std::unique_lock<std::mutex> lock(gate->mutex);
  ++gate->waiting;
  gate->changed.notify_all();
  gate->changed.wait(lock, [gate] { return gate->open; });
}

static bool gate_await(Gate* gate, int count) {
  std::unique_lock<std::mutex> lock(gate->mutex);
  return gate->changed.wait_for(lock, std::chrono::seconds(10), [gate, count] { return gate->waiting >= count; });
}

static void gate_open(Gate* gate) {
  std::lock_guard<std::mutex> lock(gate->mutex);
  gate->open = true;
  gate->changed.notify_all();
}

static MailboxPtr make_mailbox() {
  std::string error;
  MailboxPtr mailbox = mailbox_create(&error);
  assert_non_null(mailbox.get());
  return mailbox;
}

// Reads until `count` results are there, or 10 s are over.
static std::vector<uint64_t> results(Mailbox* mailbox, size_t count) {
  std::vector<uint64_t> versions;
  while (versions.size() < count) {
    pollfd one = {mailbox_fd(mailbox), POLLIN, 0};
    if (poll(&one, 1, 10000) != 1) break;
    for (const Message& message : mailbox_take(mailbox)) versions.push_back(std::get<StoreWritten>(message).version);
  }
  return versions;
}

static Work returns(uint64_t version) {
  return [version] { return StoreWritten{version, "", 0}; };
}

static Work waits_and_returns(Gate* gate, uint64_t version) {
  return [gate, version] {
    gate_pass(gate);
    return StoreWritten{version, "", 0};
  };
}

static int threads_named(const std::string& name) {
  int count = 0;
  DIR* tasks = opendir("/proc/self/task");
  assert_non_null(tasks);
  while (const dirent* entry = readdir(tasks)) {
    std::ifstream file(std::string("/proc/self/task/") + entry->d_name + "/comm");
    std::string line;
    count += std::getline(file, line) && line == name;
  }
  closedir(tasks);
  return count;
}

static void a_lane_runs_as_many_at_once_as_it_has_threads_and_no_more(void**) {
  MailboxPtr mailbox = make_mailbox();
  Gate gate;
  LanePtr lane = lane_create("test", 3, mailbox.get());
  for (uint64_t i = 0; i < 5; ++i) lane_submit(lane.get(), LaneOrder::Normal, waits_and_returns(&gate, i));
  assert_true(gate_await(&gate, 3));
  assert_int_equal(lane_unfinished(lane.get()), 5);
  int waiting;
  {
    std::lock_guard<std::mutex> lock(gate.mutex);
    waiting = gate.waiting;
  }
  assert_int_equal(waiting, 3);
  gate_open(&gate);
  assert_int_equal(results(mailbox.get(), 5).size(), 5);
}

static void threads_start_only_when_there_is_work_for_them(void**) {
  MailboxPtr mailbox = make_mailbox();
  LanePtr lane = lane_create("lazy lane", 4, mailbox.get());
  assert_int_equal(threads_named("lazy lane"), 0);
  Gate gate;
  lane_submit(lane.get(), LaneOrder::Normal, waits_and_returns(&gate, 1));
  lane_submit(lane.get(), LaneOrder::Normal, waits_and_returns(&gate, 2));
  assert_true(gate_await(&gate, 2));
  assert_int_equal(threads_named("lazy lane"), 2);
  gate_open(&gate);
  assert_int_equal(results(mailbox.get(), 2).size(), 2);
  lane.reset();
  // The kernel may show a joined thread for a moment longer.
  for (int i = 0; i < 1000 && threads_named("lazy lane") > 0; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  assert_int_equal(threads_named("lazy lane"), 0);
}

// What a thread has freed malloc keeps for it, and for as long as it lives: threads of a busy hour would hold that for good.
static void threads_without_work_end_and_come_again(void**) {
  MailboxPtr mailbox = make_mailbox();
  LanePtr lane = lane_create("resting lane", 4, mailbox.get(), 50);
  for (int round = 0; round < 3; ++round) {
    Gate gate;
    for (uint64_t i = 0; i < 4; ++i) lane_submit(lane.get(), LaneOrder::Normal, waits_and_returns(&gate, i));
    assert_true(gate_await(&gate, 4));
    assert_int_equal(threads_named("resting lane"), 4);
    gate_open(&gate);
    assert_int_equal(results(mailbox.get(), 4).size(), 4);
    for (int i = 0; i < 10000 && threads_named("resting lane") > 0; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    assert_int_equal(threads_named("resting lane"), 0);
  }
}

// One at a time, again and again, is work for one thread: were they called in turn, none of them would ever rest.
static void work_for_one_thread_lets_the_others_end(void**) {
  MailboxPtr mailbox = make_mailbox();
  LanePtr lane = lane_create("one is enough", 3, mailbox.get(), 1000);
  Gate gate;
  for (uint64_t i = 0; i < 3; ++i) lane_submit(lane.get(), LaneOrder::Normal, waits_and_returns(&gate, i));
  assert_true(gate_await(&gate, 3));
  gate_open(&gate);
  assert_int_equal(results(mailbox.get(), 3).size(), 3);
  for (int i = 0; i < 300 && threads_named("one is enough") > 1; ++i) {
    lane_submit(lane.get(), LaneOrder::Normal, returns(1));
    assert_int_equal(results(mailbox.get(), 1).size(), 1);
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  assert_int_equal(threads_named("one is enough"), 1);
}

// Work that comes at the very moment a thread has had enough of waiting is neither lost nor done twice.
static void work_that_comes_as_a_thread_ends_is_done(void**) {
  MailboxPtr mailbox = make_mailbox();
  LanePtr lane = lane_create("test", 2, mailbox.get(), 1);
  for (uint64_t i = 0; i < 500; ++i) {
    lane_submit(lane.get(), LaneOrder::Normal, returns(i));
    assert_true((results(mailbox.get(), 1) == std::vector<uint64_t>{i}));
    std::this_thread::sleep_for(std::chrono::microseconds(800 + i));
  }
}

static void urgent_work_goes_before_normal_work_that_has_not_begun(void**) {
  MailboxPtr mailbox = make_mailbox();
  Gate gate;
  LanePtr lane = lane_create("test", 1, mailbox.get());
  lane_submit(lane.get(), LaneOrder::Normal, waits_and_returns(&gate, 1));
  assert_true(gate_await(&gate, 1));
  lane_submit(lane.get(), LaneOrder::Normal, returns(2));
  lane_submit(lane.get(), LaneOrder::Normal, returns(3));
  lane_submit(lane.get(), LaneOrder::Urgent, returns(4));
  lane_submit(lane.get(), LaneOrder::Urgent, returns(5));
  gate_open(&gate);
  std::vector<uint64_t> order = results(mailbox.get(), 5);
  assert_true((order == std::vector<uint64_t>{1, 4, 5, 2, 3}));
}

static void a_stuck_lane_delays_no_other(void**) {
  MailboxPtr mailbox = make_mailbox();
  Gate gate;
  LanePtr stuck = lane_create("stuck", 1, mailbox.get());
  LanePtr free_lane = lane_create("free", 1, mailbox.get());
  lane_submit(stuck.get(), LaneOrder::Urgent, waits_and_returns(&gate, 1));
  assert_true(gate_await(&gate, 1));
  lane_submit(free_lane.get(), LaneOrder::Normal, returns(2));
  std::vector<uint64_t> first = results(mailbox.get(), 1);
  assert_true((first == std::vector<uint64_t>{2}));
  assert_int_equal(lane_unfinished(stuck.get()), 1);
  gate_open(&gate);
  assert_int_equal(results(mailbox.get(), 1).size(), 1);
}

static void the_end_of_a_lane_waits_for_what_has_begun_and_drops_the_rest(void**) {
  MailboxPtr mailbox = make_mailbox();
  Gate gate;
  std::atomic<int> begun{0};
  LanePtr lane = lane_create("test", 2, mailbox.get());
  for (uint64_t i = 0; i < 6; ++i) {
    lane_submit(lane.get(), i == 5 ? LaneOrder::Urgent : LaneOrder::Normal, [&gate, &begun, i] {
      ++begun;
      gate_pass(&gate);
      return StoreWritten{i, "", 0};
    });
  }
  assert_true(gate_await(&gate, 2));
  std::thread opener([&gate, &lane] {
    // Opened only once the lane is known to be ending, which shows as an empty queue.
    while (lane_unfinished(lane.get()) > 2) std::this_thread::yield();
    gate_open(&gate);
  });
  const LaneDeleter end;
  end(lane.get());  // not reset(): the opener looks at the lane meanwhile
  (void)lane.release();
  opener.join();
  assert_int_equal(begun.load(), 2);
  assert_int_equal(mailbox_take(mailbox.get()).size(), 2);
}

static void nothing_unfinished_means_every_result_is_in_the_mailbox(void**) {
  MailboxPtr mailbox = make_mailbox();
  LanePtr lane = lane_create("test", 4, mailbox.get());
  size_t missing = 0;
  for (int round = 0; round < 200; ++round) {
    for (uint64_t i = 0; i < 8; ++i) lane_submit(lane.get(), LaneOrder::Normal, returns(i));
    while (lane_unfinished(lane.get()) > 0) std::this_thread::yield();
    missing += 8 - mailbox_take(mailbox.get()).size();
  }
  assert_int_equal(missing, 0);
}

static void workers_take_no_signal(void**) {
  MailboxPtr mailbox = make_mailbox();
  LanePtr lane = lane_create("a name longer than Linux takes", 1, mailbox.get());
  lane_submit(lane.get(), LaneOrder::Normal, [] {
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    uint64_t blocked = 0;
    for (int signal : {SIGTERM, SIGINT, SIGHUP, SIGCHLD, SIGUSR1}) blocked += sigismember(&mask, signal) == 1;
    return StoreWritten{blocked, "", 0};
  });
  assert_true((results(mailbox.get(), 1) == std::vector<uint64_t>{5}));
  sigset_t mine;
  pthread_sigmask(SIG_SETMASK, nullptr, &mine);
  assert_int_equal(sigismember(&mine, SIGTERM), 0);
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_lane_runs_as_many_at_once_as_it_has_threads_and_no_more),
      cmocka_unit_test(threads_start_only_when_there_is_work_for_them),
      cmocka_unit_test(threads_without_work_end_and_come_again),
      cmocka_unit_test(work_for_one_thread_lets_the_others_end),
      cmocka_unit_test(work_that_comes_as_a_thread_ends_is_done),
      cmocka_unit_test(urgent_work_goes_before_normal_work_that_has_not_begun),
      cmocka_unit_test(a_stuck_lane_delays_no_other),
      cmocka_unit_test(the_end_of_a_lane_waits_for_what_has_begun_and_drops_the_rest),
      cmocka_unit_test(nothing_unfinished_means_every_result_is_in_the_mailbox),
      cmocka_unit_test(workers_take_no_signal),
  };
  return cmocka_run_group_tests_name("workers", tests, nullptr, nullptr);
}
