// The thread that listens to the engine's event stream and tells the loop: opened, event, closed; it tries again for ever.
#ifndef IO_WATCHER_H
#define IO_WATCHER_H

#include <memory>

#include "io/engine.h"
#include "io/mailbox.h"

struct Watcher;
struct WatcherDeleter {
  void operator()(Watcher* watcher) const;  // stops and joins, within a second
};
using WatcherPtr = std::unique_ptr<Watcher, WatcherDeleter>;

// Posts StreamOpened, EngineEvent ..., StreamClosed, in that order, again and again; a failed attempt is a StreamClosed without an
// Opened. Waits 0.25 s before a new attempt, doubling up to 5 s while attempts fail. `engine` must outlive it.
WatcherPtr watcher_start(const Engine* engine, Mailbox* mailbox);

#endif
