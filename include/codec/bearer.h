// The token by which an administrator is known (RFC 6750).
#ifndef CODEC_BEARER_H
#define CODEC_BEARER_H

#include <string_view>

// True when `authorization`, the header as it came, is "Bearer " and this token. How long it takes tells nothing about how much of the
// token was right, only how long what was given is. Never true of an empty token.
bool bearer_holds(std::string_view authorization, std::string_view token);

#endif
