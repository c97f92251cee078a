// The log: lines to LOG_DIR/app.log.YYYY-MM-DD and to stderr, a new file at local midnight, files of 8 and more days deleted.
// Used by the loop thread alone.
#ifndef IO_LOG_H
#define IO_LOG_H

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "codec/log_level.h"

struct Log;
struct LogDeleter {
  void operator()(Log* log) const;  // flushes
};
using LogPtr = std::unique_ptr<Log, LogDeleter>;

struct LogOptions {
  std::string dir;  // made when missing (0750); files 0640
  LogLevel level = LogLevel::Info;
  bool to_stderr = true;
};
// nullptr with *error when the folder or today's file cannot be made, unless the disk is full: lines are lost then as they are later on.
LogPtr log_open(const LogOptions& options, int64_t now_us, std::string* error);

// One line: "2026-02-13 14:30:00,123 INFO [ACCESS] text". `tag` without brackets, or empty for a bare text (banner). The text is made
// harmless (text_one_line) here, so no caller can forget it. Buffered; WARNING and ERROR are flushed at once.
void log_line(Log* log, int64_t now_us, LogLevel level, std::string_view tag, std::string_view text);
bool log_wants(const Log* log, LogLevel level);

// Writes what is buffered. A full or failing disk drops those lines (counted; said in the file when there is room again), never blocks
// the daemon for ever and never ends it.
void log_flush(Log* log);

// To be called once a second or so: flushes, moves to a new file after local midnight without a line being needed, reopens a file that
// was deleted, moved or truncated under us, and deletes old files (only names app.log.YYYY-MM-DD).
void log_tick(Log* log, int64_t now_us);

#endif
