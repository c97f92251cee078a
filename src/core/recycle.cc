// No port is free: whose port does a newcomer get? What serves nobody goes first, then the session not accessed for longest, and never
// one that is on its way to somebody.
#include "core/rules.h"

// Ends what the slot does now; the port goes to the client as soon as it is free.
static void give_up(Turn& turn, Slot& slot, const std::string& client, const Want& want, const std::string& why) {
  int port = slot.port;
  removal_begin(turn, slot, why);
  Slot* left = slot_at(turn.table, port);
  if (left && left->state == SlotState::Removing)
    slot_set_heir(turn.table, *left, client, want);
  else
    access_serve(turn, client, want);
}

// Clients come before refills: a port that falls free goes to who waits for another one to be freed, and not to the pool.
void recycle_serve_heirs(Turn& turn) {
  Table& table = turn.table;
  while (!table.heirs.empty() && launch_free_port(turn)) {
    Slot* longest = nullptr;
    for (const auto& [client, port] : table.heirs) {
      Slot* slot = slot_at(table, port);
      if (!longest || slot->changed < longest->changed) longest = slot;
    }
    if (!longest) return;
    std::string client = longest->heir;
    Want want = table.waiters.count(client) ? access_wanted(turn, client) : longest->heir_want;
    slot_set_heir(table, *longest, "", {});
    access_serve(turn, client, want);
  }
}

// Of many who come at once most find nothing: they must not cost a look at every slot each.
static bool all_are_on_their_way(const Table& table) {
  auto all = [&](SlotState state) { return table.count[static_cast<size_t>(state)]; };
  auto pool = [&](SlotState state) { return table.count_pool[static_cast<size_t>(state)]; };
  return !all(SlotState::Assigned) && !all(SlotState::Ready) && !all(SlotState::Removing) && !pool(SlotState::Creating) &&
         !pool(SlotState::Waiting);
}

bool recycle_for(Turn& turn, const std::string& client, const Want& want) {
  if (all_are_on_their_way(turn.table)) return false;
  Size size = want.size_given ? want.size : turn.table.config.default_size;
  Slot *coming = nullptr, *ready = nullptr, *leaving = nullptr, *oldest = nullptr;
  for (auto& [port, slot] : turn.table.slots) {
    if (slot.outside) continue;  // its port is not ours to give
    switch (slot.state) {
      case SlotState::Creating:
      case SlotState::Waiting:
        if (slot.client.empty() && (!coming || slot.size == size)) coming = &slot;
        break;
      case SlotState::Ready:
        if (!ready || slot.size == size) ready = &slot;
        break;
      case SlotState::Removing:
        if (slot.heir.empty() && slot.removals == 0 && !slot.block_after_ms && !leaving) leaving = &slot;
        break;
      case SlotState::Assigned:
        if (!oldest || slot.last_access_ms < oldest->last_access_ms) oldest = &slot;
        break;
      case SlotState::Free:
      case SlotState::Claiming: break;
    }
  }
  std::string whom = " for CPF=" + client + " (" + size_text(size) + ")";
  if (coming && coming->size == size) {
    access_take_launch(turn, *coming, client, want);
  } else if (ready && ready->size == size) {
    access_claim(turn, *ready, client, want);
  } else if (leaving) {
    slot_set_heir(turn.table, *leaving, client, want);
    say(turn, SayLevel::Info, "RECYCLE", "Port " + std::to_string(leaving->port) + " is being freed: kept" + whom);
  } else if (coming) {
    say(turn, SayLevel::Info, "RECYCLE", "No port is free: the pool launch on port " + std::to_string(coming->port) + " is cancelled" + whom);
    give_up(turn, *coming, client, want, "its port is needed for a client");
  } else if (ready) {
    say(turn, SayLevel::Info, "RECYCLE", "No port is free: the pool container on port " + std::to_string(ready->port) + " is given up" + whom);
    give_up(turn, *ready, client, want, "its port is needed for a client");
  } else if (oldest) {
    int64_t idle_s = (turn.now.mono_ms - oldest->last_access_ms) / 1000;
    say(turn, SayLevel::Warning, "RECYCLE",
        "No port is free: container=" + short_id(oldest->container_id) + " port=" + std::to_string(oldest->port) + " of CPF=" +
            oldest->client + ", last accessed " + std::to_string(idle_s) + " s ago, the longest of all, is ended" + whom);
    give_up(turn, *oldest, client, want, "recycled: the oldest access when no port was free");
  } else {
    return false;
  }
  return true;
}
