// What the pool has learnt, as the text of a file: it survives a restart, and losing it costs foresight only.
#ifndef CODEC_FORESIGHT_FILE_H
#define CODEC_FORESIGHT_FILE_H

#include <string>
#include <string_view>

#include "core/foresight.h"

std::string foresight_write(const Foresight& foresight);
// False with *problem when the text is nothing that foresight_write has written; *out is then untouched. The quarter under way is not in it.
bool foresight_parse(std::string_view text, Foresight* out, std::string* problem);

#endif
