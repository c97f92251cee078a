// What the pool has learnt, on disk: read at the start, written once for each quarter of an hour. It is foresight and no more: whatever becomes of
// the file, the daemon goes on.
#ifndef DAEMON_LEARNED_H
#define DAEMON_LEARNED_H

#include <cstdint>
#include <string>

#include "codec/log_level.h"
#include "core/foresight.h"
#include "io/workers.h"

struct Learned {
  std::string path;        // empty: nothing is kept
  int64_t quarter = -1;    // the one that was under way when it was last written
  bool said = false;       // that it cannot be written has been logged
};

struct LearnedWord {
  LogLevel level = LogLevel::Info;
  std::string text;  // for the log; empty: nothing to say
};

LearnedWord learned_load(Learned* learned, const std::string& state_file, Foresight* foresight);
void learned_keep(Learned* learned, const Foresight& foresight, Lane* writes);  // a ForesightKept follows when there is something new
LearnedWord learned_kept(Learned* learned, const std::string& error);

#endif
