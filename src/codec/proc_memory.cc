// What the kernel tells in /proc and /sys of memory.
#include "codec/proc_memory.h"

#include <algorithm>

#include "codec/text.h"

namespace {

std::string_view take(std::string_view* rest, char separator) {
  const size_t end = std::min(rest->find(separator), rest->size());
  const std::string_view part = rest->substr(0, end);
  rest->remove_prefix(std::min(end + 1, rest->size()));
  return part;
}

// The number after this name at the begin of a line, whatever unit follows; -1: no such line.
int64_t number_after(std::string_view text, std::string_view name) {
  while (!text.empty()) {
    std::string_view line = take(&text, '\n');
    if (!line.starts_with(name)) continue;
    line = text_trim(line.substr(name.size()));
    long value = 0;
    if (text_to_int(take(&line, ' '), 0, INT64_MAX, &value)) return value;
  }
  return -1;
}

}  // namespace

bool proc_machine_memory(std::string_view meminfo, MachineMemory* out) {
  const int64_t total = number_after(meminfo, "MemTotal:"), available = number_after(meminfo, "MemAvailable:");
  if (total <= 0 || available < 0) return false;
  *out = MachineMemory{total, available};
  return true;
}

// "number:controllers:/path" a line; no controllers: version 2.
std::string proc_memory_stat_path(std::string_view cgroup) {
  std::string unified;
  while (!cgroup.empty()) {
    std::string_view line = take(&cgroup, '\n');
    take(&line, ':');
    std::string_view controllers = take(&line, ':');
    if (line.empty() || line[0] != '/' || line.find("..") != line.npos) continue;
    if (controllers.empty()) unified = std::string(line) + "/memory.stat";
    while (!controllers.empty()) {
      if (take(&controllers, ',') == "memory") return "/memory" + std::string(line) + "/memory.stat";
    }
  }
  return unified;
}

int64_t proc_memory_used_kib(std::string_view stat) {
  // Version 1 says of a group with all below it, version 2 does so always.
  const bool is_first = number_after(stat, "total_rss ") >= 0;
  const int64_t own = number_after(stat, is_first ? "total_rss " : "anon "), shared = number_after(stat, is_first ? "total_shmem " : "shmem ");
  return (std::max<int64_t>(own, 0) + std::max<int64_t>(shared, 0)) / 1024;
}
