// One day's file after the other.
#include "io/log_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>

#include "codec/text.h"

namespace {

constexpr size_t kMostText = 4000;
constexpr int kDaysKept = 7;
constexpr std::string_view kPrefix = "app.log.";

}  // namespace

// ---- time ----

static tm local_time(int64_t now_us) {
  int64_t seconds = now_us / 1000000;
  if (now_us % 1000000 < 0) --seconds;
  const time_t when = static_cast<time_t>(seconds);
  tm local = {};
  localtime_r(&when, &local);
  return local;
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

void log_stamp_set(LogStamp* stamp, int64_t now_us) {
  const int64_t second = now_us / 1000000;
  if (second == stamp->second) return;
  const tm local = local_time(now_us);
  strftime(stamp->text, sizeof stamp->text, "%Y-%m-%d %H:%M:%S", &local);
  // "-0300", and RFC 3339 wants a colon.
  char zone[8] = "";
  if (strftime(zone, sizeof zone, "%z", &local) == 5) snprintf(stamp->zone, sizeof stamp->zone, "%.3s:%.2s", zone, zone + 3);
  stamp->second = second;
}

static void append_ms(std::string* to, char point, int64_t now_us) {
  const int ms = static_cast<int>(now_us / 1000 % 1000);
  const char shown[] = {point, static_cast<char>('0' + ms / 100), static_cast<char>('0' + ms / 10 % 10), static_cast<char>('0' + ms % 10)};
  to->append(shown, sizeof shown);
}

static void append_text_line(const LogStamp& stamp, std::string* to, int64_t now_us, const LogWords& words) {
  to->append(stamp.text);
  append_ms(to, ',', now_us);
  to->append(1, ' ').append(level_name(words.level)).append(1, ' ');
  if (!words.tag.empty()) to->append(1, '[').append(words.tag).append("] ");
  text_append_one_line(to, words.text, kMostText);
  if (!words.request.empty()) to->append(" request=").append(words.request);
}

// A text that shows in one line is UTF-8 with no control character: two characters are left to be escaped.
static void append_json_text(std::string* to, const char* name, std::string_view text) {
  to->append(",\"").append(name).append("\":\"");
  const size_t begin = to->size();
  text_append_one_line(to, text, kMostText);
  for (size_t at = begin; at < to->size(); at++)
    if ((*to)[at] == '"' || (*to)[at] == '\\') to->insert(at++, 1, '\\');
  to->append(1, '"');
}

static void append_json_line(const LogStamp& stamp, std::string* to, int64_t now_us, const LogWords& words) {
  to->append("{\"time\":\"").append(stamp.text, 10).append(1, 'T').append(stamp.text + 11);
  append_ms(to, '.', now_us);
  to->append(stamp.zone).append(1, '"');
  append_json_text(to, "level", level_name(words.level));
  if (!words.tag.empty()) append_json_text(to, "tag", words.tag);
  append_json_text(to, "text", words.text);
  if (!words.request.empty()) append_json_text(to, "request", words.request);
  to->append(1, '}');
}

void log_append_line(LogStamp* stamp, LogFormat format, std::string* to, int64_t now_us, const LogWords& words) {
  log_stamp_set(stamp, now_us);
  switch (format) {
    case LogFormat::Text: append_text_line(*stamp, to, now_us, words); break;
    case LogFormat::Json: append_json_line(*stamp, to, now_us, words); break;
  }
  to->append(1, '\n');
}

// ---- files ----

static bool make_folders(const std::string& dir) {
  for (size_t slash = dir.find('/', 1); slash != std::string::npos; slash = dir.find('/', slash + 1)) {
    mkdir(dir.substr(0, slash).c_str(), 0750);
  }
  return mkdir(dir.c_str(), 0750) == 0 || errno == EEXIST;
}

static void delete_old_files(const LogFile* file) {
  const int64_t today = day_of(file->date);
  DIR* dir = opendir(file->dir.c_str());
  if (dir == nullptr) return;
  while (const dirent* entry = readdir(dir)) {
    const std::string_view name = entry->d_name;
    if (name.substr(0, kPrefix.size()) != kPrefix) continue;
    const int64_t day = day_of(name.substr(kPrefix.size()));
    if (day >= 0 && today - day > kDaysKept) unlinkat(dirfd(dir), entry->d_name, 0);
  }
  closedir(dir);
}

// Its folder may be gone by now. Never blocks, not even if a pipe lies there under our name.
bool log_file_open(LogFile* file, const std::string& date) {
  log_file_close(file);
  if (file->dir == kNoLogFile) return true;
  const bool is_new = file->date != date;
  file->date = date;
  file->path = file->dir + "/" + std::string(kPrefix) + date;
  if (make_folders(file->dir)) file->fd = open(file->path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);
  if (file->fd < 0) file->lost_errno = errno;
  if (is_new) delete_old_files(file);
  return file->fd >= 0;
}

void log_file_close(LogFile* file) {
  if (file->fd >= 0) close(file->fd);
  file->fd = -1;
}

static bool is_still_ours(const LogFile* file) {
  struct stat by_name, by_fd;
  return file->fd >= 0 && stat(file->path.c_str(), &by_name) == 0 && fstat(file->fd, &by_fd) == 0 && by_name.st_dev == by_fd.st_dev &&
         by_name.st_ino == by_fd.st_ino;
}

// How much of it was written. Short when the disk is full or failing; *number then says why.
static size_t write_what_fits(const LogFile* file, std::string_view bytes, int* number) {
  size_t written = 0;
  while (written < bytes.size()) {
    const ssize_t put = file->write(file->fd, bytes.data() + written, bytes.size() - written);
    if (put > 0) {
      written += static_cast<size_t>(put);
    } else if (put == 0 || errno != EINTR) {
      *number = put == 0 ? ENOSPC : errno;
      break;
    }
  }
  return written;
}

static size_t count_lines(std::string_view text) { return static_cast<size_t>(std::count(text.begin(), text.end(), '\n')); }

void log_file_write(LogFile* file, const std::string& date, std::string_view lines, int64_t now_us) {
  if (file->dir == kNoLogFile) return;
  if (date != file->date || !is_still_ours(file)) log_file_open(file, date);
  if (lines.empty()) return;
  std::string bytes = file->torn ? "\n" : "";
  if (file->lost > 0)
    log_append_line(&file->stamp, file->format, &bytes, now_us,
                    {LogLevel::Warning, "", std::to_string(file->lost) + " log lines were lost: " + strerror(file->lost_errno), ""});
  const size_t before = bytes.size();
  bytes += lines;
  size_t written = 0;
  if (file->fd >= 0) written = write_what_fits(file, bytes, &file->lost_errno);
  if (written > 0) file->torn = bytes[written - 1] != '\n';
  if (written >= before) {
    file->lost = count_lines(std::string_view(bytes).substr(written));
    file->lost_ever += file->lost;
  } else {
    file->lost += count_lines(lines);
    file->lost_ever += count_lines(lines);
  }
}
