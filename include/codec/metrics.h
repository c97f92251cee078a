// The text of /metrics, in the format of Prometheus: what is counted, to lines. Each metric is told in docs/MONITORING.md.
#ifndef CODEC_METRICS_H
#define CODEC_METRICS_H

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "codec/container.h"
#include "core/tally.h"

// The exposition format, version 0.0.4.
inline constexpr const char* kMetricsType = "text/plain; version=0.0.4; charset=utf-8";

// Values with the label that tells them apart.
using Labelled = std::vector<std::pair<std::string, uint64_t>>;
struct Answered {
  std::string route;  // "/access", "other"
  int status = 0;
  uint64_t count = 0;
};
struct EngineCalls {
  Durations took;
  uint64_t errors = 0;  // that something is not there, or a name still held, is an answer
};
struct LaunchPhases {
  Durations queue, create, start;  // how long it waited for a thread, and the engine's calls
};

// All of one moment; counters since the daemon's start.
struct Metrics {
  std::string version;
  double started_s = 0;  // UTC seconds since 1970
  Labelled slots;        // by state
  uint64_t slots_most = 0;
  uint64_t viewers = 0, watched = 0, unseen = 0;
  uint64_t accesses_waiting = 0;
  Labelled lanes;  // work queued and under way
  std::vector<Answered> answers;
  std::array<Durations, kClaims> access;  // an answer that leads to a session, from its request on
  CoreTally tally;
  int pool_target = 0;
  bool pool_failing = false;
  LaunchPhases phases;
  std::array<EngineCalls, kEngineCalls> engine;
  bool engine_up = false;
  bool draining = false;
  bool stream_open = false;
  double stream_age_s = 0;  // 0 when it is not open
  uint64_t streams = 0;     // how often it was opened
  Durations writes;
  uint64_t write_errors = 0;
  uint64_t log_lost = 0;
};
std::string metrics_text(const Metrics& metrics);

#endif
