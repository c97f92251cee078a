// No session begins while the server is being drained; the rules themselves are where sessions begin: access_serve and pool_fill.
#include "core/rules.h"

void drain_set(Turn& turn, const DrainSet& event) {
  Table& table = turn.table;
  turn.request = event.request;
  const bool was = table.draining_us != 0;
  table.draining_us = event.since_us;
  if ((event.since_us != 0) == was) return;
  if (was) {
    say(turn, SayLevel::Info, "DRAIN", "Sessions begin again");
    table.pool_at_ms = 0;
    return;
  }
  say(turn, SayLevel::Warning, "DRAIN",
      "No session begins until /undrain, also after a restart; the " + std::to_string(table.count[static_cast<size_t>(SlotState::Assigned)]) +
          " that are there go on");
}
