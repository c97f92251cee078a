// The log: lines to LOG_DIR/app.log.YYYY-MM-DD and to stderr, a new file at local midnight, files of 8 and more days deleted.
// Used by the loop thread alone; the disk is a thread's of its own.
#ifndef IO_LOG_H
#define IO_LOG_H

#include <sys/types.h>
#include <unistd.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "codec/log_level.h"
#include "io/log_file.h"

struct Log;
struct LogDeleter {
  void operator()(Log* log) const;  // flushes
};
using LogPtr = std::unique_ptr<Log, LogDeleter>;

struct LogOptions {
  std::string dir;  // made when missing (0750); files 0640. kNoLogFile: none, and stderr is all there is
  LogLevel level = LogLevel::Info;
  bool to_stderr = true;
  ssize_t (*write)(int fd, const void* bytes, size_t size) = ::write;  // to the file; for tests of a slow disk
  LogFormat format = LogFormat::Text;
};
// nullptr with *error when the folder or today's file cannot be made, unless the disk is full: lines are lost then as they are later on.
LogPtr log_open(const LogOptions& options, int64_t now_us, std::string* error);

// One line, as log_append_line makes it. `tag` without brackets, or empty for a bare text (banner). The text is made harmless here, so no
// caller can forget it. Buffered; a WARNING takes what is buffered to the disk at once, an ERROR is waited
// for as well, a fifth of a second at the most.
void log_line(Log* log, int64_t now_us, LogLevel level, std::string_view tag, std::string_view text, std::string_view request = {});
bool log_wants(const Log* log, LogLevel level);
void log_set_level(Log* log, LogLevel level);

// Writes what is buffered and waits for it, a second at the most. A full or failing disk drops those lines (counted; said in the file when
// there is room again), a slow one those that come after 8 MiB; neither holds the daemon up or ends it.
void log_flush(Log* log);

// Lines that a full or slow disk, or a stderr that nobody reads, has cost since the log was opened.
uint64_t log_lost(Log* log);

// To be called once a second or so: takes what is buffered to the disk, and moves to a new file after local midnight without a line being needed.
// A file that was deleted, moved or truncated under us is opened again at the next write.
void log_tick(Log* log, int64_t now_us);

#endif
