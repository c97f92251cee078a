// What the rules of the core call of one another. Each rule's story is told in its own file; only the core includes this.
#ifndef CORE_RULES_H
#define CORE_RULES_H

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "core/events.h"
#include "core/slots.h"
#include "core/types.h"

// One turn: the table, the moment, and where actions go.
struct Turn {
  Table& table;
  Now now;
  std::vector<Action>& actions;
  uint64_t request = 0;  // whose lines are being said, as Say has it
  std::vector<uint64_t> more = {};
};

// Spread of numbers, in milliseconds unless named otherwise.
inline constexpr int64_t kStartWaitMs = 10'000;         // an access before the first listing waits so long
inline constexpr int64_t kAnswerSlackMs = 10'000;       // beyond READY_TIMEOUT: queueing, creating, starting
inline constexpr int64_t kListEveryMs = 60'000;         // the full comparison with the engine
inline constexpr int64_t kRetryMs = 1'000;              // a listing, a write or a removal that failed
inline constexpr int64_t kCheckEveryMs = 1'000;         // the net below the event stream
inline constexpr int64_t kTouchMs = 800;                // last_accessed_at may lag a second on disk: this and one write
inline constexpr int64_t kPortBlockMs = 60'000;         // a port that another program holds
inline constexpr int64_t kRememberMs = 60'000;          // deaths of unknown ids, orphans under removal
inline constexpr int64_t kPoolBackoffMostMs = 60'000;
inline constexpr int kPoolParallel = 4;  // launches of the pool at once: half of the launch threads stay for clients
inline constexpr int64_t kPoolHeldMs = 250;  // refills wait so long after a claim: its write, and 130 to 190 ms to the first picture
inline constexpr int kPoolComing = 8;    // of the pool's, not ready yet: a large pool that boots all at once is slower, and slows others
inline constexpr int64_t kPoolSurplusMs = 600'000;  // more containers than foresight asks for stay so long: they are cheaper than a launch
inline constexpr int64_t kPoolThinkMs = 60'000;     // without a request, foresight is asked again after so long
inline constexpr int64_t kSessionKib = 300 * 1024;  // a session's memory, until one has been seen
inline constexpr int kRenameTries = 10;
inline constexpr int kRetryAfterSeconds = 5;
inline constexpr int kRetryAfterLongSeconds = 60;        // until somebody leaves, and not until something is done
inline constexpr const char* kDrainingText = "No new session is given out: this server is being drained for maintenance. Try again later.";
inline constexpr int64_t kLookFreshMs = 500;             // a session is taken only on a look that ended so lately
inline constexpr int64_t kOnTheirWayMs = 60'000;         // a 302 so young: its viewer may still be on the way
inline constexpr int64_t kSeenKeptMs = 60'000;           // last_seen_at may lag so much on disk
inline constexpr size_t kLookMost = 256;                 // sessions in one look, so that an urgent one need not wait for all

// orchestrator.cc
void say(Turn& turn, SayLevel level, const char* tag, std::string text);
// The same, of a line that these are told by.
void say_to(Turn& turn, const std::vector<Waiter>& told, SayLevel level, const char* tag, std::string text);
// What is said from here on is about those who wait for this client's session, for this slot's removal or its port.
void speak_for(Turn& turn, const std::string& client);
void speak_of(Turn& turn, const Slot& slot);
std::string joined(std::initializer_list<std::string_view> parts);  // in one piece of memory, for what is said at each request
void answer_error(Turn& turn, uint64_t request, int status, std::string text, int retry_after = 0, int max_slots = 0);
std::string size_text(Size size);  // "410x900"
std::string short_id(const std::string& container_id);
Waiter waiter_new(const Turn& turn, uint64_t request, Want want);

// access.cc: a client and its requests
void access_asked(Turn& turn, const AccessAsked& event);
void access_gone(Turn& turn, uint64_t request);
bool access_too_crowded(Turn& turn, uint64_t request);  // answers that as many wait already as may
// Finds a place for a client that waits and has none; answers its waiters when there is none to be had.
void access_serve(Turn& turn, const std::string& client, const Want& want);
void access_claim(Turn& turn, Slot& slot, const std::string& client, const Want& want);        // a READY slot
void access_take_launch(Turn& turn, Slot& slot, const std::string& client, const Want& want);  // a launch of the pool on its way
// Its session is ASSIGNED: tells those who wait for this one; who asked last for another size is served next.
void access_arrived(Turn& turn, Slot& slot);
// Tells every waiter of the client and forgets them.
void access_refuse(Turn& turn, const std::string& client, int status, const std::string& text, int retry_after = 0, int max_slots = 0);
// The same, but spares those who asked last for another size than this slot's. True: they are still there, to be served next.
bool access_refuse_slot(Turn& turn, const Slot& slot, int status, const std::string& text, int retry_after = 0);
void access_expire(Turn& turn);  // deadlines of waiters
Want access_wanted(const Turn& turn, const std::string& client);
// While no session begins, everybody keeps the one there is, whatever size is asked for.
bool access_fits(const Turn& turn, const Slot& slot, const Want& want);

// launch.cc: from FREE to ready, or back
void launch_begin(Turn& turn, Slot& slot, const std::string& client, const Want& want);
void launch_done(Turn& turn, const LaunchDone& event);
void launch_check_done(Turn& turn, const CheckDone& event);
void launch_ready(Turn& turn, Slot& slot);
// Gives back what it took: the container is removed, the port freed, those who wait are told (or served anew, when the launch was the
// pool's and not theirs). The slot is WAITING, or CREATING with its job reported.
void launch_fail(Turn& turn, Slot& slot, int status, const std::string& why, int retry_after = 0);
void launch_pulled(Turn& turn, const PullDone& event);
void launch_tick(Turn& turn);
bool launch_in_flight(const Turn& turn, const std::string& run, const std::string& job);  // the labels of a container are a launch of ours that has not reported
Slot* launch_free_port(Turn& turn);  // the one free for longest; nullptr when none

// stand_in.cc: where container names are hashes (MASK_IDS), a session without a record is known by its hash alone
// The client who hashes to it, if he is known to the table; else `client` as it came, a stand-in or not.
std::string stand_in_owner(const Turn& turn, const std::string& client);
// The client has a slot, or the stand-in he hashes to has.
bool stand_in_or_own(const Table& table, const std::string& client);
// He has come: the session of the stand-in he hashes to is his.
void stand_in_yield(Turn& turn, const std::string& client);

// drain.cc: maintenance is near. Who has a session keeps it, what is on its way to somebody arrives, and nothing else begins.
void drain_set(Turn& turn, const DrainSet& event);

// removal.cc: from anything to FREE
// `ending` is counted, `why` is for the log. The port goes to `heir` when it is free; empty: to nobody. The slot may be FREE again on return, or gone.
void removal_begin(Turn& turn, Slot& slot, Ending ending, const std::string& why);
void removal_done(Turn& turn, const RemoveDone& event);
void removal_tick(Turn& turn);
// Whether containers that no session needs are being removed just now.
bool removal_has_leftovers(const Table& table);
void removal_orphan(Turn& turn, const std::string& id, const std::string& name);
void remove_asked(Turn& turn, const RemoveAsked& event);
void remove_all_asked(Turn& turn, const RemoveAllAsked& event);
void remove_gone(Turn& turn, uint64_t request);
void remove_expire(Turn& turn);

// recycle.cc: no port is free
enum class Recycled {
  Placed,   // the client has a slot, is heir to one, or waits for a look at whose it may have
  Nothing,  // no port that could be taken, or will be, for now
  Kept,     // there are sessions, and by RECYCLE none of them may be taken
};
void recycle_serve_heirs(Turn& turn);
Recycled recycle_for(Turn& turn, const std::string& client, const Want& want);
bool recycle_can(const Table& table);  // recycle_for would find a port for somebody new, as far as the last look tells
void recycle_looked(Turn& turn);  // a look for those who seek has ended
void recycle_forget(Turn& turn, const std::string& client);  // it seeks no more

// viewers.cc: who watches
void viewers_look(Turn& turn, LookFor purpose, const std::vector<const Slot*>& slots);
void viewers_looked(Turn& turn, const Looked& event);
void viewers_guard(Turn& turn, Slot& slot);  // CLAIMING, of the pool: its client is told only once nobody is seen watching
void viewers_round(Turn& turn);  // begins the next one when its time has come
bool viewers_fresh(const Turn& turn, const Slot& slot);  // a look at it ended just now
int64_t viewers_idle_since(const Slot& slot);  // monotonic ms: the later of the last access and of somebody being seen

// pool.cc
void pool_fill(Turn& turn);
void pool_room_seen(Turn& turn, const RoomSeen& seen);
void pool_asked(Turn& turn);                       // somebody asks for a session that the pool could have
void pool_launched(Turn& turn, const Slot& slot);  // a container has become ready
void pool_failed(Turn& turn, const std::string& why);
void pool_worked(Turn& turn);

// rollout.cc: the pool after a change of the image
bool rollout_is_old(const Table& table, const Slot& slot);  // born under other settings than today's, or of another image
void rollout_image_seen(Turn& turn, const std::string& image);  // what VNC_IMAGE stands for; empty: not known
void rollout_container_seen(Turn& turn, Slot& slot, const Seen& seen);
// A READY container may be given to somebody: of today's settings, whichever image it is from.
bool rollout_serves(const Table& table, const Slot& slot);
int rollout_left(const Table& table);         // READY ones that are old
void rollout_trim(Turn& turn, int surplus);   // as many of the old ones go, where there are so many: newer ones have taken their places
// No port is free for a newer one: an old one goes first, unless it is the last READY one or a port is being freed anyway.
void rollout_make_room(Turn& turn);

// reconfigure.cc
void reconfigure(Turn& turn, const Reconfigured& event);

// cleanup.cc
void cleanup_tick(Turn& turn);
void cleanup_looked(Turn& turn, const Looked& event);  // ends those that turned out to be idle
void cleanup_aged(Turn& turn, const Looked& event);    // ends those too old, of which a round has seen that nobody watches

// rename.cc: a claimed pool container gets its client's name
void rename_plan(Turn& turn, Slot& slot);
void rename_noticed(Turn& turn, Slot& slot, const std::string& name);
void rename_tick(Turn& turn);
void rename_done(Turn& turn, const RenameDone& event);

// durable.cc: what must be on disk before somebody is told
void durable_written(Turn& turn, const Written& event);
void durable_save(Turn& turn);  // at the end of each turn
void durable_settle(Turn& turn, Slot& slot);  // goes on with a slot that waits, when nothing is left to wait for
bool durable_broken(const Turn& turn);

// engine.cc: is it there, and what it says of containers
void engine_stream_up(Turn& turn);
void engine_stream_down(Turn& turn, const StreamDown& event);
void engine_connected(Turn& turn, const ConnectDone& event);
void engine_changed(Turn& turn, const ContainerChanged& event);
void engine_died(Turn& turn, Slot& slot, const std::string& why);  // a container of ours is dead or gone
void engine_list(Turn& turn);
void engine_tick(Turn& turn);

// reconcile.cc: the table against a listing
void reconcile_load(Turn& turn, const std::vector<Record>& records);  // at start, before anything is known of the engine
void reconcile(Turn& turn, const Listed& event);
void reconcile_name_wins(Turn& turn, Slot& slot);  // a pool container that bears a client's name

#endif
