// Who asks, and for which screen: from a request's raw parameters to a client and a size.
#ifndef CODEC_IDENTITY_H
#define CODEC_IDENTITY_H

#include <string>
#include <string_view>

#include "core/types.h"

inline constexpr int kSizeMin = 64;
inline constexpr int kSizeMax = 7680;

// Trims; drops the punctuation of an exact CPF shape (ddd.ddd.ddd-dd), so that both spellings are one client; then the rule of
// client_is_valid. False: *error says what is allowed, ready for a 400.
bool identity_parse(std::string_view raw, std::string* client, std::string* error);

// width and height count only together (nullptr: not sent; the document's rule). *given tells whether a size was asked for.
// Both sent and one not a whole number of kSizeMin..kSizeMax: false with *error, ready for a 400. An empty value counts as not sent.
bool identity_parse_size(const std::string* width, const std::string* height, bool* given, Size* size, std::string* error);

#endif
