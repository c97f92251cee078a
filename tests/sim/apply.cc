// Carries out one choice in the modelled world, and the end of every schedule: the faults are over.
#include <algorithm>

#include "core/names.h"
#include "sim/world.h"

const char* what_name(What what) {
  switch (what) {
    case What::Wait: return "Wait";
    case What::Sleep: return "Sleep";
    case What::WallClock: return "WallClock";
    case What::Ask: return "Ask";
    case What::HangUp: return "HangUp";
    case What::RemoveOne: return "RemoveOne";
    case What::RemoveAll: return "RemoveAll";
    case What::Prompt: return "Prompt";
    case What::Call: return "Call";
    case What::Answer: return "Answer";
    case What::Happen: return "Happen";
    case What::Health: return "Health";
    case What::Sicken: return "Sicken";
    case What::Die: return "Die";
    case What::HandRemoves: return "HandRemoves";
    case What::HandRenames: return "HandRenames";
    case What::HandPauses: return "HandPauses";
    case What::HandDisconnects: return "HandDisconnects";
    case What::HandStarts: return "HandStarts";
    case What::HandMakes: return "HandMakes";
    case What::StreamOpens: return "StreamOpens";
    case What::StreamBreaks: return "StreamBreaks";
    case What::EngineStops: return "EngineStops";
    case What::EngineStarts: return "EngineStarts";
    case What::ImageGoes: return "ImageGoes";
    case What::PortHeld: return "PortHeld";
    case What::DiskFull: return "DiskFull";
    case What::Kill: return "Kill";
    case What::Stop: return "Stop";
    case What::Exit: return "Exit";
    case What::Reboot: return "Reboot";
    case What::Memory: return "Memory";
    case What::HandRestarts: return "HandRestarts";
    case What::Watch: return "Watch";
    case What::Reload: return "Reload";
    case What::Drain: return "Drain";
  }
  return "?";
}

static void drain(World& world, int64_t since_us) {
  tell(world, since_us ? "/drain" : "/undrain");
  world.draining_us = since_us;
  daemon_step(world, DrainSet{since_us, 0});
}

// ---- Time.

static void pass(World& world, int64_t ms) {
  world.now.mono_ms += ms;
  world.now.wall_us += ms * 1000;
}

static void wait(World& world, int64_t ms) {
  const int64_t until = world.now.mono_ms + ms;
  while (world.failure.empty() && world.now.mono_ms < until) {
    pass(world, std::max<int64_t>(0, std::min(world.table.wake_ms, until) - world.now.mono_ms));
    daemon_tick_if_due(world);
  }
}

// ---- Clients.

static uint64_t request_new(World& world, const std::string& client, bool access) {
  world.requests.push_back(Request{client, access, true, world.now.mono_ms});
  world.open.push_back(world.requests.size() - 1);
  return world.open.back();
}

static void ask(World& world, const Choice& choice) {
  const std::string client = kClients[choice.who % std::size(kClients)];
  const bool given = choice.how != 0;
  const Size size = kSizes[choice.how == 2];
  tell(world, client + " asks for a session" +
                  (given ? " of " + std::to_string(size.width) + "x" + std::to_string(size.height) : ""));
  daemon_step(world, AccessAsked{request_new(world, client, true), client, given, size});
}

static void remove(World& world, const Choice& choice) {
  const std::string client = kClients[choice.who % std::size(kClients)];
  tell(world, "/remove of " + client);
  daemon_step(world, RemoveAsked{request_new(world, client, false), client});
}

static void hang_up(World& world, const Choice& choice) {
  if (world.open.empty()) return;
  const uint64_t request = world.open[choice.who % world.open.size()];
  world.requests[request].open = false;
  std::erase(world.open, request);
  tell(world, world.requests[request].client + " hangs up");
  daemon_step(world, RequesterGone{request});
}

// ---- Calls and answers.

static void deliver(World& world, size_t at, bool again) {
  const Event answer = pull_out(world.answers, at);
  if (again) world.answers.push_back(answer);
  daemon_step(world, answer);
}

static const char* outcome_text(Outcome outcome) {
  switch (outcome) {
    case Outcome::Well: return "";
    case Outcome::Refused: return ": refused";
    case Outcome::LostUndone: return ": not done, and the answer is lost";
    case Outcome::LostDone: return ": done, but an error comes back";
    case Outcome::LostLater: return ": the answer is lost, and it will be done later";
    case Outcome::Dies: return ": it ends right after its start";
    case Outcome::Stuck: return ": it will never be healthy";
    case Outcome::Slow: return ": begun, but slow";
    case Outcome::RefusedDone: return ": done, and yet refused";
  }
  return "";
}

static void work(World& world, const Choice& choice) {
  if (world.work.empty()) return;
  const auto outcome = static_cast<Outcome>(choice.how % kOutcomes);
  size_t at = choice.who % world.work.size();
  if (std::get_if<DoSave>(&world.work[at].job))  // one write after the other
    for (at = 0; !std::get_if<DoSave>(&world.work[at].job);) at++;
  tell(world, "the engine or disk: " + work_text(world.work[at]) + outcome_text(outcome));
  work_do(world, at, outcome);
}

// Also when it takes two halves.
static void work_whole(World& world, size_t at) {
  const bool launch = std::get_if<DoLaunch>(&world.work[at].job) && !world.work[at].half && !world.work[at].silent;
  const size_t rest = world.work.size() - 1;
  work_do(world, at, Outcome::Well);
  if (launch && world.work.size() > rest) work_do(world, rest, Outcome::Well);
}

static void prompt(World& world, const Choice& choice) {
  if (world.work.empty()) return;
  const size_t at = choice.who % world.work.size(), answers = world.answers.size();
  if (std::get_if<DoSave>(&world.work[at].job)) return work(world, Choice{What::Call, choice.who, 0, 0, 0});
  tell(world, "done and answered: " + work_text(world.work[at]));
  work_whole(world, at);
  if (world.answers.size() > answers) deliver(world, answers, false);
}

static void answer(World& world, const Choice& choice) {
  if (world.answers.empty()) return;
  static const char* const kKinds[] = {"",        "",        "",         "",     "launch",
                                       "look",    "removal", "renaming", "pull", "question for its version",
                                       "listing", "",        "",         "",     "write",
                                       "look at who watches"};
  const size_t at = choice.who % world.answers.size();
  const size_t kind = world.answers[at].index();
  const bool write = std::get_if<Written>(&world.answers[at]) != nullptr;
  tell(world, std::string("the daemon hears of a ") + kKinds[kind]);
  if (const auto* launched = std::get_if<LaunchDone>(&world.answers[at]))
    tell(world, " on port " + std::to_string(launched->port) + " " + launched->container_id);
  if (const auto* checked = std::get_if<CheckDone>(&world.answers[at])) tell(world, " at " + checked->seen.id);
  if (choice.how == 1 && !write) tell(world, ", and will hear of it again");
  deliver(world, at, choice.how == 1 && !write);
}

static const char* change_text(ContainerChange change) {
  switch (change) {
    case ContainerChange::Created: return "made";
    case ContainerChange::Died: return "dead";
    case ContainerChange::Destroyed: return "removed";
    case ContainerChange::Renamed: return "renamed";
    case ContainerChange::Healthy: return "healthy";
    case ContainerChange::Unhealthy: return "unhealthy";
    case ContainerChange::Disturbed: return "paused or off the network";
  }
  return "";
}

static void event(World& world, const Choice& choice) {
  if (world.stream.empty()) return;
  const ContainerChanged happened = pull_out(world.stream, choice.who % std::min<size_t>(world.stream.size(), 3));
  const std::string words = "the event that " + happened.id + " is " + change_text(happened.change);
  if (choice.how == 1) return tell(world, words + " is lost");
  if (choice.how == 2) world.stream.push_back(happened);
  const bool ended = happened.change == ContainerChange::Died || happened.change == ContainerChange::Destroyed;
  const Box* box = box_by_id(world, happened.id);
  const bool runs = box && (box->seen.state == SeenState::Running || box->seen.state == SeenState::Paused);  // again
  if (ended && !runs) world.known_dead.insert(happened.id);
  tell(world, words + " arrives");
  daemon_step(world, happened);
}

// ---- The engine, the disk, the daemon.

static void stream_breaks(World& world) {
  if (!world.stream_up) return;
  world.stream_up = false;
  world.stream.clear();
  daemon_step(world, StreamDown{"the event stream broke"});
}

static void stream_opens(World& world) {
  if (world.stream_up || !world.engine_up) return;
  tell(world, "the event stream opens");
  world.stream_up = true;
  daemon_step(world, StreamUp{});
}

static void all_end(World& world) {
  for (Box& box : world.boxes)
    if (!box.foreign) box_ends(world, box);
}

static void engine_stops(World& world, const Choice& choice) {
  if (!world.engine_up) return;
  tell(world,
       choice.how == 1 ? "the engine stops, and all containers with it" : "the engine stops, its containers run on");
  if (choice.how == 1) all_end(world);
  world.engine_up = false;
  stream_breaks(world);
}

static void reboot(World& world, const Choice& choice) {
  tell(world, "the host is rebooted");
  world.stream_up = false;
  all_end(world);
  world.work.clear();
  world.config.boot_id = "boot" + std::to_string(++world.boots);
  pass(world, 60'000);
  world.now.mono_ms = 15'000;
  world.engine_up = true;
  daemon_kill(world, FileFate::Whole, choice.amount);
}

void world_apply(World& world, const Choice& choice) {
  if (choice.ms) {
    pass(world, choice.ms);
    daemon_tick_if_due(world);
  }
  if (!world.failure.empty()) return;
  world.tally.whats[static_cast<size_t>(choice.what)]++;
  const auto fate = static_cast<FileFate>(choice.how % 5);
  switch (choice.what) {
    case What::Wait:
      tell(world, std::to_string(choice.amount / 1000) + " s pass");
      wait(world, choice.amount);
      break;
    case What::Sleep:
      tell(world, "the daemon is held up for " + std::to_string(choice.amount / 1000) + " s");
      pass(world, choice.amount);
      daemon_tick_if_due(world);
      break;
    case What::WallClock:
      tell(world, "the wall clock is set by " + std::to_string(choice.amount) + " s");
      world.now.wall_us += int64_t{choice.amount} * 1'000'000;
      break;
    case What::Ask: ask(world, choice); break;
    case What::HangUp: hang_up(world, choice); break;
    case What::RemoveOne: remove(world, choice); break;
    case What::RemoveAll:
      tell(world, "/remove-all");
      daemon_step(world, RemoveAllAsked{request_new(world, "", false)});
      break;
    case What::Drain: drain(world, world.draining_us ? 0 : world.now.wall_us); break;
    case What::Prompt: prompt(world, choice); break;
    case What::Call: work(world, choice); break;
    case What::Answer: answer(world, choice); break;
    case What::Happen: event(world, choice); break;
    case What::Health:
    case What::Sicken:
    case What::Die:
    case What::HandRemoves:
    case What::HandRenames:
    case What::HandPauses:
    case What::HandDisconnects:
    case What::HandStarts:
    case What::HandRestarts:
    case What::Watch:
    case What::HandMakes: hands_act(world, choice); break;
    case What::StreamOpens: stream_opens(world); break;
    case What::StreamBreaks:
      if (world.stream_up) tell(world, "the event stream breaks");
      stream_breaks(world);
      break;
    case What::EngineStops: engine_stops(world, choice); break;
    case What::EngineStarts:
      if (!world.engine_up) tell(world, "the engine starts");
      world.engine_up = true;
      break;
    case What::ImageGoes:
      tell(world, "the image is gone");
      world.image_here = false;
      break;
    case What::PortHeld: {
      const int port = world.config.port_min + choice.who % 4;
      world.port_of_another = world.port_of_another ? 0 : port;
      tell(world, world.port_of_another ? "another program takes port " + std::to_string(port)
                                        : "the other program gives its port back");
      break;
    }
    case What::DiskFull:
      world.disk_full = !world.disk_full;
      tell(world, world.disk_full ? "the disk is full" : "the disk has room again");
      break;
    case What::Kill:
      tell(world, "the daemon is killed and started again");
      daemon_kill(world, fate, choice.amount);
      break;
    case What::Stop:
      if (world.stopping) break;
      tell(world, "the daemon is told to stop");
      daemon_stop(world);
      break;
    case What::Exit:
      if (!world.stopping || (!orchestrator_at_rest(world.table) && world.now.mono_ms - world.stop_ms < 7000)) break;
      tell(world, "the daemon has stopped, and is started again");
      daemon_kill(world, fate, choice.amount);
      break;
    case What::Reboot: reboot(world, choice); break;
    case What::Memory:
      tell(world, "there is memory for " + std::to_string(choice.amount) + " more sessions");
      daemon_step(world, RoomSeen{100'000, 10'000 + choice.amount * 100, 100});
      break;
    case What::Reload: daemon_reload(world, static_cast<uint64_t>(choice.amount)); break;
  }
}

// ---- Calm.

static void all_goes_well(World& world) {
  stream_opens(world);
  for (size_t n = world.work.size(); n > 0 && !world.work.empty(); n--) work_whole(world, 0);
  while (!world.answers.empty()) deliver(world, 0, false);
  while (!world.stream.empty()) {
    tell(world, "\n                ");
    event(world, Choice{});
  }
  for (size_t i = 0; i < world.boxes.size(); i++) box_probed(world, world.boxes[i]);
}

static bool quiet(const World& world) {
  return world.stream_up && world.work.empty() && world.answers.empty() && world.stream.empty();
}

static void calm_until(World& world, int64_t until) {
  for (int turn = 0; world.failure.empty(); turn++) {
    if (turn > 3000) return broken(world, "it never comes to rest");
    all_goes_well(world);
    if (!quiet(world)) continue;
    if (world.now.mono_ms >= until) return;
    pass(world, std::max<int64_t>(0, std::min(world.table.wake_ms, until) - world.now.mono_ms));
    daemon_tick_if_due(world);
  }
}

void world_settle(World& world) {
  if (!world.failure.empty()) return;
  tell(world, "the faults are over: a quarter of an hour passes");
  world.disk_full = false;
  if (world.draining_us) drain(world, 0);
  world.engine_up = world.image_here = true;
  world.port_of_another = 0;
  for (Box& box : world.boxes) {
    if (box.seen.state == SeenState::Paused) box.seen.state = SeenState::Running;
    if (!world.told.count(box.seen.id)) box.viewers = 0;
  }
  if (world.stopping) daemon_kill(world, FileFate::Whole, 0);
  calm_until(world, world.now.mono_ms + 15 * 60'000);
  // A pool that thinks may have thought of something at the last moment.
  const auto moves = [&world] {
    return std::any_of(world.table.slots.begin(), world.table.slots.end(), [](const auto& entry) {
      const SlotState state = entry.second.state;
      return state == SlotState::Creating || state == SlotState::Waiting || state == SlotState::Removing;
    });
  };
  for (int more = 0; more < 3 && pool_thinks(world.table) && moves(); more++) calm_until(world, world.now.mono_ms + 20'000);
}

void world_warm_up(World& world) {
  calm_until(world, world.now.mono_ms + 1000);
  ask(world, Choice{});
  calm_until(world, world.now.mono_ms + 1000);
}

World world_create(uint64_t seed, bool telling) {
  uint64_t dice = seed * 0x2545f4914f6cdd1dU + 1;
  World world;
  world.seed = seed;
  world.telling = telling;
  world.now = Now{1'000'000'000, 1'770'000'000'000'000};
  world.requests.emplace_back();
  CoreConfig& config = world.config;
  config.port_min = kFirstPort;
  config.port_max = kFirstPort + static_cast<int>(mix(&dice) % 4);
  config.default_size = kSizes[0];
  config.warm_pool_size = static_cast<int>(mix(&dice) % 4);
  config.fingerprint = "print";
  config.instance = kInstance;
  config.boot_id = "boot0";
  if (seed % 4 == 2) {
    config.naming.masked = seed % 8 == 2;
    config.naming.hash = [](std::string_view client) {
      char text[33];
      snprintf(text, sizeof text, "%032zx", std::hash<std::string_view>{}(client));
      return std::string(text);
    };
  }
  config.ready_timeout_ms = 20'000;
  config.idle_timeout_ms = mix(&dice) % 4 ? 8 * 3'600'000 : 120'000;
  config.cleanup_interval_ms = 90'000;
  world.health_checks = mix(&dice) % 4 != 0;
  if (seed % 16 == 9) {  // a larger one
    config.port_max = kFirstPort + 7;
    config.warm_pool_size = 6;
  }
  if (seed % 16 == 5) config.most_waiting = 2;
  if (seed % 8 == 3) {  // a pool that thinks
    config.warm_pool_size = kPoolAuto;
    config.pool_most = config.port_max - config.port_min + 1;
    if (mix(&dice) % 2 == 0) config.pool_shifts = {PoolShift{0x7f, static_cast<int>(mix(&dice) % 1440), static_cast<int>(mix(&dice) % 1440), 2}};
    world.now.east_s = static_cast<int64_t>(mix(&dice) % 24) * 3600 - 43'200;
  }
  if (seed % 2 == 0) {  // somebody looks who watches
    static constexpr RecycleRule kRules[] = {RecycleRule::Unwatched, RecycleRule::Unwatched, RecycleRule::Oldest, RecycleRule::Never};
    config.look_every_ms = 10'000;
    config.recycle = kRules[mix(&dice) % std::size(kRules)];
    config.max_session_ms = mix(&dice) % 4 ? 0 : 300'000;
    world.blind = mix(&dice) % 8 == 0;
  }
  daemon_start(world);
  return world;
}
