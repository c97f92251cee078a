// Another program, run to its end by a worker.
#ifndef IO_PROGRAM_H
#define IO_PROGRAM_H

#include <string>
#include <string_view>
#include <vector>

struct ProgramEnd {
  bool started = false;  // false: `err` says why not; there may be no such program
  int status = -1;       // its exit status; 128 + signal
  std::string out, err;  // what it wrote
};

// `words` are the program, looked for where administrators' programs are (never in the daemon's own PATH), and its arguments; `input` is what it
// reads. Killed after timeout_ms. It gets none of our files, no signal blocked, and no environment but PATH and LC_ALL=C.
ProgramEnd program_run(const std::vector<std::string>& words, std::string_view input, int timeout_ms);

#endif
