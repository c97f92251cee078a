// Who watches a session: the connections to its port from outside its container, as the kernel has them. No image helps, no engine is asked.
#ifndef IO_LOOKOUT_H
#define IO_LOOKOUT_H

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

// Remembers the process behind each container, and what was last seen of it. One thread at a time.
struct Lookout;
struct LookoutDeleter {
  void operator()(Lookout* lookout) const;
};
using LookoutPtr = std::unique_ptr<Lookout, LookoutDeleter>;

LookoutPtr lookout_create(int container_port);

// The engine says that this container runs, as process `pid` (0: it does not tell). Believed when the kernel says so too; from then on the
// process is held by its folder in /proc, which stays its own when the number is given to another.
void lookout_learn(Lookout* lookout, const std::string& container_id, int pid, int64_t now_ms);

struct LookTarget {
  std::string container_id;
  int port = 0;  // with `generation`, the caller's
  uint64_t generation = 0;
};
struct LookoutSeen {
  std::vector<int> viewers;          // of each target, in order; -1: cannot be told
  std::vector<std::string> unknown;  // whose process has to be asked of the engine (lookout_learn), each at most once a minute
  std::string blind;                 // why nobody can be seen here; empty when somebody can, or none has been looked for yet
};
struct LookoutMemory {
  int64_t total_kib = 0;      // of this machine; 0: not known
  int64_t available_kib = 0;  // without swapping
  int64_t session_kib = 0;    // what a container that was looked at lately uses on average; 0: none can be seen
};
// Microseconds for each container, and of no more than a few dozen of them.
LookoutMemory lookout_memory(const Lookout* lookout);

// Cheap for those where nobody has come, gone or been cut off: their counters are read, 15 us each, and the connections only every ten minutes.
// `thorough` reads the connections of all. Microseconds to milliseconds, no waiting.
LookoutSeen lookout_look(Lookout* lookout, const std::vector<LookTarget>& at, bool thorough, int64_t now_ms);

#endif
