// No port is free: whose port does a newcomer get? What serves nobody goes first, then, as RECYCLE has it, a session of somebody's; never
// one that is on its way to somebody.
#include <algorithm>
#include <utility>

#include "core/rules.h"

// Ends what the slot does now; the port goes to the client as soon as it is free.
static void give_up(Turn& turn, Slot& slot, const std::string& client, const Want& want, Ending ending, const std::string& why) {
  int port = slot.port;
  removal_begin(turn, slot, ending, why);
  Slot* left = slot_at(turn.table, port);
  if (left && left->state == SlotState::Removing)
    slot_set_heir(turn.table, *left, client, want);
  else
    access_serve(turn, client, want);
}

// A leftover of ours that keeps a port from use is about to go: nobody's session is ended for what takes a moment.
static bool leftover_goes(const Slot& slot) {
  return slot.leftover && !slot.outside && (slot.state == SlotState::Free || (slot.state == SlotState::Removing && slot.removals == 0));
}

static bool wait_for_leftovers(Turn& turn) {
  bool wait = false;
  for (const auto& [port, slot] : turn.table.slots) {
    if (!leftover_goes(slot)) continue;
    wait = true;
    if (slot.state == SlotState::Free) table_wake(turn.table, slot.blocked_until_ms);
  }
  return wait;
}

// Clients come before refills: a port that falls free goes to who waits for another one to be freed, or seeks one, and not to the pool.
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
    speak_for(turn, client);
    access_serve(turn, client, want);
  }
  while (!table.seekers.empty() && launch_free_port(turn)) {
    std::string client = table.seekers.front();
    table.seekers.erase(table.seekers.begin());
    speak_for(turn, client);
    access_serve(turn, client, access_wanted(turn, client));
  }
  if (!table.seekers.empty() && !table.seeking && !wait_for_leftovers(turn)) recycle_looked(turn);
}

// ---- Whose session may be taken.

// Its client was sent there so lately that the viewer may not have arrived.
static bool is_on_the_way(const Turn& turn, const Slot& slot) { return turn.now.mono_ms - slot.last_access_ms < kOnTheirWayMs; }

// Of two that nobody watches, who is better missed.
static bool goes_before(const Turn& turn, const Slot& a, const Slot& b) {
  if (is_on_the_way(turn, a) != is_on_the_way(turn, b)) return is_on_the_way(turn, b);
  return viewers_idle_since(a) < viewers_idle_since(b);
}

// Where one session cannot be looked at and others can, nothing says that nobody sits there.
static bool is_watched(const Table& table, const Slot& slot) { return slot.viewers > 0 || (slot.viewers < 0 && table.blind.empty()); }

struct Choice {
  Slot* slot = nullptr;
  int sessions = 0;        // of clients, inside the range
  bool by_look = false;    // who watches decides
  bool must_look = false;  // some of them have not been looked at just now
};

static Choice choose(Turn& turn) {
  Choice choice;
  RecycleRule rule = turn.table.config.recycle;
  const bool looks = choice.by_look = rule == RecycleRule::Unwatched && turn.table.config.look_every_ms;
  for (auto& [port, slot] : turn.table.slots) {
    if (slot.outside || slot.state != SlotState::Assigned) continue;
    choice.sessions++;
    if (rule == RecycleRule::Never) continue;
    if (looks && !viewers_fresh(turn, slot)) choice.must_look = true;
    if (looks && is_watched(turn.table, slot)) continue;
    bool better = !choice.slot || (looks ? goes_before(turn, slot, *choice.slot) : slot.last_access_ms < choice.slot->last_access_ms);
    if (better) choice.slot = &slot;
  }
  return choice;
}

// Nobody's session is taken on what was seen a while ago.
static void seek(Turn& turn, const std::string& client) {
  Table& table = turn.table;
  table.seekers.push_back(client);
  if (table.seeking) return;
  std::vector<const Slot*> sessions;
  for (const auto& [port, slot] : table.slots)
    if (!slot.outside && slot.state == SlotState::Assigned) sessions.push_back(&slot);
  table.seeking = true;
  viewers_look(turn, LookFor::Recycle, sessions);
}

void recycle_looked(Turn& turn) {
  turn.table.seeking = false;
  for (const std::string& client : std::exchange(turn.table.seekers, {})) {
    speak_for(turn, client);
    access_serve(turn, client, access_wanted(turn, client));
  }
}

void recycle_forget(Turn& turn, const std::string& client) { std::erase(turn.table.seekers, client); }

static void take(Turn& turn, Slot& slot, const std::string& client, const Want& want, const std::string& whom) {
  auto ago = [&](int64_t ms) { return std::to_string((turn.now.mono_ms - ms) / 1000) + " s ago"; };
  std::string seen = slot.viewers > 0                ? std::to_string(slot.viewers) + " watch it"
                     : slot.viewers < 0              ? std::string("who watches it is not known")
                     : slot.last_seen_ms == kLongAgo ? std::string("nobody was ever seen watching it")
                                                     : "somebody last watched it " + ago(slot.last_seen_ms);
  say(turn, SayLevel::Warning, "RECYCLE",
      "No port is free: container=" + short_id(slot.container_id) + " port=" + std::to_string(slot.port) + " of CPF=" + slot.client +
          ", last accessed " + ago(slot.last_access_ms) + ", " + seen + ", is ended" + whom);
  give_up(turn, slot, client, want, Ending::Recycled, "recycled: it has been unused for longest, and no port was free");
}

// Of many who come at once most find nothing: they must not cost a look at every slot each.
static bool all_are_on_their_way(const Table& table) {
  auto all = [&](SlotState state) { return table.count[static_cast<size_t>(state)]; };
  auto pool = [&](SlotState state) { return table.count_pool[static_cast<size_t>(state)]; };
  return !all(SlotState::Assigned) && !all(SlotState::Ready) && !all(SlotState::Removing) && !pool(SlotState::Creating) &&
         !pool(SlotState::Waiting) && !removal_has_leftovers(table);
}

// Nobody has it yet, and nothing says that its removal takes long.
static bool is_free_soon(const Slot& slot) { return slot.heir.empty() && slot.removals == 0 && !slot.block_after_ms; }

bool recycle_can(const Table& table) {
  const bool looks = table.config.recycle == RecycleRule::Unwatched && table.config.look_every_ms;
  for (const auto& [port, slot] : table.slots) {
    if (slot.outside) continue;
    if (leftover_goes(slot)) return true;
    switch (slot.state) {
      case SlotState::Creating:
      case SlotState::Waiting:
        if (slot.client.empty()) return true;
        break;
      case SlotState::Ready: return true;
      case SlotState::Removing:
        if (is_free_soon(slot)) return true;
        break;
      case SlotState::Assigned:
        if (table.config.recycle != RecycleRule::Never && !(looks && is_watched(table, slot))) return true;
        break;
      case SlotState::Free:
      case SlotState::Claiming: break;
    }
  }
  return false;
}

Recycled recycle_for(Turn& turn, const std::string& client, const Want& want) {
  if (all_are_on_their_way(turn.table)) return Recycled::Nothing;
  Size size = want.size_given ? want.size : turn.table.config.default_size;
  Slot *coming = nullptr, *ready = nullptr, *leaving = nullptr;
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
        if (is_free_soon(slot) && !leaving) leaving = &slot;
        break;
      case SlotState::Free:
      case SlotState::Claiming:
      case SlotState::Assigned: break;
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
    give_up(turn, *coming, client, want, Ending::Yielded, "its port is needed for a client");
  } else if (ready) {
    say(turn, SayLevel::Info, "RECYCLE", "No port is free: the pool container on port " + std::to_string(ready->port) + " is given up" + whom);
    give_up(turn, *ready, client, want, Ending::Yielded, "its port is needed for a client");
  } else if (wait_for_leftovers(turn)) {
    if (!turn.table.waiters.count(client)) return Recycled::Nothing;  // it gave up waiting, and will ask again
    turn.table.seekers.push_back(client);
    say(turn, SayLevel::Info, "RECYCLE", "No port is free: leftovers that hold one are being removed" + whom);
  } else {
    Choice choice = choose(turn);
    if (choice.by_look && !turn.table.waiters.count(client)) return Recycled::Nothing;  // it gave up waiting: nobody is sent away for its retry
    if (choice.must_look)
      seek(turn, client);
    else if (choice.slot)
      take(turn, *choice.slot, client, want, whom);
    else
      return choice.sessions ? Recycled::Kept : Recycled::Nothing;
  }
  return Recycled::Placed;
}
