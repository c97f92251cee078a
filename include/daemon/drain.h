// Maintenance, on disk: a file beside STATE_FILE that is there while no session is to begin, so that a restart knows of it.
#ifndef DAEMON_DRAIN_H
#define DAEMON_DRAIN_H

#include <cstdint>
#include <string>

#include "io/workers.h"

std::string drain_path(const std::string& state_file);
// A DrainKept follows, however it ends; several asked for at once are kept in their order.
void drain_keep(const std::string& path, bool draining, uint64_t request, Lane* writes);

#endif
