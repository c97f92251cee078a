// What stands beside the daemon: a bare handler, nginx, the bare durable write.
#ifndef BENCH_DAEMON_BASELINES_H
#define BENCH_DAEMON_BASELINES_H

#include <string>

#include "bench/daemon/stand.h"
#include "support/proc.h"

// bench/baseline's program NAME, as the Makefile built it.
std::string baseline_program(const std::string& name);

// A server on this port, in place of the daemon: ended with the scene.
struct Beside {
  int port = 0;
  std::string log;  // its file
  pid_t pid = -1;
};
// Gives the answer that the daemon gives to `path`, byte for byte (Date apart), and writes the lines that the daemon writes to its log.
Beside bare_http_start(Scene* scene, Daemon* daemon, const std::string& path, int number);
// One worker, access log on and buffered as the daemon's is. The redirect has nginx's own page as its body.
Beside nginx_start(Scene* scene, Daemon* daemon, const std::string& path, int number);

// write, fsync, rename, fsync of the folder, with these bytes; milliseconds. The folder is the daemon's own.
double durable_write(const Daemon* daemon, const std::string& bytes);
// The same from any thread: fails no row, and is negative when it could not be done.
double durable_write_ms(const std::string& folder, const std::string& bytes);

#endif
