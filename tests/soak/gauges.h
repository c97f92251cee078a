// What is read off a daemon at night, when it has nothing to do and must hold exactly what it held the night before.
#ifndef SOAK_GAUGES_H
#define SOAK_GAUGES_H

#include <string>
#include <vector>

#include "support/daemon.h"

struct Gauge {
  const char* name;
  const char* unit;
  double least;  // a change over the whole run that is none: see slope_is_level
};

enum GaugeIndex : size_t {
  kPrivateDirty,
  kResident,
  kDescriptors,
  kThreads,
  kContainers,
  kEndpoints,
  kStateBytes,
  kStateFiles,
  kEngineFolders,
  kLogBytes,
  kGauges
};
extern const Gauge kGaugeTable[kGauges];

struct Reading {
  double hours = 0;  // since the start
  double values[kGauges] = {};
};

double gauges_threads(const Daemon* daemon);
// Everything but kLogBytes, which is a day's. `engine_data`: the engine's folder of containers, one for each.
Reading gauges_read(const Daemon* daemon, const std::string& network, const std::string& engine_data);
size_t process_descriptors(pid_t pid);
size_t log_bytes(const Daemon* daemon);

// The table of slopes over these nights. True when all are level. What malloc keeps takes some minutes to settle: the memory of less
// than a quarter of an hour is shown and not judged.
bool gauges_show(const std::vector<Reading>& nights);

#endif
