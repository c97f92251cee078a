// The warm pool: as many READY slots as the settings or foresight ask for, refilled in the background, with growing pauses while that fails.
#include <algorithm>
#include <climits>

#include "core/orchestrator.h"
#include "core/rules.h"

static int pool_count(const Turn& turn, SlotState state) { return turn.table.count_pool[static_cast<size_t>(state)]; }

// ---- How many.

static int64_t local_ms(const Turn& turn) { return turn.now.wall_us / 1000 + turn.now.east_s * 1000; }

// A shift counts from so long before its begin that it is ready then.
static bool is_on(const PoolShift& shift, int64_t now_s, double ahead_s) {
  constexpr int64_t kDay = 86400;
  const int64_t to_minute = shift.to_minute > shift.from_minute ? shift.to_minute : shift.to_minute + 24 * 60;
  // Today's, yesterday's that goes on after midnight, and tomorrow's that has to be made ready before.
  for (int64_t day = now_s / kDay - 1; day <= now_s / kDay + 1; ++day) {
    const bool is_its_day = (shift.days >> ((day + 3) % 7) & 1) != 0;  // 1970 began on a Thursday
    const int64_t from = day * kDay + shift.from_minute * 60, to = day * kDay + to_minute * 60;
    if (is_its_day && now_s + static_cast<int64_t>(ahead_s) >= from && now_s < to) return true;
  }
  return false;
}

// As many more as fit into what is free of the memory, leaving a tenth of it to the machine: its own work, and what sessions grow by. What is on
// its way has taken little yet of what it will.
void pool_room_seen(Turn& turn, const RoomSeen& seen) {
  Table& table = turn.table;
  if (seen.total <= 0) return;
  const int64_t each = seen.session > 0 ? seen.session : kSessionKib;
  const int64_t coming = table.count[static_cast<size_t>(SlotState::Creating)] + table.count[static_cast<size_t>(SlotState::Waiting)];
  table.room = static_cast<int>(std::clamp<int64_t>((seen.available - seen.total / 10) / each - coming, 0, INT_MAX));
}

bool pool_thinks(const Table& table) { return table.config.warm_pool_size == kPoolAuto || !table.config.pool_shifts.empty(); }

static int wanted(Turn& turn) {
  Table& table = turn.table;
  const CoreConfig& config = table.config;
  int most = config.warm_pool_size;
  foresight_pass(&table.foresight, local_ms(turn));
  if (most == kPoolAuto) most = std::min(foresight_target(table.foresight, local_ms(turn), config.pool_miss), config.pool_most);
  for (const PoolShift& shift : config.pool_shifts) {
    const double fill_s = table.foresight.lead_s * (1 + shift.size / kPoolParallel) + 60;
    if (is_on(shift, local_ms(turn) / 1000, fill_s)) most = std::max(most, shift.size);
  }
  return most;
}

static int target_of(Turn& turn, int ready, int coming) {
  Table& table = turn.table;
  if (!pool_thinks(table)) return table.config.warm_pool_size;
  if (turn.now.mono_ms >= table.pool_think_ms) {
    table.pool_wanted = wanted(turn);
    table.pool_think_ms = turn.now.mono_ms + kPoolThinkMs;
  }
  table_wake(table, table.pool_think_ms);
  return std::min(table.pool_wanted, ready + coming + std::min(table.room, table.pool_wanted));
}

void pool_asked(Turn& turn) {
  foresight_asked(&turn.table.foresight, local_ms(turn));
  turn.table.pool_think_ms = 0;
}

void pool_launched(Turn& turn, const Slot& slot) {
  foresight_launched(&turn.table.foresight, static_cast<double>(turn.now.mono_ms - slot.launched_ms) / 1000);
}

// ---- Filled and trimmed.

static void trim(Turn& turn, int surplus) {
  while (surplus-- > 0) {
    Slot* newest = nullptr;
    for (auto& [port, slot] : turn.table.slots)
      if (slot.state == SlotState::Ready && (!newest || slot.changed > newest->changed)) newest = &slot;
    if (!newest) return;
    removal_begin(turn, *newest, Ending::Surplus, pool_thinks(turn.table) ? "the pool is larger than it need be" : "the pool is larger than WARM_POOL_SIZE");
  }
}

// A target that moves by itself is not followed down at once: those go that have been too many for ten minutes, and a few at a time.
static void trim_when_due(Turn& turn, int surplus) {
  Table& table = turn.table;
  if (!pool_thinks(table)) {
    if (surplus > 0) trim(turn, surplus);
    return;
  }
  if (surplus <= 0) {
    table.pool_surplus_ms = kNever;
    return;
  }
  if (table.pool_surplus_ms == kNever) {
    table.pool_surplus_ms = turn.now.mono_ms;
    table.pool_surplus = surplus;
  }
  table.pool_surplus = std::min(table.pool_surplus, surplus);
  if (turn.now.mono_ms - table.pool_surplus_ms >= kPoolSurplusMs) {
    const int now = std::min(table.pool_surplus, kPoolParallel);
    trim(turn, now);
    surplus -= now;
    table.pool_surplus -= now;
    if (table.pool_surplus > 0) {
      table.pool_surplus_ms = turn.now.mono_ms - kPoolSurplusMs + 1000;
    } else {  // what has become too many since has ten minutes of its own
      table.pool_surplus_ms = surplus > 0 ? turn.now.mono_ms : kNever;
      table.pool_surplus = surplus;
    }
  }
  if (table.pool_surplus_ms != kNever) table_wake(table, table.pool_surplus_ms + kPoolSurplusMs);
}

static void wake_for_blocked_ports(Turn& turn) {
  if (!turn.table.count[static_cast<size_t>(SlotState::Free)]) return;
  for (const auto& [port, slot] : turn.table.slots)
    if (slot.state == SlotState::Free && slot.blocked_until_ms > turn.now.mono_ms) table_wake(turn.table, slot.blocked_until_ms);
}

// Whoever claims waits for a write first, and then for the first picture: both come later beside a browser that starts. Not for long, since
// where claim follows claim the pool is what the next ones need.
static bool is_held(Turn& turn) {
  Table& table = turn.table;
  const bool claims = table.count[static_cast<size_t>(SlotState::Claiming)] > 0;
  if (claims && table.pool_held_until_ms == kNever) table.pool_held_until_ms = turn.now.mono_ms + kPoolHeldMs;
  if (table.pool_held_until_ms != kNever && turn.now.mono_ms < table.pool_held_until_ms) {
    table_wake(table, table.pool_held_until_ms);
    return true;
  }
  table.pool_held_until_ms = kNever;
  return false;
}

static void pool_forget(Table& table) {
  table.pool_said = false;
  table.pool_text.clear();
}

void pool_fill(Turn& turn) {
  Table& table = turn.table;
  if (!table.reconciled || table.stopping || !table.engine_up || table.pulling || durable_broken(turn)) return;
  int ready = pool_count(turn, SlotState::Ready);
  int launching = pool_count(turn, SlotState::Creating);  // what waits for its health keeps no launch thread
  int coming = launching + pool_count(turn, SlotState::Waiting);
  int target = target_of(turn, ready, coming);
  if (target != table.pool_target && pool_thinks(table))
    say(turn, SayLevel::Info, "POOL", "Target " + std::to_string(table.pool_target) + " -> " + std::to_string(target));
  table.pool_target = target;
  rollout_trim(turn, ready - target);
  ready = pool_count(turn, SlotState::Ready);
  trim_when_due(turn, ready - target);
  int need = target - ready - coming;
  const int old = rollout_left(table);
  const bool replaces = need <= 0 && coming == 0 && old > 0;
  if (replaces) need = 1;
  if (need <= 0) {
    table.pool_need = 0;
    if (coming == 0) pool_forget(table);  // nobody tries any more, so nothing fails
    return;
  }
  if (table.draining_us || is_held(turn)) return;
  if (turn.now.mono_ms < table.pool_at_ms) {
    table_wake(table, table.pool_at_ms);
    return;
  }
  if (need != table.pool_need && launch_free_port(turn))
    say(turn, table.pool_said ? SayLevel::Debug : SayLevel::Info, "POOL",
        (replaces ? "Replacing one of " + std::to_string(old) + " pool containers of another image: current=" : "Replenishing pool: current=") +
            std::to_string(ready) + " target=" + std::to_string(target) + " need=" + std::to_string(need));
  table.pool_need = need;
  for (; need > 0 && launching < kPoolParallel && coming < kPoolComing; need--, launching++, coming++) {
    Slot* slot = launch_free_port(turn);
    if (!slot) {
      if (coming == 0) rollout_make_room(turn);
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
  table.pool_text = why;
}

void pool_worked(Turn& turn) {
  Table& table = turn.table;
  table.pool_backoff_ms = 0;
  table.pool_at_ms = 0;
  if (table.pool_said) say(turn, SayLevel::Info, "POOL", "The pool can be filled again");
  pool_forget(table);
}
