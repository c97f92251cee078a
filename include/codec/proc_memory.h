// What the kernel tells in /proc and /sys of memory: the machine's, and a container's.
#ifndef CODEC_PROC_MEMORY_H
#define CODEC_PROC_MEMORY_H

#include <cstdint>
#include <string>
#include <string_view>

struct MachineMemory {
  int64_t total_kib = 0;
  int64_t available_kib = 0;  // for new programs, without swapping: MemAvailable
};
// Of /proc/meminfo. False when the text holds no such lines; *out is then untouched.
bool proc_machine_memory(std::string_view meminfo, MachineMemory* out);

// From /proc/PID/cgroup to the file below /sys/fs/cgroup that tells what its group uses: of the hierarchy of memory where the controllers have one
// each (version 1), else of the one there is. Empty: none.
std::string proc_memory_stat_path(std::string_view cgroup);
// What that file says it uses in KiB: anonymous and shared memory, since files can be read again. 0: nothing of the kind.
int64_t proc_memory_used_kib(std::string_view stat);

#endif
