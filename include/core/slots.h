// The slot table: every host port of ours, the one state it is in, and whose it is. Held by one thread, it is the only truth while
// the daemon runs.
//
//                 launch          started          healthy, record on disk
//        FREE ────────▶ CREATING ─────────▶ WAITING ───────────────────────▶ READY (pool)
//         ▲                │                  │ │                              │ claim
//         │                │ failed,          │ └──── healthy, for a client ──▶ CLAIMING ──────▶ ASSIGNED (client)
//         │                │ cancelled        │ failed, died                   │ died    record   │ died, removed,
//         │                ▼                  ▼                                ▼         on disk  ▼ resized, recycled, idle
//         └──────────── REMOVING ◀────────────┴────────────────────────────────┴──────────────────┘
//              gone
//
// | from     | to       | when                                                       | where                     |
// |----------|----------|------------------------------------------------------------|---------------------------|
// | FREE     | CREATING | a client or the pool is given the port                     | launch_begin              |
// | FREE     | WAITING  | a container of ours was found that is not healthy yet      | reconcile                 |
// | FREE     | CLAIMING | a client's container was found that no record knows        | reconcile                 |
// | FREE     | READY    | a record of the pool was read at start                     | reconcile_load            |
// | FREE     | ASSIGNED | a record of a client was read at start                     | reconcile_load            |
// | CREATING | WAITING  | the container has been started                             | launch_done               |
// | CREATING | REMOVING | failed, outcome unknown, cancelled                         | launch_fail, removal_begin|
// | WAITING  | READY    | healthy, and its record as `__pool__` is on disk           | durable_written           |
// | WAITING  | CLAIMING | healthy, and meant for a client                            | launch_ready              |
// | WAITING  | REMOVING | unhealthy, ended, too late, cancelled                      | launch_fail, removal_begin|
// | READY    | CLAIMING | a client takes it                                          | access_claim              |
// | READY    | WAITING  | found at start, not healthy yet                            | reconcile                 |
// | READY    | REMOVING | died, unhealthy, stale, too many, watched, given up        | removal_begin             |
// | CLAIMING | ASSIGNED | its record is on disk, nobody watches: the 302 may leave   | durable_settle            |
// | CLAIMING | READY    | its record could not be written, and nobody was told       | durable_failed            |
// | CLAIMING | WAITING  | the same, of one whose pool record is not on disk either   | durable_failed            |
// | CLAIMING | REMOVING | died; removed; watched; its record could not be written    | removal_begin             |
// | ASSIGNED | WAITING  | found at start, not healthy yet                            | reconcile                 |
// | ASSIGNED | REMOVING | died, removed, resized, recycled, idle, too old            | removal_begin             |
// | REMOVING | FREE     | the engine says it is gone                                 | removal_done              |
//
// What holds in each state:
//   FREE      nobody's: no client, no container, no job. `blocked_until_ms` may keep it from use for a while.
//   CREATING  one launch job is under way, or the launch waits for the image to be pulled. Client: who it is meant for, empty = pool.
//   WAITING   the container runs. Not healthy yet; or healthy and its pool record is on the way to the disk.
//   READY     running, healthy, recorded as `__pool__`, never given to anybody.
//   CLAIMING  running, healthy, meant for a client, the record that says so on the way to the disk. Nobody has been told.
//   ASSIGNED  the client's, on disk.
//   REMOVING  port and name are still held; nobody's, but maybe with an heir who gets the port next. Never leads back to READY.
#ifndef CORE_SLOTS_H
#define CORE_SLOTS_H

#include <array>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/events.h"
#include "core/foresight.h"
#include "core/tally.h"

#include "core/types.h"

enum class SlotState { Free, Creating, Waiting, Ready, Claiming, Assigned, Removing };
inline constexpr size_t kSlotStates = 7;
const char* slot_state_name(SlotState state);
bool slot_move_is_legal(SlotState from, SlotState to);

inline constexpr int64_t kNever = INT64_MAX;
inline constexpr int64_t kLongAgo = INT64_MIN / 2;  // a difference with it does not overflow
inline constexpr int64_t kDoomed = -1;  // of Table.orphans

// What a client asks for. No size given: the default of today, and a session of any default will do.
struct Want {
  bool size_given = false;
  Size size;
  bool resized = false;  // it has had a session of another size
};

// One request that waits for its answer, with the moment it gives up by itself.
struct Waiter {
  uint64_t request = 0;
  Want want;
  int64_t deadline_ms = kNever;
};

struct Slot {
  int port = 0;
  bool outside = false;  // of today's port range: goes for good when FREE
  SlotState state = SlotState::Free;
  uint64_t generation = 0;  // a new one each time it leaves FREE; a result that carries an old one changes nothing
  uint64_t changed = 0;     // the table's change number of its last move: an older listing may not judge it

  uint64_t freed = 0;            // FREE: order of becoming so; the smallest is free for longest
  int64_t blocked_until_ms = 0;  // FREE: held by another program until then, as far as we know

  std::string client;  // whose, or for whom; empty: the pool's, or nobody's. Changed by slot_give alone
  Size size;
  bool size_by_default = false;
  std::string container_id;  // changed by slot_set_container alone
  std::string container_name;
  std::string fingerprint;
  std::string image;  // the id that VNC_IMAGE stood for when it was launched; empty: not known
  std::string extra;  // unknown fields of its record
  int64_t created_us = 0;
  int64_t created_ms = 0;  // the same by the monotonic clock: what a wall clock that jumps cannot age
  int64_t last_access_us = 0;
  int64_t last_access_ms = 0;

  uint64_t job = 0;          // CREATING or REMOVING: the launch that has not reported yet
  bool parked = false;       // CREATING: no job, waits for the image
  bool pool_name = false;    // CREATING: launched under its pool name: for the pool, or since the client's name is still held
  bool for_pool = false;     // launched for the pool, whoever it was given to later
  bool pulled = false;       // CREATING: its image has been pulled for it once
  bool adopted = false;      // found running, not launched by this process
  int64_t launched_ms = 0;   // CREATING, WAITING: when it began
  int64_t started_ms = 0;    // WAITING: when its container was
  int64_t ready_by_ms = 0;   // WAITING
  std::optional<Claim> claim;  // how its client comes to it; none: it was found with its client
  bool healthy = false;      // WAITING
  bool pool_recorded = false;   // its record as `__pool__` has been on disk
  uint64_t record_version = 0;  // WAITING and healthy, CLAIMING: on disk when the store has reached this
  bool checking = false;        // WAITING: a check is under way
  int checks = 0;
  int64_t check_at_ms = kNever;

  bool renaming = false;  // ASSIGNED
  int renames = 0;
  int64_t rename_at_ms = kNever;
  bool warned = false;  // ASSIGNED: its bad health has been said

  int viewers = -1;               // at the last look; -1: nobody can tell
  int64_t looked_ms = kLongAgo;   // when that look had ended
  int64_t last_seen_ms = kLongAgo;  // when somebody was last seen watching
  int64_t last_seen_us = 0;         // the same, wall clock; 0: never
  int64_t seen_kept_ms = kLongAgo;  // last_seen_ms as the disk has it, or soon will
  bool guarded = false;   // CLAIMING: nobody is told but on a fresh look that finds nobody watching
  bool unlooked = false;  // the same: that look is under way

  std::string held_for;     // REMOVING: whose it was, for the log and the answer
  bool by_name = false;     // REMOVING: the launch's outcome is unknown, look by name and job
  bool not_ours = false;    // REMOVING: no container of ours has this id, so nothing is to be removed
  uint64_t launch_job = 0;  // the job that launched it, as its label says; 0 when adopted
  bool removing = false;    // REMOVING: a removal is under way
  int removals = 0;
  int64_t remove_at_ms = kNever;
  int64_t block_after_ms = 0;   // REMOVING: keep the port from use for so long when it is free
  bool leftover = false;        // REMOVING, FREE: what keeps it from use is a container of ours that is being removed
  std::string heir;             // REMOVING: the client who owns the port next. Changed by slot_set_heir alone
  Want heir_want;
  std::vector<Waiter> removers;  // requests to be told when it is gone
};


// A /remove-all that waits until each of these slots is free.
struct RemoveAll {
  Waiter waiter;
  std::vector<std::pair<int, uint64_t>> pending;  // port, generation
  int removed = 0;
};

struct Table {
  CoreConfig config;
  std::map<int, Slot> slots;  // by port; pointers stay valid until the slot itself goes
  std::unordered_map<std::string, int> by_client;     // every slot that is a client's, REMOVING excepted
  std::unordered_map<std::string, int> by_container;  // every slot that has a container
  std::unordered_map<std::string, int> heirs;         // client -> the REMOVING slot it waits for
  std::unordered_map<std::string, std::vector<Waiter>> waiters;  // /access by client, in order of arrival
  std::unordered_map<uint64_t, std::string> waiting_for;         // request of /access -> client
  bool crowd_said = false;                                       // that too many wait has been logged
  std::array<int, kSlotStates> count{};       // slots by state, kept by the doors below
  std::array<int, kSlotStates> count_pool{};  // of these, without a client

  std::vector<std::pair<Event, int64_t>> early;  // requests before the first listing, each with its deadline
  std::vector<RemoveAll> remove_alls;

  uint64_t generations = 0;
  uint64_t changes = 0;
  uint64_t frees = 0;
  uint64_t jobs = 0;
  int64_t wake_ms = kNever;  // when the next Tick is due, at the latest

  bool reconciled = false;  // the first listing has been taken in
  bool stopping = false;
  bool engine_up = false;
  bool stream_open = false;
  bool engine_said = false;  // its absence has been logged
  std::string engine_text = "the container engine has not answered yet";
  bool connecting = false;  // a Connect is under way
  bool connected = false;   // since the stream is open: now listings count
  bool listing = false;     // a List is under way
  uint64_t list_asked = 0;  // which; the answer to one asked for before the stream broke is no comparison
  bool list_again = false;
  int looks = 0;  // listings still to be asked for after a disturbance: the engine tells of one before its listings show it
  int64_t list_at_ms = kNever;

  uint64_t version = 1;     // of what the state file should hold
  uint64_t on_disk = 0;     // the version it does hold
  bool saving = false;
  bool touched = false;     // only last accesses have moved
  int64_t touch_by_ms = kNever;
  int64_t save_at_ms = 0;   // after a failed write: not before
  std::string store_text;   // why the last write failed; empty when it did not

  bool pulling = false;
  int64_t pool_at_ms = 0;   // after a failed pool launch: not before
  int64_t pool_held_until_ms = kNever;  // kNever: no claim holds refills up
  int64_t pool_backoff_ms = 0;
  bool pool_said = false;   // that the pool fails has been logged
  std::string pool_text;        // why, as of the last time; empty when it does not
  int pool_need = 0;        // last need that was logged
  std::string image;        // the id that VNC_IMAGE stood for at the last listing; empty: not known
  std::string image_before;  // the same before the settings were read again
  int pool_wanted = 0;      // how many containers foresight and shifts would have ready
  int64_t pool_think_ms = 0;  // when that is thought about again
  int pool_target = 0;      // how many are to be ready, as of the last turn
  int64_t pool_surplus_ms = kNever;  // since when there are more; kNever: there are not
  int pool_surplus = 0;     // how many more, at the least since then
  Foresight foresight;
  int room = INT_MAX;       // how many more sessions the machine's memory has room for, launches since the last look taken off
  int64_t cleanup_at_ms = kNever;

  int64_t draining_us = 0;  // wall clock: since when no session begins; 0: they do

  std::vector<std::string> seekers;  // clients who wait for a look at whose port they may have, or until leftovers have gone, in order
  bool seeking = false;              // that look is under way
  int64_t round_at_ms = kNever;      // the next look at everybody
  int round_looks = 0;               // looks of the round under way
  std::string blind;                 // why nobody can tell who watches; empty when somebody can

  std::unordered_map<std::string, std::pair<int64_t, int>> deaths;  // container ids that died lately -> when, exit code
  std::unordered_map<std::string, int64_t> orphans;  // containers without a slot: being removed -> kNever, may still be removed -> kDoomed, gone -> since when
  std::array<std::array<uint32_t, kSlotStates>, kSlotStates> moves{};  // how often each was made, [from][to]
  int defects = 0;                                                     // illegal ones: must stay 0
  CoreTally tally;
};

Slot* slot_at(Table& table, int port);
Slot* slot_of(Table& table, int port, uint64_t generation);  // nullptr unless the generation is still the same
Slot* slot_by_client(Table& table, const std::string& client);
Slot* slot_by_container(Table& table, const std::string& id);
bool client_seeks(const Table& table, const std::string& client);  // waits for a look at whose port it may have

// The one door for every change of state. Counts, change numbers and versions are kept here, so they cannot drift.
void slot_move(Table& table, Slot& slot, SlotState to);
void slot_give(Table& table, Slot& slot, const std::string& client);  // empty: to the pool, or to nobody
void slot_set_container(Table& table, Slot& slot, const std::string& id, const std::string& name);
void slot_set_heir(Table& table, Slot& slot, const std::string& client, const Want& want);  // empty: none
Slot& slot_add(Table& table, int port, bool outside);
void slot_drop(Table& table, int port);  // an outside slot that is FREE

// True when STATE_FILE holds this slot: READY, CLAIMING, ASSIGNED, and a healthy pool container that waits for just that.
bool slot_is_recorded(const Slot& slot);
// A record changed in a way that must reach the disk.
void table_changed(Table& table);
void table_wake(Table& table, int64_t at_ms);

Record slot_record(const Table& table, const Slot& slot);
std::vector<Record> table_records(const Table& table);  // as STATE_FILE holds them
std::vector<Record> table_status(const Table& table);   // as /status shows them: what serves or can serve somebody
bool table_status_of(const Table& table, const std::string& client, Record* out);  // one of these; false: there is none
int table_status_size(const Table& table);              // how many of these there are
int table_max_slots(const Table& table);

// The first broken invariant in words, empty when all hold. For tests and the simulator; looks at every slot.
std::string table_check(const Table& table);

#endif
