// The processes of containers that are not there: one each, in a network and a control group of its own, so that who watches it can be seen.
#ifndef TESTS_STANDIN_PROCESSES_H
#define TESTS_STANDIN_PROCESSES_H

#include <sys/types.h>

#include <string>
#include <unordered_map>

struct Processes {
  std::string folder;  // of the control groups
  int port = 0;        // that each listens on
  int viewers = 0;     // connections to it from outside, for as long as it lives
  std::unordered_map<std::string, pid_t> by_id;
};

// False, with errno, when this machine lets us make no control group.
bool processes_open(Processes* all, int port, int viewers);
// The process of this container; 0 when it cannot be started.
pid_t process_start(Processes* all, const std::string& id);
void process_end(Processes* all, const std::string& id);
void processes_close(Processes* all);  // ends all that run, and leaves nothing

#endif
