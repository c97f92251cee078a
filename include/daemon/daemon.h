// The daemon: wires the core to the world and runs until it is told to stop.
#ifndef DAEMON_DAEMON_H
#define DAEMON_DAEMON_H

#include <string>
#include <vector>

#include "codec/settings.h"

// Runs in the foreground until SIGTERM or SIGINT; SIGHUP has the settings read again, with the same `environment`. `warnings` are what reading
// them found odd. 0 after an orderly stop, 1 when it could not start (the reason is on stderr and, once there is one, in the log).
int daemon_run(const Settings& settings, const NameValues& environment, const std::vector<std::string>& warnings);

#endif
