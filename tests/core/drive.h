// Plays the world to the core by hand: a clock that the test ticks, an engine and a disk that answer when they are told to.
// After each step it holds the table and what was answered against what must be true always; see drive_step.
#ifndef TESTS_CORE_DRIVE_H
#define TESTS_CORE_DRIVE_H

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/names.h"
#include "core/orchestrator.h"
#include "support/cmocka_cc.h"

// What a request has come to. status: 302, 200 (a removal), or the error's; 0 while it waits.
struct Outcome {
  std::string client;
  int status = 0;
  int port = 0;
  int retry_after = 0;
  int max_slots = 0;
  int removed = 0;
  std::string text;
  std::string container_id;
};

struct Drive {
  Table table;
  Now now;
  std::vector<Action> jobs;     // asked for, not reported yet
  std::vector<Say> said;        // of all steps
  std::vector<Record> disk;     // what STATE_FILE holds
  std::vector<Record> writing;  // what the write under way would make of it
  std::map<uint64_t, Outcome> asked;
  std::map<std::string, std::string> told;  // container -> the client who was sent to it
  std::map<int, int> watching;  // port -> viewers that a look finds there; none: 0
  std::string blind;            // why looks find nothing out
  uint64_t requests = 0;
  int containers = 0;
};

inline constexpr int kPort = 5000;  // the first of drive_config's range
inline const Size kSize{410, 900};  // its default
inline const Size kOther{1024, 768};
inline const char* const kInstance = "vnc_network";
inline const char* const kRun = "run-now";
inline const char* const kPrint = "print-now";

Naming drive_naming(bool masked);  // hashes that are nothing but the client's name, turned round and filled up
CoreConfig drive_config(int ports, int pool);  // nobody looks who watches
Drive drive_create(const CoreConfig& config, const std::vector<Record>& records = {});
// The same, with the engine up and nothing running there, and the first write done.
Drive drive_start(int ports, int pool);

// One step. Fails the test when: an invariant of the table breaks; a request is answered twice; a 302 leaves that the disk does not
// bear out; a container is given to a second client or is READY after it was given to one, or without its
// record as __pool__ on disk; a Tick leaves a wake-up that is past.
void drive_step(Drive& drive, const Event& event);
void drive_wait(Drive& drive, int64_t ms);  // the clock goes on, with a Tick whenever the table asked for one

uint64_t drive_access(Drive& drive, const std::string& client);
uint64_t drive_access(Drive& drive, const std::string& client, Size size);
uint64_t drive_remove(Drive& drive, const std::string& client);
uint64_t drive_remove_all(Drive& drive);

// The engine's and the disk's part. Each fails the test when nothing of the kind was asked for.
std::string drive_launched(Drive& drive, int port);  // created and started; its id
void drive_launch_failed(Drive& drive, int port, Fault fault, const std::string& text, const std::string& id = "");
void drive_checked(Drive& drive, int port, Fault fault, const Seen& seen, bool answered = false);
void drive_removed(Drive& drive, int port, Fault fault = Fault::None);  // port 0: the orphan asked for first
void drive_renamed(Drive& drive, int port, Fault fault = Fault::None);
void drive_pulled(Drive& drive, Fault fault = Fault::None);
void drive_connected(Drive& drive, Fault fault = Fault::None);
void drive_listed(Drive& drive, const std::vector<Seen>& seen, Fault fault = Fault::None);
void drive_written(Drive& drive, const std::string& error = "");
void drive_looked(Drive& drive, LookFor purpose, int64_t late_ms = 0);  // late: so long ago the look had ended
void drive_engine_up(Drive& drive, const std::vector<Seen>& seen);  // stream, connect, listing
// What the engine says by itself.
void drive_says(Drive& drive, ContainerChange change, const std::string& id, const std::string& name = "");

// Whole stories.
int drive_healthy(Drive& drive,
                  const std::string& client);  // a launched one of its own: healthy, written, told; its port
int drive_session(Drive& drive, const std::string& client);  // asks and gets a session of its own; its port
int drive_session(Drive& drive, const std::string& client, Size size);
int drive_pool(Drive& drive);   // the pool launch asked for first becomes READY; its port
void drive_calm(Drive& drive);  // an engine and a disk that do all they are asked, until nothing is asked any more

const Slot& slot(const Drive& drive, int port);
const Slot& slot_for(const Drive& drive, const std::string& client);  // fails the test when the client has none
bool has_slot(const Drive& drive, const std::string& client);
int count_of(const Drive& drive, SlotState state);
const Outcome& outcome(const Drive& drive, uint64_t request);
Seen seen_of(const Drive& drive, int port);  // the slot's container as a listing shows it: running, healthy, of ours
std::vector<Seen> seen_all(const Drive& drive);
Record record_of(const std::string& client, const std::string& id,
                 int port);  // under its proper name, of today's settings
Seen seen_named(const std::string& name, const std::string& id, int port);  // of an earlier run of ours
Seen seen_client(const std::string& client, const std::string& id, int port);  // the same, under the client's name
Seen seen_unlabelled(Seen seen);  // as the first version left it
// These records, and an engine on which this runs.
Drive drive_found(const std::vector<Record>& records, const std::vector<Seen>& seen, int ports = 4, int pool = 0);

// The jobs of one kind that have been asked for and not reported.
template <class Job>
std::vector<Job> jobs(const Drive& drive) {
  std::vector<Job> found;
  for (const Action& action : drive.jobs)
    if (const auto* job = std::get_if<Job>(&action)) found.push_back(*job);
  return found;
}
int said(const Drive& drive, SayLevel level, const std::string& piece);  // how often, at this level or above

void expect_state(const Drive& drive, int port, SlotState state);
void expect_answer(const Drive& drive, uint64_t request, int status, const std::string& piece = "");
void expect_waits(const Drive& drive, uint64_t request);

#endif
