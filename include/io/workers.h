// Threads that do what blocks: a lane is a queue and a few threads of its own, so that slow work of one kind never delays another.
#ifndef IO_WORKERS_H
#define IO_WORKERS_H

#include <cstddef>
#include <functional>
#include <memory>

#include "io/mailbox.h"

enum class LaneOrder { Urgent, Normal };  // urgent work goes before normal work that has not begun

struct Lane;
struct LaneDeleter {
  void operator()(Lane* lane) const;  // waits for what has begun, drops what has not, joins
};
using LanePtr = std::unique_ptr<Lane, LaneDeleter>;

// Work runs on one of at most `threads` threads; the Message it returns is posted to the mailbox. A thread starts when there is work for it, with
// all signals blocked, and ends when it has had none for rest_ms: what malloc keeps for it goes with it.
using Work = std::function<Message()>;
inline constexpr int kLaneRestMs = 10000;
LanePtr lane_create(const char* name, size_t threads, Mailbox* mailbox, int rest_ms = kLaneRestMs);
void lane_submit(Lane* lane, LaneOrder order, Work work);  // any thread
size_t lane_unfinished(Lane* lane);                        // queued + running

#endif
