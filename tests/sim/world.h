// A modelled world around the core that the daemon links: an engine, its event stream, a disk, clients, operators, other people's
// hands, clocks, and a daemon that is stopped, killed and started again. Nothing in it happens by itself: every turn is a Choice.
#ifndef TESTS_SIM_WORLD_H
#define TESTS_SIM_WORLD_H

#include <array>
#include <cstdint>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/orchestrator.h"

// ---- What can happen. The names stand in found_seeds.h: they may be added to, but not change their meaning.
enum class What : uint8_t {
  Wait,             // amount: milliseconds, with a Tick whenever one is due
  Sleep,            // amount: the same in one jump: the loop was held up
  WallClock,        // amount: seconds, also backwards
  Ask,              // who: client; how: 0 any size, 1 and 2 the sizes of kSizes
  HangUp,           // who: an open request
  RemoveOne,        // who: client
  RemoveAll,        //
  Prompt,           // who: a job, done whole and well, and its answer delivered
  Call,             // who: a job, or one half of it; how: an Outcome
  Answer,           // who: an answer on its way; how: 1 it comes a second time, too, later
  Happen,           // who: one of the first events of the stream; how: 0 arrives, 1 is lost, 2 comes again
  Health,           // who: a container: its next probe, passed if it ever will
  Sicken,           // who: a healthy container becomes unhealthy
  Die,              // who: a container
  HandRemoves,      // who: a container; somebody removes it
  HandRenames,      // who: a container; amount: which name
  HandPauses,       // who: a container; or unpauses it
  HandDisconnects,  // who: a container loses its network
  HandStarts,       // who: a container that had ended
  HandMakes,        // how: which kind of foreign or old container (6 of them); who: client; amount: port
  StreamOpens,      //
  StreamBreaks,     //
  EngineStops,      // how: 0 its containers run on, 1 they all end first
  EngineStarts,     //
  ImageGoes,        //
  PortHeld,         // who: a port; another program takes it, or gives it back
  DiskFull,         // or has room again
  Kill,             // how: FileFate; amount: what becomes of the jobs under way, and which settings are changed
  Stop,             // SIGTERM
  Exit,             // how, amount: as for Kill; the daemon that was stopped is gone, at rest or not, and started again
  Reboot,           // everything has ended, another boot id, the monotonic clock starts anew
  HandRestarts,     // who: a container; it ends, and starts again at once
  Watch,            // who: a container; how: so many watch it from now on
  Memory,           // amount: the machine has room for so many more sessions
  Reload,           // amount: dice; the settings are edited and read again
  Drain,            // no session begins from now on, or they do again
};
inline constexpr size_t kWhats = static_cast<size_t>(What::Drain) + 1;
const char* what_name(What what);

// How one call to the engine or the disk comes out. LostX: the caller is told that the outcome is unknown.
enum class Outcome : uint8_t {
  Well,
  Refused,
  LostUndone,
  LostDone,     // of a write: all is on disk, and an error is reported
  LostLater,    // the engine does it all the same, some time
  Dies,         // a launch: it ends right after its start
  Stuck,        // a launch: it never becomes healthy
  Slow,         // a removal: it ends, but name and container stay for a while
  RefusedDone,  // it is done, and the engine says that it is not
};
inline constexpr size_t kOutcomes = 9;

enum class FileFate : uint8_t { Whole, Lost, Torn, Old, Edited };

struct Choice {
  What what = What::Wait;
  uint16_t who = 0;  // counted among those there are, round and round, so that it means something in any schedule
  uint8_t how = 0;
  int32_t amount = 0;
  int32_t ms = 0;  // that pass before
};

// ---- The world.
struct Box {  // a container as the engine has it
  Seen seen;
  bool foreign = false;
  bool was_healthy = false;  // or its page was there
  bool was_sick = false;
  bool stuck = false;
  bool page = false;  // no health check: its page is served
  bool being_removed = false;
  int viewers = 0;
};

struct Work {  // a call under way
  Action job;
  int life = 0;         // of the daemon who asked
  bool half = false;    // a launch: created; a removal: killed
  bool silent = false;  // nobody waits for its answer any more
  std::string id;
  std::string run, fingerprint;
  std::vector<Record> records;  // a write
};

struct Request {
  std::string client;  // empty: remove-all
  bool access = false;
  bool open = false;
  int64_t asked_ms = 0;
};

// How the slot was before a step.
struct Was {
  int port = 0;
  uint64_t generation = 0;
  SlotState state = SlotState::Free;
  bool outside = false, size_by_default = false;
  std::string client, container, fingerprint;
  Size size;
  int64_t last_access_ms = 0, last_seen_ms = 0, created_ms = 0, blocked_until_ms = 0;
  uint64_t changed = 0;
  bool old = false;
};

// What this life of the daemon has been told last of who watches a container.
struct Sight {
  int viewers = -1;
  int64_t ended_ms = 0;
};

struct Before {
  bool reconciled = false, store_broken = false, pulling = false, draining = false;
  std::array<std::array<uint32_t, kSlotStates>, kSlotStates> moves{};
  std::array<uint64_t, kEndings> endings{};  // why containers have been removed so far
  std::vector<Event> early;
};

struct Tally {  // what the schedules have reached
  std::array<uint64_t, kWhats> whats{};
  std::array<std::array<uint64_t, kSlotStates>, kSlotStates> moves{};
  uint64_t redirects = 0, removed = 0, removed_all = 0, steps = 0;
  std::array<uint64_t, 6> errors{};  // 404, 409, 500, 503, 503 with max_slots, others
};

struct World {
  uint64_t seed = 0;
  bool health_checks = true;  // the image has one
  Now now;
  CoreConfig config;
  Table table;
  int life = 0;
  bool stopping = false;
  int64_t stop_ms = 0;

  std::vector<Box> boxes;
  std::vector<Work> work;
  std::vector<Event> answers;
  std::vector<ContainerChanged> stream;
  bool engine_up = true, stream_up = false, image_here = true, disk_full = false;
  std::string image = "one";  // what VNC_IMAGE stands for
  int64_t draining_us = 0;  // as the file beside the state says
  int port_of_another = 0;
  int ids = 0, boots = 0, foreigners = 0;

  std::vector<Record> disk;
  std::vector<std::vector<Record>> older;  // what the file held before, newest last

  std::vector<Request> requests;  // by number, the first is never used
  std::vector<uint64_t> open;
  std::unordered_map<std::string, std::string> told;  // container -> the client who was sent to it, over all lives
  std::set<std::string> known_dead;                   // whose death this life has been told of

  bool blind = false;                             // nobody can tell who watches
  std::unordered_map<std::string, Sight> sights;  // by container
  std::set<std::string> was_ready;                // containers that were READY in this life

  std::set<std::string> may_still_go;  // removals of nobody's containers whose outcome this life does not know
  std::set<std::string> by_hand;       // "container name": names that a hand has given

  std::vector<Was> was;
  Before before;
  std::vector<Action> actions;
  Tally tally;
  std::string failure;  // the first rule that was broken; empty: none

  bool telling = false;
  std::string line;                // of the choice being carried out
  std::vector<std::string> story;  // one line a choice
};

inline const char* const kInstance = "vnc_network";
inline const char* const kClients[] = {"ana", "bruno", "carla", "davi", "elisa", "fabio"};
inline constexpr Size kSizes[] = {{410, 900}, {1024, 768}};
inline constexpr int kFirstPort = 5000;

World world_create(uint64_t seed, bool telling);
// The daemon has started, its pool is filled and a client has a session: where most stories begin.
void world_warm_up(World& world);
// What makes no sense just now does nothing.
void world_apply(World& world, const Choice& choice);
// The faults are over, all that is under way comes to its end, and a quarter of an hour passes.
void world_settle(World& world);

// ---- Between the parts of the model.

uint64_t mix(uint64_t* state);  // splitmix64: the same on every machine
void broken(World& world, const std::string& rule);
void tell(World& world, const std::string& words);  // into the line of the story

// daemon.cc: the daemon's lives, and what goes in and out of it
void daemon_step(World& world, const Event& event);
void daemon_tick_if_due(World& world);
void daemon_start(World& world);
void daemon_reload(World& world, uint64_t dice);  // the settings are edited, and read again while it runs
void daemon_kill(World& world, FileFate fate, int32_t amount);
void daemon_stop(World& world);
// Whether a start from these records could give a used container to somebody else with no one at fault: beyond a claim whose renaming
// has not been answered, or a name that a hand has changed, nobody could tell whose a container is.
bool is_of(const World& world, const std::string& known_as, const std::string& client);  // by name, or by the hash that stands in for it
bool nobody_could_tell(World& world, const std::vector<Record>& records);

// engine.cc: containers, calls, the disk
Box* box_by_id(World& world, const std::string& id);
bool box_is_ours(const World& world, const Box& box);
void box_says(World& world, ContainerChange change, const Box& box);
void box_ends(World& world, Box& box);
void box_goes(World& world, const std::string& id);
void box_probed(World& world, Box& box);
void work_do(World& world, size_t at, Outcome outcome);
std::string work_text(const Work& work);

// hands.cc: what befalls containers by themselves and by other people's hands
void hands_act(World& world, const Choice& choice);

// rules.cc: what must hold
void rules_before(World& world, const Event& event);
void rules_action(World& world, const Event& event, const Action& action);
void rules_after(World& world, const Event& event);
void rules_at_rest(World& world);

template <class T>
T pull_out(std::vector<T>& list, size_t at) {
  T taken = std::move(list[at]);
  list.erase(list.begin() + static_cast<std::ptrdiff_t>(at));
  return taken;
}

#endif
