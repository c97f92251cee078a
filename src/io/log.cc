// The log file of today, its lines, and what happens to it at midnight, under a full disk and under other people's hands.
#include "io/log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>

#include "codec/text.h"
#include "io/host.h"

namespace {

constexpr size_t kFlushAt = 65536;
constexpr size_t kMostText = 4000;
constexpr int kDaysKept = 7;
constexpr std::string_view kPrefix = "app.log.";

}  // namespace

struct Log {
  LogOptions options;
  std::string date;  // of the file that is open, local
  std::string path;
  int fd = -1;  // -1: it could not be opened; tried again at every tick
  std::string buffer;
  int64_t last_us = 0;
  // The second whose text is ready: most lines share it with the one before.
  int64_t shown_second = -1;
  char shown[32] = "";
  // Lines that found no room, since when none was written.
  size_t lost = 0;
  int lost_errno = 0;
  bool torn = false;  // the last write ended inside a line
};

// ---- time ----

static tm local_time(int64_t now_us) {
  int64_t seconds = now_us / 1000000;
  if (now_us % 1000000 < 0) --seconds;
  const time_t when = static_cast<time_t>(seconds);
  tm local = {};
  localtime_r(&when, &local);
  return local;
}

static std::string local_date(int64_t now_us) {
  const tm local = local_time(now_us);
  char text[32];
  return std::string(text, strftime(text, sizeof text, "%Y-%m-%d", &local));
}

// Days since 1970 of a date of the Gregorian calendar; the year begins in March so that leap days come last.
static int64_t day_number(int64_t year, int64_t month, int64_t day) {
  year -= month <= 2;
  const int64_t era = (year >= 0 ? year : year - 399) / 400;
  const int64_t of_era = year - era * 400;
  const int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

// "2026-02-13" exactly; -1 when it is no date.
static int64_t day_of(std::string_view date) {
  long year = 0, month = 0, day = 0;
  if (date.size() != 10 || date[4] != '-' || date[7] != '-') return -1;
  if (!text_to_int(date.substr(0, 4), 0, 9999, &year) || !text_to_int(date.substr(5, 2), 1, 12, &month) ||
      !text_to_int(date.substr(8, 2), 1, 31, &day)) {
    return -1;
  }
  return day_number(year, month, day);
}

// ---- files ----

static bool make_folders(const std::string& dir) {
  for (size_t slash = dir.find('/', 1); slash != std::string::npos; slash = dir.find('/', slash + 1)) {
    mkdir(dir.substr(0, slash).c_str(), 0750);
  }
  return mkdir(dir.c_str(), 0750) == 0 || errno == EEXIST;
}

// Its folder may be gone by now. Never blocks, not even if a pipe lies there under our name.
static bool open_file(Log* log, const std::string& date) {
  if (log->fd >= 0) close(log->fd);
  log->date = date;
  log->path = log->options.dir + "/" + std::string(kPrefix) + date;
  log->fd = -1;
  if (make_folders(log->options.dir)) log->fd = open(log->path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);
  if (log->fd < 0) log->lost_errno = errno;
  return log->fd >= 0;
}

static void delete_old_files(const Log* log) {
  const int64_t today = day_of(log->date);
  DIR* dir = opendir(log->options.dir.c_str());
  if (dir == nullptr) return;
  while (const dirent* entry = readdir(dir)) {
    const std::string_view name = entry->d_name;
    if (name.substr(0, kPrefix.size()) != kPrefix) continue;
    const int64_t day = day_of(name.substr(kPrefix.size()));
    if (day >= 0 && today - day > kDaysKept) unlinkat(dirfd(dir), entry->d_name, 0);
  }
  closedir(dir);
}

static bool file_is_still_ours(const Log* log) {
  struct stat by_name, by_fd;
  return log->fd >= 0 && stat(log->path.c_str(), &by_name) == 0 && fstat(log->fd, &by_fd) == 0 &&
         by_name.st_dev == by_fd.st_dev && by_name.st_ino == by_fd.st_ino;
}

// ---- lines ----

static const char* level_name(LogLevel level) {
  switch (level) {
    case LogLevel::Debug: return "DEBUG";
    case LogLevel::Info: return "INFO";
    case LogLevel::Warning: return "WARNING";
    case LogLevel::Error: return "ERROR";
  }
  return "";
}

static std::string line_of(Log* log, int64_t now_us, LogLevel level, std::string_view tag, std::string_view text) {
  const int64_t second = now_us / 1000000;
  if (second != log->shown_second) {
    const tm local = local_time(now_us);
    strftime(log->shown, sizeof log->shown, "%Y-%m-%d %H:%M:%S", &local);
    log->shown_second = second;
  }
  char ms[8];
  snprintf(ms, sizeof ms, ",%03d ", static_cast<int>(now_us / 1000 % 1000));
  std::string line = log->shown;
  line += ms;
  line += level_name(level);
  line += ' ';
  if (!tag.empty()) {
    line += '[';
    line += tag;
    line += "] ";
  }
  line += text_one_line(text, kMostText);
  line += '\n';
  return line;
}

// How much of it was written. Short when the disk is full or failing; *number then says why.
static size_t write_what_fits(int fd, std::string_view bytes, int* number) {
  size_t written = 0;
  while (written < bytes.size()) {
    const ssize_t put = write(fd, bytes.data() + written, bytes.size() - written);
    if (put > 0) {
      written += static_cast<size_t>(put);
    } else if (put == 0 || errno != EINTR) {
      *number = put == 0 ? ENOSPC : errno;
      break;
    }
  }
  return written;
}

static size_t count_lines(std::string_view text) {
  return static_cast<size_t>(std::count(text.begin(), text.end(), '\n'));
}

static void write_to_file(Log* log) {
  std::string before = log->torn ? "\n" : "";
  if (log->lost > 0) {
    before += line_of(log, log->last_us, LogLevel::Warning, "",
                      std::to_string(log->lost) + " log lines were lost: " + strerror(log->lost_errno));
  }
  const std::string bytes = before + log->buffer;
  size_t written = 0;
  if (log->fd >= 0) written = write_what_fits(log->fd, bytes, &log->lost_errno);
  if (written > 0) log->torn = bytes[written - 1] != '\n';
  if (written >= before.size()) {
    log->lost = count_lines(std::string_view(bytes).substr(written));
  } else {
    log->lost += count_lines(log->buffer);
  }
}

// stderr is somebody else's: its reader may be slow (then these bytes are dropped) or gone (then it is left alone from now on, and the
// signal that comes with it goes no further).
static void write_to_stderr(Log* log) {
  sigset_t pipe_signal, before, pending;
  sigemptyset(&pipe_signal);
  sigaddset(&pipe_signal, SIGPIPE);
  sigpending(&pending);
  pthread_sigmask(SIG_BLOCK, &pipe_signal, &before);
  std::string_view rest = log->buffer;
  while (!rest.empty()) {
    pollfd writable = {STDERR_FILENO, POLLOUT, 0};
    if (poll(&writable, 1, 0) != 1) break;
    // No more than a pipe that polls as writable takes without blocking.
    const ssize_t put = write(STDERR_FILENO, rest.data(), std::min(rest.size(), size_t{PIPE_BUF}));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0 && (errno == EPIPE || errno == EBADF)) log->options.to_stderr = false;
    if (put < 0 && errno == EPIPE && sigismember(&pending, SIGPIPE) == 0) {
      const timespec at_once = {0, 0};
      sigtimedwait(&pipe_signal, nullptr, &at_once);
    }
    if (put <= 0) break;
    rest.remove_prefix(static_cast<size_t>(put));
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void log_flush(Log* log) {
  if (log->buffer.empty()) return;
  write_to_file(log);
  if (log->options.to_stderr) write_to_stderr(log);
  log->buffer.clear();
}

static void move_to(Log* log, const std::string& date) {
  log_flush(log);
  open_file(log, date);
  delete_old_files(log);
}

bool log_wants(const Log* log, LogLevel level) { return level >= log->options.level; }

void log_line(Log* log, int64_t now_us, LogLevel level, std::string_view tag, std::string_view text) {
  if (!log_wants(log, level)) return;
  const std::string line = line_of(log, now_us, level, tag, text);
  log->last_us = now_us;
  // A line of a new day belongs in that day's file, even when no tick has come since midnight.
  const std::string_view date = std::string_view(line).substr(0, 10);
  if (date != log->date) move_to(log, std::string(date));
  log->buffer += line;
  if (level >= LogLevel::Warning || log->buffer.size() >= kFlushAt) log_flush(log);
}

void log_tick(Log* log, int64_t now_us) {
  log->last_us = now_us;
  log_flush(log);
  const std::string date = local_date(now_us);
  if (date != log->date) {
    move_to(log, date);
  } else if (!file_is_still_ours(log)) {
    open_file(log, date);
  }
}

void LogDeleter::operator()(Log* log) const {
  log_flush(log);
  if (log->fd >= 0) close(log->fd);
  delete log;
}

LogPtr log_open(const LogOptions& options, int64_t now_us, std::string* error) {
  tzset();  // localtime_r alone need not
  LogPtr log(new Log);
  log->options = options;
  log->last_us = now_us;
  if (!open_file(log.get(), local_date(now_us)) && !host_no_room(log->lost_errno)) {
    *error = "the log " + log->path + " in LOG_DIR cannot be opened: " + strerror(log->lost_errno);
    return nullptr;
  }
  delete_old_files(log.get());
  return log;
}
