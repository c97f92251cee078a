// The modelled engine and disk: containers made in two halves, work done late, half or without being known, and what the stream says.
#include <algorithm>

#include "core/world.h"

// ---- Chance (splitmix64: the same on every machine).

static uint64_t chance(World& world) {
  world.random += 0x9e3779b97f4a7c15U;
  uint64_t z = world.random;
  z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
  z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
  return z ^ (z >> 31U);
}

size_t world_below(World& world, size_t most) { return chance(world) % most; }
bool world_one_in(World& world, size_t n) { return world_below(world, n) == 0; }
bool world_fault(World& world, size_t n) { return !world.calm && world_one_in(world, n * world.gentle); }

// ---- Containers.

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

void world_happens(World& world, ContainerChange change, const Box& box) {
  if (!world.stream_up || world_fault(world, 15)) return;  // lost
  ContainerChanged event{
      change,       box.seen.id, box.seen.name, change == ContainerChange::Died ? 137 : 0, box.seen.instance,
      box.seen.run, box.seen.job};
  world.stream.push_back(event);
  if (world_fault(world, 15)) world.stream.push_back(event);
}

void box_dies(World& world, Box& box) {
  if (box.seen.state != SeenState::Running) return;
  box.seen.state = SeenState::Ended;
  box.seen.health = SeenHealth::None;
  box.seen.on_network = false;
  world_happens(world, ContainerChange::Died, box);
}

void box_removed(World& world, const std::string& id) {
  Box* box = box_of(world, id);
  if (box->foreign) broken(world, "the foreign container %s is removed", box->seen.name.c_str());
  box_dies(world, *box);
  world_happens(world, ContainerChange::Destroyed, *box);
  std::erase_if(world.boxes, [&](const Box& one) { return one.seen.id == id; });
}

static bool port_is_held(World& world, int port) {
  if (port == world.port_of_another) return true;
  return std::any_of(world.boxes.begin(), world.boxes.end(),
                     [&](const Box& box) { return box.seen.port == port && box.seen.state == SeenState::Running; });
}

// The first half of a launch: made, not started. Empty: made.
static Fault create_box(World& world, Work& work, const DoLaunch& job) {
  if (!world.image_here) return Fault::ImageMissing;
  if (box_named(world, job.name)) return Fault::NameTaken;
  if (world_fault(world, 25)) return Fault::Refused;
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
  box.stuck = world_fault(world, 20);
  work.created = true;
  world.boxes.push_back(box);
  world_happens(world, ContainerChange::Created, box);
  return Fault::None;
}

static Fault start_box(World& world, Box& box) {
  if (port_is_held(world, box.seen.port)) return Fault::PortTaken;
  if (world_fault(world, 25)) return Fault::Refused;
  box.seen.state = SeenState::Running;
  box.seen.health = SeenHealth::Starting;
  box.seen.on_network = true;
  if (world_fault(world, 25)) box_dies(world, box);
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
    if (world_fault(world, 20)) {  // the connection breaks, and the engine may do all of it later, or nothing
      launched(world, work, Fault::Unknown, "");
      work.daemon = 0;
      if (world_one_in(world, 2)) world.work.push_back(work);
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
  const bool id_lost = failed == Fault::None && world_fault(world, 20);
  launched(world, work, id_lost ? Fault::Unknown : failed, id_lost && world_one_in(world, 2) ? "" : work.id);
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
  else if (world_fault(world, 15))
    failed = Fault::Refused;
  else
    box_removed(world, id);
  if (failed == Fault::None && world_fault(world, 15)) failed = Fault::Unknown;  // done, and not known
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
  if (failed == Fault::None && box->foreign)
    broken(world, "the foreign container %s is renamed", box->seen.name.c_str());
  if (failed == Fault::None) {
    box->seen.name = job.name;
    world_happens(world, ContainerChange::Renamed, *box);
    if (world_fault(world, 10)) failed = Fault::Unknown;
  }
  world.results.push_back(RenameDone{job.port, job.generation, job.name, Failure{failed, "engine"}});
}

static void do_save(World& world, const Work& work) {
  const auto& job = std::get<DoSave>(work.job);
  const bool fails = (world.disk_full && !world.calm) || world_fault(world, 25);
  // A write may fail after all is on disk: when the folder cannot be synced.
  if (!fails || (!world.disk_full && world_one_in(world, 4))) world.disk = work.records;
  world.results.push_back(Written{job.version, fails ? "disk full" : ""});
  world.seen_happen[fails ? "not written" : "written"]++;
}

static Failure here(const World& world) {
  return Failure{world.engine_up ? Fault::None : Fault::Unreachable, "engine"};
}

void world_do_work(World& world, size_t at) {
  Work work = pull_out(world.work, at);
  if (std::get_if<DoLaunch>(&work.job)) {
    do_launch(world, work);
  } else if (const auto* checked = std::get_if<DoCheck>(&work.job)) {
    const Box* box = box_of(world, checked->container_id);
    Failure failure = here(world);
    if (world.engine_up && !box) failure.fault = Fault::NotFound;
    if (world_fault(world, 20)) failure.fault = Fault::Unknown;
    world.results.push_back(CheckDone{checked->port, checked->generation, failure, box ? box->seen : Seen{}, false});
  } else if (const auto* removal = std::get_if<DoRemove>(&work.job)) {
    do_remove(world, *removal);
  } else if (const auto* rename = std::get_if<DoRename>(&work.job)) {
    do_rename(world, *rename);
  } else if (std::get_if<DoPull>(&work.job)) {
    world.image_here = world.image_here || !world_fault(world, 2);
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
