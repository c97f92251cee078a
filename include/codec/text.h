// Small words about text: trimming, whole numbers, and making what came from outside harmless in one line.
#ifndef CODEC_TEXT_H
#define CODEC_TEXT_H

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

std::string_view text_trim(std::string_view text);  // blanks, tabs, line ends on both sides

std::string text_upper(std::string_view text);  // A to Z alone, whatever the locale
std::string text_lower(std::string_view text);

// The parts between commas, trimmed; an empty text has none. Views into `text`.
std::vector<std::string_view> text_list(std::string_view text);

// The whole text must be a decimal number within [min, max]: no sign but a minus, and that only where numbers below 0 are allowed; no
// blanks. False leaves *out alone.
bool text_to_int(std::string_view text, long min, long max, long* out);
bool text_to_double(std::string_view text, double* out);  // finite, whole text, '.' as the point whatever the locale

// What may stand for a request in X-Request-Id and in the log: 1 to 64 letters, digits and any of "._-".
bool text_is_request_id(std::string_view text);

// For log lines and error texts: control characters and bytes that are not UTF-8 become \xHH, line ends \n and \r; longer than `most`
// bytes is cut with "...". What users send can then neither break a line nor forge one. What is clean stays as it is, so a text may
// pass several doors that each clean it: the price is that a backslash of the text's own is not told from one of ours.
std::string text_one_line(std::string_view text, size_t most = 300);
void text_append_one_line(std::string* to, std::string_view text, size_t most);  // the same at the end of *to

// For what people read: a URL's name:password@ becomes name:***@. Also where something is wrong with the URL, since that is when it is shown.
std::string text_without_password(std::string_view text);

// The twelve hex digits by which people know a container.
std::string_view text_short_id(std::string_view container_id);

#endif
