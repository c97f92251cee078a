// Lanes: a queue and a few threads each, started as work comes.
#include "io/workers.h"

#include <pthread.h>
#include <signal.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

struct Lane {
  std::string name;
  size_t most_threads = 1;
  Mailbox* mailbox = nullptr;

  std::mutex mutex;
  std::condition_variable wake;
  // All below is guarded by mutex.
  std::deque<Work> urgent;
  std::deque<Work> normal;
  size_t running = 0;
  size_t idle = 0;  // threads that wait for work
  bool stopping = false;
  std::vector<std::thread> threads;
};

static void lane_run(Lane* lane) {
  // Linux shows at most 15 characters of a thread's name.
  pthread_setname_np(pthread_self(), lane->name.substr(0, 15).c_str());
  std::unique_lock<std::mutex> lock(lane->mutex);
  for (;;) {
    ++lane->idle;
    lane->wake.wait(lock, [lane] { return lane->stopping || !lane->urgent.empty() || !lane->normal.empty(); });
    --lane->idle;
    if (lane->stopping) return;
    std::deque<Work>& queue = lane->urgent.empty() ? lane->normal : lane->urgent;
    Work work = std::move(queue.front());
    queue.pop_front();
    ++lane->running;
    lock.unlock();
    mailbox_post(lane->mailbox, work());
    work = nullptr;  // what it holds is freed unlocked
    lock.lock();
    --lane->running;  // after the post: when nothing is unfinished, every result is in the mailbox
  }
}

// With the mutex held. False when the system gives no thread.
static bool lane_add_thread(Lane* lane) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);  // a new thread inherits the mask: signals are the loop's
  bool added = true;
  try {
    lane->threads.emplace_back(lane_run, lane);
  } catch (const std::system_error&) {
    added = false;
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return added;
}

LanePtr lane_create(const char* name, size_t threads, Mailbox* mailbox) {
  LanePtr lane(new Lane);
  lane->name = name;
  lane->most_threads = threads == 0 ? 1 : threads;
  lane->mailbox = mailbox;
  return lane;
}

void lane_submit(Lane* lane, LaneOrder order, Work work) {
  std::unique_lock<std::mutex> lock(lane->mutex);
  if (lane->stopping) return;
  switch (order) {
    case LaneOrder::Urgent: lane->urgent.push_back(std::move(work)); break;
    case LaneOrder::Normal: lane->normal.push_back(std::move(work)); break;
  }
  // When a thread is refused, those there are (or the next submission) do the work.
  if (lane->idle < lane->urgent.size() + lane->normal.size() && lane->threads.size() < lane->most_threads)
    lane_add_thread(lane);
  lock.unlock();
  lane->wake.notify_one();
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
  }
  lane->wake.notify_all();
  for (std::thread& thread : lane->threads) thread.join();
  delete lane;
}
