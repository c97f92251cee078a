// Sessions made without the daemon: the engine's API and nothing else, over libcurl. Create, start, and the moment its event stream calls it healthy.
#ifndef BENCH_DAEMON_BARE_ENGINE_H
#define BENCH_DAEMON_BARE_ENGINE_H

#include <memory>
#include <string>
#include <vector>

#include "codec/container.h"

struct BareEngine;
struct BareEngineDeleter {
  void operator()(BareEngine* engine) const;  // ends its stream
};
using BareEnginePtr = std::unique_ptr<BareEngine, BareEngineDeleter>;
// Its stream is open when this returns.
BareEnginePtr bare_engine_open(const std::string& socket);

struct BareMade {
  std::string id, error;  // error: empty when all went well
  double created_ms = 0, started_ms = 0, healthy_ms = 0;  // each since the beginning
};
// All of them, so many at a time, each a connection of its own that is kept for the next; fails the row when one cannot be had. *seconds: until the
// last was healthy.
std::vector<BareMade> bare_make(BareEngine* engine, const std::vector<LaunchSpec>& specs, int parallel, double* seconds);
// The same from any thread: fails no row.
std::vector<BareMade> bare_try(BareEngine* engine, const std::vector<LaunchSpec>& specs, int parallel, double* seconds);
void bare_remove(const BareEngine* engine, const std::vector<BareMade>& made);

#endif
