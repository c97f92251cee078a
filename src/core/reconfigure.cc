// Settings that change while it runs: who has a session keeps it, what waits for nobody yet is made anew where it was born under other ones:
// at once what is on its way or of no use any more, by and by what is ready (rollout.cc).
#include <algorithm>
#include <vector>

#include "core/rules.h"

static bool is_within(const CoreConfig& config, int port) { return port >= config.port_min && port <= config.port_max; }

static bool is_taken(const Slot& slot) { return !slot.client.empty() || !slot.heir.empty(); }

// False, and said: somebody's session is on a port that would no longer be ours.
static bool may_move_range(Turn& turn, const CoreConfig& next) {
  int outside = 0, first = 0;
  for (const auto& [port, slot] : turn.table.slots) {
    if (!is_taken(slot) || is_within(next, port) || !is_within(turn.table.config, port)) continue;
    if (outside++ == 0) first = port;
  }
  if (outside == 0) return true;
  say(turn, SayLevel::Warning, "RELOAD",
      "PORT_RANGE_MIN and PORT_RANGE_MAX stay " + std::to_string(turn.table.config.port_min) + " and " + std::to_string(turn.table.config.port_max) + ": of the sessions, " +
          std::to_string(outside) + " would be outside of " + std::to_string(next.port_min) + " to " + std::to_string(next.port_max) + ", the first on port " +
          std::to_string(first) + ". Reload again when they have ended, or restart: they then stay until they end");
  return false;
}

static void move_range(Turn& turn, const CoreConfig& next) {
  Table& table = turn.table;
  std::vector<int> leaving;
  for (auto& [port, slot] : table.slots) {
    slot.outside = !is_within(next, port);
    if (slot.outside && slot.state == SlotState::Free) leaving.push_back(port);
  }
  for (const int port : leaving) slot_drop(table, port);
  for (int port = next.port_min; port <= next.port_max; port++)
    if (!slot_at(table, port)) slot_add(table, port, false);
}

// Of the pool, and no longer of use: READY ones that still are go one by one (rollout.cc).
static bool is_of_yesterday(const Table& table, const Slot& slot) {
  if (!slot.client.empty()) return false;
  if (slot.state == SlotState::Ready) return !rollout_serves(table, slot);
  const bool comes = slot.state == SlotState::Creating || slot.state == SlotState::Waiting;
  return comes && (slot.outside || rollout_is_old(table, slot));
}

static void renew_pool(Turn& turn) {
  std::vector<int> old;
  for (const auto& [port, slot] : turn.table.slots)
    if (is_of_yesterday(turn.table, slot)) old.push_back(port);
  for (const int port : old) removal_begin(turn, *slot_at(turn.table, port), Ending::Stale, "the settings it was started with are no longer today's");
}

void reconfigure(Turn& turn, const Reconfigured& event) {
  Table& table = turn.table;
  if (table.stopping) return;
  CoreConfig next = event.config;
  if (may_move_range(turn, next)) {
    move_range(turn, next);
  } else {
    next.port_min = table.config.port_min;
    next.port_max = table.config.port_max;
  }
  if (!table.image.empty()) table.image_before = table.image;
  table.image.clear();  // VNC_IMAGE may be another: the listing tells
  table.config = next;
  if (!next.look_every_ms)
    for (auto& [port, slot] : table.slots) slot.viewers = -1;  // what was seen last would stay for ever
  table.cleanup_at_ms = std::min(table.cleanup_at_ms, turn.now.mono_ms + next.cleanup_interval_ms);
  table.round_at_ms = kNever;
  table.pool_think_ms = table.pool_at_ms = table.pool_backoff_ms = 0;  // what failed may be mended
  if (table.reconciled) table.list_at_ms = std::min(table.list_at_ms, turn.now.mono_ms);  // the image may have been built anew
  table_wake(table, turn.now.mono_ms);
  if (table.reconciled) renew_pool(turn);  // the first listing does it otherwise
}
