// step(): which rule hears of which event, and what every turn ends with.
#include "core/orchestrator.h"

#include <utility>

#include "core/rules.h"

void say(Turn& turn, SayLevel level, const char* tag, std::string text) {
  turn.actions.push_back(Say{level, tag, std::move(text), turn.request, turn.more});
}

static void add_speaker(uint64_t request, uint64_t* first, std::vector<uint64_t>* more) {
  if (*first == 0)
    *first = request;
  else
    more->push_back(request);
}

void say_to(Turn& turn, const std::vector<Waiter>& told, SayLevel level, const char* tag, std::string text) {
  Say line{level, tag, std::move(text), 0, {}};
  for (const Waiter& waiter : told) add_speaker(waiter.request, &line.request, &line.more);
  turn.actions.push_back(std::move(line));
}

static void speak_for_nobody(Turn& turn) {
  turn.request = 0;
  turn.more.clear();
}

void speak_for(Turn& turn, const std::string& client) {
  speak_for_nobody(turn);
  auto found = turn.table.waiters.find(client);
  if (found == turn.table.waiters.end()) return;
  for (const Waiter& waiter : found->second) add_speaker(waiter.request, &turn.request, &turn.more);
}

void speak_of(Turn& turn, const Slot& slot) {
  speak_for(turn, slot.client.empty() ? slot.heir : slot.client);
  for (const Waiter& waiter : slot.removers) add_speaker(waiter.request, &turn.request, &turn.more);
  for (const RemoveAll& all : turn.table.remove_alls)
    for (const auto& [port, generation] : all.pending)
      if (port == slot.port && generation == slot.generation) add_speaker(all.waiter.request, &turn.request, &turn.more);
}

// Whose lines the event's will be.
static void speak_of_event(Turn& turn, const Event& event) {
  Table& table = turn.table;
  const Slot* slot = nullptr;
  if (const auto* launched = std::get_if<LaunchDone>(&event)) slot = slot_of(table, launched->port, launched->generation);
  if (const auto* checked = std::get_if<CheckDone>(&event)) slot = slot_of(table, checked->port, checked->generation);
  if (const auto* removed = std::get_if<RemoveDone>(&event)) slot = slot_of(table, removed->port, removed->generation);
  if (const auto* changed = std::get_if<ContainerChanged>(&event)) slot = slot_by_container(table, changed->id);
  if (slot) speak_of(turn, *slot);
}

std::string joined(std::initializer_list<std::string_view> parts) {
  size_t size = 0;
  for (const std::string_view part : parts) size += part.size();
  std::string out;
  out.reserve(size);
  for (const std::string_view part : parts) out += part;
  return out;
}

void answer_error(Turn& turn, uint64_t request, int status, std::string text, int retry_after, int max_slots) {
  turn.actions.push_back(AnswerError{request, status, std::move(text), retry_after, max_slots});
}

std::string short_id(const std::string& container_id) { return container_id.empty() ? "-" : container_id.substr(0, 12); }

std::string size_text(Size size) { return std::to_string(size.width) + "x" + std::to_string(size.height); }

Waiter waiter_new(const Turn& turn, uint64_t request, Want want) {
  Waiter waiter{request, want, turn.now.mono_ms + turn.table.config.ready_timeout_ms + kAnswerSlackMs};
  table_wake(turn.table, waiter.deadline_ms);
  return waiter;
}

Table orchestrator_create(const CoreConfig& config, const std::vector<Record>& records, Now now, std::vector<Action>* actions) {
  Table table;
  table.config = config;
  for (int port = config.port_min; port <= config.port_max; port++) slot_add(table, port, false);
  Turn turn{table, now, *actions};
  reconcile_load(turn, records);
  table.on_disk = table.version;
  table.cleanup_at_ms = now.mono_ms + config.cleanup_interval_ms;
  table_wake(table, table.cleanup_at_ms);
  return table;
}

// ---- Before the first listing nobody knows what runs: requests wait for it, for a while.

static uint64_t early_request(const Event& event) {
  if (const auto* access = std::get_if<AccessAsked>(&event)) return access->request;
  if (const auto* removal = std::get_if<RemoveAsked>(&event)) return removal->request;
  if (const auto* all = std::get_if<RemoveAllAsked>(&event)) return all->request;
  return 0;
}

static bool wait_for_listing(Turn& turn, const Event& event) {
  if (turn.table.reconciled) return false;
  if (access_too_crowded(turn, early_request(event))) return true;
  int64_t deadline = turn.now.mono_ms + kStartWaitMs;
  turn.table.early.emplace_back(event, deadline);
  table_wake(turn.table, deadline);
  return true;
}

static void early_answer(Turn& turn, bool all, const std::string& text) {
  auto& early = turn.table.early;
  for (size_t i = 0; i < early.size();) {
    if (all || early[i].second <= turn.now.mono_ms) {
      answer_error(turn, early_request(early[i].first), 503, text, kRetryAfterSeconds);
      early.erase(early.begin() + static_cast<std::ptrdiff_t>(i));
    } else {
      table_wake(turn.table, early[i].second);
      i++;
    }
  }
}

static void early_gone(Turn& turn, uint64_t request) {
  std::erase_if(turn.table.early, [&](const auto& entry) { return early_request(entry.first) == request; });
}

// Which removal, of those that came later, takes back what this access asks for; nullptr: none.
static const char* taken_back_by(const std::vector<std::pair<Event, int64_t>>& early, size_t at) {
  const auto& client = std::get<AccessAsked>(early[at].first).client;
  for (size_t later = at + 1; later < early.size(); later++) {
    const auto* removal = std::get_if<RemoveAsked>(&early[later].first);
    if (removal && removal->client == client) return "/remove";
    if (std::get_if<RemoveAllAsked>(&early[later].first)) return "/remove-all";
  }
  return nullptr;
}

// An access that was taken back is not even begun: that could cost somebody else a session.
static void early_replay(Turn& turn) {
  auto early = std::exchange(turn.table.early, {});
  for (size_t at = 0; at < early.size(); at++) {
    const Event& event = early[at].first;
    speak_for_nobody(turn);
    turn.request = early_request(event);
    if (const auto* access = std::get_if<AccessAsked>(&event)) {
      if (const char* by = taken_back_by(early, at))
        answer_error(turn, access->request, 409, "The session was removed by a " + std::string(by) + " while it was on its way. Ask again for a new one.");
      else
        access_asked(turn, *access);
    }
    if (const auto* removal = std::get_if<RemoveAsked>(&event)) remove_asked(turn, *removal);
    if (const auto* all = std::get_if<RemoveAllAsked>(&event)) remove_all_asked(turn, *all);
  }
}

// ---- Stopping: everybody is told, what was on its way is given back, sessions and the pool run on.

static void stop(Turn& turn) {
  Table& table = turn.table;
  const std::string text = "The orchestrator is stopping. Try again in a moment.";
  table.stopping = true;
  table.seekers.clear();
  early_answer(turn, true, text);
  std::vector<std::string> clients;
  for (const auto& [client, waiters] : table.waiters) clients.push_back(client);
  for (const std::string& client : clients) access_refuse(turn, client, 503, text, kRetryAfterSeconds);
  for (auto& [port, slot] : table.slots) {
    for (const Waiter& waiter : slot.removers) answer_error(turn, waiter.request, 503, text, kRetryAfterSeconds);
    slot.removers.clear();
    slot_set_heir(table, slot, "", {});
  }
  for (const RemoveAll& all : table.remove_alls) answer_error(turn, all.waiter.request, 503, text, kRetryAfterSeconds);
  table.remove_alls.clear();
  std::vector<int> on_the_way;
  for (const auto& [port, slot] : table.slots)
    if ((slot.state == SlotState::Creating || slot.state == SlotState::Waiting) && !slot.adopted) on_the_way.push_back(port);
  for (int port : on_the_way) removal_begin(turn, *slot_at(table, port), Ending::Stopping, "the orchestrator is stopping");
  if (table.touched) table_changed(table);
}

bool orchestrator_at_rest(const Table& table) {
  for (const auto& [port, slot] : table.slots) {
    if (slot.job || slot.removing || slot.renaming || slot.state == SlotState::Claiming) return false;
    if (slot.state == SlotState::Removing && table.engine_up) return false;
  }
  return !table.saving && (table.on_disk == table.version || !table.store_text.empty() || !table.reconciled);
}

static void forget_old(Turn& turn) {
  if (turn.table.listing) return;  // it may show what has gone since, however long it takes
  int64_t before = turn.now.mono_ms - kRememberMs;
  std::erase_if(turn.table.deaths, [&](const auto& entry) { return entry.second.first < before; });
  std::erase_if(turn.table.orphans, [&](const auto& entry) { return entry.second < before && entry.second != kDoomed; });
}

static void tick(Turn& turn) {
  turn.table.wake_ms = kNever;
  early_answer(turn, false, "Not ready to serve yet: " + turn.table.engine_text);
  forget_old(turn);
  access_expire(turn);
  remove_expire(turn);
  launch_tick(turn);
  removal_tick(turn);
  rename_tick(turn);
  engine_tick(turn);
  viewers_round(turn);
  cleanup_tick(turn);
}

void step(Table& table, const Event& event, Now now, std::vector<Action>* actions) {
  Turn turn{table, now, *actions};
  turn.request = early_request(event);
  if (turn.request == 0) speak_of_event(turn, event);
  if (const auto* access = std::get_if<AccessAsked>(&event)) {
    say(turn, SayLevel::Info, "ACCESS", joined({"-------- Request for CPF=", access->client, " --------"}));
    if (table.stopping || !wait_for_listing(turn, event)) access_asked(turn, *access);
  } else if (const auto* removal = std::get_if<RemoveAsked>(&event)) {
    if (table.stopping || !wait_for_listing(turn, event)) remove_asked(turn, *removal);
  } else if (const auto* all = std::get_if<RemoveAllAsked>(&event)) {
    if (table.stopping || !wait_for_listing(turn, event)) remove_all_asked(turn, *all);
  } else if (const auto* gone = std::get_if<RequesterGone>(&event)) {
    turn.request = gone->request;
    early_gone(turn, gone->request);
    access_gone(turn, gone->request);
    remove_gone(turn, gone->request);
  } else if (const auto* launched = std::get_if<LaunchDone>(&event)) {
    launch_done(turn, *launched);
  } else if (const auto* checked = std::get_if<CheckDone>(&event)) {
    launch_check_done(turn, *checked);
  } else if (const auto* removed = std::get_if<RemoveDone>(&event)) {
    removal_done(turn, *removed);
  } else if (const auto* renamed = std::get_if<RenameDone>(&event)) {
    rename_done(turn, *renamed);
  } else if (const auto* pulled = std::get_if<PullDone>(&event)) {
    launch_pulled(turn, *pulled);
  } else if (const auto* connected = std::get_if<ConnectDone>(&event)) {
    engine_connected(turn, *connected);
  } else if (const auto* listed = std::get_if<Listed>(&event)) {
    bool first = !table.reconciled;
    reconcile(turn, *listed);
    if (first && table.reconciled) early_replay(turn);
  } else if (const auto* changed = std::get_if<ContainerChanged>(&event)) {
    engine_changed(turn, *changed);
  } else if (std::get_if<StreamUp>(&event)) {
    engine_stream_up(turn);
  } else if (const auto* down = std::get_if<StreamDown>(&event)) {
    engine_stream_down(turn, *down);
  } else if (const auto* written = std::get_if<Written>(&event)) {
    durable_written(turn, *written);
  } else if (const auto* looked = std::get_if<Looked>(&event)) {
    viewers_looked(turn, *looked);
  } else if (const auto* room = std::get_if<RoomSeen>(&event)) {
    pool_room_seen(turn, *room);
  } else if (const auto* reconfigured = std::get_if<Reconfigured>(&event)) {
    reconfigure(turn, *reconfigured);
  } else if (const auto* drain = std::get_if<DrainSet>(&event)) {
    drain_set(turn, *drain);
  } else if (std::get_if<Tick>(&event)) {
    tick(turn);
  } else if (std::get_if<Stop>(&event)) {
    stop(turn);
  }
  speak_for_nobody(turn);
  recycle_serve_heirs(turn);
  speak_for_nobody(turn);
  pool_fill(turn);
  durable_save(turn);
}
