// The log's lines as they come, and the thread that takes them to the file and to stderr, so that a slow disk holds nobody up.
//
// The loop thread fills a buffer and hands it over whole: when it is full, at each tick, and at once with a WARNING or an ERROR. It waits for the
// disk in two places only, and for so long only: after an ERROR, and at a flush.
#include "io/log.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "io/host.h"
#include "io/log_file.h"

namespace {

constexpr size_t kFlushAt = 65536;
constexpr size_t kMostQueued = size_t{8} << 20;  // bytes that may wait for a slow disk
constexpr std::chrono::milliseconds kErrorWait{200}, kFlushWait{1000};  // a stop flushes twice, and has 10 s for all it does

// Lines of one day on their way to the file.
struct Parcel {
  std::string date, lines;
  int64_t last_us = 0;
};

}  // namespace

struct Log {
  LogOptions options;
  // The loop thread's.
  std::string date;
  std::string buffer;
  LogStamp stamp;
  int64_t last_us = 0;
  bool late = false;  // the disk has kept an ERROR waiting for too long

  std::mutex mutex;
  std::condition_variable news, written;
  // All below is guarded by mutex.
  std::deque<Parcel> queue;
  size_t queued_bytes = 0;
  uint64_t handed = 0, done = 0;  // parcels
  size_t dropped = 0;             // lines that found no room in the queue
  uint64_t lost = 0;              // lines that are nowhere, those dropped by now not among them
  bool stopping = false;

  // The writer's, or the loop's while there is none.
  LogFile file;
  bool to_stderr = false;
  std::thread writer;
};

// stderr is somebody else's: its reader may be slow (then these bytes are dropped) or gone (then it is left alone from now on, and the
// signal that comes with it goes no further).
// Returns what was not written.
static std::string_view write_to_stderr(Log* log, std::string_view rest, int patience_ms) {
  sigset_t pipe_signal, before, pending;
  sigemptyset(&pipe_signal);
  sigaddset(&pipe_signal, SIGPIPE);
  sigpending(&pending);
  pthread_sigmask(SIG_BLOCK, &pipe_signal, &before);
  while (!rest.empty()) {
    pollfd writable = {STDERR_FILENO, POLLOUT, 0};
    if (poll(&writable, 1, patience_ms) != 1) break;
    // No more than a pipe that polls as writable takes without blocking.
    const ssize_t put = write(STDERR_FILENO, rest.data(), std::min(rest.size(), size_t{PIPE_BUF}));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0 && (errno == EPIPE || errno == EBADF)) log->to_stderr = false;
    if (put < 0 && errno == EPIPE && sigismember(&pending, SIGPIPE) == 0) {
      const timespec at_once = {0, 0};
      sigtimedwait(&pipe_signal, nullptr, &at_once);
    }
    if (put <= 0) break;
    rest.remove_prefix(static_cast<size_t>(put));
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return rest;
}

// ---- the writer ----

// Where there is no file, whoever reads stderr (journald, the engine) is given time, and told what he has missed.
static void write_to_stderr_alone(Log* log, const Parcel& parcel) {
  constexpr int kPatienceMs = 1000;
  LogFile& file = log->file;
  std::string bytes = file.torn ? "\n" : "";
  if (file.lost > 0)
    log_append_line(&file.stamp, file.format, &bytes, parcel.last_us,
                    {LogLevel::Warning, "", std::to_string(file.lost) + " log lines were lost: nobody read stderr in time", ""});
  bytes += parcel.lines;
  const std::string_view rest = write_to_stderr(log, bytes, kPatienceMs);
  file.lost = static_cast<size_t>(std::count(rest.begin(), rest.end(), '\n'));
  file.lost_ever += file.lost;
  file.torn = !rest.empty() && rest.size() < bytes.size() && bytes[bytes.size() - rest.size() - 1] != '\n';
}

static void write_out(Log* log, const Parcel& parcel, size_t dropped) {
  if (dropped > 0) {
    log->file.lost += dropped;
    log->file.lost_ever += dropped;
    log->file.lost_errno = ENOBUFS;
  }
  if (log->file.dir == kNoLogFile) {
    if (!parcel.lines.empty() && log->to_stderr) write_to_stderr_alone(log, parcel);
    return;
  }
  // First, since it waits for nobody: a disk that hangs does not silence it.
  if (log->to_stderr) write_to_stderr(log, parcel.lines, 0);
  log_file_write(&log->file, parcel.date, parcel.lines, parcel.last_us);
}

static void writer_run(Log* log) {
  pthread_setname_np(pthread_self(), "log");
  std::unique_lock<std::mutex> lock(log->mutex);
  for (;;) {
    log->news.wait(lock, [log] { return !log->queue.empty() || log->stopping; });
    if (log->queue.empty()) return;
    const Parcel parcel = std::move(log->queue.front());
    log->queue.pop_front();
    const size_t dropped = std::exchange(log->dropped, 0);
    lock.unlock();
    write_out(log, parcel, dropped);
    lock.lock();
    log->queued_bytes -= parcel.lines.size();
    log->lost = log->file.lost_ever;
    log->done++;
    log->written.notify_all();
  }
}

// Where the system gives no thread, the loop's does the writing.
static void writer_start(Log* log) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);  // a new thread inherits the mask: signals are the loop's
  try {
    log->writer = std::thread(writer_run, log);
  } catch (const std::system_error&) {
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

// ---- the loop's side ----

static void hand_over(Log* log) {
  Parcel parcel{log->date, std::move(log->buffer), log->last_us};
  log->buffer.clear();
  if (parcel.lines.size() >= kFlushAt) log->buffer.reserve(kFlushAt + kFlushAt / 8);  // a busy time
  if (!log->writer.joinable()) {
    write_out(log, parcel, 0);
    log->lost = log->file.lost_ever;
    return;
  }
  const std::lock_guard<std::mutex> lock(log->mutex);
  if (log->queued_bytes + parcel.lines.size() > kMostQueued) {
    log->dropped += static_cast<size_t>(std::count(parcel.lines.begin(), parcel.lines.end(), '\n'));
    return;
  }
  log->queued_bytes += parcel.lines.size();
  log->queue.push_back(std::move(parcel));
  log->handed++;
  log->news.notify_one();
}

// False when the disk did not take all that was handed over in that time.
static bool wait_written(Log* log, std::chrono::milliseconds most) {
  if (!log->writer.joinable()) return true;
  std::unique_lock<std::mutex> lock(log->mutex);
  return log->written.wait_for(lock, most, [log] { return log->done == log->handed; });
}

uint64_t log_lost(Log* log) {
  const std::lock_guard<std::mutex> lock(log->mutex);
  return log->lost + log->dropped;
}

void log_flush(Log* log) {
  if (!log->buffer.empty()) hand_over(log);
  wait_written(log, kFlushWait);
}

// What was logged on the day before goes to that day's file, and the new one is begun, lines or none.
static void move_to(Log* log, std::string_view date) {
  if (!log->buffer.empty()) hand_over(log);
  log->date = date;
  hand_over(log);
}

static std::string_view date_at(Log* log, int64_t now_us) {
  log->last_us = now_us;
  log_stamp_set(&log->stamp, now_us);
  return std::string_view(log->stamp.text).substr(0, 10);
}

void log_set_level(Log* log, LogLevel level) { log->options.level = level; }

bool log_wants(const Log* log, LogLevel level) { return level >= log->options.level; }

void log_line(Log* log, int64_t now_us, LogLevel level, std::string_view tag, std::string_view text, std::string_view request) {
  if (!log_wants(log, level)) return;
  // A line of a new day belongs in that day's file, even when no tick has come since midnight.
  if (const std::string_view date = date_at(log, now_us); date != log->date) move_to(log, date);
  log_append_line(&log->stamp, log->options.format, &log->buffer, now_us, {level, tag, text, request});
  if (level < LogLevel::Warning && log->buffer.size() < kFlushAt) return;
  hand_over(log);
  if (level < LogLevel::Error) return;
  // A disk that has let one wait in vain has had its time, until it has caught up.
  log->late = !wait_written(log, log->late ? std::chrono::milliseconds{0} : kErrorWait);
}

void log_tick(Log* log, int64_t now_us) {
  if (const std::string_view date = date_at(log, now_us); date != log->date) {
    move_to(log, date);
  } else if (!log->buffer.empty()) {
    hand_over(log);
  }
}

void LogDeleter::operator()(Log* log) const {
  log_flush(log);
  if (log->writer.joinable()) {
    std::unique_lock<std::mutex> lock(log->mutex);
    log->stopping = true;
    const bool hangs = log->done != log->handed;
    log->news.notify_one();
    lock.unlock();
    if (hangs) {  // its disk may never answer: what it holds is left to it
      log->writer.detach();
      return;
    }
    log->writer.join();
  }
  log_file_close(&log->file);
  delete log;
}

LogPtr log_open(const LogOptions& options, int64_t now_us, std::string* error) {
  tzset();  // localtime_r alone need not
  LogPtr log(new Log);
  log->options = options;
  log->to_stderr = options.to_stderr;
  log->file.dir = options.dir;
  log->file.format = options.format;
  log->file.write = options.write;
  log->date = date_at(log.get(), now_us);
  if (!log_file_open(&log->file, log->date) && !host_no_room(log->file.lost_errno)) {
    *error = "the log " + log->file.path + " in LOG_DIR cannot be opened: " + strerror(log->file.lost_errno);
    return nullptr;
  }
  writer_start(log.get());
  return log;
}
