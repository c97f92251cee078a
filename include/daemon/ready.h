// /ready: whether a new client could be served now, from the table and, where a container would have to be made, from the engine.
#ifndef DAEMON_READY_H
#define DAEMON_READY_H

#include <cstdint>
#include <string>
#include <vector>

#include "core/orchestrator.h"
#include "daemon/entrances.h"
#include "io/jobs.h"

// Who asks while the engine is being asked shares its answer.
struct ReadyDesk {
  std::vector<uint64_t> waiting;
};

// Answers at once, or once the engine has said whether the image is there. True: it is to be asked now, by a LookForImage.
bool ready_desk_ask(ReadyDesk* desk, const Readiness& readiness, Entrances& entrances, uint64_t request);
// `readiness`: as of now.
void ready_desk_told(ReadyDesk* desk, const Readiness& readiness, const EngineError& error, Entrances& entrances);

#endif
