// The thread that looks at who watches: what it is given to do, and the messages that come of it.
#ifndef DAEMON_EYES_H
#define DAEMON_EYES_H

#include <string>
#include <vector>

#include "core/events.h"
#include "io/lookout.h"
#include "io/workers.h"

// A lane of one thread, since a lookout is one thread's.
struct Eyes {
  LookoutPtr lookout;
  LanePtr lane;  // after the lookout: it ends first
};
Eyes eyes_open(int container_port, Mailbox* mailbox);

// A LookDone for this look.
void eyes_look(Eyes* eyes, const DoLook& look);
// What the engine says of a container that runs: its process, 0 when it does not tell.
struct EyesProcess {
  std::string container_id;
  int pid = 0;
};
// Takes these in; then a LookDone for `at`, with purpose Met.
void eyes_meet(Eyes* eyes, std::vector<EyesProcess> processes, std::vector<LookTarget> at);

void eyes_measure(Eyes* eyes);  // a LookoutMemory

Event event_of_look(const LookDone& done);

#endif
