// A stream of bytes that comes in pieces, cut into its lines.
#ifndef CODEC_LINES_H
#define CODEC_LINES_H

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

struct Lines {
  size_t most = 0;      // bytes of one line without its end
  std::string partial;  // the beginning of a line whose end has not come yet
};

enum class LinesEnd {
  More,     // all bytes were taken
  TooLong,  // a line has more than `most` bytes
  Stopped,  // `line` said so
};

// Hands over every line that is whole by now, without its \n; blank ones are passed over. False from `line` stops it: no more is handed
// over. After TooLong and Stopped the stream is of no more use. However the bytes are cut into pieces, the lines are the same.
LinesEnd lines_take(Lines* lines, std::string_view bytes, const std::function<bool(std::string_view line)>& line);

#endif
