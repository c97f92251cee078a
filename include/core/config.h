// What the rules need to know of the settings, of this machine and of this run.
#ifndef CORE_CONFIG_H
#define CORE_CONFIG_H

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/names.h"
#include "core/types.h"

// Whose session a newcomer may be given the port of, when no other is to be had.
enum class RecycleRule {
  Unwatched,  // the one that nobody has watched or accessed for longest; none that is watched
  Oldest,     // the one not accessed for longest, watched or not
  Never,      // nobody's
};

struct CoreConfig {
  int port_min = 0;
  int port_max = 0;
  Size default_size;
  int warm_pool_size = 0;  // or kPoolAuto
  int pool_most = 0;       // of kPoolAuto
  double pool_miss = 0.01;  // of those who ask, so many may find no container ready
  std::vector<PoolShift> pool_shifts;
  std::string fingerprint;  // today's
  std::string instance;
  Naming naming;
  std::string run;
  std::string boot_id;
  size_t most_waiting = SIZE_MAX;  // requests of /access that may wait at once
  int64_t ready_timeout_ms = 60000;
  int64_t idle_timeout_ms = 0;
  int64_t cleanup_interval_ms = 0;
  RecycleRule recycle = RecycleRule::Unwatched;
  int64_t look_every_ms = 0;   // 0: nobody looks who watches, and last accesses must do
  int64_t max_session_ms = 0;  // 0: no upper age
};

#endif
