// Sessions that nobody has accessed for longer than IDLE_TIMEOUT_HOURS are ended. The pool is reserve, not idle.
#include "core/rules.h"

void cleanup_tick(Turn& turn) {
  Table& table = turn.table;
  if (turn.now.mono_ms < table.cleanup_at_ms) {
    table_wake(table, table.cleanup_at_ms);
    return;
  }
  table.cleanup_at_ms = turn.now.mono_ms + table.config.cleanup_interval_ms;
  table_wake(table, table.cleanup_at_ms);
  if (!table.reconciled || !table.engine_up || table.stopping) return;
  std::vector<int> idle;
  for (const auto& [port, slot] : table.slots)
    if (slot.state == SlotState::Assigned && turn.now.mono_ms - slot.last_access_ms > table.config.idle_timeout_ms) idle.push_back(port);
  for (int port : idle) {
    Slot* slot = slot_at(table, port);
    say(turn, SayLevel::Info, "CLEANUP",
        "IDLE container=" + short_id(slot->container_id) + " port=" + std::to_string(port) + " CPF=" + slot->client + ": not accessed for " +
            std::to_string((turn.now.mono_ms - slot->last_access_ms) / 1000) + " s");
    removal_begin(turn, *slot, "idle for longer than IDLE_TIMEOUT_HOURS");
  }
  say(turn, SayLevel::Info, "CLEANUP", "Done: " + std::to_string(idle.size()) + " idle sessions removed");
}
