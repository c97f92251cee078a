// A client and its requests: reuse, claim, a place in the queue, and the answer. The requests of one client are one queue.
#include <utility>

#include "core/rules.h"

static bool same_want(const Want& a, const Want& b) { return a.size_given == b.size_given && (!a.size_given || a.size == b.size); }

bool access_fits(const Turn& turn, const Slot& slot, const Want& want) {
  if (turn.table.draining_us) return true;
  if (want.size_given) return slot.size == want.size;
  return slot.size_by_default || slot.size == turn.table.config.default_size;
}

Want access_wanted(const Turn& turn, const std::string& client) {
  auto found = turn.table.waiters.find(client);
  return found == turn.table.waiters.end() ? Want{} : found->second.back().want;
}

static void enqueue(Turn& turn, const std::string& client, uint64_t request, Want want) {
  std::vector<Waiter>& queue = turn.table.waiters[client];
  want.resized = want.resized || (!queue.empty() && queue.back().want.resized);
  queue.push_back(waiter_new(turn, request, want));
  turn.table.waiting_for[request] = client;
}

static void touch(Turn& turn, Slot& slot) {
  slot.last_access_ms = turn.now.mono_ms;
  slot.last_access_us = turn.now.wall_us;
}

static void reuse(Turn& turn, Slot& slot, uint64_t request) {
  Table& table = turn.table;
  touch(turn, slot);
  if (!table.touched) {
    table.touched = true;
    table.touch_by_ms = turn.now.mono_ms + kTouchMs;
    table_wake(table, table.touch_by_ms);
  }
  say(turn, SayLevel::Info, "ACCESS",
      joined({"REUSE -> container=", short_id(slot.container_id), " port=", std::to_string(slot.port), " CPF=", slot.client}));
  table.tally.claims[static_cast<size_t>(Claim::Reuse)]++;
  turn.actions.push_back(AnswerRedirect{request, slot.port, Claim::Reuse});
}

// Why a session cannot be launched or claimed right now; empty when it can.
static std::string obstacle(const Turn& turn, bool needs_engine) {
  if (durable_broken(turn))
    return "The state file cannot be written, so no session can be given out: " + turn.table.store_text + ". Free some space or mend the disk.";
  if (needs_engine && !turn.table.engine_up) return "The container engine cannot be reached: " + turn.table.engine_text;
  return "";
}

// Who has a session is served whatever the crowd. A removal needs no such rule: no more of them wait than there are slots.
bool access_too_crowded(Turn& turn, uint64_t request) {
  Table& table = turn.table;
  size_t waiting = table.waiting_for.size() + table.early.size();
  if (waiting < table.config.most_waiting / 2) table.crowd_said = false;
  if (waiting < table.config.most_waiting) return false;
  say(turn, table.crowd_said ? SayLevel::Debug : SayLevel::Warning, "ACCESS",
      "As many requests wait for a session as may (" + std::to_string(waiting) + "): others are told to try again. See MAX_WAITING and MAX_CONNECTIONS");
  table.crowd_said = true;
  answer_error(turn, request, 503, "Too many requests are waiting for a session. Try again in a few seconds.", kRetryAfterSeconds);
  return true;
}

void access_asked(Turn& turn, const AccessAsked& event) {
  Table& table = turn.table;
  Want want{event.size_given, event.size, false};
  if (table.stopping) {
    answer_error(turn, event.request, 503, "The orchestrator is stopping. Try again in a moment.", kRetryAfterSeconds);
    return;
  }
  stand_in_yield(turn, event.client);
  Slot* slot = slot_by_client(table, event.client);
  if (slot && slot->state == SlotState::Assigned) {
    if (access_fits(turn, *slot, want)) {
      reuse(turn, *slot, event.request);
      return;
    }
    if (access_too_crowded(turn, event.request)) return;
    if (std::string why = obstacle(turn, true); !why.empty()) {
      answer_error(turn, event.request, 503, why, kRetryAfterSeconds);
      return;
    }
    Size size = want.size_given ? want.size : table.config.default_size;
    say(turn, SayLevel::Info, "ACCESS",
        "SIZE CHANGED " + size_text(slot->size) + " -> " + size_text(size) + " for CPF=" + event.client + ": recreating");
    want.resized = true;
    enqueue(turn, event.client, event.request, want);
    removal_begin(turn, *slot, Ending::Resized, "its client asked for another size");
    access_serve(turn, event.client, want);
    return;
  }
  if (access_too_crowded(turn, event.request)) return;
  enqueue(turn, event.client, event.request, want);
  if (slot || table.heirs.count(event.client) || client_seeks(table, event.client)) {
    say(turn, SayLevel::Info, "ACCESS", "CPF=" + event.client + " waits for its session, which is on its way");
    return;
  }
  say(turn, SayLevel::Info, "ACCESS", "No existing record for CPF=" + event.client);
  access_serve(turn, event.client, want);
  // Who is refused comes again in seconds: that makes no crowd.
  slot = slot_by_client(table, event.client);
  if (want.size_given || !slot) return;
  if (slot->state != SlotState::Claiming) table.tally.pool_misses++;
  if (!table.pool_said) pool_asked(turn);
}

// One of today's settings where there is one: who waits for none gets an old one rather than a launch.
static Slot* oldest_ready(Turn& turn) {
  const Table& table = turn.table;
  if (!table.count[static_cast<size_t>(SlotState::Ready)]) return nullptr;
  auto rank = [&](const Slot& slot) { return std::pair(rollout_is_old(table, slot), slot.changed); };
  Slot* best = nullptr;
  for (auto& [port, slot] : turn.table.slots)
    if (slot.state == SlotState::Ready && rollout_serves(table, slot) && (!best || rank(slot) < rank(*best))) best = &slot;
  return best;
}

// A launch of the pool that is on its way will be there sooner than a new one.
static Slot* furthest_pool_launch(Turn& turn) {
  const auto& of_the_pool = turn.table.count_pool;
  if (!of_the_pool[static_cast<size_t>(SlotState::Creating)] && !of_the_pool[static_cast<size_t>(SlotState::Waiting)]) return nullptr;
  Slot* best = nullptr;
  for (auto& [port, slot] : turn.table.slots) {
    bool on_the_way = slot.state == SlotState::Creating || slot.state == SlotState::Waiting;
    if (!on_the_way || !slot.client.empty() || slot.fingerprint != turn.table.config.fingerprint) continue;
    auto rank = [](const Slot& s) { return s.healthy ? 2 : s.state == SlotState::Waiting ? 1 : 0; };
    if (!best || rank(slot) > rank(*best) || (rank(slot) == rank(*best) && slot.launched_ms < best->launched_ms)) best = &slot;
  }
  return best;
}

void access_take_launch(Turn& turn, Slot& slot, const std::string& client, const Want& want) {
  slot.claim = want.resized ? Claim::Resize : Claim::Cold;
  slot_give(turn.table, slot, client);
  slot.size_by_default = !want.size_given;
  say(turn, SayLevel::Info, "ACCESS",
      "POOL -> the pool container on its way on port=" + std::to_string(slot.port) + " is now for CPF=" + client);
  if (slot.state == SlotState::Waiting && slot.healthy) launch_ready(turn, slot);
}

static void refuse_for_want_of_a_port(Turn& turn, const std::string& client) {
  int slots = table_max_slots(turn.table), blocked = turn.table.count[static_cast<size_t>(SlotState::Free)];
  std::string text = "No available ports: of " + std::to_string(slots) + ", ";
  if (blocked) text += std::to_string(blocked) + " are held by other programs and ";
  text += std::to_string(slots - blocked) + " are on their way to other clients. Try again in a few seconds.";
  say(turn, SayLevel::Warning, "ACCESS", "No port for CPF=" + client + " (" + std::to_string(blocked) + " held by other programs)");
  access_refuse(turn, client, 503, text, kRetryAfterSeconds, slots);
}

static void refuse_since_all_are_kept(Turn& turn, const std::string& client) {
  int sessions = turn.table.count[static_cast<size_t>(SlotState::Assigned)], watched = 0;
  for (const auto& [port, slot] : turn.table.slots) watched += slot.state == SlotState::Assigned && slot.viewers > 0;
  std::string text = "No available ports: " + std::to_string(sessions) + " sessions are in use, " + std::to_string(watched) + " of them watched right now";
  text += turn.table.config.recycle == RecycleRule::Never ? ", and by RECYCLE=never none of them is ended for a newcomer. " : ". ";
  text += "Try again when somebody has left.";
  access_refuse(turn, client, 503, text, kRetryAfterLongSeconds, table_max_slots(turn.table));
}

// But for who has lost a session to a change of size, and gets the other one, if that costs nobody else's.
static void refuse_since_draining(Turn& turn, const std::string& client) {
  access_refuse(turn, client, 503, kDrainingText, kRetryAfterLongSeconds);
}

void access_serve(Turn& turn, const std::string& client, const Want& want) {
  if (turn.table.draining_us && !want.resized) {
    refuse_since_draining(turn, client);
    return;
  }
  Slot* ready = want.size_given ? nullptr : oldest_ready(turn);
  if (std::string why = obstacle(turn, !ready); !why.empty()) {
    access_refuse(turn, client, 503, why, kRetryAfterSeconds);
    return;
  }
  if (ready) {
    access_claim(turn, *ready, client, want);
    return;
  }
  // A pool that fails just now is not relied on: the client's own launch tells what is wrong.
  Slot* coming = want.size_given || turn.table.pool_said ? nullptr : furthest_pool_launch(turn);
  if (coming) {
    access_take_launch(turn, *coming, client, want);
    return;
  }
  if (Slot* slot = launch_free_port(turn)) {
    launch_begin(turn, *slot, client, want);
    return;
  }
  if (turn.table.draining_us) {
    refuse_since_draining(turn, client);
    return;
  }
  switch (recycle_for(turn, client, want)) {
    case Recycled::Placed: return;
    case Recycled::Nothing: refuse_for_want_of_a_port(turn, client); return;
    case Recycled::Kept: refuse_since_all_are_kept(turn, client); return;
  }
}

void access_claim(Turn& turn, Slot& slot, const std::string& client, const Want& want) {
  slot_give(turn.table, slot, client);
  slot.size_by_default = !want.size_given;
  slot.claim = want.resized ? Claim::Resize : Claim::Pool;
  touch(turn, slot);
  slot_move(turn.table, slot, SlotState::Claiming);
  slot.record_version = turn.table.version;
  viewers_guard(turn, slot);
  say(turn, SayLevel::Info, "STATE",
      "CLAIM pool: container=" + short_id(slot.container_id) + " port=" + std::to_string(slot.port) + " -> CPF=" + client);
}

static std::vector<Waiter> take_waiters(Turn& turn, const std::string& client) {
  auto found = turn.table.waiters.find(client);
  if (found == turn.table.waiters.end()) return {};
  std::vector<Waiter> taken = std::move(found->second);
  turn.table.waiters.erase(found);
  recycle_forget(turn, client);
  for (const Waiter& waiter : taken) turn.table.waiting_for.erase(waiter.request);
  return taken;
}

// Those to be told how this slot came out; those who asked last for another size stay in the queue.
static std::vector<Waiter> take_waiters_of(Turn& turn, const Slot& slot) {
  std::string client = slot.client;
  std::vector<Waiter> all = take_waiters(turn, client);
  if (all.empty() || access_fits(turn, slot, all.back().want)) return all;
  Want last = all.back().want;
  std::vector<Waiter> told;
  for (const Waiter& waiter : all) {
    if (same_want(waiter.want, last)) {
      turn.table.waiters[client].push_back(waiter);
      turn.table.waiting_for[waiter.request] = client;
    } else {
      told.push_back(waiter);
    }
  }
  return told;
}

void access_arrived(Turn& turn, Slot& slot) {
  std::string client = slot.client;
  const char* how = slot.for_pool ? "POOL -> assigned container=" : "CREATED -> container=";
  const std::vector<Waiter> told = take_waiters_of(turn, slot);
  say_to(turn, told, SayLevel::Info, "ACCESS",
      how + short_id(slot.container_id) + " port=" + std::to_string(slot.port) + " to CPF=" + client +
          (slot.for_pool && slot.pool_recorded ? " (instant!)" : ""));
  const Claim claim = slot.claim.value_or(Claim::Reuse);  // found with its client: those who waited for the listing use it again
  turn.table.tally.claims[static_cast<size_t>(claim)] += slot.claim ? 1 : told.size();
  for (const Waiter& waiter : told) turn.actions.push_back(AnswerRedirect{waiter.request, slot.port, claim});
  if (!turn.table.waiters.count(client)) return;
  for (Waiter& waiter : turn.table.waiters[client]) waiter.want.resized = true;
  speak_for(turn, client);
  Want want = access_wanted(turn, client);
  if (std::string why = obstacle(turn, true); !why.empty()) {
    access_refuse(turn, client, 503, why, kRetryAfterSeconds);
    return;
  }
  say(turn, SayLevel::Info, "ACCESS", "CPF=" + client + " asked for another size meanwhile: recreating");
  removal_begin(turn, slot, Ending::Resized, "its client asked for another size");
  access_serve(turn, client, want);
}

void access_refuse(Turn& turn, const std::string& client, int status, const std::string& text, int retry_after, int max_slots) {
  std::vector<Waiter> told = take_waiters(turn, client);
  if (!told.empty())
    say_to(turn, told, status >= 500 && status != 503 ? SayLevel::Error : SayLevel::Warning, "ACCESS",
        "CPF=" + client + " was answered " + std::to_string(status) + ": " + text);
  for (const Waiter& waiter : told) answer_error(turn, waiter.request, status, text, retry_after, max_slots);
}

bool access_refuse_slot(Turn& turn, const Slot& slot, int status, const std::string& text, int retry_after) {
  std::string client = slot.client;
  std::vector<Waiter> told = take_waiters_of(turn, slot);
  if (!told.empty())
    say_to(turn, told, status == 503 ? SayLevel::Warning : SayLevel::Error, "ACCESS",
        "CPF=" + client + " was answered " + std::to_string(status) + ": " + text);
  for (const Waiter& waiter : told) answer_error(turn, waiter.request, status, text, retry_after);
  return turn.table.waiters.count(client) != 0;
}

void access_gone(Turn& turn, uint64_t request) {
  auto found = turn.table.waiting_for.find(request);
  if (found == turn.table.waiting_for.end()) return;
  std::string client = found->second;
  turn.table.waiting_for.erase(found);
  auto& queue = turn.table.waiters[client];
  std::erase_if(queue, [&](const Waiter& waiter) { return waiter.request == request; });
  if (!queue.empty()) return;
  turn.table.waiters.erase(client);
  recycle_forget(turn, client);
  say(turn, SayLevel::Info, "ACCESS", "CPF=" + client + " hung up: its session is kept for the next try");
}

void access_expire(Turn& turn) {
  std::vector<std::pair<std::string, uint64_t>> late;
  for (const auto& [client, queue] : turn.table.waiters)
    for (const Waiter& waiter : queue) {
      if (waiter.deadline_ms <= turn.now.mono_ms)
        late.emplace_back(client, waiter.request);
      else
        table_wake(turn.table, waiter.deadline_ms);
    }
  for (const auto& [client, request] : late) {
    turn.table.waiting_for.erase(request);
    auto& queue = turn.table.waiters[client];
    std::erase_if(queue, [request = request](const Waiter& waiter) { return waiter.request == request; });
    if (queue.empty()) {
      turn.table.waiters.erase(client);
      recycle_forget(turn, client);
    }
    say_to(turn, {Waiter{request, {}, kNever}}, SayLevel::Warning, "ACCESS", "CPF=" + client + " has waited too long: told to try again, its launch goes on");
    const char* text = turn.table.pulling ? "The session image is still being pulled. Try again in a few seconds."
                                          : "The session is not ready yet. Try again in a few seconds.";
    answer_error(turn, request, 503, text, kRetryAfterSeconds);
  }
}
