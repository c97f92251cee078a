// Asks the engine for the image once for all who want to know, and tells them.
#include "daemon/ready.h"

#include "daemon/routes.h"

bool ready_desk_ask(ReadyDesk* desk, const Readiness& readiness, Entrances& entrances, uint64_t request) {
  if (readiness.answer != Readiness::ByLaunch) {
    entrances_answer(entrances, request, route_ready(readiness.why));
    return false;
  }
  desk->waiting.push_back(request);
  return desk->waiting.size() == 1;
}

void ready_desk_told(ReadyDesk* desk, const Readiness& readiness, const EngineError& error, Entrances& entrances) {
  std::vector<uint64_t> told;
  told.swap(desk->waiting);
  const std::string why = readiness.answer == Readiness::ByLaunch && error ? "No session can be made: " + error.text : readiness.why;
  for (const uint64_t request : told) entrances_answer(entrances, request, route_ready(why));
}
