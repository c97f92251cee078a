// The warm pool: as many READY slots as the settings ask for, refilled in the background, with growing pauses while that fails.
#include <algorithm>

#include "core/rules.h"

static int pool_count(const Turn& turn, SlotState state) { return turn.table.count_pool[static_cast<size_t>(state)]; }

static void trim(Turn& turn, int surplus) {
  while (surplus-- > 0) {
    Slot* newest = nullptr;
    for (auto& [port, slot] : turn.table.slots)
      if (slot.state == SlotState::Ready && (!newest || slot.changed > newest->changed)) newest = &slot;
    if (!newest) return;
    removal_begin(turn, *newest, "the pool is larger than WARM_POOL_SIZE");
  }
}

static void wake_for_blocked_ports(Turn& turn) {
  if (!turn.table.count[static_cast<size_t>(SlotState::Free)]) return;
  for (const auto& [port, slot] : turn.table.slots)
    if (slot.state == SlotState::Free && slot.blocked_until_ms > turn.now.mono_ms) table_wake(turn.table, slot.blocked_until_ms);
}

void pool_fill(Turn& turn) {
  Table& table = turn.table;
  if (!table.reconciled || table.stopping || !table.engine_up || table.pulling || durable_broken(turn)) return;
  int ready = pool_count(turn, SlotState::Ready);
  int coming = pool_count(turn, SlotState::Creating) + pool_count(turn, SlotState::Waiting);
  int target = table.config.warm_pool_size;
  if (ready > target) trim(turn, ready - target);
  int need = target - ready - coming;
  if (need <= 0) {
    table.pool_need = 0;
    return;
  }
  if (turn.now.mono_ms < table.pool_at_ms) {
    table_wake(table, table.pool_at_ms);
    return;
  }
  if (need != table.pool_need && launch_free_port(turn))
    say(turn, table.pool_said ? SayLevel::Debug : SayLevel::Info, "POOL",
        "Replenishing pool: current=" + std::to_string(ready) + " target=" + std::to_string(target) + " need=" + std::to_string(need));
  table.pool_need = need;
  for (; need > 0 && coming < kPoolParallel; need--, coming++) {
    Slot* slot = launch_free_port(turn);
    if (!slot) {
      wake_for_blocked_ports(turn);
      return;
    }
    launch_begin(turn, *slot, "", {});
  }
}

void pool_failed(Turn& turn, const std::string& why) {
  Table& table = turn.table;
  if (turn.now.mono_ms < table.pool_at_ms) return;  // launches that failed together count once
  table.pool_backoff_ms = std::min(std::max<int64_t>(table.pool_backoff_ms * 2, 1000), kPoolBackoffMostMs);
  table.pool_at_ms = turn.now.mono_ms + table.pool_backoff_ms;
  table_wake(table, table.pool_at_ms);
  if (!table.pool_said)
    say(turn, SayLevel::Error, "POOL",
        "The pool cannot be filled, trying again with pauses that grow to " + std::to_string(kPoolBackoffMostMs / 1000) + " s: " + why);
  table.pool_said = true;
}

void pool_worked(Turn& turn) {
  Table& table = turn.table;
  table.pool_backoff_ms = 0;
  table.pool_at_ms = 0;
  if (table.pool_said) say(turn, SayLevel::Info, "POOL", "The pool can be filled again");
  table.pool_said = false;
}
