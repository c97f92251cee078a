// A process that should do nothing, and how much it does all the same.
#ifndef BENCH_DAEMON_IDLER_H
#define BENCH_DAEMON_IDLER_H

#include <sys/types.h>

#include <string>

struct Idler {
  pid_t pid = -1;
  double cpu = 0, wakes = 0;  // as of the last look
};

// Seconds of its threads on a processor, of those that have ended, too, and how often each that is there was put on one. Fails the row when it has ended.
void idler_look(Idler* one);
// The number behind "NAME:" in a file of /proc; 0 when it is not there.
double proc_field(const std::string& path, const std::string& name);

#endif
