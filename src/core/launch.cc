// The life of a launch: a port is taken, a container made and started, watched until it is ready; or all of it given back.
#include <climits>
#include <utility>

#include "core/names.h"
#include "core/rules.h"

Slot* launch_free_port(Turn& turn) {
  if (!turn.table.count[static_cast<size_t>(SlotState::Free)]) return nullptr;
  Slot* best = nullptr;
  for (auto& [port, slot] : turn.table.slots) {
    if (slot.state != SlotState::Free || slot.outside || slot.blocked_until_ms > turn.now.mono_ms) continue;
    if (!best || slot.freed < best->freed) best = &slot;
  }
  return best;
}

// While a container of that name is there, or being removed, the engine refuses a second one (409).
static bool name_is_held(const Turn& turn, const std::string& name) {
  for (const auto& [port, slot] : turn.table.slots)
    if (slot.state != SlotState::Free && slot.container_name == name) return true;
  return false;
}

static void send_launch(Turn& turn, Slot& slot) {
  std::string name = slot.pool_name ? pool_container_name(slot.port) : client_container_name(turn.table.config.naming, slot.client);
  slot_set_container(turn.table, slot, "", name);
  slot.job = ++turn.table.jobs;
  slot.parked = false;
  turn.actions.push_back(DoLaunch{slot.port, slot.generation, slot.job, name, slot.size, !slot.client.empty()});
}

void launch_begin(Turn& turn, Slot& slot, const std::string& client, const Want& want) {
  Table& table = turn.table;
  slot.size = want.size_given ? want.size : table.config.default_size;
  slot.size_by_default = !want.size_given;
  if (!client.empty()) slot.claim = want.resized ? Claim::Resize : Claim::Cold;
  slot.fingerprint = table.config.fingerprint;
  slot.image = table.image == kNoImage ? "" : table.image;  // it may be pulled for this
  slot.launched_ms = turn.now.mono_ms;
  slot.leftover = false;
  if (turn.table.room > 0 && turn.table.room != INT_MAX) --turn.table.room;
  slot.created_us = turn.now.wall_us;
  slot.created_ms = turn.now.mono_ms;
  slot.for_pool = client.empty();
  slot.pool_name = client.empty() || name_is_held(turn, client_container_name(turn.table.config.naming, client));
  slot_move(table, slot, SlotState::Creating);
  slot_give(table, slot, client);
  std::string port = std::to_string(slot.port);
  say(turn, SayLevel::Debug, "PORT", "Port " + port + " taken");
  SayLevel level = client.empty() && table.pool_said ? SayLevel::Debug : SayLevel::Info;  // a failing pool says so once
  if (client.empty()) say(turn, level, "POOL", "Creating pool container on port " + port + "...");
  std::string name = slot.pool_name ? pool_container_name(slot.port) : client_container_name(turn.table.config.naming, client);
  say(turn, level, "CREATE",
      (client.empty() ? "Starting POOL creation: name=" : "Starting creation for CPF=" + client + ": name=") + name + " port=" + port +
          " size=" + size_text(slot.size));
  if (table.pulling) {
    slot.parked = true;
    slot_set_container(table, slot, "", name);
  } else {
    send_launch(turn, slot);
  }
}

// ---- It failed.

void launch_fail(Turn& turn, Slot& slot, int status, const std::string& why, int retry_after) {
  std::string client = slot.client;
  say(turn, client.empty() && turn.table.pool_said ? SayLevel::Debug : SayLevel::Error, "CREATE",
      "FAILED on port=" + std::to_string(slot.port) + " container=" + short_id(slot.container_id) +
          (client.empty() ? std::string() : " CPF=" + client) + ": " + why);
  if (slot.for_pool) pool_failed(turn, why);
  bool again = !client.empty() && slot.for_pool;  // the pool's misfortune is not the client's: it gets a launch of its own
  if (!client.empty() && !again) again = access_refuse_slot(turn, slot, status, "Failed to create container: " + why, retry_after);
  removal_begin(turn, slot, Ending::LaunchFailed, "its launch failed");
  if (again && !turn.table.stopping) access_serve(turn, client, access_wanted(turn, client));
}


// The port belongs to somebody else for now: another one is tried before the client is told anything.
static void port_is_taken(Turn& turn, Slot& slot, const std::string& why) {
  std::string client = slot.client;
  Want want{!slot.size_by_default, slot.size, slot.claim == Claim::Resize};
  // While leftovers of ours are being removed it is most likely one of them, and soon gone.
  slot.leftover = removal_has_leftovers(turn.table);
  slot.block_after_ms = slot.leftover ? 2 * kRetryMs : kPortBlockMs;
  say(turn, SayLevel::Warning, "PORT",
      "Port " + std::to_string(slot.port) + " is skipped for " + std::to_string(slot.block_after_ms / 1000) + " s: " + why);
  removal_begin(turn, slot, Ending::PortHeld, "its port or name is held");
  engine_list(turn);
  if (!client.empty()) access_serve(turn, client, want);
}

static void name_is_taken(Turn& turn, Slot& slot, const std::string& why) {
  if (!slot.pool_name) {
    say(turn, SayLevel::Info, "CREATE", "Name " + slot.container_name + " is still held: launching under the pool's name, renaming later");
    slot.pool_name = true;
    send_launch(turn, slot);
    engine_list(turn);  // whatever holds the name and is ours is cleared away
    return;
  }
  port_is_taken(turn, slot, why);
}

static void image_is_missing(Turn& turn, Slot& slot, const std::string& why) {
  if (slot.pulled) {
    launch_fail(turn, slot, 500, why);
    return;
  }
  slot.parked = true;
  if (turn.table.pulling) return;
  turn.table.pulling = true;
  say(turn, slot.client.empty() && turn.table.pool_said ? SayLevel::Debug : SayLevel::Warning, "CREATE", "The image is not on this host: pulling it (" + why + ")");
  turn.actions.push_back(DoPull{});
}

static void started(Turn& turn, Slot& slot) {
  slot_move(turn.table, slot, SlotState::Waiting);
  slot.started_ms = turn.now.mono_ms;
  slot.ready_by_ms = turn.now.mono_ms + turn.table.config.ready_timeout_ms;
  slot.check_at_ms = turn.now.mono_ms + kCheckEveryMs / 5;
  table_wake(turn.table, slot.check_at_ms);
  say(turn, SayLevel::Info, "WAIT", "Container " + short_id(slot.container_id) + " started on port " + std::to_string(slot.port) +
                                        ": waiting until it is healthy");
  auto death = turn.table.deaths.find(slot.container_id);
  if (death != turn.table.deaths.end())
    launch_fail(turn, slot, 500, "the container ended right after its start (exit code " + std::to_string(death->second.second) + ")");
}

static void launch_failed(Turn& turn, Slot& slot, const Failure& failure) {
  switch (failure.fault) {
    case Fault::PortTaken: port_is_taken(turn, slot, failure.text); return;
    case Fault::NameTaken: name_is_taken(turn, slot, failure.text); return;
    case Fault::ImageMissing: image_is_missing(turn, slot, failure.text); return;
    case Fault::Unreachable: launch_fail(turn, slot, 503, failure.text, kRetryAfterSeconds); return;
    case Fault::Unknown:
      slot.by_name = slot.container_id.empty();
      launch_fail(turn, slot, 500, failure.text);
      return;
    case Fault::None:
    case Fault::NotFound:
    case Fault::NetworkMissing:
    case Fault::Refused: launch_fail(turn, slot, 500, failure.text); return;
  }
}

void launch_done(Turn& turn, const LaunchDone& event) {
  Slot* slot = slot_of(turn.table, event.port, event.generation);
  if (!slot || !slot->job || slot->job != event.job) {
    bool leaks = !event.container_id.empty() && !slot_by_container(turn.table, event.container_id);
    if (leaks) removal_orphan(turn, event.container_id, "of an abandoned launch");
    return;
  }
  slot->launch_job = slot->job;
  slot->job = 0;
  if (!event.container_id.empty()) slot_set_container(turn.table, *slot, event.container_id, slot->container_name);
  if (slot->state == SlotState::Removing) {  // it was cancelled meanwhile
    slot->by_name = event.failure.fault == Fault::Unknown && event.container_id.empty();
    slot->remove_at_ms = turn.now.mono_ms;
    removal_tick(turn);
    return;
  }
  if (event.failure.fault == Fault::None)
    started(turn, *slot);
  else
    launch_failed(turn, *slot, event.failure);
}

void launch_pulled(Turn& turn, const PullDone& event) {
  turn.table.pulling = false;
  std::vector<int> parked;
  bool news = !turn.table.pool_said;
  for (const auto& [port, slot] : turn.table.slots) {
    if (!slot.parked || slot.state != SlotState::Creating) continue;
    parked.push_back(port);
    news = news || !slot.client.empty();
  }
  bool failed = event.failure.fault != Fault::None;
  say(turn, !failed ? SayLevel::Info : news ? SayLevel::Error : SayLevel::Debug, "CREATE", failed ? "The image could not be pulled: " + event.failure.text : "The image has been pulled");
  for (int port : parked) {
    Slot* slot = slot_at(turn.table, port);
    if (!slot || !slot->parked || slot->state != SlotState::Creating) continue;
    slot->pulled = true;
    if (!failed)
      send_launch(turn, *slot);
    else
      launch_fail(turn, *slot, 500, event.failure.text);
  }
}

// ---- It runs: is it ready?

void launch_ready(Turn& turn, Slot& slot) {
  Table& table = turn.table;
  if (!slot.healthy) {
    if (!slot.adopted && !slot.pulled) pool_launched(turn, slot);  // how long the image took to come is no launch's time
    int64_t took = turn.now.mono_ms - slot.launched_ms;
    if (!slot.adopted) durations_add(&table.tally.healthy, static_cast<double>(turn.now.mono_ms - slot.started_ms) / 1000);
    if (!slot.adopted && !slot.pulled) durations_add(&table.tally.launch, static_cast<double>(took) / 1000);
    std::string seconds = std::to_string(took / 1000) + "." + std::to_string(took % 1000 / 100);
    say(turn, SayLevel::Info, "WAIT", "Container " + short_id(slot.container_id) + " is HEALTHY (took " + seconds + "s)");
    if (!slot.adopted && !slot.client.empty()) pool_worked(turn);  // what made the pool fail has gone
  }
  slot.healthy = true;
  slot.check_at_ms = kNever;
  slot.last_access_ms = turn.now.mono_ms;
  slot.last_access_us = turn.now.wall_us;
  if (slot.client.empty())
    table_changed(table);
  else
    slot_move(table, slot, SlotState::Claiming);
  slot.record_version = table.version;
  if (slot.state == SlotState::Claiming && slot.for_pool) viewers_guard(turn, slot);
}

void launch_check_done(Turn& turn, const CheckDone& event) {
  Slot* slot = slot_of(turn.table, event.port, event.generation);
  if (!slot) return;
  slot->checking = false;
  if (slot->state != SlotState::Waiting || slot->healthy) return;
  slot->check_at_ms = turn.now.mono_ms + kCheckEveryMs;
  table_wake(turn.table, slot->check_at_ms);
  if (event.failure.fault == Fault::NotFound) {
    launch_fail(turn, *slot, 500, "the container disappeared before it was ready");
    return;
  }
  if (event.failure.fault != Fault::None) return;  // not known: the next look, or the deadline, decides
  const Seen& seen = event.seen;
  if (seen.state == SeenState::Ended || seen.state == SeenState::Created) {
    launch_fail(turn, *slot, 500, "the container ended before it was ready" + (seen.why.empty() ? "" : ": " + seen.why));
    return;
  }
  switch (seen.health) {
    case SeenHealth::Healthy: launch_ready(turn, *slot); return;
    case SeenHealth::Unhealthy:
      launch_fail(turn, *slot, 500, "the container is unhealthy" + (seen.why.empty() ? "" : ": " + seen.why));
      return;
    case SeenHealth::None:
      if (event.answered) {
        launch_ready(turn, *slot);
      } else {  // a probe costs little, and nobody tells us of the moment: look often at first
        slot->check_at_ms = turn.now.mono_ms + (slot->checks < 20 ? kCheckEveryMs / 4 : kCheckEveryMs);
        table_wake(turn.table, slot->check_at_ms);
      }
      return;
    case SeenHealth::Starting: return;
  }
}

bool launch_in_flight(const Turn& turn, const std::string& run, const std::string& job) {
  if (run != turn.table.config.run) return false;
  for (const auto& [port, slot] : turn.table.slots)
    if (slot.job && std::to_string(slot.job) == job) return true;
  return false;
}

void launch_tick(Turn& turn) {
  std::vector<int> late;
  for (auto& [port, slot] : turn.table.slots) {
    if (slot.state != SlotState::Waiting || slot.healthy || !turn.table.engine_up) continue;
    if (slot.ready_by_ms <= turn.now.mono_ms) {
      late.push_back(port);
      continue;
    }
    table_wake(turn.table, slot.ready_by_ms);
    if (slot.checking) continue;
    if (slot.check_at_ms <= turn.now.mono_ms) {
      slot.checking = true;
      slot.checks++;
      turn.actions.push_back(DoCheck{slot.port, slot.generation, slot.container_id});
    } else {
      table_wake(turn.table, slot.check_at_ms);
    }
  }
  for (int port : late) {
    Slot* slot = slot_at(turn.table, port);
    if (!slot || slot->state != SlotState::Waiting) continue;
    speak_of(turn, *slot);
    launch_fail(turn, *slot, 500,
                "the container was not healthy within READY_TIMEOUT_SECONDS=" + std::to_string(turn.table.config.ready_timeout_ms / 1000));
  }
}
