// Bytes that come in pieces, cut into lines.
#include "codec/lines.h"

LinesEnd lines_take(Lines* lines, std::string_view bytes, const std::function<bool(std::string_view line)>& line) {
  while (!bytes.empty()) {
    const size_t end = bytes.find('\n');
    const std::string_view piece = bytes.substr(0, end);
    if (piece.size() > lines->most - lines->partial.size()) return LinesEnd::TooLong;
    lines->partial.append(piece);
    if (end == std::string_view::npos) return LinesEnd::More;
    bytes.remove_prefix(end + 1);
    std::string whole;
    whole.swap(lines->partial);
    if (whole.find_first_not_of(" \t\r") == std::string::npos) continue;
    if (!line(whole)) return LinesEnd::Stopped;
  }
  return LinesEnd::More;
}
