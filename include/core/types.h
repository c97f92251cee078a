// The words every rule speaks in: moments, screen sizes, records and the names of containers.
#ifndef CORE_TYPES_H
#define CORE_TYPES_H

#include <cstdint>
#include <string>
#include <string_view>

// One reading of both clocks, taken once a turn of the loop and handed to every rule of that turn.
// mono_ms: CLOCK_MONOTONIC in milliseconds, for every duration. wall_us: UTC microseconds since 1970, for people and files. east_s: local time
// is so many seconds ahead of UTC, for what people do at certain hours.
struct Now {
  int64_t mono_ms = 0;
  int64_t wall_us = 0;
  int64_t east_s = 0;
};

struct Size {
  int width = 0;
  int height = 0;
  bool operator==(const Size&) const = default;
};

// At least so many containers are ready at these hours.
struct PoolShift {
  unsigned days = 0;  // bit 0: Monday
  int from_minute = 0, to_minute = 0;  // of the day, local time; to <= from: of the next day
  int size = 0;
};

inline constexpr int kPoolAuto = -1;  // of WARM_POOL_SIZE: as many as foresight has it

// The client_id that a pool container's record carries in STATE_FILE.
inline constexpr std::string_view kPoolClient = "__pool__";

// One entry of STATE_FILE and of /status. The first eight fields are the document's; the rest are ours.
struct Record {
  std::string client_id;  // a client, or kPoolClient
  std::string container_id;
  std::string container_name;
  int port = 0;
  std::string width;  // as text, as the document has it
  std::string height;
  int64_t created_us = 0;  // wall clock, UTC microseconds; the file shows local time
  int64_t last_accessed_us = 0;

  bool size_by_default = false;         // the client asked for no size: a new default ends nobody's session
  std::string fingerprint;              // of the settings it was born under; empty when unknown
  std::string boot_id;                  // boot in which last_accessed_mono_ms was read; empty when unknown
  int64_t last_accessed_mono_ms = -1;   // CLOCK_MONOTONIC of that boot; -1 when unknown
  int viewers = -1;                     // at the last look; -1 when nobody can tell
  int64_t last_seen_us = 0;             // wall clock: when somebody was last seen watching; 0: never
  int64_t last_seen_mono_ms = -1;       // the same, in CLOCK_MONOTONIC of that boot; -1 when unknown
  std::string extra;                    // fields we do not know, as the text of one JSON object; empty when none
};

#endif
