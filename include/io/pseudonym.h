// Names for clients that lead nobody back to them without the installation's key: HMAC-SHA256.
#ifndef IO_PSEUDONYM_H
#define IO_PSEUDONYM_H

#include <string>
#include <string_view>

// The key of the file at `path`: 32 bytes as hex digits, 0600, of nobody's but this installation. With `make`, one that is not there is made, and one that
// cannot be understood made anew (*remade). True with an empty *key when there is none and none was to be made. False with *error.
bool pseudonym_key(const std::string& path, bool make, std::string* key, bool* remade, std::string* error);

// 32 hex digits, half of the HMAC: the same text by the same key always the same.
std::string pseudonym(const std::string& key, std::string_view text);

#endif
