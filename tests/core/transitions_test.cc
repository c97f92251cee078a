// Every state of a slot times every event: where it leads, and that the world comes to rest after it.
#include <functional>
#include <set>

#include "core/drive.h"

// ---- The diagram.

static void test_legal_moves_are_the_diagram(void**) {
  const std::set<std::string> legal = {
      "FREE CREATING",    "FREE WAITING",      "FREE CLAIMING",    "FREE READY",        "FREE ASSIGNED",
      "CREATING WAITING", "CREATING REMOVING", "WAITING READY",    "WAITING CLAIMING",  "WAITING REMOVING",
      "READY CLAIMING",   "READY WAITING",     "READY REMOVING",   "CLAIMING ASSIGNED", "CLAIMING READY",
      "CLAIMING WAITING", "CLAIMING REMOVING", "ASSIGNED WAITING", "ASSIGNED REMOVING", "REMOVING FREE",
  };
  size_t found = 0;
  for (size_t from = 0; from < kSlotStates; from++)
    for (size_t to = 0; to < kSlotStates; to++) {
      const auto a = static_cast<SlotState>(from), b = static_cast<SlotState>(to);
      const std::string move = std::string(slot_state_name(a)) + " " + slot_state_name(b);
      if (slot_move_is_legal(a, b) != (legal.count(move) != 0)) fail_msg("%s", move.c_str());
      found += slot_move_is_legal(a, b);
    }
  assert_int_equal(found, legal.size());
}

// Rule 2 as a fact of the graph: what was a client's comes back to READY only through FREE, with a new container. WAITING is entered
// from ASSIGNED only at start and keeps its client; CLAIMING goes back to READY only while nobody was told.
static void test_no_way_from_removing_to_ready(void**) {
  for (size_t to = 0; to < kSlotStates; to++)
    assert_int_equal(slot_move_is_legal(SlotState::Removing, static_cast<SlotState>(to)), to == 0);
  assert_false(slot_move_is_legal(SlotState::Assigned, SlotState::Ready));
  assert_false(slot_move_is_legal(SlotState::Assigned, SlotState::Claiming));
}

// ---- One port, brought into each of its situations. The client is ana.

struct Situation {
  const char* name;
  SlotState state;
  Drive (*make)();
};

static Drive with_launch(bool pool) {
  Drive d = drive_start(1, pool ? 1 : 0);
  if (!pool) drive_access(d, "ana");
  return d;
}
static Drive waiting(bool pool) {
  Drive d = with_launch(pool);
  drive_launched(d, kPort);
  return d;
}
static Drive healthy(bool pool) {
  Drive d = waiting(pool);
  drive_says(d, ContainerChange::Healthy, slot(d, kPort).container_id);
  return d;
}
static Drive make_free() { return drive_start(1, 0); }
static Drive make_creating_pool() { return with_launch(true); }
static Drive make_creating() { return with_launch(false); }
static Drive make_parked() {
  Drive d = with_launch(false);
  drive_launch_failed(d, kPort, Fault::ImageMissing, "no such image");
  assert_true(slot(d, kPort).parked);
  return d;
}
static Drive make_waiting_pool() { return waiting(true); }
static Drive make_waiting() { return waiting(false); }
static Drive make_waiting_for_disk() { return healthy(true); }
static Drive make_ready() {
  Drive d = with_launch(true);
  drive_pool(d);
  return d;
}
static Drive make_claiming_pool() {
  Drive d = make_ready();
  drive_access(d, "ana");
  return d;
}
static Drive make_claiming() { return healthy(false); }
static Drive make_assigned() {
  Drive d = with_launch(false);
  drive_healthy(d, "ana");
  return d;
}
static Drive make_removing() {
  Drive d = make_assigned();
  drive_remove(d, "ana");
  return d;
}
static Drive make_cancelled() {
  Drive d = make_creating();
  drive_remove(d, "ana");
  assert_true(slot(d, kPort).job != 0);
  return d;
}
static Drive make_heir() {
  Drive d = make_assigned();
  drive_access(d, "bia");
  assert_string_equal(slot(d, kPort).heir.c_str(), "bia");
  return d;
}

static const Situation kSituations[] = {
    {"FREE", SlotState::Free, make_free},
    {"CREATING for the pool", SlotState::Creating, make_creating_pool},
    {"CREATING for ana", SlotState::Creating, make_creating},
    {"CREATING for ana, waits for the image", SlotState::Creating, make_parked},
    {"WAITING of the pool", SlotState::Waiting, make_waiting_pool},
    {"WAITING for ana", SlotState::Waiting, make_waiting},
    {"WAITING of the pool, healthy, not yet on disk", SlotState::Waiting, make_waiting_for_disk},
    {"READY", SlotState::Ready, make_ready},
    {"CLAIMING from the pool", SlotState::Claiming, make_claiming_pool},
    {"CLAIMING, launched for ana", SlotState::Claiming, make_claiming},
    {"ASSIGNED", SlotState::Assigned, make_assigned},
    {"REMOVING, somebody waits for it", SlotState::Removing, make_removing},
    {"REMOVING, its launch has not reported", SlotState::Removing, make_cancelled},
    {"REMOVING, bia is heir", SlotState::Removing, make_heir},
};

// ---- Every event. An event that reports a job takes it off the list, so that it is not reported again later.

template <class Job>
static void forget_job(Drive& d) {
  for (size_t i = 0; i < d.jobs.size(); i++)
    if (std::get_if<Job>(&d.jobs[i])) {
      d.jobs.erase(d.jobs.begin() + static_cast<std::ptrdiff_t>(i));
      return;
    }
}

static uint64_t asks(Drive& d, const std::string& client) {
  d.asked[++d.requests].client = client;
  return d.requests;
}

static Event access_of(Drive& d, const std::string& client, bool size_given) {
  return AccessAsked{asks(d, client), client, size_given, kOther};
}

static Event launch_of(Drive& d, Fault fault, const std::string& id) {
  const Slot& it = slot(d, kPort);
  if (it.job) forget_job<DoLaunch>(d);
  return LaunchDone{kPort, it.generation, it.job ? it.job : 999, Failure{fault, "engine's words"}, id};
}

static Event check_of(Drive& d, Fault fault, SeenState state, SeenHealth health, bool page = false) {
  Seen seen = seen_of(d, kPort);
  seen.state = state;
  seen.health = health;
  return CheckDone{kPort, slot(d, kPort).generation, Failure{fault, "engine's words"}, seen, page};
}

static Event removal_of(Drive& d, Fault fault) {
  const Slot& it = slot(d, kPort);
  if (it.removing) forget_job<DoRemove>(d);
  return RemoveDone{kPort, it.generation, it.container_id, Failure{fault, "engine's words"}};
}

static Event rename_of(Drive& d, Fault fault) {
  return RenameDone{kPort, slot(d, kPort).generation, "vnc_ana", Failure{fault, "engine's words"}};
}

static uint64_t listing_asked(Drive& d) {
  drive_says(d, ContainerChange::Created, "of an abandoned launch");
  const uint64_t asked = jobs<DoList>(d).at(0).asked;
  forget_job<DoList>(d);
  return asked;
}

static Event listing_of(Drive& d, const std::function<void(std::vector<Seen>&)>& change) {
  const uint64_t asked = listing_asked(d);
  std::vector<Seen> seen = seen_all(d);
  change(seen);
  return Listed{asked, {}, seen};
}

static Event listing_with(Drive& d, SeenState state, SeenHealth health, bool network) {
  return listing_of(d, [&](std::vector<Seen>& all) {
    for (Seen& seen : all) seen.state = state, seen.health = health, seen.on_network = network;
  });
}

static Event change_of(ContainerChange change, const std::string& id) {
  ContainerChanged event;
  event.change = change;
  event.id = id;
  event.name = "vnc_zoe";
  event.instance = kInstance;
  return event;
}

static Event written_of(Drive& d, const std::string& error) {
  const bool under_way = d.table.saving;
  const uint64_t version = under_way ? jobs<DoSave>(d).at(0).version : d.table.on_disk;
  if (under_way) forget_job<DoSave>(d);
  if (under_way && error.empty()) d.disk = d.writing;
  return Written{version, error};
}

static Event later(Drive& d, int64_t ms) {
  d.now.mono_ms += ms;
  d.now.wall_us += ms * 1000;
  return Tick{};
}

// Where each situation leads, in the order of kSituations: F C W R L(claiming) A X(removing) for the state after it, small when the
// slot has begun a new life, a dot when it stays as it is.
struct Row {
  const char* name;
  const char* leads;
  std::function<Event(Drive&)> make;
};

using CC = ContainerChange;
using SS = SeenState;
using SH = SeenHealth;

static std::string own(const Drive& d) {
  const std::string& id = slot(d, kPort).container_id;
  return id.empty() ? "nobody's" : id;
}

static const Row kRows[] = {
    // F: FREE. CCC: CREATING for the pool, for ana, parked; WWW: WAITING of the pool, for ana, for the disk; R: READY;
    // LL: CLAIMING from the pool, of its own; A: ASSIGNED; XXX: REMOVING, cancelled, with an heir. So: FCCCWWWRLLAXXX
    {"access of ana", "c.....LL......", [](Drive& d) { return access_of(d, "ana", false); }},
    {"access of ana, another size", "cX..X.XX..X...", [](Drive& d) { return access_of(d, "ana", true); }},
    {"access of zoe", "c.....LL..X...", [](Drive& d) { return access_of(d, "zoe", false); }},
    {"access of zoe, another size", "cX..X.XX..X...", [](Drive& d) { return access_of(d, "zoe", true); }},
    {"remove ana", "..XF.X..XXX...",
     [](Drive& d) {
       return RemoveAsked{asks(d, "ana"), "ana"};
     }},
    {"remove bia", "..............",
     [](Drive& d) {
       return RemoveAsked{asks(d, "bia"), "bia"};
     }},
    {"remove all", ".XXFXXXXXXX...", [](Drive& d) { return RemoveAllAsked{asks(d, "")}; }},
    {"a browser hangs up", "..............", [](Drive& d) { return RequesterGone{d.requests}; }},

    {"launched", ".WW...........", [](Drive& d) { return launch_of(d, Fault::None, "new"); }},
    {"launch refused", ".FF.........F.", [](Drive& d) { return launch_of(d, Fault::Refused, ""); }},
    {"launch refused, container made", ".XX...........", [](Drive& d) { return launch_of(d, Fault::Refused, "new"); }},
    {"launch unknown", ".XX...........", [](Drive& d) { return launch_of(d, Fault::Unknown, ""); }},
    {"launch unknown, container made", ".XX...........", [](Drive& d) { return launch_of(d, Fault::Unknown, "new"); }},
    {"port taken", ".FF.........F.", [](Drive& d) { return launch_of(d, Fault::PortTaken, ""); }},
    {"port taken, container made", ".XX...........", [](Drive& d) { return launch_of(d, Fault::PortTaken, "new"); }},
    {"name taken", ".F..........F.", [](Drive& d) { return launch_of(d, Fault::NameTaken, ""); }},
    {"image missing", "............F.", [](Drive& d) { return launch_of(d, Fault::ImageMissing, ""); }},
    {"network missing", ".FF.........F.", [](Drive& d) { return launch_of(d, Fault::NetworkMissing, ""); }},
    {"engine away at launch", ".FF.........F.", [](Drive& d) { return launch_of(d, Fault::Unreachable, ""); }},
    {"launched in an earlier life", "..............",
     [](Drive& d) {
       return LaunchDone{kPort, slot(d, kPort).generation - 1, slot(d, kPort).job, {}, "old"};
     }},
    {"another launch of this life", "..............",
     [](Drive& d) {
       return LaunchDone{kPort, slot(d, kPort).generation, 998, {}, "old"};
     }},
    {"launched on a port we do not have", "..............",
     [](Drive&) {
       return LaunchDone{9, 1, 1, {}, "old"};
     }},
    {"its launch reported twice", "..............",
     [](Drive& d) {
       return LaunchDone{kPort, slot(d, kPort).generation, 998, {}, slot(d, kPort).container_id};
     }},

    {"check: healthy", ".....L........", [](Drive& d) { return check_of(d, Fault::None, SS::Running, SH::Healthy); }},
    {"check: page served", ".....L........",
     [](Drive& d) { return check_of(d, Fault::None, SS::Running, SH::None, true); }},
    {"check: no page yet", "..............", [](Drive& d) { return check_of(d, Fault::None, SS::Running, SH::None); }},
    {"check: starting", "..............", [](Drive& d) { return check_of(d, Fault::None, SS::Running, SH::Starting); }},
    {"check: unhealthy", "....XX........",
     [](Drive& d) { return check_of(d, Fault::None, SS::Running, SH::Unhealthy); }},
    {"check: ended", "....XX........", [](Drive& d) { return check_of(d, Fault::None, SS::Ended, SH::None); }},
    {"check: not found", "....XX........", [](Drive& d) { return check_of(d, Fault::NotFound, SS::Ended, SH::None); }},
    {"check: engine away", "..............",
     [](Drive& d) { return check_of(d, Fault::Unreachable, SS::Ended, SH::None); }},
    {"check of an earlier life", "..............",
     [](Drive& d) {
       Seen seen = seen_of(d, kPort);
       seen.state = SS::Ended;
       return CheckDone{kPort, slot(d, kPort).generation - 1, {}, seen, false};
     }},

    {"removed", "...........F.c", [](Drive& d) { return removal_of(d, Fault::None); }},
    {"removed: was not there", "...........F.c", [](Drive& d) { return removal_of(d, Fault::NotFound); }},
    {"removal refused", "..............", [](Drive& d) { return removal_of(d, Fault::Refused); }},
    {"removal: engine away", "..............", [](Drive& d) { return removal_of(d, Fault::Unreachable); }},
    {"removed in an earlier life", "..............",
     [](Drive& d) {
       return RemoveDone{kPort, slot(d, kPort).generation - 1, "old", {}};
     }},
    {"an orphan removed", "..............",
     [](Drive&) {
       return RemoveDone{0, 0, "orphan", {}};
     }},
    {"an orphan not removed", "..............",
     [](Drive&) {
       return RemoveDone{0, 0, "orphan", Failure{Fault::Refused, "engine's words"}};
     }},

    {"renamed", "..............", [](Drive& d) { return rename_of(d, Fault::None); }},
    {"rename refused", "..............", [](Drive& d) { return rename_of(d, Fault::NameTaken); }},
    {"renamed in an earlier life", "..............",
     [](Drive& d) {
       return RenameDone{kPort, slot(d, kPort).generation - 1, "vnc_old", {}};
     }},

    {"image pulled", "..............",
     [](Drive& d) {
       forget_job<DoPull>(d);
       return PullDone{};
     }},
    {"image not pulled", "...F..........",
     [](Drive& d) {
       forget_job<DoPull>(d);
       return PullDone{Failure{Fault::Refused, "no such image anywhere"}};
     }},

    {"stream up", "..............", [](Drive&) { return StreamUp{}; }},
    {"connected", "..............", [](Drive&) { return ConnectDone{}; }},
    {"not connected", "..............",
     [](Drive&) {
       return ConnectDone{Failure{Fault::Unreachable, "no"}};
     }},
    {"stream down", "..............", [](Drive&) { return StreamDown{"no such socket"}; }},

    {"listed, all well", "..............", [](Drive& d) { return listing_with(d, SS::Running, SH::Healthy, true); }},
    {"listed without it", "....FFFcccF...", [](Drive& d) { return listing_of(d, [](auto& all) { all.clear(); }); }},
    {"listed as ended", "....XXXXXXX...", [](Drive& d) { return listing_with(d, SS::Ended, SH::None, false); }},
    {"listed as unhealthy", ".......X......",
     [](Drive& d) { return listing_with(d, SS::Running, SH::Unhealthy, true); }},
    {"listed without network", ".......X......",
     [](Drive& d) { return listing_with(d, SS::Running, SH::Healthy, false); }},
    {"listed as starting", ".......W......", [](Drive& d) { return listing_with(d, SS::Running, SH::Starting, true); }},
    {"a listing nobody asked for", "..............",
     [](Drive&) {
       return Listed{0, {}, {}};
     }},
    {"not listed", "..............",
     [](Drive& d) {
       return Listed{listing_asked(d), Failure{Fault::Unreachable, "no"}, {}};
     }},

    {"died", "....XXXXXXX...", [](Drive& d) { return change_of(CC::Died, own(d)); }},
    {"destroyed", "....XXXXXXX...", [](Drive& d) { return change_of(CC::Destroyed, own(d)); }},
    {"healthy", ".....L........", [](Drive& d) { return change_of(CC::Healthy, own(d)); }},
    {"unhealthy", "......XXXX....", [](Drive& d) { return change_of(CC::Unhealthy, own(d)); }},
    {"lost a network", "..............", [](Drive& d) { return change_of(CC::Disturbed, own(d)); }},
    {"bears zoe's name", ".......L......", [](Drive& d) { return change_of(CC::Renamed, own(d)); }},
    {"another one died", "..............", [](Drive&) { return change_of(CC::Died, "other"); }},
    {"another one is healthy", "..............", [](Drive&) { return change_of(CC::Healthy, "other"); }},
    {"another one is unhealthy", "..............", [](Drive&) { return change_of(CC::Unhealthy, "other"); }},
    {"another one was renamed", "..............", [](Drive&) { return change_of(CC::Renamed, "other"); }},
    {"another one was created", "..............", [](Drive&) { return change_of(CC::Created, "other"); }},

    {"written", "......R.AA....", [](Drive& d) { return written_of(d, ""); }},
    {"not written", "........RX....", [](Drive& d) { return written_of(d, "disk full"); }},

    {"tick", "..............", [](Drive&) { return Tick{}; }},
    {"61 s later", "....XX........", [](Drive& d) { return later(d, 61'000); }},
    {"9 hours later", "....XX....X...", [](Drive& d) { return later(d, 9 * 3'600'000); }},
    {"stop", ".XXFXXX.......", [](Drive&) { return Stop{}; }},
};

static char letter(SlotState state, bool new_life) {
  const char letters[] = "FCWRLAX";
  const char found = letters[static_cast<size_t>(state)];
  return new_life ? static_cast<char>(found - 'A' + 'a') : found;
}

static std::string lead(const Row& row) {
  std::string leads;
  for (const Situation& situation : kSituations) {
    Drive d = situation.make();
    if (slot(d, kPort).state != situation.state) fail_msg("%s was not reached", situation.name);
    const SlotState before = slot(d, kPort).state;
    const uint64_t generation = slot(d, kPort).generation;
    drive_step(d, row.make(d));
    const bool new_life = slot(d, kPort).generation != generation;
    const SlotState after = slot(d, kPort).state;
    leads += before == after && !new_life ? '.' : letter(after, new_life);
  }
  return leads;
}

static void test_where_each_event_leads(void**) {
  int wrong = 0;
  for (const Row& row : kRows) {
    const std::string leads = lead(row);
    if (leads == row.leads) continue;
    wrong++;
    print_error("%-36s leads to %s, not %s\n", row.name, leads.c_str(), row.leads);
  }
  assert_int_equal(wrong, 0);
}

// After any event in any situation an engine and a disk that do their part bring everything to an end: everybody who still waits is
// answered, and nothing is left on its way.
static void test_all_comes_to_rest(void**) {
  for (const Row& row : kRows)
    for (const Situation& situation : kSituations) {
      Drive d = situation.make();
      const Event event = row.make(d);
      drive_step(d, event);
      if (std::get_if<StreamDown>(&event)) drive_step(d, StreamUp{});
      drive_wait(d, 1000);
      drive_calm(d);
      drive_wait(d, 2000);
      drive_calm(d);
      for (const auto& [request, outcome] : d.asked) {
        const auto* gone = std::get_if<RequesterGone>(&event);
        if (!outcome.status && !(gone && gone->request == request))
          fail_msg("%s, %s: a request of %s is never answered", situation.name, row.name, outcome.client.c_str());
      }
      const int on_the_way = count_of(d, SlotState::Creating) + count_of(d, SlotState::Waiting) +
                             count_of(d, SlotState::Claiming) + count_of(d, SlotState::Removing);
      if (on_the_way) fail_msg("%s, %s: something is left on its way", situation.name, row.name);
      if (std::get_if<Stop>(&event)) assert_true(orchestrator_at_rest(d.table));
    }
}

// The container that a result of an old life, or of an abandoned job, names would leak; but never the one that a slot has.
static void test_containers_of_old_results_are_removed(void**) {
  for (const Situation& situation : kSituations) {
    Drive d = situation.make();
    drive_step(d, LaunchDone{kPort, slot(d, kPort).generation - 1, 998, {}, "old"});
    int asked = 0;
    for (const DoRemove& job : jobs<DoRemove>(d)) asked += job.port == 0 && job.container_id == "old";
    if (asked != 1) fail_msg("%s: the container of an old launch is left behind", situation.name);
    const std::string id = slot(d, kPort).container_id;
    if (id.empty()) continue;
    drive_step(d, LaunchDone{kPort, slot(d, kPort).generation, 998, {}, id});
    for (const DoRemove& job : jobs<DoRemove>(d))
      if (job.port == 0 && job.container_id == id)
        fail_msg("%s: its own container is removed as an orphan", situation.name);
  }
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(test_legal_moves_are_the_diagram),
      cmocka_unit_test(test_no_way_from_removing_to_ready),
      cmocka_unit_test(test_where_each_event_leads),
      cmocka_unit_test(test_all_comes_to_rest),
      cmocka_unit_test(test_containers_of_old_results_are_removed),
  };
  return cmocka_run_group_tests_name("core/transitions", tests, nullptr, nullptr);
}
