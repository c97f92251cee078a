// What the fuzz targets share: how a finding is told.
#include "fuzz/fuzz.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

void fuzz_fail(const char* file, int line, const char* property, std::string_view of) {
  fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, property);
  for (const char c : of) fprintf(stderr, c >= 0x20 && c < 0x7F && c != '\\' ? "%c" : "\\x%02X", static_cast<unsigned char>(c));
  fprintf(stderr, "\n");
  abort();
}

std::string_view fuzz_take(std::string_view* rest, char separator) {
  const size_t end = std::min(rest->find(separator), rest->size());
  const std::string_view part = rest->substr(0, end);
  rest->remove_prefix(std::min(end + 1, rest->size()));
  return part;
}
