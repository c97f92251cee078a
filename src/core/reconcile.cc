// The table against the world: records of an earlier run at start, and every listing of the engine after that.
#include <algorithm>
#include <charconv>
#include <unordered_set>

#include "core/names.h"
#include "core/rules.h"

// ---- At start: the records.

static int whole(const std::string& text) {
  int value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

// A time in the future counts as now: a clock that was set must not make sessions look hours idle.
static int64_t ms_of_wall(const Turn& turn, int64_t wall_us) { return turn.now.mono_ms - std::max<int64_t>(0, turn.now.wall_us - wall_us) / 1000; }

// Idle time goes on counting in the monotonic clock of the same boot. Across a boot the wall clock serves.
static int64_t ms_of(const Turn& turn, const Record& record, int64_t mono_ms, int64_t wall_us) {
  bool same_boot = !record.boot_id.empty() && record.boot_id == turn.table.config.boot_id;
  return same_boot && mono_ms >= 0 && mono_ms <= turn.now.mono_ms ? mono_ms : ms_of_wall(turn, wall_us);
}

static void fill(Turn& turn, Slot& slot, const Record& record) {
  slot_set_container(turn.table, slot, record.container_id, record.container_name);
  slot.size = Size{whole(record.width), whole(record.height)};
  slot.size_by_default = record.size_by_default;
  slot.fingerprint = record.fingerprint;
  slot.extra = record.extra;
  slot.created_us = record.created_us;
  slot.created_ms = ms_of_wall(turn, record.created_us);
  slot.last_access_us = record.last_accessed_us;
  slot.last_access_ms = ms_of(turn, record, record.last_accessed_mono_ms, record.last_accessed_us);
  slot.last_seen_us = record.last_seen_us;
  if (slot.last_seen_us) slot.last_seen_ms = slot.seen_kept_ms = ms_of(turn, record, record.last_seen_mono_ms, record.last_seen_us);
  slot.adopted = true;
}

static void load_one(Turn& turn, const Record& record) {
  Table& table = turn.table;
  bool pool = record.client_id == kPoolClient;
  const std::string client = stand_in_owner(turn, record.client_id);
  bool outside = record.port < table.config.port_min || record.port > table.config.port_max;
  Slot* slot = slot_at(table, record.port);
  std::string problem;
  if (record.port < 1 || record.port > 65535)
    problem = "it names no port";
  else if (record.container_id.empty() || slot_by_container(table, record.container_id))
    problem = "its container is another record's";
  else if (!pool && !client_is_valid(client) && !client_is_stand_in(client))
    problem = "it names no client";
  else if (!pool && stand_in_or_own(table, client))
    problem = "its client has another one";
  else if (slot && slot->state != SlotState::Free)
    problem = "its port is another record's";
  else if (pool && (outside || record.container_name != pool_container_name(record.port)))
    problem = "it is no pool container of today's ports";
  if (!problem.empty()) {
    say(turn, SayLevel::Warning, "RECONCILE",
        "Record CPF=" + record.client_id + " container=" + short_id(record.container_id) + " port=" + std::to_string(record.port) +
            " is discarded: " + problem);
    return;
  }
  if (!slot) {
    say(turn, SayLevel::Info, "RECONCILE",
        "Session of CPF=" + record.client_id + " on port " + std::to_string(record.port) + " is outside today's range: it stays until it ends");
    slot = &slot_add(table, record.port, true);
  }
  slot_move(table, *slot, pool ? SlotState::Ready : SlotState::Assigned);
  slot_give(table, *slot, pool ? "" : client);
  fill(turn, *slot, record);
  slot->for_pool = pool;
  slot->pool_recorded = pool;
}

void reconcile_load(Turn& turn, const std::vector<Record>& records) {
  std::vector<const Record*> order;
  for (const Record& record : records) order.push_back(&record);
  // Of two that cannot both hold, a client's counts more than the pool's, and the one accessed last more than an older one.
  std::stable_sort(order.begin(), order.end(), [](const Record* a, const Record* b) {
    bool pool_a = a->client_id == kPoolClient, pool_b = b->client_id == kPoolClient;
    return pool_a != pool_b ? pool_b : a->last_accessed_us > b->last_accessed_us;
  });
  for (const Record* record : order) load_one(turn, *record);
}

// ---- A listing.

// Its record leaves the disk meanwhile.
static void wait_until_healthy(Turn& turn, Slot& slot) {
  slot.healthy = false;
  slot.pool_recorded = false;
  if (slot.state != SlotState::Waiting) slot_move(turn.table, slot, SlotState::Waiting);
  slot.launched_ms = turn.now.mono_ms;
  slot.ready_by_ms = turn.now.mono_ms + turn.table.config.ready_timeout_ms;
  slot.check_at_ms = turn.now.mono_ms;
  table_wake(turn.table, slot.check_at_ms);
}

static void record_soon(Turn& turn, Slot& slot) {
  table_changed(turn.table);
  slot.record_version = turn.table.version;
}

void reconcile_name_wins(Turn& turn, Slot& slot) {
  std::string client;
  NameKind kind = container_name_kind(slot.container_name, &client);
  client = stand_in_owner(turn, client);
  if (kind == NameKind::Client && !stand_in_or_own(turn.table, client) && !turn.table.heirs.count(client)) {
    say(turn, SayLevel::Warning, "RECONCILE",
        "Pool container=" + short_id(slot.container_id) + " bears the name of CPF=" + client + ": it is that client's");
    slot_give(turn.table, slot, client);
    slot.size_by_default = true;
    slot.adopted = true;
    slot.for_pool = false;
    slot_move(turn.table, slot, SlotState::Claiming);
    record_soon(turn, slot);
    return;
  }
  removal_begin(turn, slot, Ending::Misrecorded, "it is recorded as the pool's under the name " + slot.container_name);
}

static void judge_ready(Turn& turn, Slot& slot, const Seen& seen) {
  if (slot.container_name != pool_container_name(slot.port))
    reconcile_name_wins(turn, slot);
  else if (!rollout_serves(turn.table, slot))
    removal_begin(turn, slot, Ending::Stale, "the settings it was started with are no longer today's");
  else if (seen.state == SeenState::Paused)
    engine_died(turn, slot, "was paused");
  else if (!seen.on_network)
    engine_died(turn, slot, "has lost its network");
  else if (seen.health == SeenHealth::Unhealthy)
    engine_died(turn, slot, "became unhealthy");
  else if (seen.health == SeenHealth::Starting)
    wait_until_healthy(turn, slot);
}

static void judge_assigned(Turn& turn, Slot& slot, const Seen& seen) {
  if (!turn.table.reconciled && seen.health == SeenHealth::Starting) {
    wait_until_healthy(turn, slot);
    return;
  }
  const char* bad = nullptr;
  if (seen.health == SeenHealth::Unhealthy) bad = " is unhealthy";
  if (!seen.on_network) bad = " has lost its network";
  if (seen.state == SeenState::Paused) bad = " is paused";
  if (bad && !slot.warned)
    say(turn, SayLevel::Warning, "HEALTH CHECK",
        "container=" + short_id(slot.container_id) + " port=" + std::to_string(slot.port) + " of CPF=" + slot.client + bad +
            "; kept, since it is in use: /remove ends it");
  slot.warned = bad != nullptr;
  if (slot.rename_at_ms == kNever && !slot.renaming && !slot.renames) rename_plan(turn, slot);
}

// A record may be wrong, or a copy of another installation's: it goes, and whatever has that id stays as it is. If the listing was wrong,
// the next one shows what is left without a record.
static void let_go(Turn& turn, Slot& slot, const std::string& why) {
  turn.table.list_at_ms = turn.now.mono_ms + kRetryMs;
  slot.not_ours = true;
  engine_died(turn, slot, why);
}

static void judge(Turn& turn, Slot& slot, const Seen* seen) {
  if (!seen) {
    let_go(turn, slot, "is gone");
    return;
  }
  if (!seen->instance.empty() && seen->instance != turn.table.config.instance) {
    let_go(turn, slot, "belongs to another installation (DOCKER_NETWORK_NAME=" + seen->instance + ")");
    return;
  }
  if (seen->state == SeenState::Ended || seen->state == SeenState::Created) {
    engine_died(turn, slot, "was found stopped" + (seen->why.empty() ? "" : " (" + seen->why + ")"));
    return;
  }
  if (seen->port && seen->port != slot.port) {
    if (slot.state != SlotState::Assigned) {
      engine_died(turn, slot, "publishes port " + std::to_string(seen->port) + ", not the one of its record");
      return;
    }
    // The record is wrong, not the session: the port is let go, and the container judged like one without a record.
    slot_set_container(turn.table, slot, "", slot.container_name);
    removal_begin(turn, slot, Ending::Misrecorded, "its container publishes port " + std::to_string(seen->port) + ", not the one of its record");
    return;
  }
  rename_noticed(turn, slot, seen->name);
  if (slot.state == SlotState::Ready) judge_ready(turn, slot, *seen);
  if (slot.state == SlotState::Assigned) judge_assigned(turn, slot, *seen);
}

static bool runs(const Slot& slot) {
  return slot.state == SlotState::Waiting || slot.state == SlotState::Ready || slot.state == SlotState::Claiming ||
         slot.state == SlotState::Assigned;
}

// A record has changed since the first listing was asked for (a container was renamed): it would be served without ever having been
// held against the engine.
static bool is_too_early(const Turn& turn, const Listed& event) {
  if (turn.table.reconciled) return false;
  return std::any_of(turn.table.slots.begin(), turn.table.slots.end(),
                     [&](const auto& entry) { return runs(entry.second) && entry.second.changed > event.asked; });
}

static void judge_slots(Turn& turn, const Listed& event) {
  std::unordered_map<std::string, const Seen*> by_id;
  for (const Seen& seen : event.seen) by_id[seen.id] = &seen;
  std::vector<int> ports;
  for (const auto& [port, slot] : turn.table.slots)
    if (runs(slot)) ports.push_back(port);
  for (int port : ports) {
    Slot* slot = slot_at(turn.table, port);
    if (!slot || slot->changed > event.asked) continue;  // the photograph is older than its last change
    auto found = by_id.find(slot->container_id);
    if (found != by_id.end()) rollout_container_seen(turn, *slot, *found->second);
    judge(turn, *slot, found == by_id.end() ? nullptr : found->second);
  }
}

// A container runs under a client's name and nobody has a record of it: it is that client's session.
static void adopt(Turn& turn, const Seen& seen, const std::string& client) {
  Table& table = turn.table;
  Slot* slot = slot_at(table, seen.port);
  if (slot && slot->state != SlotState::Free) {  // the port is on the move: the next listing sees clearer
    if (slot->state == SlotState::Removing) table.list_at_ms = turn.now.mono_ms + kRetryMs;
    return;
  }
  if (!slot) slot = &slot_add(table, seen.port, true);
  bool healthy = seen.health == SeenHealth::Healthy || seen.health == SeenHealth::Unhealthy;
  slot_move(table, *slot, healthy ? SlotState::Claiming : SlotState::Waiting);
  slot_give(table, *slot, client);
  slot_set_container(table, *slot, seen.id, seen.name);
  slot->size = seen.size.width ? seen.size : table.config.default_size;
  slot->size_by_default = !seen.size.width;
  slot->fingerprint = seen.fingerprint;
  slot->created_us = seen.created_us;
  slot->created_ms = ms_of_wall(turn, seen.created_us);
  slot->last_access_ms = turn.now.mono_ms;
  slot->last_access_us = turn.now.wall_us;
  slot->adopted = true;
  if (healthy)
    record_soon(turn, *slot);
  else
    wait_until_healthy(turn, *slot);
  say(turn, SayLevel::Info, "RECONCILE",
      "Recovered container=" + short_id(seen.id) + " port=" + std::to_string(seen.port) + " for CPF=" + client + ", of which there was no record");
}

// Ours by its label, or, left by the user's first version, by a session port published on a port of our range.
static bool is_ours(const Turn& turn, const Seen& seen) {
  if (!seen.instance.empty()) return seen.instance == turn.table.config.instance;
  std::string client;
  return container_name_kind(seen.name, &client) != NameKind::Foreign && seen.port >= turn.table.config.port_min &&
         seen.port <= turn.table.config.port_max;
}

static void judge_stranger(Turn& turn, const Seen& seen) {
  Table& table = turn.table;
  if (auto orphan = table.orphans.find(seen.id); orphan != table.orphans.end()) {
    if (orphan->second == kDoomed) removal_orphan(turn, seen.id, seen.name + " is still there, though its removal has been asked for");
    return;
  }
  if (slot_by_container(table, seen.id) || !is_ours(turn, seen) || launch_in_flight(turn, seen.run, seen.job)) return;
  std::string client;
  NameKind kind = container_name_kind(seen.name, &client);
  client = stand_in_owner(turn, client);
  bool runs = (seen.state == SeenState::Running || seen.state == SeenState::Paused) && !table.deaths.count(seen.id);
  if (!runs)
    removal_orphan(turn, seen.id, seen.name + " does not run and no record needs it");
  else if (seen.run == table.config.run)
    removal_orphan(turn, seen.id, seen.name + " is left from an abandoned launch");
  else if (kind != NameKind::Client)
    removal_orphan(turn, seen.id, seen.name + " has no record, so it may have been somebody's");
  else if (stand_in_or_own(table, client) || table.heirs.count(client))
    removal_orphan(turn, seen.id, seen.name + " is a duplicate: its client has another session");
  else if (!seen.port)
    removal_orphan(turn, seen.id, seen.name + " publishes no session port");
  else
    adopt(turn, seen, client);
}

static void engine_is_back(Turn& turn) {
  Table& table = turn.table;
  table.engine_up = true;
  if (table.engine_said) say(turn, SayLevel::Info, "HEALTH CHECK", "The container engine is back");
  table.engine_said = false;
  table.engine_text.clear();
  for (auto& [port, slot] : table.slots) {
    if (slot.state == SlotState::Removing && !slot.removing && !slot.job) slot.remove_at_ms = turn.now.mono_ms;
    if (slot.state == SlotState::Waiting) slot.ready_by_ms = std::max(slot.ready_by_ms, turn.now.mono_ms + 5 * kRetryMs);
  }
}

void reconcile(Turn& turn, const Listed& event) {
  Table& table = turn.table;
  if (!table.listing || event.asked != table.list_asked) return;
  table.listing = false;
  if (table.stopping) return;
  if (event.failure.fault != Fault::None) {
    if (table.engine_text != event.failure.text) say(turn, SayLevel::Warning, "SCAN", "The containers could not be listed: " + event.failure.text);
    table.engine_text = event.failure.text;
    table.list_at_ms = turn.now.mono_ms + kRetryMs;
    table_wake(table, table.list_at_ms);
    return;
  }
  if (is_too_early(turn, event)) {
    engine_list(turn);
    return;
  }
  bool back = !table.engine_up;
  if (back) engine_is_back(turn);
  say(turn, table.reconciled ? SayLevel::Debug : SayLevel::Info, "SCAN", std::to_string(event.seen.size()) + " containers found");
  table.list_at_ms = turn.now.mono_ms + (table.looks ? kRetryMs : kListEveryMs);
  rollout_image_seen(turn, event.image);
  judge_slots(turn, event);
  for (const Seen& seen : event.seen) judge_stranger(turn, seen);
  // Those that are still there are being removed again by now.
  std::erase_if(table.orphans, [](const auto& entry) { return entry.second == kDoomed; });
  if (!table.reconciled) {
    table.reconciled = true;
    table_changed(table);
    viewers_round(turn);  // who works on through our restart is to be seen before anything else
    int pool = table.count_pool[static_cast<size_t>(SlotState::Ready)];
    int all = static_cast<int>(table_records(table).size());
    say(turn, SayLevel::Info, "RECONCILE", "WARM_POOL_SIZE = " + (table.config.warm_pool_size == kPoolAuto ? "auto" : std::to_string(table.config.warm_pool_size)));
    say(turn, SayLevel::Info, "RECONCILE",
        "Done: " + std::to_string(all) + " active records (" + std::to_string(all - pool) + " clients + " + std::to_string(pool) + " pool) after reconciliation");
  }
  table_wake(table, table.list_at_ms);
  if (back) {
    removal_tick(turn);
    launch_tick(turn);
    rename_tick(turn);
  }
  if (table.list_again) {
    table.list_again = false;
    engine_list(turn);
  }
}
