// How the modelled engine, disk and clients behave, and what every step is held against.
#include "core/world.h"

#include <algorithm>

#include "core/names.h"
#include "support/cmocka_cc.h"

static const char* const kInstance = "vnc_network";

#define broken(world, ...)                                                                                    \
  do {                                                                                                        \
    print_error("seed %llu, step %d: ", static_cast<unsigned long long>((world).seed), (world).steps);         \
    fail_msg(__VA_ARGS__);                                                                                    \
  } while (0)

// ---- Chance (splitmix64: the same on every machine).

static uint64_t chance(World& world) {
  world.random += 0x9e3779b97f4a7c15U;
  uint64_t z = world.random;
  z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
  z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
  return z ^ (z >> 31U);
}

static size_t below(World& world, size_t most) { return chance(world) % most; }
static bool one_in(World& world, size_t n) { return below(world, n) == 0; }
static bool fault(World& world, size_t n) { return !world.calm && one_in(world, n * world.gentle); }

template <class T>
static T pull_out(std::vector<T>& list, size_t at) {
  T taken = std::move(list[at]);
  list.erase(list.begin() + static_cast<std::ptrdiff_t>(at));
  return taken;
}

// ---- What the daemon says and does.

static void redirected(World& world, const AnswerRedirect& answer) {
  const std::string& client = world.asked[answer.request].client;
  auto is_it = [&](const Record& one) { return one.port == answer.port && one.client_id == client; };
  auto record = std::find_if(world.disk.begin(), world.disk.end(), is_it);
  if (record == world.disk.end()) broken(world, "302 to port %d for %s is not on disk", answer.port, client.c_str());
  const std::string& id = record->container_id;
  if (world.known_dead.count(id)) broken(world, "%s was sent to %s, known to be dead", client.c_str(), id.c_str());
  auto box = std::find_if(world.boxes.begin(), world.boxes.end(), [&](const Box& one) { return one.seen.id == id; });
  if (box != world.boxes.end()) {
    // An earlier run's session that is unhealthy may be in use, or never have been ready: nobody can tell, and it is kept.
    const bool kept = box->seen.run != world.config.run && box->was_unhealthy;
    if ((!box->was_healthy && !kept) || box->seen.port != answer.port || box->foreign)
      broken(world, "%s was sent to %s, which is not ready there", client.c_str(), id.c_str());
  }
  std::string& owner = world.told[id];
  if (!owner.empty() && owner != client) broken(world, "%s of %s was given to %s", id.c_str(), owner.c_str(), client.c_str());
  owner = client;
  world.seen_happen["302"]++;
}

static void answered(World& world, uint64_t request, const char* what) {
  Request& one = world.asked[request];
  if (!one.open) broken(world, "request %d is answered (%s) though none is owed", static_cast<int>(request), what);
  one.open = false;
}

static void take(World& world, const std::vector<Action>& actions) {
  for (const Action& action : actions) {
    if (const auto* redirect = std::get_if<AnswerRedirect>(&action)) {
      answered(world, redirect->request, "302");
      redirected(world, *redirect);
    } else if (const auto* error = std::get_if<AnswerError>(&action)) {
      answered(world, error->request, error->text.c_str());
      world.seen_happen[std::to_string(error->status)]++;
    } else if (const auto* removed = std::get_if<AnswerRemoved>(&action)) {
      answered(world, removed->request, "removed");
      world.seen_happen["removed"]++;
    } else if (const auto* all = std::get_if<AnswerRemovedAll>(&action)) {
      answered(world, all->request, "all removed");
    } else if (const auto* line = std::get_if<Say>(&action)) {
      if (world.trace) print_message("      [%s] %s\n", line->tag, line->text.c_str());
    } else {
      Work work{action, world.daemon, false, "", {}};
      if (std::get_if<DoSave>(&action)) work.records = table_records(world.table);
      world.work.push_back(std::move(work));
    }
  }
}

static void check(World& world) {
  const Table& table = world.table;
  const std::string wrong = table_check(table);
  if (!wrong.empty()) broken(world, "%s", wrong.c_str());
  for (const auto& [port, slot] : table.slots)
    if (slot.state == SlotState::Ready && world.told.count(slot.container_id))
      broken(world, "port %d: the container of %s is READY", port, world.told[slot.container_id].c_str());
  const bool may_trim = table.reconciled && table.engine_up && !table.stopping && !table.pulling && table.store_text.empty();
  if (may_trim && table.count[static_cast<size_t>(SlotState::Ready)] > table.config.warm_pool_size)
    broken(world, "more READY slots than WARM_POOL_SIZE");
}

static void tell(World& world, const Event& event) {
  if (world.trace) print_message("%d: event %d\n", world.steps, static_cast<int>(event.index()));
  std::vector<Action> actions;
  step(world.table, event, world.now, &actions);
  take(world, actions);
  check(world);
}

static void tick_if_due(World& world) {
  if (world.table.wake_ms > world.now.mono_ms) return;
  tell(world, Tick{});
  if (world.table.wake_ms <= world.now.mono_ms) broken(world, "a Tick asks for another one at once");
}

static void pass_time(World& world, int64_t ms) {
  world.now.mono_ms += ms;
  world.now.wall_us += ms * 1000;
  tick_if_due(world);
}

// ---- The engine.

static Box* box_of(World& world, const std::string& id) {
  for (Box& box : world.boxes)
    if (box.seen.id == id) return &box;
  return nullptr;
}

static Box* box_named(World& world, const std::string& name) {
  for (Box& box : world.boxes)
    if (box.seen.name == name) return &box;
  return nullptr;
}

static void happens(World& world, ContainerChange change, const Box& box) {
  if (!world.stream_up || fault(world, 15)) return;  // lost
  ContainerChanged event{change, box.seen.id, box.seen.name, change == ContainerChange::Died ? 137 : 0,
                         box.seen.instance, box.seen.run, box.seen.job};
  world.stream.push_back(event);
  if (fault(world, 15)) world.stream.push_back(event);
}

static void dies(World& world, Box& box) {
  if (box.seen.state != SeenState::Running) return;
  box.seen.state = SeenState::Ended;
  box.seen.health = SeenHealth::None;
  box.seen.on_network = false;
  happens(world, ContainerChange::Died, box);
}

static void is_removed(World& world, const std::string& id) {
  Box* box = box_of(world, id);
  if (box->foreign) broken(world, "the foreign container %s is removed", box->seen.name.c_str());
  dies(world, *box);
  happens(world, ContainerChange::Destroyed, *box);
  std::erase_if(world.boxes, [&](const Box& one) { return one.seen.id == id; });
}

static bool port_is_held(World& world, int port) {
  if (port == world.port_of_another) return true;
  return std::any_of(world.boxes.begin(), world.boxes.end(), [&](const Box& box) {
    return box.seen.port == port && box.seen.state == SeenState::Running;
  });
}

// The first half of a launch: made, not started. Empty: made.
static Fault create_box(World& world, Work& work, const DoLaunch& job) {
  if (!world.image_here) return Fault::ImageMissing;
  if (box_named(world, job.name)) return Fault::NameTaken;
  if (fault(world, 25)) return Fault::Refused;
  Box box;
  box.seen.id = work.id = "box" + std::to_string(++world.ids);
  box.seen.name = job.name;
  box.seen.port = job.port;
  box.seen.instance = kInstance;
  box.seen.run = "run" + std::to_string(work.daemon);
  box.seen.job = std::to_string(job.job);
  box.seen.fingerprint = world.config.fingerprint;
  box.seen.size = job.size;
  box.seen.created_us = world.now.wall_us;
  box.stuck = fault(world, 20);
  work.created = true;
  world.boxes.push_back(box);
  happens(world, ContainerChange::Created, box);
  return Fault::None;
}

static Fault start_box(World& world, Box& box) {
  if (port_is_held(world, box.seen.port)) return Fault::PortTaken;
  if (fault(world, 25)) return Fault::Refused;
  box.seen.state = SeenState::Running;
  box.seen.health = SeenHealth::Starting;
  box.seen.on_network = true;
  if (fault(world, 25)) dies(world, box);
  return Fault::None;
}

static void launched(World& world, const Work& work, Fault fault_is, const std::string& id) {
  const auto& job = std::get<DoLaunch>(work.job);
  if (work.daemon != world.daemon) return;
  world.results.push_back(LaunchDone{job.port, job.generation, job.job, Failure{fault_is, "engine"}, id});
  world.seen_happen[fault_is == Fault::None ? "launched" : "launch failed"]++;
}

static void do_launch(World& world, Work work) {
  const auto& job = std::get<DoLaunch>(work.job);
  if (!work.created) {
    if (!world.engine_up) return launched(world, work, Fault::Unreachable, "");
    if (fault(world, 20)) {  // the connection breaks, and the engine may do all of it later, or nothing
      launched(world, work, Fault::Unknown, "");
      work.daemon = 0;
      if (one_in(world, 2)) world.work.push_back(work);
      return;
    }
    const Fault failed = create_box(world, work, job);
    if (failed != Fault::None) return launched(world, work, failed, "");
    world.work.push_back(work);
    return;
  }
  Box* box = box_of(world, work.id);
  if (!world.engine_up) return launched(world, work, Fault::Unknown, work.id);
  if (!box) return launched(world, work, Fault::NotFound, work.id);
  const Fault failed = start_box(world, *box);
  const bool id_lost = failed == Fault::None && fault(world, 20);
  launched(world, work, id_lost ? Fault::Unknown : failed, id_lost && one_in(world, 2) ? "" : work.id);
}

static void do_remove(World& world, const DoRemove& job) {
  Fault failed = Fault::None;
  std::string id = job.container_id;
  if (id.empty()) {
    const Box* box = box_named(world, job.name);
    if (box && box->seen.run == world.config.run && box->seen.job == std::to_string(job.launch_job)) id = box->seen.id;
  }
  if (!world.engine_up)
    failed = Fault::Unreachable;
  else if (id.empty() || !box_of(world, id))
    failed = Fault::NotFound;
  else if (fault(world, 15))
    failed = Fault::Refused;
  else
    is_removed(world, id);
  if (failed == Fault::None && fault(world, 15)) failed = Fault::Unknown;  // done, and not known
  world.results.push_back(RemoveDone{job.port, job.generation, id, Failure{failed, "engine"}});
}

static void do_rename(World& world, const DoRename& job) {
  Box* box = box_of(world, job.container_id);
  Fault failed = Fault::None;
  if (!world.engine_up)
    failed = Fault::Unreachable;
  else if (!box)
    failed = Fault::NotFound;
  else if (box_named(world, job.name))
    failed = Fault::NameTaken;
  if (failed == Fault::None && box->foreign) broken(world, "the foreign container %s is renamed", box->seen.name.c_str());
  if (failed == Fault::None) {
    box->seen.name = job.name;
    happens(world, ContainerChange::Renamed, *box);
    if (fault(world, 10)) failed = Fault::Unknown;
  }
  world.results.push_back(RenameDone{job.port, job.generation, job.name, Failure{failed, "engine"}});
}

static void do_save(World& world, const Work& work) {
  const auto& job = std::get<DoSave>(work.job);
  const bool fails = (world.disk_full && !world.calm) || fault(world, 25);
  // A write may fail after all is on disk: when the folder cannot be synced.
  if (!fails || (!world.disk_full && one_in(world, 4))) world.disk = work.records;
  world.results.push_back(Written{job.version, fails ? "disk full" : ""});
  world.seen_happen[fails ? "not written" : "written"]++;
}

static Failure here(const World& world) { return Failure{world.engine_up ? Fault::None : Fault::Unreachable, "engine"}; }

static void do_work(World& world, size_t at) {
  Work work = pull_out(world.work, at);
  if (std::get_if<DoLaunch>(&work.job)) {
    do_launch(world, work);
  } else if (const auto* checked = std::get_if<DoCheck>(&work.job)) {
    const Box* box = box_of(world, checked->container_id);
    Failure failure = here(world);
    if (world.engine_up && !box) failure.fault = Fault::NotFound;
    if (fault(world, 20)) failure.fault = Fault::Unknown;
    world.results.push_back(CheckDone{checked->port, checked->generation, failure, box ? box->seen : Seen{}, false});
  } else if (const auto* removal = std::get_if<DoRemove>(&work.job)) {
    do_remove(world, *removal);
  } else if (const auto* rename = std::get_if<DoRename>(&work.job)) {
    do_rename(world, *rename);
  } else if (std::get_if<DoPull>(&work.job)) {
    world.image_here = world.image_here || !fault(world, 2);
    world.results.push_back(PullDone{Failure{world.image_here ? Fault::None : Fault::Refused, "registry"}});
  } else if (std::get_if<DoConnect>(&work.job)) {
    world.results.push_back(ConnectDone{here(world)});
  } else if (const auto* listing = std::get_if<DoList>(&work.job)) {
    Listed listed{listing->asked, here(world), {}};
    for (const Box& box : world.boxes) listed.seen.push_back(box.seen);
    world.results.push_back(listed);
  } else {
    do_save(world, work);
  }
}

// ---- Results and events reach the daemon.

static void deliver_result(World& world) { tell(world, pull_out(world.results, below(world, world.results.size()))); }

static void deliver_event(World& world) {
  const ContainerChanged event = pull_out(world.stream, below(world, std::min<size_t>(world.stream.size(), 2)));
  const bool dead = event.change == ContainerChange::Died || event.change == ContainerChange::Destroyed;
  if (dead) world.known_dead.insert(event.id);
  tell(world, event);
}

static void stream_breaks(World& world) {
  if (!world.stream_up) return;
  world.stream_up = false;
  world.stream.clear();
  tell(world, StreamDown{"the stream broke"});
}

static void stream_opens(World& world) {
  if (world.stream_up || !world.engine_up) return;
  world.stream_up = true;
  tell(world, StreamUp{});
}

// ---- The daemon starts, stops and is killed.

static void start_daemon(World& world) {
  world.daemon++;
  world.stopping = world.stream_up = false;
  world.known_dead.clear();
  world.config.run = "run" + std::to_string(world.daemon);
  if (fault(world, 5)) world.config.fingerprint += "'";
  std::vector<Action> actions;
  world.table = orchestrator_create(world.config, world.disk, world.now, &actions);
  take(world, actions);
  check(world);
}

// What it has asked for may be done by the engine all the same, now or later, to the end or half.
static void daemon_ends(World& world) {
  for (size_t i = world.work.size(); i-- > 0;) {
    Work& work = world.work[i];
    const bool launch = std::get_if<DoLaunch>(&work.job) != nullptr;
    if (std::get_if<DoSave>(&work.job)) {
      if (one_in(world, 2)) world.disk = work.records;
    } else if (std::get_if<DoRemove>(&work.job) && one_in(world, 2)) {
      do_work(world, i);
      continue;
    }
    if (launch && one_in(world, 2)) {
      if (work.daemon == world.daemon) work.daemon = 0;
      if (work.created || one_in(world, 2)) continue;
    }
    world.work.erase(world.work.begin() + static_cast<std::ptrdiff_t>(i));
  }
  world.results.clear();
  world.stream.clear();
  for (auto& [request, one] : world.asked) one.open = false;  // connections break
  if (fault(world, 4)) world.disk.clear();                    // and the file is lost
}

static void kill_daemon(World& world) {
  world.seen_happen["killed"]++;
  daemon_ends(world);
  start_daemon(world);
}

static void stop_daemon(World& world) {
  world.seen_happen["stopped"]++;
  tell(world, Stop{});
  for (const auto& [request, one] : world.asked)
    if (one.open) broken(world, "request %d waits although the daemon stops", static_cast<int>(request));
  world.stopping = true;
}

// ---- Chance decides what happens next.

static void client_acts(World& world) {
  static const Size kSizes[] = {{410, 900}, {1024, 768}};
  const std::string client = std::string(1, static_cast<char>('a' + below(world, 7)));
  const size_t what = below(world, 24);
  const uint64_t request = ++world.requests;
  if (what < 2 && world.requests > 1) {
    auto one = world.asked.find(1 + below(world, request - 1));
    if (one == world.asked.end() || !one->second.open) return;
    one->second.open = false;
    tell(world, RequesterGone{one->first});
  } else if (what < 5) {
    world.asked[request].client = client;
    tell(world, RemoveAsked{request, client});
  } else if (what == 5 && one_in(world, 6)) {
    world.asked[request].client = "";
    tell(world, RemoveAllAsked{request});
  } else {
    world.asked[request].client = client;
    const bool given = one_in(world, 3);
    tell(world, AccessAsked{request, client, given, kSizes[below(world, 2)]});
  }
}

static void health_moves(World& world) {
  if (world.boxes.empty()) return;
  Box& box = world.boxes[below(world, world.boxes.size())];
  if (box.foreign || box.seen.state != SeenState::Running) return;
  if (box.seen.health == SeenHealth::Starting && box.stuck) {
    if (!one_in(world, 3)) return;
    box.seen.health = SeenHealth::Unhealthy;
    box.was_unhealthy = true;
    happens(world, ContainerChange::Unhealthy, box);
  } else if (box.seen.health != SeenHealth::Healthy && !box.stuck) {
    box.seen.health = SeenHealth::Healthy;
    box.was_healthy = true;
    happens(world, ContainerChange::Healthy, box);
  } else if (fault(world, 40)) {
    box.seen.health = SeenHealth::Unhealthy;
    happens(world, ContainerChange::Unhealthy, box);
  }
}

static void fault_strikes(World& world) {
  switch (below(world, 11)) {
    case 0:
    case 1:
      if (!world.boxes.empty()) {
        Box& box = world.boxes[below(world, world.boxes.size())];
        if (!box.foreign) dies(world, box);
      }
      return;
    case 2: world.disk_full = !world.disk_full; return;
    case 3: stream_breaks(world); return;
    case 4:
      if (world.engine_up && one_in(world, 2))  // a clean stop of the engine ends every session first
        for (Box& box : world.boxes)
          if (!box.foreign) dies(world, box);
      world.engine_up = !world.engine_up;
      if (!world.engine_up) stream_breaks(world);
      return;
    case 5: world.image_here = !world.image_here; return;
    case 6: world.port_of_another = world.port_of_another ? 0 : world.config.port_min + static_cast<int>(below(world, 4)); return;
    case 7: kill_daemon(world); return;
    case 8: stop_daemon(world); return;
    case 9: pass_time(world, 30'000); return;
    case 10:
      for (const Box& box : world.boxes)
        if (!box.foreign && one_in(world, 3)) {  // somebody removes it by hand
          is_removed(world, std::string(box.seen.id));
          return;
        }
      return;
  }
}

World world_create(uint64_t seed) {
  World world;
  world.seed = world.random = seed;
  world.gentle = below(world, 3) ? 10 : 1;
  world.busy = one_in(world, 2);
  world.now = Now{1'000'000'000, 1'770'000'000'000'000};
  CoreConfig& config = world.config;
  config.port_min = 5000;
  config.port_max = 5001 + static_cast<int>(below(world, 3));
  config.default_size = Size{410, 900};
  config.warm_pool_size = static_cast<int>(below(world, 3));
  config.fingerprint = "print";
  config.instance = kInstance;
  config.boot_id = "boot";
  config.idle_timeout_ms = 30 * 60'000;
  config.cleanup_interval_ms = 120'000;
  for (const char* name : {"vnc_a", "web", "vnc_pool_5000"}) {  // of another installation, and of nobody's; elsewhere
    Box box;
    box.foreign = true;
    box.seen.id = std::string("foreign_") + name;
    box.seen.name = std::string(name) + "_x";
    box.seen.state = SeenState::Running;
    box.seen.port = 9000;
    box.seen.instance = name[0] == 'v' ? "another_network" : "";
    world.boxes.push_back(box);
  }
  start_daemon(world);
  return world;
}

void world_step(World& world) {
  world.steps++;
  pass_time(world, static_cast<int64_t>(below(world, 250)));
  if (world.stopping && (orchestrator_at_rest(world.table) || one_in(world, 60))) {
    daemon_ends(world);
    start_daemon(world);
    return;
  }
  const size_t what = below(world, 100);
  if (what < 35 && !world.work.empty())
    do_work(world, below(world, world.work.size()));
  else if (what < 60 && !world.results.empty())
    deliver_result(world);
  else if (what < 70 && !world.stream.empty())
    deliver_event(world);
  else if (what < 80)
    health_moves(world);
  else if (what < 95 && (world.busy || one_in(world, 8)))
    client_acts(world);
  else if (what >= 95 && what < 98)
    stream_opens(world);
  else if (what >= 98 && fault(world, 1))
    fault_strikes(world);
}

void world_settle(World& world) {
  world.calm = true;
  world.disk_full = false;
  world.engine_up = world.image_here = true;
  world.port_of_another = 0;
  if (world.stopping) {
    daemon_ends(world);
    start_daemon(world);
  }
  for (Box& box : world.boxes) box.stuck = box.stuck && box.seen.state == SeenState::Running;
  for (int turn = 0; turn < 1500; turn++) {  // ten minutes
    world.steps++;
    pass_time(world, 400);
    stream_opens(world);
    for (size_t n = world.work.size(); n > 0 && !world.work.empty(); n--) do_work(world, 0);
    while (!world.results.empty()) deliver_result(world);
    while (!world.stream.empty()) deliver_event(world);
    for (int i = 0; i < 4; i++) health_moves(world);
  }
}

void world_check_end(World& world) {
  const Table& table = world.table;
  for (const auto& [request, one] : world.asked)
    if (one.open) broken(world, "request %d of %s is never answered", static_cast<int>(request), one.client.c_str());
  int assigned = 0, ready = 0;
  for (const auto& [port, slot] : table.slots) {
    assigned += slot.state == SlotState::Assigned;
    ready += slot.state == SlotState::Ready;
    const bool rests = slot.state == SlotState::Free || slot.state == SlotState::Ready || slot.state == SlotState::Assigned;
    if (!rests) broken(world, "port %d is left %s", port, slot_state_name(slot.state));
  }
  if (ready != std::min(table.config.warm_pool_size, table_max_slots(table) - assigned))
    broken(world, "%d READY beside %d sessions", ready, assigned);
  std::map<std::string, std::string> in_engine, on_disk, in_status;  // container -> whose, where, and its name
  auto row = [](const Record& one) { return one.client_id + " " + std::to_string(one.port) + " " + one.container_name; };
  for (const Record& one : world.disk) on_disk[one.container_id] = row(one);
  for (const Record& one : table_status(table)) in_status[one.container_id] = row(one);
  int foreign = 0;
  for (const Box& box : world.boxes) {
    foreign += box.foreign;
    if (box.foreign) continue;
    if (box.seen.state != SeenState::Running) broken(world, "%s is left there dead", box.seen.name.c_str());
    auto own = table.by_container.find(box.seen.id);
    if (own == table.by_container.end()) broken(world, "%s runs without a slot", box.seen.name.c_str());
    const std::string& client = table.slots.at(own->second).client;
    in_engine[box.seen.id] = (client.empty() ? std::string(kPoolClient) : client) + " " + std::to_string(box.seen.port) + " " + box.seen.name;
  }
  if (foreign != 3) broken(world, "a foreign container is gone");
  for (const auto& [id, whose] : in_engine)
    if (on_disk[id] != whose || in_status[id] != whose)
      broken(world, "%s: engine \"%s\", disk \"%s\", status \"%s\"", id.c_str(), whose.c_str(), on_disk[id].c_str(), in_status[id].c_str());
  if (in_engine.size() != on_disk.size() || in_engine.size() != in_status.size())
    broken(world, "%d containers, %d records, %d in /status", static_cast<int>(in_engine.size()),
           static_cast<int>(on_disk.size()), static_cast<int>(in_status.size()));
}
