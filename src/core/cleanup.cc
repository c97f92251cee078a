// Which sessions end by themselves: those that nobody has watched or accessed for IDLE_TIMEOUT_HOURS, and, where MAX_SESSION_HOURS is
// set, those that are older, once nobody watches. The pool is reserve, not idle.
#include <algorithm>

#include "core/rules.h"

static int64_t age_ms(const Turn& turn, const Slot& slot) { return turn.now.mono_ms - slot.created_ms; }

static bool is_idle(const Turn& turn, const Slot& slot) {
  return slot.state == SlotState::Assigned && slot.viewers <= 0 &&
         turn.now.mono_ms - viewers_idle_since(slot) > turn.table.config.idle_timeout_ms;
}

// Where nobody can tell who watches, a session that was accessed within that time counts as watched.
static bool is_too_old(const Turn& turn, const Slot& slot) {
  int64_t most = turn.table.config.max_session_ms;
  if (!most || slot.state != SlotState::Assigned || slot.viewers > 0 || age_ms(turn, slot) <= most) return false;
  int64_t quiet = turn.now.mono_ms - viewers_idle_since(slot);
  return quiet > (slot.viewers == 0 ? kOnTheirWayMs : most);
}

static bool may_end(const Turn& turn, const Slot& slot) { return is_idle(turn, slot) || is_too_old(turn, slot); }

static std::string hours(int64_t ms) { return std::to_string(ms / 3'600'000) + "." + std::to_string(ms % 3'600'000 / 360'000) + " h"; }

static void end(Turn& turn, Slot& slot) {
  bool idle = is_idle(turn, slot);
  std::string which = " container=" + short_id(slot.container_id) + " port=" + std::to_string(slot.port) + " CPF=" + slot.client;
  std::string quiet = (slot.last_seen_us ? "nobody has watched or accessed it for " : "not accessed for ") +
                      std::to_string((turn.now.mono_ms - viewers_idle_since(slot)) / 1000) + " s";
  say(turn, SayLevel::Info, "CLEANUP", (idle ? "IDLE" : "OLD") + which + ": " + (idle ? "" : hours(age_ms(turn, slot)) + " old, ") + quiet);
  removal_begin(turn, slot, idle ? Ending::Idle : Ending::TooOld, idle ? "idle for longer than IDLE_TIMEOUT_HOURS" : "older than MAX_SESSION_HOURS, and nobody watches");
}

void cleanup_tick(Turn& turn) {
  Table& table = turn.table;
  if (turn.now.mono_ms < table.cleanup_at_ms) {
    table_wake(table, table.cleanup_at_ms);
    return;
  }
  table.cleanup_at_ms = turn.now.mono_ms + table.config.cleanup_interval_ms;
  table_wake(table, table.cleanup_at_ms);
  if (!table.reconciled || !table.engine_up || table.stopping) return;
  std::vector<const Slot*> idle;
  for (const auto& [port, slot] : table.slots)
    if (may_end(turn, slot)) idle.push_back(&slot);
  if (table.config.look_every_ms && !idle.empty()) {
    viewers_look(turn, LookFor::Cleanup, idle);
    return;
  }
  Looked nobody_looks;
  for (const Slot* slot : idle) nobody_looks.watched.push_back(Watched{slot->port, slot->generation, -1});
  cleanup_looked(turn, nobody_looks);
}

void cleanup_looked(Turn& turn, const Looked& event) {
  if (!turn.table.engine_up || turn.table.stopping) return;
  int ended = 0;
  for (const Watched& watched : event.watched) {
    Slot* slot = slot_of(turn.table, watched.port, watched.generation);
    if (!slot || !may_end(turn, *slot)) continue;
    if (turn.table.config.look_every_ms && !viewers_fresh(turn, *slot)) continue;  // the next time, then
    end(turn, *slot);
    ended++;
  }
  say(turn, SayLevel::Info, "CLEANUP", "Done: " + std::to_string(ended) + " idle sessions removed");
}

void cleanup_aged(Turn& turn, const Looked& event) {
  if (!turn.table.config.max_session_ms || !turn.table.engine_up || turn.table.stopping) return;
  for (const Watched& watched : event.watched) {
    Slot* slot = slot_of(turn.table, watched.port, watched.generation);
    if (slot && watched.viewers == 0 && viewers_fresh(turn, *slot) && is_too_old(turn, *slot)) end(turn, *slot);
  }
}
