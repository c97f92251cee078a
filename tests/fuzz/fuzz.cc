// What the fuzz targets share: how a finding is told, and what harmless text is.
#include "fuzz/fuzz.h"

#include <jansson.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>

namespace {

struct JsonUnref {
  void operator()(json_t* json) const { json_decref(json); }
};
using Json = std::unique_ptr<json_t, JsonUnref>;

// In UTF-8: C1, the Arabic letter mark, directional marks, line ends, embeddings, isolates, the byte order mark.
bool steers_at(std::string_view text, size_t at) {
  const auto byte = [&](size_t i) { return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0U; };
  if (byte(0) < 0x20 || byte(0) == 0x7F) return true;
  if (byte(0) == 0xC2) return byte(1) <= 0x9F;
  if (byte(0) == 0xD8) return byte(1) == 0x9C;
  if (byte(0) == 0xEF) return byte(1) == 0xBB && byte(2) == 0xBF;
  if (byte(0) != 0xE2) return false;
  if (byte(1) == 0x80) return byte(2) == 0x8E || byte(2) == 0x8F || (byte(2) >= 0xA8 && byte(2) <= 0xAE);
  return byte(1) == 0x81 && byte(2) >= 0xA6 && byte(2) <= 0xA9;
}

}  // namespace

void fuzz_fail(const char* file, int line, const char* property, std::string_view of) {
  fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, property);
  for (const char c : of) fprintf(stderr, c >= 0x20 && c < 0x7F && c != '\\' ? "%c" : "\\x%02X", static_cast<unsigned char>(c));
  fprintf(stderr, "\n");
  abort();
}

bool fuzz_is_harmless(std::string_view text) {
  for (size_t i = 0; i < text.size(); i++) {
    if (steers_at(text, i)) return false;
  }
  return Json(json_stringn(text.data(), text.size())) != nullptr;  // UTF-8
}

std::string_view fuzz_take(std::string_view* rest, char separator) {
  const size_t end = std::min(rest->find(separator), rest->size());
  const std::string_view part = rest->substr(0, end);
  rest->remove_prefix(std::min(end + 1, rest->size()));
  return part;
}
