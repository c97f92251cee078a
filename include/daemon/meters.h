// What the daemon counts for /metrics beside the table's own tally: how long answers, engine calls and writes took. The loop's thread alone counts;
// what threads measure comes back in their messages.
#ifndef DAEMON_METERS_H
#define DAEMON_METERS_H

#include <array>
#include <cstdint>

#include "codec/metrics.h"
#include "core/slots.h"
#include "daemon/entrances.h"
#include "io/mailbox.h"

struct Meters {
  std::array<Durations, kClaims> access;
  LaunchPhases phases;
  std::array<EngineCalls, kEngineCalls> engine;
  int64_t stream_since_us = -1;  // CLOCK_MONOTONIC; -1: it is not open
  uint64_t streams = 0;
  Durations writes;
  uint64_t write_errors = 0;
};

// At each reuse: a few additions and nothing else.
inline void meters_access(Meters* meters, Claim claim, int64_t took_us) {
  durations_add(&meters->access[static_cast<size_t>(claim)], static_cast<double>(took_us) / 1e6);
}
void meters_job(Meters* meters, const JobResult& result);
void meters_written(Meters* meters, const StoreWritten& written);
void meters_stream(Meters* meters, bool open, int64_t now_us);

// All that these know of; the daemon adds its lanes, its log and its start.
Metrics meters_read(const Meters& meters, const Table& table, const Entrances& entrances, int64_t now_us);

#endif
