// The mailbox: order, wake bytes, and that no message or wake-up is lost between threads.
#include "io/mailbox.h"

#include <poll.h>
#include <sys/ioctl.h>

#include <thread>

#include "support/cmocka_cc.h"

static bool readable(const Mailbox* mailbox, int wait_ms) {
  pollfd one = {mailbox_fd(mailbox), POLLIN, 0};
  return poll(&one, 1, wait_ms) == 1;
}

static int bytes_waiting(const Mailbox* mailbox) {
  int count = 0;
  assert_int_equal(ioctl(mailbox_fd(mailbox), FIONREAD, &count), 0);
  return count;
}

static MailboxPtr make() {
  std::string error;
  MailboxPtr mailbox = mailbox_create(&error);
  assert_non_null(mailbox.get());
  return mailbox;
}

static uint64_t version_of(const Message& message) { return std::get<StoreWritten>(message).version; }

static void messages_arrive_in_order_and_of_every_kind(void**) {
  MailboxPtr mailbox = make();
  assert_false(readable(mailbox.get(), 0));
  JobResult result;
  result.id = 7;
  EngineEvent event;
  event.id = "abc";
  mailbox_post(mailbox.get(), result);
  mailbox_post(mailbox.get(), event);
  mailbox_post(mailbox.get(), StreamOpened{});
  mailbox_post(mailbox.get(), StreamClosed{{EngineFault::Unreachable, "gone"}});
  mailbox_post(mailbox.get(), StoreWritten{9, "", 0.5});
  mailbox_post(mailbox.get(), PullProgress{"half"});
  assert_true(readable(mailbox.get(), 0));
  std::vector<Message> taken = mailbox_take(mailbox.get());
  assert_int_equal(taken.size(), 6);
  assert_int_equal(std::get<JobResult>(taken[0]).id, 7);
  assert_string_equal(std::get<EngineEvent>(taken[1]).id.c_str(), "abc");
  assert_true(std::holds_alternative<StreamOpened>(taken[2]));
  assert_string_equal(std::get<StreamClosed>(taken[3]).error.text.c_str(), "gone");
  assert_int_equal(version_of(taken[4]), 9);
  assert_string_equal(std::get<PullProgress>(taken[5]).line.c_str(), "half");
  assert_false(readable(mailbox.get(), 0));
  assert_int_equal(mailbox_take(mailbox.get()).size(), 0);
}

static void one_wake_byte_until_the_mail_is_taken(void**) {
  MailboxPtr mailbox = make();
  for (int round = 0; round < 3; ++round) {
    for (uint64_t i = 0; i < 1000; ++i) mailbox_post(mailbox.get(), StoreWritten{i, "", 0});
    assert_int_equal(bytes_waiting(mailbox.get()), 1);
    assert_int_equal(mailbox_take(mailbox.get()).size(), 1000);
    assert_int_equal(bytes_waiting(mailbox.get()), 0);
  }
}

static void nothing_is_lost_between_many_threads(void**) {
  constexpr uint64_t kThreads = 6, kEach = 20000;
  MailboxPtr mailbox = make();
  std::vector<std::thread> senders;
  for (uint64_t who = 0; who < kThreads; ++who) {
    senders.emplace_back([&mailbox, who] {
      for (uint64_t i = 0; i < kEach; ++i) mailbox_post(mailbox.get(), StoreWritten{who * kEach + i, "", 0});
    });
  }
  // The reader sleeps in poll between its takes, as the loop does: a lost wake-up would leave it there.
  std::vector<uint64_t> next(kThreads, 0);
  uint64_t received = 0;
  bool in_order = true, woken = true;
  while (received < kThreads * kEach && woken) {
    woken = readable(mailbox.get(), 10000);
    for (const Message& message : mailbox_take(mailbox.get())) {
      uint64_t who = version_of(message) / kEach;
      in_order = in_order && version_of(message) % kEach == next[who];
      ++next[who];
      ++received;
    }
  }
  for (std::thread& sender : senders) sender.join();
  assert_true(woken);
  assert_true(in_order);
  assert_int_equal(received, kThreads * kEach);
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(messages_arrive_in_order_and_of_every_kind),
      cmocka_unit_test(one_wake_byte_until_the_mail_is_taken),
      cmocka_unit_test(nothing_is_lost_between_many_threads),
  };
  return cmocka_run_group_tests_name("mailbox", tests, nullptr, nullptr);
}
