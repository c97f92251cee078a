// A modelled world around the core: an engine that obeys, delays, fails or does the work and says it does not know; a stream that loses
// and repeats events; a disk that fails now and then; clients; and a daemon that is killed and started again.
#ifndef TESTS_CORE_WORLD_H
#define TESTS_CORE_WORLD_H

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/orchestrator.h"
#include "support/cmocka_cc.h"

// A container as the engine has it.
struct Box {
  Seen seen;
  bool foreign = false;
  bool was_healthy = false, was_unhealthy = false;
  bool stuck = false;  // never becomes healthy
};

// Work under way: a job of the daemon, or one that it has abandoned and the engine does all the same.
struct Work {
  Action job;
  uint64_t daemon = 0;   // which start of the daemon asked for it; its result goes nowhere when another one runs
  bool created = false;  // a launch: its first half is done
  std::string id;
  std::vector<Record> records;  // a write: the table as of its version
};

struct Request {
  std::string client;  // empty: remove-all
  bool open = true;
};

struct World {
  uint64_t seed = 0, random = 0;
  int steps = 0;
  bool trace = false;
  bool calm = false;  // no more faults
  size_t gentle = 1;  // how much rarer faults are than in the harshest world
  bool busy = true;   // clients come often
  Now now;

  CoreConfig config;
  Table table;
  uint64_t daemon = 0;
  bool stopping = false;

  std::vector<Box> boxes;
  std::vector<Work> work;
  std::vector<Event> results;            // of finished work, on their way to the daemon
  std::vector<ContainerChanged> stream;  // events on their way
  bool engine_up = true, stream_up = false, image_here = true;
  int port_of_another = 0;  // held by another program
  int ids = 0;

  std::vector<Record> disk;
  bool disk_full = false;

  uint64_t requests = 0;
  std::map<uint64_t, Request> asked;
  std::map<std::string, std::string> told;  // container -> the client who was sent to it, over all lives of the daemon
  std::set<std::string> known_dead;         // whose death this daemon has been told of
  std::map<std::string, int> seen_happen;   // how often each thing came about, to know that the schedules reach it
};

World world_create(uint64_t seed);
void world_step(World& world);    // something happens
void world_settle(World& world);  // the faults are over; all that is under way comes to its end, and some minutes pass
// What must hold then: nobody waits, nothing is on its way, and engine, disk and /status tell the same.
void world_check_end(World& world);

// ---- Between the model's two files.

inline const char* const kInstance = "vnc_network";

#define broken(world, ...)                                                                             \
  do {                                                                                                 \
    print_error("seed %llu, step %d: ", static_cast<unsigned long long>((world).seed), (world).steps); \
    fail_msg(__VA_ARGS__);                                                                             \
  } while (0)

size_t world_below(World& world, size_t most);
bool world_one_in(World& world, size_t n);
bool world_fault(World& world, size_t n);  // never when it is calm

void box_dies(World& world, Box& box);
void box_removed(World& world, const std::string& id);
void world_happens(World& world, ContainerChange change, const Box& box);  // the stream says so, maybe
void world_do_work(World& world, size_t at);

template <class T>
T pull_out(std::vector<T>& list, size_t at) {
  T taken = std::move(list[at]);
  list.erase(list.begin() + static_cast<std::ptrdiff_t>(at));
  return taken;
}

#endif
