// A file that says something by being there, and goes on saying it after kill -9 and a power cut.
#ifndef IO_MARKER_H
#define IO_MARKER_H

#include <cstdint>
#include <string>

// On disk before it returns true. One that is there already stays as it is. False with *error (path, reason), and then it is not there unless it was.
bool marker_set(const std::string& path, std::string* error);
// The same the other way round: gone for good. One that is not there is as good as removed.
bool marker_clear(const std::string& path, std::string* error);
// Wall clock, microseconds: when it was set. 0: it is not there.
int64_t marker_since_us(const std::string& path);

#endif
