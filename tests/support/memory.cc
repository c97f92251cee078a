// Reads what the kernel says about a process's pages.
#include "support/memory.h"

#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstdlib>

#include "support/daemon.h"

long memory_private_dirty_kib(pid_t pid) {
  const std::string text = file_text("/proc/" + std::to_string(pid) + "/smaps_rollup");
  const size_t at = text.find("\nPrivate_Dirty:");
  return at == std::string::npos ? 0 : atol(text.c_str() + text.find(':', at) + 1);
}

long memory_settled_kib(pid_t pid) {
  long least = LONG_MAX;
  int same = 0;
  wait_until(10, [&] {
    usleep(200'000);
    const long now = memory_private_dirty_kib(pid);
    same = now < least - 64 ? 0 : same + 1;
    least = std::min(least, now);
    return same >= 8;
  });
  return least;
}

std::string memory_mib(long kib) {
  char text[32];
  snprintf(text, sizeof text, "%.1f MiB", static_cast<double>(kib) / 1024);
  return text;
}

bool memory_is_sanitized() {
  const char* program = getenv("VNC_DAEMON");
  const std::string path = program == nullptr ? "" : program;
  return path.find("/asan/") != std::string::npos || path.find("/tsan/") != std::string::npos;
}
