// Reads what the kernel counts for each thread of a process.
#include "bench/daemon/idler.h"

#include <dirent.h>
#include <time.h>

#include <cstdlib>

#include "support/suite.h"

double proc_field(const std::string& path, const std::string& name) {
  const std::string text = file_text(path);
  const size_t at = text.find("\n" + name + ":");
  return at == std::string::npos ? 0 : atof(text.c_str() + at + name.size() + 2);
}

void idler_look(Idler* one) {
  one->wakes = 0;
  clockid_t clock = {};
  timespec used = {};
  check_at(clock_getcpuclockid(one->pid, &clock) == 0 && clock_gettime(clock, &used) == 0, "a process that is measured has ended");
  one->cpu = static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) / 1e9;
  const std::string tasks = "/proc/" + std::to_string(one->pid) + "/task/";
  DIR* folder = opendir(tasks.c_str());
  check_at(folder != nullptr, "a process that is measured has ended");
  while (const dirent* entry = readdir(folder)) {
    if (entry->d_name[0] == '.') continue;
    one->wakes += proc_field(tasks + entry->d_name + "/status", "voluntary_ctxt_switches");
  }
  closedir(folder);
}
