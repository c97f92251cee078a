// The whole of what the daemon decides: an event goes in, the table moves, actions come out. No clock, no I/O, no thread.
#ifndef CORE_ORCHESTRATOR_H
#define CORE_ORCHESTRATOR_H

#include <string>
#include <vector>

#include "core/events.h"
#include "core/slots.h"
#include "core/types.h"

// A table with every port of the range, the records of STATE_FILE taken in and not yet held against the engine. What is said about
// them (duplicates, a port outside the range) is appended to *actions.
Table orchestrator_create(const CoreConfig& config, const std::vector<Record>& records, Now now, std::vector<Action>* actions);

// Takes in one event. Actions are appended in the order in which they must be carried out. Every request is answered exactly once,
// now or by a later step, unless RequesterGone came first. Call again with Tick when now.mono_ms reaches table.wake_ms.
void step(Table& table, const Event& event, Now now, std::vector<Action>* actions);

// True when the pool's size is not just a number: it wants to know of the machine's memory (RoomSeen), and its foresight is worth keeping.
bool pool_thinks(const Table& table);

// What an access of a new client who asks for no size of their own would come to now. Seen as of the last look at who watches and the last
// write; the table is left as it is.
struct Readiness {
  enum Answer { Yes, ByLaunch, No } answer = No;  // ByLaunch: by a container that is yet to be made, if its image is there
  std::string why;                                // No: for people
};
Readiness orchestrator_ready(const Table& table, Now now);

// After Stop: nothing is on its way any more, so that a last save can be made.
bool orchestrator_at_rest(const Table& table);

#endif
