// The modelled engine and disk: containers made and removed in halves, calls that fail, get lost, or are done long after.
#include <algorithm>

#include "core/names.h"
#include "sim/world.h"

Box* box_by_id(World& world, const std::string& id) {
  for (Box& box : world.boxes)
    if (box.seen.id == id) return &box;
  return nullptr;
}

static Box* box_by_name(World& world, const std::string& name) {
  for (Box& box : world.boxes)
    if (box.seen.name == name) return &box;
  return nullptr;
}

static bool runs(const Box& box) { return box.seen.state == SeenState::Running || box.seen.state == SeenState::Paused; }

bool box_is_ours(const World& world, const Box& box) {
  if (!box.seen.instance.empty()) return box.seen.instance == kInstance;
  std::string client;
  return container_name_kind(box.seen.name, &client) != NameKind::Foreign && box.seen.port >= world.config.port_min &&
         box.seen.port <= world.config.port_max;
}

void box_says(World& world, ContainerChange change, const Box& box) {
  if (!world.stream_up) return;
  world.stream.push_back(ContainerChanged{change, box.seen.id, box.seen.name, change == ContainerChange::Died ? 137 : 0,
                                          box.seen.instance, box.seen.run, box.seen.job});
}

void box_ends(World& world, Box& box) {
  if (!runs(box)) return;
  box.seen.state = SeenState::Ended;
  box.seen.health = SeenHealth::None;
  box.seen.on_network = box.page = false;
  box.viewers = 0;
  box.seen.why = "exit code 137";
  box_says(world, ContainerChange::Died, box);
}

void box_goes(World& world, const std::string& id) {
  Box* box = box_by_id(world, id);
  box_ends(world, *box);
  box_says(world, ContainerChange::Destroyed, *box);
  std::erase_if(world.boxes, [&](const Box& one) { return one.seen.id == id; });
}

void box_probed(World& world, Box& box) {
  if (box.seen.state != SeenState::Running || box.foreign) return;
  if (!world.health_checks) {
    box.page = box.page || !box.stuck;
    box.was_healthy = box.was_healthy || box.page;
  } else if (box.stuck && box.seen.health == SeenHealth::Starting) {
    box.seen.health = SeenHealth::Unhealthy;
    box.seen.why = "its page is not served";
    box.was_sick = true;
    box_says(world, ContainerChange::Unhealthy, box);
  } else if (!box.stuck && box.seen.health != SeenHealth::Healthy) {
    box.seen.health = SeenHealth::Healthy;
    box.was_healthy = true;
    box_says(world, ContainerChange::Healthy, box);
  }
}

static bool port_is_held(const World& world, int port) {
  if (port == world.port_of_another) return true;
  return std::any_of(world.boxes.begin(), world.boxes.end(),
                     [&](const Box& box) { return box.seen.port == port && runs(box); });
}

// ---- Calls.

// What the caller is told of a call that was done.
static Fault told_of(Outcome outcome) {
  return outcome == Outcome::LostDone ? Fault::Unknown : outcome == Outcome::RefusedDone ? Fault::Refused : Fault::None;
}

static void report(World& world, const Work& work, Event answer) {
  if (!work.silent && work.life == world.life) world.answers.push_back(std::move(answer));
}

static void keep(World& world, Work work, bool silent) {
  work.silent = work.silent || silent;
  world.work.push_back(std::move(work));
}

static Fault create_box(World& world, Work& work, const DoLaunch& job) {
  if (!world.image_here) return Fault::ImageMissing;
  if (box_by_name(world, job.name)) return Fault::NameTaken;
  Box box;
  box.seen.id = work.id = "c" + std::to_string(++world.ids);
  box.seen.name = job.name;
  box.seen.port = job.port;
  box.seen.instance = kInstance;
  box.seen.run = work.run;
  box.seen.job = std::to_string(job.job);
  box.seen.fingerprint = work.fingerprint;
  box.seen.image = world.image;
  box.seen.size = job.size;
  box.seen.created_us = world.now.wall_us;
  world.boxes.push_back(box);
  box_says(world, ContainerChange::Created, box);
  return Fault::None;
}

static void start_box(World& world, Box& box) {
  box.seen.state = SeenState::Running;
  box.seen.health = world.health_checks ? SeenHealth::Starting : SeenHealth::None;
  box.seen.on_network = true;
}

static void launch(World& world, Work work, Outcome outcome) {
  const DoLaunch job = std::get<DoLaunch>(work.job);
  auto is = [&](Fault fault) {
    const char* text = fault == Fault::Unreachable ? "no engine answers" : "the engine says so";
    report(world, work,
           LaunchDone{job.port, job.generation, job.job, Failure{fault, fault == Fault::None ? "" : text}, work.id});
  };
  if (!world.engine_up) return is(Fault::Unreachable);
  if (work.half && !box_by_id(world, work.id)) return is(Fault::NotFound);
  if (!work.silent) {
    if (outcome == Outcome::Refused) return is(Fault::Refused);
    if (outcome == Outcome::LostUndone || outcome == Outcome::LostLater) is(Fault::Unknown);
    if (outcome == Outcome::LostLater) keep(world, work, true);
    if (outcome == Outcome::LostUndone || outcome == Outcome::LostLater) return;
  }
  if (!work.half) {
    Work named = work;
    const Fault fault = create_box(world, named, job);
    tell(world, fault == Fault::None ? " (" + named.id + ")" : "");
    if (fault != Fault::None) return is(fault);
    if (told_of(outcome) != Fault::None) return is(told_of(outcome));
    named.half = true;
    if (!work.silent) keep(world, named, false);  // a create that its caller has given up is not followed by a start
    return;
  }
  Box& box = *box_by_id(world, work.id);
  if (runs(box) || box.being_removed) return is(runs(box) ? Fault::None : Fault::Refused);
  if (port_is_held(world, box.seen.port)) return is(Fault::PortTaken);
  start_box(world, box);
  if (outcome == Outcome::Stuck) box.stuck = true;
  if (outcome == Outcome::Dies) box_ends(world, box);
  is(told_of(outcome));
}

static std::string id_to_remove(World& world, const Work& work, const DoRemove& job) {
  if (!job.container_id.empty()) return job.container_id;
  const Box* box = box_by_name(world, job.name);
  return box && box->seen.run == work.run && box->seen.job == std::to_string(job.launch_job) ? box->seen.id : "";
}

static void removal(World& world, Work work, Outcome outcome) {
  const DoRemove job = std::get<DoRemove>(work.job);
  const std::string id = work.half ? work.id : id_to_remove(world, work, job);
  auto is = [&](Fault fault) {
    report(world, work,
           RemoveDone{job.port, job.generation, id, Failure{fault, fault == Fault::None ? "" : "the engine says so"}});
  };
  if (!world.engine_up) return is(Fault::Unreachable);
  Box* box = id.empty() ? nullptr : box_by_id(world, id);
  if (!box) return is(outcome == Outcome::Slow ? Fault::NotFound : Fault::None);
  if (outcome == Outcome::Refused) return is(Fault::Refused);
  if (outcome == Outcome::LostUndone) return is(Fault::Unknown);
  if (outcome == Outcome::LostLater && !work.silent) {
    is(Fault::Unknown);
    return keep(world, work, true);
  }
  if (box->foreign) return broken(world, "the foreign container " + box->seen.name + " is removed");
  const Slot* slot = slot_by_container(world.table, id);
  if (work.life == world.life && slot && slot->state != SlotState::Removing)
    broken(world, "the container of port " + std::to_string(slot->port) + " is removed while the slot is " +
                      slot_state_name(slot->state));
  if (outcome == Outcome::Slow && !work.half) {
    box_ends(world, *box);
    box->being_removed = work.half = true;
    work.id = id;
    return keep(world, work, false);
  }
  box_goes(world, id);
  is(told_of(outcome));
}

static void rename(World& world, Work work, Outcome outcome) {
  const DoRename job = std::get<DoRename>(work.job);
  auto is = [&](Fault fault) {
    report(world, work,
           RenameDone{job.port, job.generation, job.name,
                      Failure{fault, fault == Fault::None ? "" : "the engine says so"}});
  };
  Box* box = box_by_id(world, job.container_id);
  if (!world.engine_up) return is(Fault::Unreachable);
  if (!box) return is(Fault::NotFound);
  if (outcome == Outcome::Refused) return is(Fault::Refused);
  if (outcome == Outcome::LostUndone) return is(Fault::Unknown);
  if (outcome == Outcome::LostLater && !work.silent) {
    is(Fault::Unknown);
    return keep(world, work, true);
  }
  if (box_by_name(world, job.name)) return is(Fault::NameTaken);
  if (box->foreign) return broken(world, "the foreign container " + box->seen.name + " is renamed");
  box->seen.name = job.name;
  box_says(world, ContainerChange::Renamed, *box);
  is(told_of(outcome));
}

static void check(World& world, const Work& work, Outcome outcome) {
  const auto& job = std::get<DoCheck>(work.job);
  const Box* box = box_by_id(world, job.container_id);
  CheckDone done{job.port, job.generation, {}, box ? box->seen : Seen{}, box && box->page};
  if (!world.engine_up)
    done.failure.fault = Fault::Unreachable;
  else if (outcome == Outcome::Refused || outcome == Outcome::RefusedDone)
    done.failure.fault = Fault::Refused;
  else if (outcome == Outcome::LostUndone || outcome == Outcome::LostDone || outcome == Outcome::LostLater)
    done.failure.fault = Fault::Unknown;
  else if (!box)
    done.failure.fault = Fault::NotFound;
  report(world, work, done);
}

static void listing(World& world, const Work& work, Outcome outcome) {
  Listed listed{std::get<DoList>(work.job).asked, {}, {}, world.image_here ? world.image : ""};
  if (!world.engine_up)
    listed.failure = Failure{Fault::Unreachable, "no engine answers"};
  else if (outcome != Outcome::Well && outcome <= Outcome::LostLater)
    listed.failure = Failure{Fault::Unknown, "cut off"};
  else
    for (const Box& box : world.boxes)
      if (box.seen.instance == kInstance || box.seen.name.starts_with("vnc_")) listed.seen.push_back(box.seen);
  report(world, work, listed);
}

static void save(World& world, const Work& work, Outcome outcome) {
  const bool fails = world.disk_full || (outcome != Outcome::Well && outcome <= Outcome::LostLater);
  const bool done = !world.disk_full && (outcome == Outcome::Well || outcome > Outcome::LostUndone);
  if (done) {
    world.older.push_back(std::move(world.disk));
    if (world.older.size() > 6) world.older.erase(world.older.begin());
    world.disk = work.records;
  }
  report(world, work, Written{std::get<DoSave>(work.job).version, fails ? "the disk is full" : ""});
}

// Not the engine's: the kernel's. A look that fails finds nothing out, about one of them or at all.
static void look(World& world, const Work& work, Outcome outcome) {
  const auto& job = std::get<DoLook>(work.job);
  const bool dark = world.blind || outcome == Outcome::Refused;
  Looked looked{job.purpose, world.now.mono_ms, {}, dark ? "no eyes here" : ""};
  for (const LookAt& at : job.at) {
    const Box* box = box_by_id(world, at.container_id);
    const bool unknown = dark || !box || !runs(*box) || (outcome == Outcome::LostUndone && looked.watched.empty());
    looked.watched.push_back(Watched{at.port, at.generation, unknown ? -1 : box->viewers});
  }
  report(world, work, looked);
}

void work_do(World& world, size_t at, Outcome outcome) {
  Work work = pull_out(world.work, at);
  if (std::get_if<DoLaunch>(&work.job)) {
    launch(world, std::move(work), outcome);
  } else if (std::get_if<DoRemove>(&work.job)) {
    removal(world, std::move(work), outcome);
  } else if (std::get_if<DoRename>(&work.job)) {
    rename(world, std::move(work), outcome);
  } else if (std::get_if<DoCheck>(&work.job)) {
    check(world, work, outcome);
  } else if (std::get_if<DoList>(&work.job)) {
    listing(world, work, outcome);
  } else if (std::get_if<DoSave>(&work.job)) {
    save(world, work, outcome);
  } else if (std::get_if<DoLook>(&work.job)) {
    look(world, work, outcome);
  } else {
    const bool pull = std::get_if<DoPull>(&work.job) != nullptr;
    const bool well = outcome == Outcome::Well || outcome > Outcome::LostLater;
    Failure failure;
    if (!world.engine_up)
      failure = Failure{Fault::Unreachable, "no engine answers"};
    else if (!well)
      failure = Failure{Fault::Refused, "the registry does not answer"};
    if (pull && failure.fault == Fault::None) world.image_here = true;
    if (pull)
      report(world, work, PullDone{failure});
    else
      report(world, work, ConnectDone{failure});
  }
}

std::string work_text(const Work& work) {
  const std::string whose = work.silent ? "abandoned " : "";
  if (const auto* job = std::get_if<DoLaunch>(&work.job))
    return whose + (work.half ? "start of " : "creation of ") + (work.half ? work.id + " " : "") + job->name +
           " on port " + std::to_string(job->port);
  if (const auto* job = std::get_if<DoRemove>(&work.job))
    return whose + "removal of " +
           (job->container_id.empty() ? job->name + " (job " + std::to_string(job->launch_job) + ")"
                                      : job->container_id);
  if (const auto* job = std::get_if<DoRename>(&work.job))
    return whose + "renaming of " + job->container_id + " to " + job->name;
  if (const auto* job = std::get_if<DoCheck>(&work.job)) return whose + "look at " + job->container_id;
  if (std::get_if<DoList>(&work.job)) return whose + "listing";
  if (const auto* job = std::get_if<DoSave>(&work.job))
    return whose + "write of version " + std::to_string(job->version);
  if (const auto* job = std::get_if<DoLook>(&work.job)) {
    std::string at;
    for (const LookAt& one : job->at) at += " " + one.container_id;
    return whose + "look at who watches" + at;
  }
  return whose + (std::get_if<DoPull>(&work.job) ? "pull of the image" : "question for its version");
}
