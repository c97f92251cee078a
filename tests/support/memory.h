// What a process holds for itself alone, and whether a sanitizer's bookkeeping is part of it.
#ifndef SUPPORT_MEMORY_H
#define SUPPORT_MEMORY_H

#include <sys/types.h>

#include <string>

long memory_private_dirty_kib(pid_t pid);
long memory_settled_kib(pid_t pid);  // private and dirty, once it has not become less for a while
std::string memory_mib(long kib);
bool memory_is_sanitized();  // the daemon under test is built with a sanitizer, which keeps what is freed

#endif
