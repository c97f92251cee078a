// The way back to FREE: a container is removed, the port and name held until it is gone, and those who asked are told.
#include <algorithm>
#include <utility>

#include "core/names.h"
#include "core/rules.h"

// A pool that fails has said so once: its tries in vain are told to those who look for them.
static SayLevel level(const Turn& turn, const Slot& slot, const std::string& client) {
  bool in_vain = turn.table.pool_said && slot.for_pool && client.empty() && !slot.pool_recorded;
  return in_vain ? SayLevel::Debug : SayLevel::Info;
}

// The last of its life: everybody who waited for it is told, and the port goes on to its heir.
static void finish(Turn& turn, Slot& slot) {
  Table& table = turn.table;
  std::string id = slot.container_id, client = slot.held_for, heir = slot.heir;
  Want want = slot.heir_want;
  int port = slot.port;
  uint64_t generation = slot.generation;
  SayLevel say_level = level(turn, slot, client);
  bool ours = !slot.not_ours;
  std::vector<Waiter> removers = std::move(slot.removers);
  slot.removers.clear();
  if (slot.block_after_ms) slot.blocked_until_ms = turn.now.mono_ms + slot.block_after_ms;
  if (!id.empty() && ours) table.orphans[id] = turn.now.mono_ms;  // a listing asked for earlier may still show it
  slot_set_heir(table, slot, "", {});
  slot_move(table, slot, SlotState::Free);
  if (slot.outside) slot_drop(table, port);
  say(turn, say_level, "REMOVE",
      std::string(ours ? "Removed" : "Let go of") + " container=" + short_id(id) + " port=" + std::to_string(port) + (client.empty() ? std::string() : " CPF=" + client));
  for (const Waiter& waiter : removers) turn.actions.push_back(AnswerRemoved{waiter.request, client, id, port});
  for (size_t i = 0; i < table.remove_alls.size();) {
    RemoveAll& all = table.remove_alls[i];
    auto mine = std::find(all.pending.begin(), all.pending.end(), std::pair<int, uint64_t>(port, generation));
    if (mine != all.pending.end()) {
      all.pending.erase(mine);
      if (!id.empty()) all.removed++;
    }
    if (!all.pending.empty()) {
      i++;
      continue;
    }
    say_to(turn, {all.waiter}, SayLevel::Info, "REMOVE-ALL", "Done: " + std::to_string(all.removed) + " containers removed");
    turn.actions.push_back(AnswerRemovedAll{all.waiter.request, all.removed});
    table.remove_alls.erase(table.remove_alls.begin() + static_cast<std::ptrdiff_t>(i));
  }
  if (!heir.empty()) speak_for(turn, heir);
  if (!heir.empty()) access_serve(turn, heir, table.waiters.count(heir) ? access_wanted(turn, heir) : want);
}

static void send_removal(Turn& turn, Slot& slot) {
  if (slot.job || slot.removing) return;
  bool never_made = slot.container_id.empty() && !slot.by_name;
  if (never_made || slot.not_ours) {
    finish(turn, slot);
    return;
  }
  slot.remove_at_ms = kNever;
  if (!turn.table.engine_up) return;  // engine_tick comes back to it
  slot.removing = true;
  turn.actions.push_back(DoRemove{slot.port, slot.generation, slot.container_id, slot.container_name, slot.launch_job});
}

void removal_begin(Turn& turn, Slot& slot, Ending ending, const std::string& why) {
  turn.table.tally.endings[static_cast<size_t>(ending)]++;
  say(turn, level(turn, slot, slot.client), "REMOVE",
      "Removing container=" + short_id(slot.container_id) + " port=" + std::to_string(slot.port) +
          (slot.client.empty() ? std::string() : " CPF=" + slot.client) + ": " + why);
  slot.held_for = slot.client;
  slot_move(turn.table, slot, SlotState::Removing);
  slot_give(turn.table, slot, "");
  slot.parked = false;
  slot.healthy = false;
  slot.unlooked = slot.guarded = false;
  send_removal(turn, slot);
}

bool removal_has_leftovers(const Table& table) {
  return std::any_of(table.orphans.begin(), table.orphans.end(), [](const auto& entry) { return entry.second == kNever; });
}

static void orphan_done(Turn& turn, const RemoveDone& event, bool gone) {
  Table& table = turn.table;
  if (gone) {
    say(turn, SayLevel::Info, "REMOVE", "Removed container=" + short_id(event.container_id) + ", which no session needed");
    table.orphans[event.container_id] = turn.now.mono_ms;
  } else {
    say(turn, SayLevel::Warning, "REMOVE", "Could not remove container=" + short_id(event.container_id) + ": " + event.failure.text);
    // The next listing finds it again. One that the engine may still remove is nobody's session any more, whoever has need of it by then.
    if (event.failure.fault == Fault::Unknown)
      table.orphans[event.container_id] = kDoomed;
    else
      table.orphans.erase(event.container_id);
  }
  if (removal_has_leftovers(table)) return;
  for (auto& [port, slot] : table.slots)
    if (slot.state == SlotState::Free && slot.leftover) {
      slot.leftover = false;
      slot.blocked_until_ms = turn.now.mono_ms;
    }
}

void removal_done(Turn& turn, const RemoveDone& event) {
  bool gone = event.failure.fault == Fault::None || event.failure.fault == Fault::NotFound;
  if (event.port == 0) {
    orphan_done(turn, event, gone);
    return;
  }
  Slot* slot = slot_of(turn.table, event.port, event.generation);
  if (!slot || !slot->removing) return;
  slot->removing = false;
  if (gone) {
    if (slot->container_id.empty() && !event.container_id.empty()) slot_set_container(turn.table, *slot, event.container_id, slot->container_name);
    finish(turn, *slot);
    return;
  }
  if (slot->removals++ == 0)
    say(turn, SayLevel::Error, "REMOVE",
        "Could not remove container=" + short_id(slot->container_id) + " port=" + std::to_string(slot->port) + ", trying again: " + event.failure.text);
  int64_t pause = std::min<int64_t>(kRetryMs << std::min(slot->removals, 5), 30'000);
  slot->remove_at_ms = turn.now.mono_ms + pause;
  table_wake(turn.table, slot->remove_at_ms);
  int status = event.failure.fault == Fault::Unreachable ? 503 : 500;
  for (const Waiter& waiter : std::exchange(slot->removers, {}))
    answer_error(turn, waiter.request, status, "The container could not be removed yet, it will be tried again: " + event.failure.text,
                 kRetryAfterSeconds);
  if (!slot->heir.empty()) {  // not sent elsewhere: an engine that refuses removals would cost one session after another
    std::string heir = slot->heir;
    slot_set_heir(turn.table, *slot, "", {});
    access_refuse(turn, heir, status, "No port could be freed: " + event.failure.text, kRetryAfterSeconds);
  }
}

void removal_tick(Turn& turn) {
  std::vector<int> due;
  for (auto& [port, slot] : turn.table.slots) {
    if (slot.state != SlotState::Removing || slot.job || slot.removing) continue;
    if (slot.remove_at_ms <= turn.now.mono_ms)
      due.push_back(port);
    else
      table_wake(turn.table, slot.remove_at_ms);
  }
  for (int port : due)
    if (Slot* slot = slot_at(turn.table, port); slot && slot->state == SlotState::Removing) send_removal(turn, *slot);
}

void removal_orphan(Turn& turn, const std::string& id, const std::string& what) {
  auto known = turn.table.orphans.find(id);
  if (known != turn.table.orphans.end() && known->second != kDoomed) return;
  turn.table.tally.endings[static_cast<size_t>(Ending::Orphan)]++;
  turn.table.orphans[id] = kNever;  // not forgotten before the engine has answered
  say(turn, SayLevel::Info, "REMOVE", "Removing container=" + short_id(id) + ": " + what);
  turn.actions.push_back(DoRemove{0, 0, id, "", 0});
}

// ---- Orders to remove.

void remove_asked(Turn& turn, const RemoveAsked& event) {
  Table& table = turn.table;
  if (table.stopping) {
    answer_error(turn, event.request, 503, "The orchestrator is stopping. Try again in a moment.", kRetryAfterSeconds);
    return;
  }
  stand_in_yield(turn, event.client);
  Slot* slot = slot_by_client(table, event.client);
  auto heir = table.heirs.find(event.client);
  if (!slot && heir == table.heirs.end()) {
    access_refuse(turn, event.client, 409, "The request was taken back by a /remove. Ask again for a new session.");  // one who seeks a port
    say(turn, SayLevel::Info, "REMOVE", "No container for CPF=" + event.client);
    answer_error(turn, event.request, 404, "No container found for client " + event.client);
    return;
  }
  if (!table.engine_up) {
    answer_error(turn, event.request, 503, "The container engine cannot be reached: " + table.engine_text, kRetryAfterSeconds);
    return;
  }
  access_refuse(turn, event.client, 409, "The session was removed by a /remove while it was on its way. Ask again for a new one.");
  if (slot) {
    slot->removers.push_back(waiter_new(turn, event.request, {}));
    removal_begin(turn, *slot, Ending::Asked, "asked for by /remove");
    return;
  }
  Slot* old = slot_at(table, heir->second);
  slot_set_heir(table, *old, "", {});
  if (old->held_for == event.client)
    old->removers.push_back(waiter_new(turn, event.request, {}));
  else
    turn.actions.push_back(AnswerRemoved{event.request, event.client, "", old->port});
}

void remove_all_asked(Turn& turn, const RemoveAllAsked& event) {
  Table& table = turn.table;
  if (table.stopping) {
    answer_error(turn, event.request, 503, "The orchestrator is stopping. Try again in a moment.", kRetryAfterSeconds);
    return;
  }
  RemoveAll all{waiter_new(turn, event.request, {}), {}, 0};
  for (auto& [port, slot] : table.slots)
    if (slot.state != SlotState::Free && slot.state != SlotState::Removing) all.pending.emplace_back(port, slot.generation);
  say(turn, SayLevel::Info, "REMOVE-ALL", std::to_string(all.pending.size()) + " sessions to remove");
  if (!all.pending.empty() && !table.engine_up) {
    answer_error(turn, event.request, 503, "The container engine cannot be reached: " + table.engine_text, kRetryAfterSeconds);
    return;
  }
  std::vector<std::string> waiting;
  for (const auto& [client, waiters] : table.waiters) waiting.push_back(client);
  for (const std::string& client : waiting)
    access_refuse(turn, client, 409, "The session was removed by a /remove-all while it was on its way. Ask again for a new one.");
  for (auto& [port, slot] : table.slots) slot_set_heir(table, slot, "", {});
  if (all.pending.empty()) {
    turn.actions.push_back(AnswerRemovedAll{event.request, 0});
    return;
  }
  auto pending = all.pending;
  table.remove_alls.push_back(std::move(all));
  for (const auto& [port, generation] : pending)
    if (Slot* slot = slot_of(table, port, generation)) removal_begin(turn, *slot, Ending::AskedForAll, "asked for by /remove-all");
}

void remove_gone(Turn& turn, uint64_t request) {
  auto is_it = [&](const Waiter& waiter) { return waiter.request == request; };
  for (auto& [port, slot] : turn.table.slots) std::erase_if(slot.removers, is_it);
  std::erase_if(turn.table.remove_alls, [&](const RemoveAll& all) { return is_it(all.waiter); });
}

void remove_expire(Turn& turn) {
  const char* text = "The removal goes on, but takes too long to wait for.";
  auto expired = [&](const Waiter& waiter) {
    if (waiter.deadline_ms > turn.now.mono_ms) {
      table_wake(turn.table, waiter.deadline_ms);
      return false;
    }
    answer_error(turn, waiter.request, 503, text, kRetryAfterSeconds);
    return true;
  };
  for (auto& [port, slot] : turn.table.slots) std::erase_if(slot.removers, expired);
  std::erase_if(turn.table.remove_alls, [&](const RemoveAll& all) { return expired(all.waiter); });
}
