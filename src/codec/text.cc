// Trimming, whole numbers, and foreign text made harmless in one line.
#include "codec/text.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>

namespace {

constexpr std::string_view kBlanks = " \t\r\n\v\f";
constexpr std::string_view kDots = "...";
constexpr size_t kShortId = 12;

// Length of the UTF-8 character that `text` begins with and its code point; 0 when its first byte begins none (stray or cut
// bytes, overlong forms, surrogates, beyond U+10FFFF).
size_t utf8_character(std::string_view text, uint32_t* code_point) {
  const auto first = static_cast<unsigned char>(text[0]);
  size_t length = 0;
  uint32_t value = 0;
  uint32_t least = 0;
  if (first < 0x80) {
    *code_point = first;
    return 1;
  } else if (first >= 0xC2 && first < 0xE0) {
    length = 2, value = first & 0x1FU, least = 0x80;
  } else if (first >= 0xE0 && first < 0xF0) {
    length = 3, value = first & 0x0FU, least = 0x800;
  } else if (first >= 0xF0 && first < 0xF5) {
    length = 4, value = first & 0x07U, least = 0x10000;
  } else {
    return 0;
  }
  if (text.size() < length) return 0;
  for (size_t i = 1; i < length; i++) {
    const auto next = static_cast<unsigned char>(text[i]);
    if ((next & 0xC0U) != 0x80) return 0;
    value = (value << 6U) | (next & 0x3FU);
  }
  if (value < least || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) return 0;
  *code_point = value;
  return length;
}

// What would steer a terminal or an editor: C0, DEL, C1, the two Unicode line ends, and the marks that turn the direction of
// writing, with which a line can be made to read as another.
bool is_steering(uint32_t c) {
  return c < 0x20 || (c >= 0x7F && c <= 0x9F) || c == 0x2028 || c == 0x2029 || (c >= 0x202A && c <= 0x202E) ||
         (c >= 0x2066 && c <= 0x2069) || c == 0x200E || c == 0x200F || c == 0x061C || c == 0xFEFF;
}

std::string escaped_bytes(std::string_view bytes) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out += "\\x";
    out += kHex[byte >> 4U];
    out += kHex[byte & 0xFU];
  }
  return out;
}

}  // namespace

std::string_view text_trim(std::string_view text) {
  const size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

std::string text_upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return out;
}

std::string text_lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

bool text_is_request_id(std::string_view text) {
  if (text.empty() || text.size() > 64) return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
  });
}

std::vector<std::string_view> text_list(std::string_view text) {
  std::vector<std::string_view> parts;
  if (text_trim(text).empty()) return parts;
  for (size_t start = 0; start <= text.size();) {
    const size_t comma = std::min(text.find(',', start), text.size());
    parts.push_back(text_trim(text.substr(start, comma - start)));
    start = comma + 1;
  }
  return parts;
}

bool text_to_int(std::string_view text, long min, long max, long* out) {
  long value = 0;
  const char* end = text.data() + text.size();
  const auto [stopped, fault] = std::from_chars(text.data(), end, value);
  if (fault != std::errc() || stopped != end || value < min || value > max) return false;
  if (min >= 0 && text.starts_with('-')) return false;  // -0
  *out = value;
  return true;
}

bool text_to_double(std::string_view text, double* out) {
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [stopped, fault] = std::from_chars(text.data(), end, value);
  if (fault != std::errc() || stopped != end || !std::isfinite(value)) return false;
  *out = value;
  return true;
}

// Nearly every text is plain ASCII, which stays as it is.
static bool is_plain(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7F; });
}

std::string text_one_line(std::string_view text, size_t most) {
  std::string out;
  text_append_one_line(&out, text, most);
  return out;
}

void text_append_one_line(std::string* to, std::string_view text, size_t most) {
  if (text.size() <= most && is_plain(text)) {
    to->append(text);
    return;
  }
  std::string out;
  const size_t room = most > kDots.size() ? most - kDots.size() : 0;
  size_t cut = 0;  // where `out` ends if the rest does not fit: never inside a character or an escape
  while (!text.empty()) {
    uint32_t code_point = 0;
    size_t length = utf8_character(text, &code_point);
    std::string piece;
    if (length == 0) {
      length = 1;
      piece = escaped_bytes(text.substr(0, 1));
    } else if (code_point == '\n') {
      piece = "\\n";
    } else if (code_point == '\r') {
      piece = "\\r";
    } else if (is_steering(code_point)) {
      piece = escaped_bytes(text.substr(0, length));
    } else {
      piece = text.substr(0, length);
    }
    if (out.size() <= room) cut = out.size();
    if (out.size() + piece.size() > most) {
      out.resize(cut);
      out += kDots.substr(0, most - cut < kDots.size() ? most - cut : kDots.size());
      break;
    }
    out += piece;
    text.remove_prefix(length);
  }
  to->append(out);
}

// The last '@' ends the login: a password that nobody has percent-encoded may hold one.
std::string text_without_password(std::string_view text) {
  const size_t at = text.rfind('@');
  if (at == text.npos) return std::string(text);
  const size_t scheme = text.substr(0, at).find("://");
  const size_t begin = scheme == text.npos ? 0 : scheme + 3;
  const size_t colon = text.substr(0, at).find(':', begin);
  if (colon == text.npos) return std::string(text);
  return std::string(text.substr(0, colon)) + ":***" + std::string(text.substr(at));
}

std::string_view text_short_id(std::string_view container_id) { return container_id.substr(0, kShortId); }
