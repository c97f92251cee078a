// Which text does what it looks like: the oracle of all tests about what comes from outside.
#ifndef SUPPORT_HARMLESS_H
#define SUPPORT_HARMLESS_H

#include <string_view>

// True when a person, a terminal and a JSON reader can all be shown it as one line: UTF-8 without control characters, line ends of any
// kind, or marks that turn the direction of writing.
bool is_harmless(std::string_view text);

#endif
