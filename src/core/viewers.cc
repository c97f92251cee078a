// Who watches: what a look at the sessions' connections changes, and when the next look at all of them is due.
#include <algorithm>

#include "core/rules.h"

bool viewers_fresh(const Turn& turn, const Slot& slot) { return turn.now.mono_ms - slot.looked_ms <= kLookFreshMs; }

int64_t viewers_idle_since(const Slot& slot) { return std::max(slot.last_access_ms, slot.last_seen_ms); }

void viewers_look(Turn& turn, LookFor purpose, const std::vector<const Slot*>& slots) {
  DoLook look{purpose, {}};
  for (const Slot* slot : slots) look.at.push_back(LookAt{slot->port, slot->generation, slot->container_id});
  turn.actions.push_back(std::move(look));
}

// The look goes on while the disk has its write.
void viewers_guard(Turn& turn, Slot& slot) {
  slot.unlooked = slot.guarded = turn.table.config.look_every_ms > 0;
  if (slot.unlooked) viewers_look(turn, LookFor::Claim, {&slot});
}

// ---- Rounds.

static bool is_looked_at(const Slot& slot) { return slot.state == SlotState::Assigned || slot.state == SlotState::Ready; }

// In pieces, since a claim's look waits for no more than the piece under way.
void viewers_round(Turn& turn) {
  Table& table = turn.table;
  if (!table.config.look_every_ms || !table.reconciled || table.stopping || table.round_looks) return;
  if (table.round_at_ms == kNever) table.round_at_ms = turn.now.mono_ms;
  if (turn.now.mono_ms < table.round_at_ms) {
    table_wake(table, table.round_at_ms);
    return;
  }
  table.round_at_ms = turn.now.mono_ms + table.config.look_every_ms;
  std::vector<const Slot*> piece;
  auto send = [&] {
    if (piece.empty()) return;
    table.round_looks++;
    viewers_look(turn, LookFor::Round, piece);
    piece.clear();
  };
  for (const auto& [port, slot] : table.slots) {
    if (is_looked_at(slot)) piece.push_back(&slot);
    if (piece.size() == kLookMost) send();
  }
  send();
  if (!table.round_looks) table_wake(table, table.round_at_ms);
}

// ---- What was seen.

static void say_blind(Turn& turn, const std::string& blind) {
  Table& table = turn.table;
  if (table.blind.empty() && !blind.empty())
    say(turn, SayLevel::Warning, "VIEWERS", "Nobody can tell who watches a session, so last accesses must do: " + blind);
  if (!table.blind.empty() && blind.empty()) say(turn, SayLevel::Info, "VIEWERS", "It can be seen again who watches a session");
  table.blind = blind;
}

static void keep_last_seen(Turn& turn, Slot& slot) {
  Table& table = turn.table;
  if (slot.last_seen_ms - slot.seen_kept_ms < kSeenKeptMs) return;
  slot.seen_kept_ms = slot.last_seen_ms;
  if (table.touched) return;
  table.touched = true;
  table.touch_by_ms = turn.now.mono_ms + kTouchMs;
  table_wake(table, table.touch_by_ms);
}

static void note(Turn& turn, Slot& slot, int viewers, int64_t ended_ms) {
  if (ended_ms < slot.looked_ms) return;  // a later one has been heard of already
  if (slot.state == SlotState::Assigned && slot.viewers > 0 && viewers == 0) slot.seen_kept_ms = kLongAgo;  // the hour of leaving is worth a write
  slot.viewers = viewers;
  slot.looked_ms = ended_ms;
  if (slot.state != SlotState::Assigned) return;
  if (viewers > 0) {
    slot.last_seen_ms = std::max(slot.last_seen_ms, ended_ms);
    slot.last_seen_us = turn.now.wall_us - (turn.now.mono_ms - slot.last_seen_ms) * 1000;
  }
  if (slot.last_seen_us) keep_last_seen(turn, slot);
}

static std::string watchers(int viewers) { return viewers == 1 ? "somebody watches it" : std::to_string(viewers) + " people watch it"; }

// Whoever watches a container of the pool would see the work of the next client.
static void judge_pool(Turn& turn, Slot& slot, int viewers) {
  say(turn, SayLevel::Warning, "POOL",
      "Pool container=" + short_id(slot.container_id) + " port=" + std::to_string(slot.port) + " is given to nobody: " + watchers(viewers) +
          " (did somebody try the ports?)");
  removal_begin(turn, slot, Ending::Watched, "watched before it was anybody's");
}

static void judge_claimed(Turn& turn, Slot& slot, int viewers) {
  slot.unlooked = false;
  speak_of(turn, slot);
  if (viewers <= 0) {
    durable_settle(turn, slot);
    return;
  }
  std::string client = slot.client;
  Want want = access_wanted(turn, client);
  say(turn, SayLevel::Warning, "ACCESS",
      "container=" + short_id(slot.container_id) + " port=" + std::to_string(slot.port) + " is not given to CPF=" + client + " after all: " +
          watchers(viewers) + " (did somebody try the ports?)");
  removal_begin(turn, slot, Ending::Watched, "watched before it was anybody's");
  if (turn.table.waiters.count(client)) access_serve(turn, client, want);
}

void viewers_looked(Turn& turn, const Looked& event) {
  Table& table = turn.table;
  say_blind(turn, event.blind);
  for (const Watched& watched : event.watched) {
    Slot* slot = slot_of(table, watched.port, watched.generation);
    if (!slot) continue;
    note(turn, *slot, watched.viewers, event.ended_ms);
    if (slot->state == SlotState::Ready && watched.viewers > 0) judge_pool(turn, *slot, watched.viewers);
    bool asked_for = slot->unlooked && event.purpose == LookFor::Claim;
    if (slot->state == SlotState::Claiming && slot->guarded && (asked_for || watched.viewers > 0)) judge_claimed(turn, *slot, watched.viewers);
  }
  switch (event.purpose) {
    case LookFor::Round:
      if (table.round_looks > 0 && --table.round_looks == 0) table_wake(table, table.round_at_ms);
      cleanup_aged(turn, event);
      return;
    case LookFor::Recycle: recycle_looked(turn); return;
    case LookFor::Cleanup: cleanup_looked(turn, event); return;
    case LookFor::Claim:
    case LookFor::Met: return;
  }
}
