// What the rules count for /metrics: plain numbers, added to where a thing is decided, by the one thread that holds the table.
#ifndef CORE_TALLY_H
#define CORE_TALLY_H

#include <array>
#include <cstddef>
#include <cstdint>

// How a client came to its session.
enum class Claim {
  Reuse,   // it was there
  Pool,    // a container that was ready
  Cold,    // one that had to be launched, or was still on its way to the pool
  Resize,  // one of another size than it had
};
inline constexpr size_t kClaims = 4;

// Why a container was removed.
enum class Ending {
  Asked,         // /remove
  AskedForAll,   // /remove-all
  Resized,       // its client wanted another size
  Recycled,      // no port was free for a newcomer
  Idle,          // IDLE_TIMEOUT_HOURS
  TooOld,        // MAX_SESSION_HOURS
  Died,          // it ended, fell ill or vanished
  LaunchFailed,  // it did not become healthy
  PortHeld,      // another program has its port or name
  NotRecorded,   // the state file could not be written
  Stale,         // of the pool, started under other settings
  Surplus,       // of the pool, one too many
  Yielded,       // of the pool, its port was needed for a client
  Watched,       // of the pool, somebody was seen at it before it was anybody's
  Misrecorded,   // its record was wrong
  Stopping,      // on its way when the daemon stopped
  Orphan,        // no record knew it
};
inline constexpr size_t kEndings = 17;

// How long things took. Upper bounds in seconds, the same for all, so that one may be set beside another: from a reuse (some 0.1 ms) to what is given
// up (READY_TIMEOUT_SECONDS).
inline constexpr std::array<double, 17> kDurationBounds = {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                                           0.1,    0.25,    0.5,    1,     2.5,    5,     15,   60};
struct Durations {
  std::array<uint64_t, kDurationBounds.size() + 1> counts{};  // each by itself; the last: longer than all bounds
  double seconds = 0;
};
inline void durations_add(Durations* durations, double seconds) {
  size_t at = 0;
  while (at < kDurationBounds.size() && seconds > kDurationBounds[at]) at++;
  durations->counts[at]++;
  durations->seconds += seconds;
}

struct CoreTally {
  std::array<uint64_t, kClaims> claims{};
  std::array<uint64_t, kEndings> endings{};
  uint64_t pool_misses = 0;  // new clients without a size of their own who found no container ready
  Durations healthy;         // from a container's start until it was healthy
  Durations launch;          // the whole launch, from the port being taken on; without those that waited for the image
};

#endif
