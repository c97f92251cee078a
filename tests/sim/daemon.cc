// The lives of the daemon in the modelled world: what reaches step(), what is done with its actions, and how it ends and starts again.
#include <algorithm>

#include "core/names.h"
#include "sim/world.h"

uint64_t mix(uint64_t* state) {
  uint64_t z = *state += 0x9e3779b97f4a7c15U;
  z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
  z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
  return z ^ (z >> 31U);
}

void broken(World& world, const std::string& rule) {
  if (world.failure.empty()) world.failure = rule;
}

void tell(World& world, const std::string& words) {
  if (world.telling) world.line += words;
}

// ---- One step.

static std::string whose(const World& world, uint64_t request) { return world.requests[request].client; }

static void answered(World& world, uint64_t request) {
  if (request == 0 || request >= world.requests.size()) return broken(world, "an answer to a request that nobody made");
  Request& one = world.requests[request];
  if (!one.open) broken(world, "request " + std::to_string(request) + " is answered though no answer is owed");
  one.open = false;
  std::erase(world.open, request);
}

static void tell_action(World& world, const Action& action) {
  if (!world.telling) return;
  std::string words;
  if (const auto* redirect = std::get_if<AnswerRedirect>(&action)) {
    words = "302 for " + whose(world, redirect->request) + " to port " + std::to_string(redirect->port);
  } else if (const auto* error = std::get_if<AnswerError>(&action)) {
    words = std::to_string(error->status) + " for " + whose(world, error->request) + " (" + error->text + ")";
  } else if (const auto* removed = std::get_if<AnswerRemoved>(&action)) {
    words = "200 for the removal of " + removed->client;
  } else if (std::get_if<AnswerRemovedAll>(&action)) {
    words = "200 for the removal of all";
  } else if (const auto* line = std::get_if<Say>(&action)) {
    if (line->level >= SayLevel::Warning) words = "\"" + line->text + "\"";
  } else {
    Work work;
    work.job = action;
    words = "asks for the " + work_text(work);
  }
  if (!words.empty()) world.line += "\n                -> " + words;
}

static void perform(World& world, const Event& event, const Action& action) {
  tell_action(world, action);
  if (const auto* redirect = std::get_if<AnswerRedirect>(&action)) {
    answered(world, redirect->request);
    world.tally.redirects++;
  } else if (const auto* error = std::get_if<AnswerError>(&action)) {
    answered(world, error->request);
    const bool full = error->max_slots != 0;
    world.tally.errors[error->status == 404   ? 0
                       : error->status == 409 ? 1
                       : error->status == 500 ? 2
                       : error->status != 503 ? 5
                       : full                 ? 4
                                              : 3]++;
  } else if (const auto* removed = std::get_if<AnswerRemoved>(&action)) {
    answered(world, removed->request);
    world.tally.removed++;
  } else if (const auto* all = std::get_if<AnswerRemovedAll>(&action)) {
    answered(world, all->request);
    world.tally.removed_all++;
  } else if (!std::get_if<Say>(&action)) {
    Work work;
    work.job = action;
    work.life = world.life;
    work.run = world.config.run;
    work.fingerprint = world.config.fingerprint;
    if (std::get_if<DoSave>(&action)) work.records = table_records(world.table);
    world.work.push_back(std::move(work));
  }
  if (world.failure.empty()) rules_action(world, event, action);
}

void daemon_step(World& world, const Event& event) {
  if (!world.failure.empty()) return;
  world.tally.steps++;
  rules_before(world, event);
  world.actions.clear();
  step(world.table, event, world.now, &world.actions);
  for (const Action& action : world.actions) perform(world, event, action);
  if (world.failure.empty()) rules_after(world, event);
}

void daemon_tick_if_due(World& world) {
  if (world.table.wake_ms > world.now.mono_ms || !world.failure.empty()) return;
  daemon_step(world, Tick{});
  if (world.table.wake_ms <= world.now.mono_ms) broken(world, "a Tick asks for another one at once: the loop spins");
}

// ---- Starting.

// Of MASK_IDS, which is read at the start alone.
static void edit_naming(World& world, uint64_t* dice) {
  if (world.config.naming.hash && mix(dice) % 8 == 0) world.config.naming.masked = !world.config.naming.masked;
}

// The settings file may have been edited meanwhile.
static void edit_settings(World& world, uint64_t* dice) {
  CoreConfig& config = world.config;
  if (mix(dice) % 6 == 0) world.image = world.image == "one" ? "two" : "one";
  if (mix(dice) % 6 == 0) config.fingerprint = config.fingerprint == "print" ? "print2" : "print";
  if (mix(dice) % 8 == 0) config.default_size = kSizes[mix(dice) % 2];
  if (mix(dice) % 8 == 0 && config.warm_pool_size != kPoolAuto) config.warm_pool_size = static_cast<int>(mix(dice) % 4);
  if (mix(dice) % 8 == 0) {
    config.port_min = kFirstPort + static_cast<int>(mix(dice) % 2);
    config.port_max = config.port_min + static_cast<int>(mix(dice) % 4);
  }
}

void daemon_reload(World& world, uint64_t dice) {
  if (world.stopping) return;
  edit_settings(world, &dice);
  const CoreConfig& config = world.config;
  tell(world, "the settings are read again: " + config.fingerprint + ", ports " + std::to_string(config.port_min) + " to " + std::to_string(config.port_max) + ", pool " +
                  std::to_string(config.warm_pool_size));
  daemon_step(world, Reconfigured{config});
  world.config = world.table.config;  // the range may have had to stay
}

void daemon_start(World& world) {
  world.life++;
  world.stopping = world.stream_up = false;
  world.known_dead.clear();
  world.sights.clear();
  world.was_ready.clear();
  world.may_still_go.clear();
  world.config.run = "run" + std::to_string(world.life);
  world.actions.clear();
  if (world.table.config.port_max)  // keep count over all lives
    for (size_t from = 0; from < kSlotStates; from++)
      for (size_t to = 0; to < kSlotStates; to++) world.tally.moves[from][to] += world.table.moves[from][to];
  world.table = orchestrator_create(world.config, world.disk, world.now, &world.actions);
  const std::vector<Action> actions = world.actions;
  rules_before(world, Tick{});
  for (const Action& action : actions) perform(world, Tick{}, action);
  if (world.failure.empty()) rules_after(world, Tick{});
  if (world.draining_us) daemon_step(world, DrainSet{world.draining_us, 0});
}

bool is_of(const World& world, const std::string& known_as, const std::string& client) {
  return known_as == client || known_as == client_stand_in(world.config.naming, client);
}

bool nobody_could_tell(World& world, const std::vector<Record>& records) {
  for (const auto& [id, client] : world.told) {
    const Box* box = box_by_id(world, id);
    if (!box) continue;
    std::string by_name;
    const bool named = container_name_kind(box->seen.name, &by_name) == NameKind::Client;
    auto record = std::find_if(records.begin(), records.end(),
                               [&own = id](const Record& one) { return one.container_id == own; });
    if (record == records.end() || record->client_id == kPoolClient) {
      if (named && !is_of(world, by_name, client)) return true;
      if (record != records.end() && record->container_name == box->seen.name) return true;
    } else if (!is_of(world, record->client_id, client)) {
      return true;
    }
  }
  return false;
}

// What a daemon that is gone had asked for may be done all the same, to the end or half, now or later.
static void leave_behind(World& world, uint64_t* dice) {
  for (size_t i = world.work.size(); i-- > 0;) {
    Work& work = world.work[i];
    if (work.life != world.life || work.silent) continue;
    const uint64_t die = mix(dice) % 4;
    work.silent = true;
    if (std::get_if<DoSave>(&work.job)) {  // cut anywhere: before the rename, or after it
      if (die % 2)
        work_do(world, i, Outcome::Well);
      else
        world.work.erase(world.work.begin() + static_cast<std::ptrdiff_t>(i));
      continue;
    }
    const bool changes_something =
        std::get_if<DoLaunch>(&work.job) || std::get_if<DoRemove>(&work.job) || std::get_if<DoRename>(&work.job);
    if (!changes_something || die == 0)
      world.work.erase(world.work.begin() + static_cast<std::ptrdiff_t>(i));
    else if (die == 1)
      work_do(world, i, Outcome::Well);
  }
}

// A record made up, or one of a field that is not so, as from a hand, a merge of two files, or the first version.
static void edit_records(const World& world, std::vector<Record>* records, uint64_t* dice) {
  if (records->empty()) return;
  Record& one = (*records)[mix(dice) % records->size()];
  Record more = one;
  more.last_accessed_us += mix(dice) % 2 ? 1'000'000 : -1'000'000;
  switch (mix(dice) % 9) {
    case 0:
      more.port++;
      records->push_back(more);
      break;  // a container twice
    case 1:
      more.container_id = "x1";
      more.port++;
      records->push_back(more);
      break;  // a client twice
    case 2:
      more.container_id = "x2";
      more.client_id = "gil";
      records->push_back(more);
      break;  // a port twice
    case 3:
      more.container_id = "x3";
      more.client_id = "..";
      records->push_back(more);
      break;
    case 4:
      more.container_id = "x4";
      more.port = static_cast<int>(mix(dice) % 2) * 70'000;
      records->push_back(more);
      break;
    case 5: one.port++; break;
    case 6:  // as of the first version
      one.fingerprint = "";
      one.last_accessed_mono_ms = -1;
      if (mix(dice) % 2) one.boot_id = "";
      break;
    case 7: one.last_accessed_mono_ms += 1'000'000'000; break;
    case 8:
      more.container_id = "";
      for (const Box& box : world.boxes) {  // the file was copied from another installation, whose container this is
        if (!box.foreign || box.seen.instance.empty()) continue;
        more.container_id = box.seen.id;
        more.container_name = box.seen.name;
        more.port = box.seen.port;
        if (mix(dice) % 2) more.client_id = "gil";
      }
      records->push_back(more);
      break;
  }
}

static void file_is(World& world, FileFate fate, uint64_t* dice) {
  std::vector<Record> found = world.disk;
  const char* words = "";
  switch (fate) {
    case FileFate::Whole: return;
    case FileFate::Lost:
      found.clear();
      words = "; its state file is lost";
      break;
    case FileFate::Torn:
      found.clear();
      words = "; its state file is torn, and set aside";
      break;
    case FileFate::Old:
      if (!world.older.empty()) found = world.older[mix(dice) % world.older.size()];
      words = "; its state file is an older one";
      break;
    case FileFate::Edited:
      edit_records(world, &found, dice);
      words = "; somebody has edited its state file";
      break;
  }
  if (nobody_could_tell(world, found)) return;
  world.disk = std::move(found);
  tell(world, words);
}

void daemon_kill(World& world, FileFate fate, int32_t amount) {
  uint64_t dice = static_cast<uint64_t>(amount);
  leave_behind(world, &dice);
  world.answers.clear();
  world.stream.clear();
  for (uint64_t request : world.open) world.requests[request].open = false;  // connections break
  world.open.clear();
  file_is(world, fate, &dice);
  if (amount) edit_settings(world, &dice);
  if (amount) edit_naming(world, &dice);
  daemon_start(world);
}

void daemon_stop(World& world) {
  world.stop_ms = world.now.mono_ms;
  world.stopping = true;
  daemon_step(world, Stop{});
  if (!world.open.empty()) broken(world, "a request waits on although the daemon stops");
}
