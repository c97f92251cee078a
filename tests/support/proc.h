// Other programs as tests use them: run to the end with their output caught, or kept in the background and ended for sure.
#ifndef SUPPORT_PROC_H
#define SUPPORT_PROC_H

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

struct ProcResult {
  int status = -1;  // exit status; 128 + signal; -1: could not be started, or took longer than allowed and was killed
  std::string out;  // stdout
  std::string err;  // stderr
};

// Runs a program (found by PATH) with these arguments and waits for its end; stdin is empty. It leads a process group of its
// own, which is killed whole after `seconds`.
ProcResult proc_run(const std::vector<std::string>& command, double seconds = 60);
// The same, but anything other than exit status 0 fails the test with what the program said. Returns its stdout without the last newline.
std::string proc_output(const std::vector<std::string>& command, double seconds = 60);

struct Proc {
  pid_t pid = -1;
};
struct ProcDeleter {
  void operator()(Proc* proc) const;  // SIGTERM to its group, SIGKILL after 3 s
};
using ProcPtr = std::unique_ptr<Proc, ProcDeleter>;

// Starts a program in the background; stdout and stderr go to the file `log`. It dies with the thread that started it, at the
// latest, so start it on one that stays. nullptr when fork failed; a program that is not there ends with status 127.
ProcPtr proc_start(const std::vector<std::string>& command, const std::string& log);
bool proc_runs(Proc* proc);

#endif
