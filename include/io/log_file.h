// The log's file of today: how a line looks, what is written, and what happens at midnight, under a full disk and under other people's hands.
// Knows no thread: each of the two structs is used by one at a time.
#ifndef IO_LOG_FILE_H
#define IO_LOG_FILE_H

#include <sys/types.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "codec/log_level.h"

enum class LogFormat { Text, Json };
inline constexpr const char* kNoLogFile = "-";  // LOG_DIR: stderr alone

// The second whose text is ready: most lines share it with the one before.
struct LogStamp {
  int64_t second = -1;
  char text[32] = "";  // local time; the first ten characters are the date
  char zone[8] = "";   // "-03:00"
};
void log_stamp_set(LogStamp* stamp, int64_t now_us);
struct LogWords {
  LogLevel level = LogLevel::Info;
  std::string_view tag;      // without brackets; may be empty
  std::string_view text;     // made harmless (text_one_line)
  std::string_view request;  // ids, as X-Request-Id has them, with commas between; empty: it is nobody's line
};
// One line and its end, behind what is in *to:
//   2026-02-13 14:30:00,123 INFO [ACCESS] text request=id
//   {"time":"2026-02-13T14:30:00.123-03:00","level":"INFO","tag":"ACCESS","text":"text","request":"id"}
void log_append_line(LogStamp* stamp, LogFormat format, std::string* to, int64_t now_us, const LogWords& words);

struct LogFile {
  std::string dir;  // "-": there is no file, and nothing to be lost
  LogFormat format = LogFormat::Text;
  ssize_t (*write)(int fd, const void* bytes, size_t size) = ::write;
  std::string date;  // of the file that is open, local
  std::string path;
  int fd = -1;  // -1: it could not be opened; tried again at every write
  // Lines that found no room, since when none was written.
  size_t lost = 0;
  int lost_errno = 0;
  uint64_t lost_ever = 0;  // the same, of all times
  bool torn = false;  // the last write ended inside a line
  LogStamp stamp;     // of its own lines
};
// Opens the file of that day (folders 0750, files 0640, both made when missing) and deletes old ones (only names app.log.YYYY-MM-DD). False
// with lost_errno when it cannot be had.
bool log_file_open(LogFile* file, const std::string& date);
// The lines of one day. Opens that day's file, and anew one that was deleted or moved under us. What finds no room is lost and counted, which is
// said in the file as of `now_us` when there is room again. Never waits for anything but the disk.
void log_file_write(LogFile* file, const std::string& date, std::string_view lines, int64_t now_us);
void log_file_close(LogFile* file);

#endif
