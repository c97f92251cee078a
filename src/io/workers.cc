// Lanes: a queue and a few threads each, started as work comes and ended when none comes any more.
#include "io/workers.h"

#include <malloc.h>
#include <pthread.h>
#include <signal.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <list>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace {

// A thread that waits for work, in the list of those until it is called or has waited for long enough.
struct Sleeper {
  std::condition_variable wake;
  bool called = false;
};

using Threads = std::list<std::thread>;

}  // namespace

struct Lane {
  std::string name;
  size_t most_threads = 1;
  std::chrono::milliseconds rest{0};
  Mailbox* mailbox = nullptr;

  std::mutex mutex;
  // All below is guarded by mutex.
  std::deque<Work> urgent;
  std::deque<Work> normal;
  size_t running = 0;
  // The last to fall asleep is called first, so that those who are not needed rest for long enough to end.
  std::vector<Sleeper*> sleepers;
  bool stopping = false;
  Threads threads;  // without those that have ended by themselves
};

// With the mutex held. False when there was nothing to do for so long that the thread is to end.
static bool lane_await(Lane* lane, std::unique_lock<std::mutex>* lock) {
  Sleeper me;
  lane->sleepers.push_back(&me);
  me.wake.wait_for(*lock, lane->rest, [&] { return me.called || lane->stopping; });
  if (!me.called) std::erase(lane->sleepers, &me);
  return me.called;
}

static void lane_run(Lane* lane, Threads::iterator self) {
  // Linux shows at most 15 characters of a thread's name.
  pthread_setname_np(pthread_self(), lane->name.substr(0, 15).c_str());
  std::unique_lock<std::mutex> lock(lane->mutex);
  for (;;) {
    while (lane->urgent.empty() && lane->normal.empty() && !lane->stopping && lane_await(lane, &lock)) {
    }
    if (lane->stopping) return;
    std::deque<Work>& queue = lane->urgent.empty() ? lane->normal : lane->urgent;
    if (queue.empty()) break;
    Work work = std::move(queue.front());
    queue.pop_front();
    ++lane->running;
    lock.unlock();
    mailbox_post(lane->mailbox, work());
    work = nullptr;  // what it holds is freed unlocked
    lock.lock();
    --lane->running;  // after the post: when nothing is unfinished, every result is in the mailbox
  }
  self->detach();  // nobody is to wait for it: it touches nothing of the lane any more
  lane->threads.erase(self);
  lock.unlock();
  malloc_trim(0);  // it is quiet: what the busy time before has freed goes back to the system
}

// With the mutex held. False when the system gives no thread.
static bool lane_add_thread(Lane* lane) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);  // a new thread inherits the mask: signals are the loop's
  bool added = true;
  try {
    lane->threads.emplace_back();
    lane->threads.back() = std::thread(lane_run, lane, std::prev(lane->threads.end()));
  } catch (const std::system_error&) {
    lane->threads.pop_back();
    added = false;
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return added;
}

LanePtr lane_create(const char* name, size_t threads, Mailbox* mailbox, int rest_ms) {
  LanePtr lane(new Lane);
  lane->name = name;
  lane->most_threads = threads == 0 ? 1 : threads;
  lane->rest = std::chrono::milliseconds(rest_ms);
  lane->mailbox = mailbox;
  return lane;
}

void lane_submit(Lane* lane, LaneOrder order, Work work) {
  std::lock_guard<std::mutex> lock(lane->mutex);
  if (lane->stopping) return;
  switch (order) {
    case LaneOrder::Urgent: lane->urgent.push_back(std::move(work)); break;
    case LaneOrder::Normal: lane->normal.push_back(std::move(work)); break;
  }
  if (!lane->sleepers.empty()) {
    Sleeper* last = lane->sleepers.back();
    lane->sleepers.pop_back();
    last->called = true;
    last->wake.notify_one();  // with the mutex held: once it is called and awake, it may be gone
  } else if (lane->threads.size() < lane->most_threads) {
    lane_add_thread(lane);  // when it is refused, those there are (or the next submission) do the work
  }
}

size_t lane_unfinished(Lane* lane) {
  std::lock_guard<std::mutex> lock(lane->mutex);
  return lane->urgent.size() + lane->normal.size() + lane->running;
}

void LaneDeleter::operator()(Lane* lane) const {
  std::deque<Work> dropped_urgent, dropped_normal;
  {
    std::lock_guard<std::mutex> lock(lane->mutex);
    lane->stopping = true;
    dropped_urgent.swap(lane->urgent);
    dropped_normal.swap(lane->normal);
    for (Sleeper* sleeper : lane->sleepers) sleeper->wake.notify_one();
  }
  for (std::thread& thread : lane->threads) thread.join();  // since it is stopping, none leaves this list any more
  delete lane;
}
