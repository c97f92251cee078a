// STATE_FILE in the document's format, both ways.
#ifndef CODEC_SNAPSHOT_H
#define CODEC_SNAPSHOT_H

#include <string>
#include <string_view>
#include <vector>

#include "core/types.h"

// The document's JSON list, two blanks of indentation, fields in the document's order, then ours (size_by_default, fingerprint, boot_id,
// last_accessed_mono_ms, viewers, last_seen_at, last_seen_mono_ms), then unknown ones as they came. Times are local and naive with six
// decimals, as the first version wrote them.
std::string snapshot_write(const std::vector<Record>& records);

// Reads our files and the first version's. A missing field of ours takes its default; a missing or ill-typed field of the document
// that we cannot do without (client_id, container_id, port) or anything that is not a list of objects makes it false with *error: the
// file is then "torn or not ours". An empty or blank file is an empty list. Numbers as text and text as numbers are both taken for
// width, height and port. A time that cannot be read counts as `fallback_us`.
bool snapshot_parse(std::string_view text, int64_t fallback_us, std::vector<Record>* out, std::string* error);

// "2026-02-08T14:30:00.000000" in local time, and back (fraction optional, 'T' or blank, a zone suffix Z or +hh:mm understood).
std::string snapshot_time(int64_t wall_us);
bool snapshot_parse_time(std::string_view text, int64_t* wall_us);

#endif
