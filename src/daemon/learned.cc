// What the pool has learnt, on disk.
#include "daemon/learned.h"

#include <memory>
#include <utility>

#include "codec/foresight_file.h"
#include "io/host.h"
#include "io/mailbox.h"

LearnedWord learned_load(Learned* learned, const std::string& state_file, Foresight* foresight) {
  learned->path = state_file + ".pool";
  std::string text, problem;
  bool missing = false;
  if (!host_read_file(learned->path, &text, &missing, &problem) && missing) return {};
  if (problem.empty() && foresight_parse(text, foresight, &problem)) return {LogLevel::Info, "What the pool has learnt is read from " + learned->path};
  return {LogLevel::Warning, "The pool learns anew: " + learned->path + " cannot be used: " + problem};
}

void learned_keep(Learned* learned, const Foresight& foresight, Lane* writes) {
  if (learned->path.empty() || foresight.quarter == learned->quarter) return;
  learned->quarter = foresight.quarter;
  lane_submit(writes, LaneOrder::Normal, [path = learned->path, copy = std::make_shared<Foresight>(foresight)]() -> Message {
    ForesightKept kept;
    host_replace_file(path, foresight_write(*copy), &kept.error);
    return kept;
  });
}

LearnedWord learned_kept(Learned* learned, const std::string& error) {
  if (error.empty() != learned->said) return {};
  learned->said = !error.empty();
  if (error.empty()) return {LogLevel::Info, "What the pool learns can be kept again"};
  return {LogLevel::Warning, "What the pool learns would be lost by a restart: " + error};
}
