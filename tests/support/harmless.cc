// Which text does what it looks like, by a reading of its bytes that shares nothing with the daemon's.
#include "support/harmless.h"

#include <jansson.h>

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

bool is_harmless(std::string_view text) {
  for (size_t i = 0; i < text.size(); i++) {
    if (steers_at(text, i)) return false;
  }
  return Json(json_stringn(text.data(), text.size())) != nullptr;  // UTF-8
}
