// Clients, faults and the lives of the daemon in the modelled world, and what every step is held against.
#include "core/world.h"

#include <algorithm>

#include "core/names.h"

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
  if (!owner.empty() && owner != client)
    broken(world, "%s of %s was given to %s", id.c_str(), owner.c_str(), client.c_str());
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
  const bool may_trim =
      table.reconciled && table.engine_up && !table.stopping && !table.pulling && table.store_text.empty();
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

// ---- Results and events reach the daemon.

static void deliver_result(World& world) {
  tell(world, pull_out(world.results, world_below(world, world.results.size())));
}

static void deliver_event(World& world) {
  const ContainerChanged event = pull_out(world.stream, world_below(world, std::min<size_t>(world.stream.size(), 2)));
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
  if (world_fault(world, 5)) world.config.fingerprint += "'";
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
      if (world_one_in(world, 2)) world.disk = work.records;
    } else if (std::get_if<DoRemove>(&work.job) && world_one_in(world, 2)) {
      world_do_work(world, i);
      continue;
    }
    if (launch && world_one_in(world, 2)) {
      if (work.daemon == world.daemon) work.daemon = 0;
      if (work.created || world_one_in(world, 2)) continue;
    }
    world.work.erase(world.work.begin() + static_cast<std::ptrdiff_t>(i));
  }
  world.results.clear();
  world.stream.clear();
  for (auto& [request, one] : world.asked) one.open = false;  // connections break
  if (world_fault(world, 4)) world.disk.clear();              // and the file is lost
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
  const std::string client = std::string(1, static_cast<char>('a' + world_below(world, 7)));
  const size_t what = world_below(world, 24);
  const uint64_t request = ++world.requests;
  if (what < 2 && world.requests > 1) {
    auto one = world.asked.find(1 + world_below(world, request - 1));
    if (one == world.asked.end() || !one->second.open) return;
    one->second.open = false;
    tell(world, RequesterGone{one->first});
  } else if (what < 5) {
    world.asked[request].client = client;
    tell(world, RemoveAsked{request, client});
  } else if (what == 5 && world_one_in(world, 6)) {
    world.asked[request].client = "";
    tell(world, RemoveAllAsked{request});
  } else {
    world.asked[request].client = client;
    const bool given = world_one_in(world, 3);
    tell(world, AccessAsked{request, client, given, kSizes[world_below(world, 2)]});
  }
}

static void health_moves(World& world) {
  if (world.boxes.empty()) return;
  Box& box = world.boxes[world_below(world, world.boxes.size())];
  if (box.foreign || box.seen.state != SeenState::Running) return;
  if (box.seen.health == SeenHealth::Starting && box.stuck) {
    if (!world_one_in(world, 3)) return;
    box.seen.health = SeenHealth::Unhealthy;
    box.was_unhealthy = true;
    world_happens(world, ContainerChange::Unhealthy, box);
  } else if (box.seen.health != SeenHealth::Healthy && !box.stuck) {
    box.seen.health = SeenHealth::Healthy;
    box.was_healthy = true;
    world_happens(world, ContainerChange::Healthy, box);
  } else if (world_fault(world, 40)) {
    box.seen.health = SeenHealth::Unhealthy;
    world_happens(world, ContainerChange::Unhealthy, box);
  }
}

static void fault_strikes(World& world) {
  switch (world_below(world, 11)) {
    case 0:
    case 1:
      if (!world.boxes.empty()) {
        Box& box = world.boxes[world_below(world, world.boxes.size())];
        if (!box.foreign) box_dies(world, box);
      }
      return;
    case 2: world.disk_full = !world.disk_full; return;
    case 3: stream_breaks(world); return;
    case 4:
      if (world.engine_up && world_one_in(world, 2))  // a clean stop of the engine ends every session first
        for (Box& box : world.boxes)
          if (!box.foreign) box_dies(world, box);
      world.engine_up = !world.engine_up;
      if (!world.engine_up) stream_breaks(world);
      return;
    case 5: world.image_here = !world.image_here; return;
    case 6:
      world.port_of_another =
          world.port_of_another ? 0 : world.config.port_min + static_cast<int>(world_below(world, 4));
      return;
    case 7: kill_daemon(world); return;
    case 8: stop_daemon(world); return;
    case 9: pass_time(world, 30'000); return;
    case 10:
      for (const Box& box : world.boxes)
        if (!box.foreign && world_one_in(world, 3)) {  // somebody removes it by hand
          box_removed(world, std::string(box.seen.id));
          return;
        }
      return;
  }
}

World world_create(uint64_t seed) {
  World world;
  world.seed = world.random = seed;
  world.gentle = world_below(world, 3) ? 10 : 1;
  world.busy = world_one_in(world, 2);
  world.now = Now{1'000'000'000, 1'770'000'000'000'000};
  CoreConfig& config = world.config;
  config.port_min = 5000;
  config.port_max = 5001 + static_cast<int>(world_below(world, 3));
  config.default_size = Size{410, 900};
  config.warm_pool_size = static_cast<int>(world_below(world, 3));
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
  pass_time(world, static_cast<int64_t>(world_below(world, 250)));
  if (world.stopping && (orchestrator_at_rest(world.table) || world_one_in(world, 60))) {
    daemon_ends(world);
    start_daemon(world);
    return;
  }
  const size_t what = world_below(world, 100);
  if (what < 35 && !world.work.empty())
    world_do_work(world, world_below(world, world.work.size()));
  else if (what < 60 && !world.results.empty())
    deliver_result(world);
  else if (what < 70 && !world.stream.empty())
    deliver_event(world);
  else if (what < 80)
    health_moves(world);
  else if (what < 95 && (world.busy || world_one_in(world, 8)))
    client_acts(world);
  else if (what >= 95 && what < 98)
    stream_opens(world);
  else if (what >= 98 && world_fault(world, 1))
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
    for (size_t n = world.work.size(); n > 0 && !world.work.empty(); n--) world_do_work(world, 0);
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
    const bool rests =
        slot.state == SlotState::Free || slot.state == SlotState::Ready || slot.state == SlotState::Assigned;
    if (!rests) broken(world, "port %d is left %s", port, slot_state_name(slot.state));
  }
  if (ready != std::min(table.config.warm_pool_size, table_max_slots(table) - assigned))
    broken(world, "%d READY beside %d sessions", ready, assigned);
  std::map<std::string, std::string> in_engine, on_disk, in_status;  // container -> whose, where, and its name
  auto row = [](const Record& one) {
    return one.client_id + " " + std::to_string(one.port) + " " + one.container_name;
  };
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
    in_engine[box.seen.id] = (client.empty() ? std::string(kPoolClient) : client) + " " +
                             std::to_string(box.seen.port) + " " + box.seen.name;
  }
  if (foreign != 3) broken(world, "a foreign container is gone");
  for (const auto& [id, whose] : in_engine)
    if (on_disk[id] != whose || in_status[id] != whose)
      broken(world, "%s: engine \"%s\", disk \"%s\", status \"%s\"", id.c_str(), whose.c_str(), on_disk[id].c_str(),
             in_status[id].c_str());
  if (in_engine.size() != on_disk.size() || in_engine.size() != in_status.size())
    broken(world, "%d containers, %d records, %d in /status", static_cast<int>(in_engine.size()),
           static_cast<int>(on_disk.size()), static_cast<int>(in_status.size()));
}
