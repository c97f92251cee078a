// The doors through which every slot changes, and the views of the table.
#include "core/slots.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "core/names.h"

const char* slot_state_name(SlotState state) {
  switch (state) {
    case SlotState::Free: return "FREE";
    case SlotState::Creating: return "CREATING";
    case SlotState::Waiting: return "WAITING";
    case SlotState::Ready: return "READY";
    case SlotState::Claiming: return "CLAIMING";
    case SlotState::Assigned: return "ASSIGNED";
    case SlotState::Removing: return "REMOVING";
  }
  return "?";
}

bool slot_move_is_legal(SlotState from, SlotState to) {
  using S = SlotState;
  switch (from) {
    case S::Free: return to == S::Creating || to == S::Waiting || to == S::Claiming || to == S::Ready || to == S::Assigned;
    case S::Creating: return to == S::Waiting || to == S::Removing;
    case S::Waiting: return to == S::Ready || to == S::Claiming || to == S::Removing;
    case S::Ready: return to == S::Claiming || to == S::Waiting || to == S::Removing;
    case S::Claiming: return to == S::Assigned || to == S::Ready || to == S::Waiting || to == S::Removing;
    case S::Assigned: return to == S::Waiting || to == S::Removing;
    case S::Removing: return to == S::Free;
  }
  return false;
}

static Slot* find(Table& table, const std::unordered_map<std::string, int>& index, const std::string& key) {
  auto found = index.find(key);
  return found == index.end() ? nullptr : slot_at(table, found->second);
}

Slot* slot_at(Table& table, int port) {
  auto found = table.slots.find(port);
  return found == table.slots.end() ? nullptr : &found->second;
}

Slot* slot_of(Table& table, int port, uint64_t generation) {
  Slot* slot = slot_at(table, port);
  return slot && slot->state != SlotState::Free && slot->generation == generation ? slot : nullptr;
}

Slot* slot_by_client(Table& table, const std::string& client) { return find(table, table.by_client, client); }

Slot* slot_by_container(Table& table, const std::string& id) { return find(table, table.by_container, id); }

static void count(Table& table, const Slot& slot, int by) {
  size_t state = static_cast<size_t>(slot.state);
  table.count[state] += by;
  if (slot.client.empty()) table.count_pool[state] += by;
}

bool client_seeks(const Table& table, const std::string& client) {
  return std::find(table.seekers.begin(), table.seekers.end(), client) != table.seekers.end();
}

// Everything that belonged to the life that has just ended.
static void forget(Table& table, Slot& slot) {
  slot_set_container(table, slot, "", "");
  Slot blank;
  blank.port = slot.port;
  blank.outside = slot.outside;
  blank.generation = slot.generation;
  blank.changed = slot.changed;
  blank.blocked_until_ms = slot.blocked_until_ms;
  blank.leftover = slot.leftover;
  blank.freed = ++table.frees;
  slot = std::move(blank);
}

void slot_move(Table& table, Slot& slot, SlotState to) {
  if (!slot_move_is_legal(slot.state, to)) {
    table.defects++;
    assert(!"a slot made a move that its table of transitions does not know");
  }
  table.moves[static_cast<size_t>(slot.state)][static_cast<size_t>(to)]++;
  bool was_recorded = slot_is_recorded(slot);
  count(table, slot, -1);
  if (slot.state == SlotState::Free) slot.generation = ++table.generations;
  slot.changed = ++table.changes;
  slot.state = to;
  if (to == SlotState::Free) forget(table, slot);
  count(table, slot, +1);
  if (was_recorded != slot_is_recorded(slot)) table_changed(table);  // a record says nothing of the state
}

void slot_give(Table& table, Slot& slot, const std::string& client) {
  if (!client.empty()) std::erase(table.seekers, client);  // it seeks no more
  if (slot.client == client) return;
  count(table, slot, -1);
  if (!slot.client.empty()) table.by_client.erase(slot.client);
  slot.client = client;
  if (!client.empty()) table.by_client[client] = slot.port;
  count(table, slot, +1);
  slot.changed = ++table.changes;
  if (slot_is_recorded(slot)) table_changed(table);
}

void slot_set_container(Table& table, Slot& slot, const std::string& id, const std::string& name) {
  if (slot.container_id != id) {
    if (!slot.container_id.empty()) table.by_container.erase(slot.container_id);
    if (!id.empty()) table.by_container[id] = slot.port;
    slot.container_id = id;
  }
  if (slot.container_name != name) slot.changed = ++table.changes;  // a listing asked for earlier shows the old name
  slot.container_name = name;
}

void slot_set_heir(Table& table, Slot& slot, const std::string& client, const Want& want) {
  if (!slot.heir.empty()) table.heirs.erase(slot.heir);
  slot.heir = client;
  slot.heir_want = want;
  if (!client.empty()) table.heirs[client] = slot.port;
}

Slot& slot_add(Table& table, int port, bool outside) {
  Slot& slot = table.slots[port];
  slot.port = port;
  slot.outside = outside;
  count(table, slot, +1);
  return slot;
}

void slot_drop(Table& table, int port) {
  Slot* slot = slot_at(table, port);
  if (!slot || slot->state != SlotState::Free) return;
  count(table, *slot, -1);
  table.slots.erase(port);
}

bool slot_is_recorded(const Slot& slot) {
  switch (slot.state) {
    case SlotState::Ready:
    case SlotState::Claiming:
    case SlotState::Assigned: return true;
    case SlotState::Waiting: return slot.healthy && slot.client.empty();
    case SlotState::Free:
    case SlotState::Creating:
    case SlotState::Removing: return false;
  }
  return false;
}

void table_changed(Table& table) { table.version++; }

void table_wake(Table& table, int64_t at_ms) {
  if (at_ms < table.wake_ms) table.wake_ms = at_ms;
}

Record slot_record(const Table& table, const Slot& slot) {
  Record record;
  record.client_id = slot.client.empty() ? std::string(kPoolClient) : slot.client;
  record.container_id = slot.container_id;
  record.container_name = slot.container_name;
  record.port = slot.port;
  record.width = std::to_string(slot.size.width);
  record.height = std::to_string(slot.size.height);
  record.created_us = slot.created_us;
  record.last_accessed_us = slot.last_access_us;
  record.size_by_default = slot.size_by_default;
  record.fingerprint = slot.fingerprint;
  record.boot_id = table.config.boot_id;
  record.last_accessed_mono_ms = slot.last_access_ms;
  record.viewers = slot.viewers;
  record.last_seen_us = slot.last_seen_us;
  if (slot.last_seen_us) record.last_seen_mono_ms = slot.last_seen_ms;
  record.extra = slot.extra;
  return record;
}

std::vector<Record> table_records(const Table& table) {
  std::vector<Record> records;
  records.reserve(table.slots.size());
  for (const auto& [port, slot] : table.slots)
    if (slot_is_recorded(slot)) records.push_back(slot_record(table, slot));
  return records;
}

std::vector<Record> table_status(const Table& table) {
  std::vector<Record> records;
  records.reserve(table.slots.size());
  for (const auto& [port, slot] : table.slots)
    if (slot_is_recorded(slot) && slot.state != SlotState::Waiting) records.push_back(slot_record(table, slot));
  return records;
}

bool table_status_of(const Table& table, const std::string& client, Record* out) {
  auto found = table.by_client.find(client);
  if (found == table.by_client.end()) found = table.by_client.find(client_stand_in(table.config.naming, client));  // he has not come for it yet
  if (found == table.by_client.end()) return false;
  const Slot& slot = table.slots.at(found->second);
  if (!slot_is_recorded(slot) || slot.state == SlotState::Waiting) return false;
  *out = slot_record(table, slot);
  return true;
}

int table_status_size(const Table& table) {
  int sum = 0;
  for (SlotState state : {SlotState::Ready, SlotState::Claiming, SlotState::Assigned}) sum += table.count[static_cast<size_t>(state)];
  return sum;
}

int table_max_slots(const Table& table) { return table.config.port_max - table.config.port_min + 1; }

// ---- Invariants.

// Without its port and state: those are put in front when something is wrong, which is never.
static const char* check_slot(const Table& table, const Slot& slot) {
  bool has_container = !slot.container_id.empty();
  bool may_have_client = slot.state != SlotState::Free && slot.state != SlotState::Ready && slot.state != SlotState::Removing;
  if (!slot.client.empty() && !may_have_client) return "has a client";
  if (slot.client.empty() && (slot.state == SlotState::Claiming || slot.state == SlotState::Assigned)) return "has no client";
  if (slot.client.empty() ? false : !table.by_client.count(slot.client) || table.by_client.at(slot.client) != slot.port)
    return "its client leads elsewhere";
  if (has_container && (!table.by_container.count(slot.container_id) || table.by_container.at(slot.container_id) != slot.port))
    return "its container leads elsewhere";
  bool must_have_container = slot_is_recorded(slot) || slot.state == SlotState::Waiting;
  if (must_have_container && !has_container) return "has no container";
  if (slot.state == SlotState::Free && has_container) return "still has a container";
  if (slot.state == SlotState::Creating && (slot.job == 0) != slot.parked) return "neither a job nor parked, or both";
  if (!slot.heir.empty() && slot.state != SlotState::Removing) return "has an heir";
  if (!slot.heir.empty() && (!table.heirs.count(slot.heir) || table.heirs.at(slot.heir) != slot.port)) return "its heir leads elsewhere";
  if (!slot.heir.empty() && table.by_client.count(slot.heir)) return "its heir has a slot already";
  if (!slot.removers.empty() && slot.state != SlotState::Removing) return "somebody waits for its removal";
  if (slot.outside && slot.state == SlotState::Free) return "outside the range and FREE";
  if (slot.unlooked && !slot.guarded) return "a look is waited for in vain";
  if (slot.guarded && slot.state != SlotState::Claiming) return "a look is waited for";
  if (slot.state == SlotState::Ready && slot.container_name != pool_container_name(slot.port)) return "READY under a strange name";
  return "";
}

std::string table_check(const Table& table) {
  std::array<int, kSlotStates> count_all{}, count_pool{};
  size_t clients = 0, containers = 0, heirs = 0;
  for (const auto& [port, slot] : table.slots) {
    count_all[static_cast<size_t>(slot.state)]++;
    if (slot.client.empty()) count_pool[static_cast<size_t>(slot.state)]++;
    clients += !slot.client.empty();
    containers += !slot.container_id.empty();
    heirs += !slot.heir.empty();
    const char* broken = check_slot(table, slot);
    if (*broken) return "port " + std::to_string(port) + " (" + slot_state_name(slot.state) + "): " + broken;
  }
  if (count_all != table.count || count_pool != table.count_pool) return "the counts have drifted";
  if (clients != table.by_client.size()) return "a client leads to a slot that is not its own";
  if (containers != table.by_container.size()) return "a container leads to a slot that is not its own";
  if (heirs != table.heirs.size()) return "an heir leads to a slot that does not know it";
  size_t waiting = 0;
  for (const auto& [client, waiters] : table.waiters) {
    waiting += waiters.size();
    if (waiters.empty()) return "an empty queue is kept for client " + client;
    auto own = table.by_client.find(client);
    bool seeks = client_seeks(table, client);
    if (seeks && (own != table.by_client.end() || table.heirs.count(client))) return "client " + client + " seeks what it has";
    if (own == table.by_client.end() && !table.heirs.count(client) && !seeks) return "client " + client + " waits for nothing";
    if (own != table.by_client.end() && table.slots.at(own->second).state == SlotState::Assigned)
      return "client " + client + " waits although its session is there";
    for (const Waiter& waiter : waiters) {
      auto known = table.waiting_for.find(waiter.request);
      if (known == table.waiting_for.end() || known->second != client) return "a waiting request does not know its client";
    }
  }
  for (const std::string& client : table.seekers)
    if (!table.waiters.count(client)) return "client " + client + " seeks and nobody waits";
  auto is_leftover = [](const auto& entry) { return entry.second.leftover; };
  if (!table.seekers.empty() && !table.seeking && std::none_of(table.slots.begin(), table.slots.end(), is_leftover))
    return "clients seek and nobody looks";
  if (waiting != table.waiting_for.size()) return "a request waits in no queue";
  if (table.reconciled && !table.early.empty()) return "early requests were left behind";
  if (table.defects) return "a slot made an illegal move";
  return "";
}
