// The file that says so, written by the store's thread.
#include "daemon/drain.h"

#include "io/mailbox.h"
#include "io/marker.h"

std::string drain_path(const std::string& state_file) { return state_file + ".drain"; }

void drain_keep(const std::string& path, bool draining, uint64_t request, Lane* writes) {
  lane_submit(writes, LaneOrder::Normal, [path, draining, request]() -> Message {
    DrainKept kept;
    kept.request = request;
    draining ? marker_set(path, &kept.error) : marker_clear(path, &kept.error);
    kept.since_us = marker_since_us(path);
    return kept;
  });
}
