// The thread on the engine's event stream: one attempt after the other until it is told to stop.
#include "io/watcher.h"

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>

namespace {

constexpr std::chrono::milliseconds kFirstWait{250};
constexpr std::chrono::milliseconds kLongestWait{5000};

}  // namespace

struct Watcher {
  const Engine* engine = nullptr;
  Mailbox* mailbox = nullptr;
  StopSign stop;  // set under mutex, so that the wait between attempts cannot miss it
  std::mutex mutex;
  std::condition_variable wake;
  std::thread thread;
};

static void watcher_run(Watcher* watcher) {
  pthread_setname_np(pthread_self(), "engine-events");
  std::chrono::milliseconds wait = kFirstWait;
  while (!watcher->stop.set.load()) {
    bool opened = false;
    const auto began = std::chrono::steady_clock::now();
    EngineError error = watcher->engine->ops->watch(
        watcher->engine->self, &watcher->stop,
        [watcher, &opened] {
          opened = true;
          mailbox_post(watcher->mailbox, StreamOpened{});
        },
        [watcher](const EngineEvent& event) { mailbox_post(watcher->mailbox, event); });
    if (watcher->stop.set.load()) return;
    mailbox_post(watcher->mailbox, StreamClosed{std::move(error)});
    // One that opens and breaks at once, again and again, must not be taken up again at once, again and again.
    if (opened && std::chrono::steady_clock::now() - began >= kLongestWait) wait = kFirstWait;
    std::unique_lock<std::mutex> lock(watcher->mutex);
    watcher->wake.wait_for(lock, wait, [watcher] { return watcher->stop.set.load(); });
    wait = std::min(wait * 2, kLongestWait);
  }
}

WatcherPtr watcher_start(const Engine* engine, Mailbox* mailbox) {
  Watcher* watcher = new Watcher;
  watcher->engine = engine;
  watcher->mailbox = mailbox;
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);  // signals are the loop's
  try {
    watcher->thread = std::thread(watcher_run, watcher);
  } catch (const std::system_error&) {
    delete watcher;
    watcher = nullptr;
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return WatcherPtr(watcher);
}

void WatcherDeleter::operator()(Watcher* watcher) const {
  {
    std::lock_guard<std::mutex> lock(watcher->mutex);
    stop_sign_set(&watcher->stop);
  }
  watcher->wake.notify_all();
  watcher->thread.join();
  delete watcher;
}
