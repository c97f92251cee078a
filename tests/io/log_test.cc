// The log on a real disk: lines, midnight, retention, and what others may do to its file.
#include "io/log.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <fstream>
#include <functional>
#include <sstream>
#include <vector>

#include "support/cmocka_cc.h"

struct Folder {
  char path[64];
};

static int make_folder(void** state) {
  Folder* folder = new Folder{"/tmp/log-test-XXXXXX"};
  if (mkdtemp(folder->path) == nullptr) return -1;
  *state = folder;
  // Sao Paulo as it was in 2018, as a rule: the machine needs no zone files.
  setenv("TZ", "BRT3BRST,M11.1.0/0,M2.3.0/0", 1);
  return 0;
}

static int remove_folder(void** state) {
  Folder* folder = static_cast<Folder*>(*state);
  const int result = system(("rm -rf '" + std::string(folder->path) + "'").c_str());
  delete folder;
  return result;
}

static std::string dir_of(void** state) { return std::string(static_cast<Folder*>(*state)->path) + "/logs"; }

static LogOptions quiet(void** state) { return {dir_of(state), LogLevel::Info, false}; }

static LogPtr open_log(const LogOptions& options, int64_t now_us) {
  std::string error;
  LogPtr log = log_open(options, now_us, &error);
  if (!log) print_error("%s\n", error.c_str());
  assert_non_null(log.get());
  return log;
}

static std::string content(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

static bool exists(const std::string& path) {
  struct stat info;
  return lstat(path.c_str(), &info) == 0;
}

static bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

// A moment by the clock on the wall, in the zone that TZ names.
static int64_t at(int year, int month, int day, int hour, int minute, int second, int us = 0) {
  tm local = {};
  local.tm_year = year - 1900;
  local.tm_mon = month - 1;
  local.tm_mday = day;
  local.tm_hour = hour;
  local.tm_min = minute;
  local.tm_sec = second;
  local.tm_isdst = -1;
  tzset();
  return static_cast<int64_t>(mktime(&local)) * 1000000 + us;
}

static void put(const std::string& path, const std::string& text) { std::ofstream(path, std::ios::binary) << text; }

static std::string file_of(void** state, const char* date) { return dir_of(state) + "/app.log." + date; }

// Soon, by the hands of the log's thread.
static bool comes(const std::string& path, const char* text) {
  for (int i = 0; i < 500; ++i) {
    if (contains(content(path), text)) return true;
    usleep(10000);
  }
  return false;
}

// ---- tests ----

static void a_line_looks_as_the_document_shows_it(void** state) {
  LogPtr log = open_log(quiet(state), at(2026, 2, 13, 14, 30, 0, 123456));
  log_line(log.get(), at(2026, 2, 13, 14, 30, 0, 123456), LogLevel::Info, "ACCESS", "client=1 port=5000");
  log_line(log.get(), at(2026, 2, 13, 14, 30, 0, 999999), LogLevel::Warning, "POOL", "low");
  log_line(log.get(), at(2026, 2, 13, 14, 30, 1), LogLevel::Error, "", "bare");
  log_line(log.get(), at(2026, 2, 13, 14, 30, 1), LogLevel::Debug, "DOCKER", "unwanted");
  log_flush(log.get());
  assert_string_equal(content(file_of(state, "2026-02-13")).c_str(),
                      "2026-02-13 14:30:00,123 INFO [ACCESS] client=1 port=5000\n"
                      "2026-02-13 14:30:00,999 WARNING [POOL] low\n"
                      "2026-02-13 14:30:01,000 ERROR bare\n");
  assert_false(log_wants(log.get(), LogLevel::Debug));
  assert_true(log_wants(log.get(), LogLevel::Info));
  struct stat info;
  assert_int_equal(stat(file_of(state, "2026-02-13").c_str(), &info), 0);
  assert_int_equal(info.st_mode & 07137, 0);
  assert_int_equal(stat(dir_of(state).c_str(), &info), 0);
  assert_int_equal(info.st_mode & 07027, 0);
}

static void a_line_can_be_an_object(void** state) {
  LogOptions options = quiet(state);
  options.format = LogFormat::Json;
  LogPtr log = open_log(options, at(2026, 2, 13, 14, 30, 0));
  log_line(log.get(), at(2026, 6, 13, 14, 30, 0, 7000), LogLevel::Error, "", "bare");
  log_line(log.get(), at(2026, 2, 13, 14, 30, 0, 7000), LogLevel::Info, "ACCESS", "a \"b\" c:\\d\n\xC3\xA3 \xFF", "r-1,r-2");
  log_flush(log.get());
  assert_string_equal(content(file_of(state, "2026-02-13")).c_str(),
                      "{\"time\":\"2026-02-13T14:30:00.007-02:00\",\"level\":\"INFO\",\"tag\":\"ACCESS\","
                      "\"text\":\"a \\\"b\\\" c:\\\\d\\\\n\xC3\xA3 \\\\xFF\",\"request\":\"r-1,r-2\"}\n");
  assert_string_equal(content(file_of(state, "2026-06-13")).c_str(), "{\"time\":\"2026-06-13T14:30:00.007-03:00\",\"level\":\"ERROR\",\"text\":\"bare\"}\n");
}

static void a_line_says_whose_it_is(void** state) {
  LogPtr log = open_log(quiet(state), at(2026, 2, 13, 14, 30, 0));
  log_line(log.get(), at(2026, 2, 13, 14, 30, 0), LogLevel::Info, "ACCESS", "x", "r-1,r-2");
  log_flush(log.get());
  assert_string_equal(content(file_of(state, "2026-02-13")).c_str(), "2026-02-13 14:30:00,000 INFO [ACCESS] x request=r-1,r-2\n");
}

static void nothing_that_is_logged_can_break_or_forge_a_line(void** state) {
  LogPtr log = open_log(quiet(state), at(2026, 2, 13, 14, 30, 0));
  log_line(log.get(), at(2026, 2, 13, 14, 30, 0), LogLevel::Error, "ACCESS",
           std::string("id=1\n2026-02-13 14:30:00,123 INFO [ACCESS] forged\r\x1b[31m\0end", 59));
  log_line(log.get(), at(2026, 2, 13, 14, 30, 0), LogLevel::Error, "ACCESS", std::string(1 << 20, 'x'));
  const std::string text = content(file_of(state, "2026-02-13"));
  assert_int_equal(std::count(text.begin(), text.end(), '\n'), 2);
  for (char c : text) assert_true(c == '\n' || static_cast<unsigned char>(c) >= 0x20);
  assert_true(text.size() < 10000);
}

static void info_waits_for_a_flush_and_a_warning_does_not(void** state) {
  const int64_t now = at(2026, 2, 13, 14, 30, 0);
  LogPtr log = open_log(quiet(state), now);
  log_line(log.get(), now, LogLevel::Info, "A", "one");
  assert_string_equal(content(file_of(state, "2026-02-13")).c_str(), "");
  log_line(log.get(), now, LogLevel::Warning, "A", "two");
  assert_true(comes(file_of(state, "2026-02-13"), "two"));
  assert_true(contains(content(file_of(state, "2026-02-13")), "one"));
  log_line(log.get(), now, LogLevel::Info, "A", "three");
  log_tick(log.get(), now);
  assert_true(comes(file_of(state, "2026-02-13"), "three"));
  log_line(log.get(), now, LogLevel::Info, "A", "four");
  log.reset();
  assert_true(contains(content(file_of(state, "2026-02-13")), "four"));
  log = open_log(quiet(state), now);  // a second run of the same day goes on in the same file
  log_line(log.get(), now, LogLevel::Error, "A", "five");
  assert_true(contains(content(file_of(state, "2026-02-13")), "one") &&
              contains(content(file_of(state, "2026-02-13")), "five"));
}

static void a_new_file_begins_at_local_midnight_with_no_line_needed(void** state) {
  LogPtr log = open_log(quiet(state), at(2026, 2, 13, 23, 59, 59));
  log_line(log.get(), at(2026, 2, 13, 23, 59, 59, 900000), LogLevel::Info, "A", "late");
  log_tick(log.get(), at(2026, 2, 14, 0, 0, 0, 100));
  log_flush(log.get());
  assert_true(exists(file_of(state, "2026-02-14")));
  assert_true(contains(content(file_of(state, "2026-02-13")), "late"));
  log_line(log.get(), at(2026, 2, 14, 0, 0, 1), LogLevel::Info, "A", "early");
  log_flush(log.get());
  assert_true(contains(content(file_of(state, "2026-02-14")), "early"));
  // A line that comes before the tick does is in the right file all the same.
  log_line(log.get(), at(2026, 2, 14, 23, 59, 59), LogLevel::Info, "A", "before");
  log_line(log.get(), at(2026, 2, 15, 0, 0, 0), LogLevel::Info, "A", "after");
  log_flush(log.get());
  assert_true(contains(content(file_of(state, "2026-02-14")), "before"));
  assert_false(contains(content(file_of(state, "2026-02-14")), "after"));
  assert_true(contains(content(file_of(state, "2026-02-15")), "after"));
}

static void days_with_a_missing_or_a_double_hour_have_one_file_each(void** state) {
  // In 2018 Sao Paulo went from 2018-11-03 23:59:59 to 2018-11-04 01:00:00, and on 2018-02-17 the hour from 23:00 came twice.
  const int64_t spring = at(2018, 11, 3, 23, 59, 59);
  LogPtr log = open_log(quiet(state), spring);
  log_line(log.get(), spring, LogLevel::Info, "A", "saturday");
  log_tick(log.get(), spring + 1000000);
  log_line(log.get(), spring + 1000000, LogLevel::Info, "A", "sunday");
  log_flush(log.get());
  assert_true(contains(content(file_of(state, "2018-11-03")), "23:59:59,000 INFO [A] saturday"));
  assert_true(contains(content(file_of(state, "2018-11-04")), "2018-11-04 01:00:00,000 INFO [A] sunday"));

  const int64_t autumn = at(2018, 2, 17, 22, 59, 59);
  log = open_log(quiet(state), autumn);
  for (int64_t hour = 0; hour < 4; ++hour) {
    log_tick(log.get(), autumn + hour * 3600000000);
    log_line(log.get(), autumn + hour * 3600000000, LogLevel::Info, "A", "hour " + std::to_string(hour));
  }
  log_flush(log.get());
  const std::string seventeenth = content(file_of(state, "2018-02-17"));
  assert_true(contains(seventeenth, "22:59:59,000 INFO [A] hour 0") &&
              contains(seventeenth, "23:59:59,000 INFO [A] hour 1"));
  assert_true(contains(seventeenth, "23:59:59,000 INFO [A] hour 2"));
  assert_true(contains(content(file_of(state, "2018-02-18")), "00:59:59,000 INFO [A] hour 3"));
}

static void files_of_eight_and_more_days_go_and_only_those_of_our_name(void** state) {
  const std::string dir = dir_of(state);
  assert_int_equal(mkdir(dir.c_str(), 0750), 0);
  const char* stay[] = {"app.log.2026-02-28",   "app.log.2026-02-22",  "app.log.2026-02-21", "app.log.2026-02-20x",
                        "app.log.2026-2-1",     "app.log.2026-13-01",  "app.log.",           "app.log.2026-02-01.gz",
                        "other.log.2026-01-01", "xapp.log.2026-01-01", "app.log.2027-01-01", "app.log.+026-02-01"};
  const char* go[] = {"app.log.2026-02-20", "app.log.2026-02-19", "app.log.2025-12-31", "app.log.1999-01-01"};
  for (const char* name : stay) put(dir + "/" + name, "x");
  for (const char* name : go) put(dir + "/" + name, "x");
  assert_int_equal(mkdir((dir + "/app.log.2026-01-02").c_str(), 0700), 0);  // no file of ours, whatever its name
  LogPtr log = open_log(quiet(state), at(2026, 2, 28, 12, 0, 0));
  for (const char* name : stay) assert_true(exists(dir + "/" + name));
  for (const char* name : go) assert_false(exists(dir + "/" + name));
  assert_true(exists(dir + "/app.log.2026-01-02"));
  log_tick(log.get(), at(2026, 3, 1, 0, 0, 0));
  log_flush(log.get());
  assert_false(exists(dir + "/app.log.2026-02-21"));  // eight days old now: 2026 has no 29 February
  assert_true(exists(dir + "/app.log.2026-02-22"));
}

static void a_file_that_others_moved_deleted_or_cut_is_opened_again(void** state) {
  const int64_t now = at(2026, 2, 13, 14, 30, 0);
  const std::string path = file_of(state, "2026-02-13");
  LogPtr log = open_log(quiet(state), now);
  log_line(log.get(), now, LogLevel::Error, "A", "one");
  assert_int_equal(unlink(path.c_str()), 0);
  log_tick(log.get(), now);
  log_line(log.get(), now, LogLevel::Error, "A", "two");
  assert_true(contains(content(path), "two"));
  assert_int_equal(rename(path.c_str(), (path + ".moved").c_str()), 0);
  log_tick(log.get(), now);
  log_line(log.get(), now, LogLevel::Error, "A", "three");
  assert_true(contains(content(path), "three") && !contains(content(path), "two"));
  assert_int_equal(truncate(path.c_str(), 0), 0);
  log_tick(log.get(), now);
  log_line(log.get(), now, LogLevel::Error, "A", "four");
  assert_string_equal(content(path).c_str(), "2026-02-13 14:30:00,000 ERROR [A] four\n");
  // The whole folder.
  assert_int_equal(system(("rm -rf '" + dir_of(state) + "'").c_str()), 0);
  log_tick(log.get(), now);
  log_line(log.get(), now, LogLevel::Error, "A", "five");
  assert_true(contains(content(path), "five"));
}

static void a_full_disk_costs_lines_and_is_said_when_there_is_room_again(void** state) {
  const int64_t now = at(2026, 2, 13, 14, 30, 0);
  const std::string path = file_of(state, "2026-02-13");
  assert_int_equal(mkdir(dir_of(state).c_str(), 0750), 0);
  assert_int_equal(symlink("/dev/full", path.c_str()), 0);
  LogPtr log = open_log(quiet(state), now);
  log_line(log.get(), now, LogLevel::Info, "A", "lost 1");
  log_line(log.get(), now, LogLevel::Error, "A", "lost 2");
  log_line(log.get(), now, LogLevel::Error, "A", "lost 3");
  assert_int_equal(unlink(path.c_str()), 0);
  log_tick(log.get(), now);
  log_line(log.get(), now, LogLevel::Error, "A", "kept");
  log_line(log.get(), now, LogLevel::Error, "A", "kept too");
  assert_int_equal(log_lost(log.get()), 3);
  assert_string_equal(content(path).c_str(),
                      "2026-02-13 14:30:00,000 WARNING 3 log lines were lost: No space left on device\n"
                      "2026-02-13 14:30:00,000 ERROR [A] kept\n"
                      "2026-02-13 14:30:00,000 ERROR [A] kept too\n");
}

static void a_disk_that_fills_up_inside_a_line_leaves_whole_lines_after_it(void** state) {
  const std::string path = file_of(state, "2026-02-13");
  const int64_t now = at(2026, 2, 13, 14, 30, 0);
  const pid_t child = fork();
  if (child == 0) {
    signal(SIGXFSZ, SIG_IGN);
    std::string error;
    LogPtr log = log_open(quiet(state), now, &error);
    const rlimit small = {60, RLIM_INFINITY};
    setrlimit(RLIMIT_FSIZE, &small);
    log_line(log.get(), now, LogLevel::Error, "A", "fits");
    log_line(log.get(), now, LogLevel::Error, "A", "is cut in the middle");
    log_line(log.get(), now, LogLevel::Error, "A", "is lost");
    const rlimit large = {RLIM_INFINITY, RLIM_INFINITY};
    setrlimit(RLIMIT_FSIZE, &large);
    log_line(log.get(), now, LogLevel::Error, "A", "fits again");
    log.reset();
    _exit(0);
  }
  int status = -1;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
  std::stringstream lines(content(path));
  std::vector<std::string> all;
  for (std::string line; std::getline(lines, line);) all.push_back(line);
  assert_int_equal(all.size(), 4);
  assert_string_equal(all[0].c_str(), "2026-02-13 14:30:00,000 ERROR [A] fits");
  assert_int_equal(all[0].size() + 1 + all[1].size(), 60);
  assert_true(contains(all[2], "WARNING 2 log lines were lost: File too large"));
  assert_string_equal(all[3].c_str(), "2026-02-13 14:30:00,000 ERROR [A] fits again");
}

// Runs `body` in a child whose stderr is `fd`; its exit status is 0 when the child lived to its end.
static pid_t child_with_stderr(int fd, const std::string& dir, int lines) {
  const pid_t child = fork();
  if (child == 0) {
    dup2(fd, STDERR_FILENO);
    close(fd);
    signal(SIGPIPE, SIG_DFL);
    signal(SIGALRM, SIG_DFL);
    alarm(20);  // a write that blocks for ever ends here
    const int64_t now = at(2026, 2, 13, 14, 30, 0);
    std::string error;
    LogPtr log = log_open({dir, LogLevel::Info, true}, now, &error);
    for (int i = 0; i < lines; ++i) log_line(log.get(), now, LogLevel::Error, "A", "line " + std::to_string(i));
    log.reset();
    _exit(0);
  }
  close(fd);
  return child;
}

static int in_child_with_stderr(int fd, void** state, int lines) {
  int status = -1;
  waitpid(child_with_stderr(fd, dir_of(state), lines), &status, 0);
  return status;
}

// A disk that answers when it is told to.
static std::atomic<bool> disk_hangs{false};

static ssize_t slow_write(int fd, const void* bytes, size_t size) {
  while (disk_hangs) usleep(1000);
  return write(fd, bytes, size);
}

static double seconds_of(const std::function<void()>& call) {
  const auto begin = std::chrono::steady_clock::now();
  call();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

static LogOptions slow(void** state) { return {dir_of(state), LogLevel::Info, false, slow_write}; }

static void a_slow_disk_holds_up_nobody_but_an_error_for_a_moment(void** state) {
  const int64_t now = at(2026, 2, 13, 14, 30, 0);
  const std::string path = file_of(state, "2026-02-13");
  LogPtr log = open_log(slow(state), now);
  disk_hangs = true;
  const double others = seconds_of([&] {
    for (int i = 0; i < 10000; ++i) log_line(log.get(), now, LogLevel::Info, "A", "many");
    log_line(log.get(), now, LogLevel::Warning, "A", "a warning");
    log_tick(log.get(), now);
  });
  assert_true(others < 0.15);
  const double first = seconds_of([&] { log_line(log.get(), now, LogLevel::Error, "A", "an error"); });
  assert_true(first >= 0.15 && first < 1);
  const double next = seconds_of([&] {
    for (int i = 0; i < 50; ++i) log_line(log.get(), now, LogLevel::Error, "A", "one more");
  });
  assert_true(next < 0.15);
  disk_hangs = false;
  log_flush(log.get());
  std::string text = content(path);
  assert_int_equal(std::count(text.begin(), text.end(), '\n'), 10000 + 1 + 1 + 50);
  // It has caught up, so the next error is on disk before anything else happens.
  log_line(log.get(), now, LogLevel::Error, "A", "in time");
  assert_true(contains(content(path), "in time"));
}

static void what_a_slow_disk_cannot_take_is_counted_and_said(void** state) {
  const int64_t now = at(2026, 2, 13, 14, 30, 0);
  LogPtr log = open_log(slow(state), now);
  disk_hangs = true;
  constexpr int kLines = 12000;
  const std::string long_text(1000, 'x');
  for (int i = 0; i < kLines; ++i) log_line(log.get(), now, LogLevel::Info, "A", long_text);
  log_tick(log.get(), now);
  disk_hangs = false;
  log_flush(log.get());
  log_line(log.get(), now, LogLevel::Error, "A", "after");
  assert_true(comes(file_of(state, "2026-02-13"), "after"));
  const std::string text = content(file_of(state, "2026-02-13"));
  const size_t said = text.find(" log lines were lost: No buffer space available");
  assert_true(said != std::string::npos);
  const long lost = atol(text.c_str() + text.rfind(' ', said - 1) + 1);
  assert_true(lost > 1000 && lost < kLines);
  assert_int_equal(std::count(text.begin(), text.end(), '\n'), kLines - lost + 2);
  assert_int_equal(log_lost(log.get()), lost);  // for good, also when it has been said
}

// Its thread ends with the process, as it does when a daemon stops.
static void a_disk_that_never_answers_does_not_keep_a_process_from_its_end(void** state) {
  const pid_t child = fork();
  if (child == 0) {
    alarm(20);
    std::string error;
    LogPtr log = log_open(slow(state), at(2026, 2, 13, 14, 30, 0), &error);
    disk_hangs = true;
    log_line(log.get(), at(2026, 2, 13, 14, 30, 0), LogLevel::Info, "A", "nobody will read this");
    log.reset();
    _exit(0);
  }
  int status = -1;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
}

static void lines_go_to_stderr_too(void** state) {
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  assert_int_equal(in_child_with_stderr(ends[1], state, 3), 0);
  char bytes[4096];
  const ssize_t got = read(ends[0], bytes, sizeof bytes);
  close(ends[0]);
  assert_true(got > 0);
  assert_string_equal(std::string(bytes, static_cast<size_t>(got)).c_str(),
                      content(file_of(state, "2026-02-13")).c_str());
}

static void a_stderr_that_nobody_reads_any_more_ends_nothing(void** state) {
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  close(ends[0]);
  assert_int_equal(in_child_with_stderr(ends[1], state, 3), 0);
  assert_true(contains(content(file_of(state, "2026-02-13")), "line 2"));
}

static void a_stderr_that_is_full_blocks_nothing(void** state) {
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  assert_int_equal(in_child_with_stderr(ends[1], state, 5000), 0);  // several times what a pipe holds
  close(ends[0]);
  assert_true(contains(content(file_of(state, "2026-02-13")), "line 4999"));
}

// Whoever reads takes his time, and misses nothing.
static void without_a_file_stderr_has_it_all(void** state) {
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  const pid_t child = child_with_stderr(ends[1], kNoLogFile, 5000);
  std::string all;
  char bytes[4096];
  for (ssize_t got = 0; (got = read(ends[0], bytes, sizeof bytes)) > 0;) {
    all.append(bytes, static_cast<size_t>(got));
    usleep(1000);
  }
  close(ends[0]);
  int status = -1;
  waitpid(child, &status, 0);
  assert_int_equal(status, 0);
  assert_int_equal(std::count(all.begin(), all.end(), '\n'), 5000);
  assert_true(contains(all, "[A] line 4999\n"));
  assert_false(exists(dir_of(state)) || exists(kNoLogFile));
}

static void without_a_file_or_a_reader_nothing_hangs(void**) {
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  int status = -1;
  waitpid(child_with_stderr(ends[1], kNoLogFile, 5000), &status, 0);
  close(ends[0]);
  assert_int_equal(status, 0);
}

static void a_folder_that_cannot_be_is_explained(void** state) {
  const std::string file = std::string(static_cast<Folder*>(*state)->path) + "/file";
  put(file, "");
  std::string error;
  assert_null(log_open({file + "/logs", LogLevel::Info, false}, 0, &error).get());
  assert_true(contains(error, file + "/logs") && contains(error, "LOG_DIR"));
  assert_int_equal(mkdir(dir_of(state).c_str(), 0750), 0);
  assert_int_equal(mkdir(file_of(state, "2026-02-13").c_str(), 0750), 0);
  assert_null(log_open(quiet(state), at(2026, 2, 13, 14, 30, 0), &error).get());
  assert_true(contains(error, file_of(state, "2026-02-13")));
  // Folders above it are made, too.
  open_log({dir_of(state) + "/a/b/c", LogLevel::Info, false}, at(2026, 2, 13, 14, 30, 0));
  assert_true(exists(dir_of(state) + "/a/b/c/app.log.2026-02-13"));
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_line_looks_as_the_document_shows_it, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(nothing_that_is_logged_can_break_or_forge_a_line, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(info_waits_for_a_flush_and_a_warning_does_not, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(a_new_file_begins_at_local_midnight_with_no_line_needed, make_folder,
                                      remove_folder),
      cmocka_unit_test_setup_teardown(days_with_a_missing_or_a_double_hour_have_one_file_each, make_folder,
                                      remove_folder),
      cmocka_unit_test_setup_teardown(files_of_eight_and_more_days_go_and_only_those_of_our_name, make_folder,
                                      remove_folder),
      cmocka_unit_test_setup_teardown(a_file_that_others_moved_deleted_or_cut_is_opened_again, make_folder,
                                      remove_folder),
      cmocka_unit_test_setup_teardown(a_full_disk_costs_lines_and_is_said_when_there_is_room_again, make_folder,
                                      remove_folder),
      cmocka_unit_test_setup_teardown(a_disk_that_fills_up_inside_a_line_leaves_whole_lines_after_it, make_folder,
                                      remove_folder),
      cmocka_unit_test_setup_teardown(a_slow_disk_holds_up_nobody_but_an_error_for_a_moment, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(what_a_slow_disk_cannot_take_is_counted_and_said, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(a_disk_that_never_answers_does_not_keep_a_process_from_its_end, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(a_line_can_be_an_object, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(a_line_says_whose_it_is, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(lines_go_to_stderr_too, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(a_stderr_that_nobody_reads_any_more_ends_nothing, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(a_stderr_that_is_full_blocks_nothing, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(without_a_file_stderr_has_it_all, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(without_a_file_or_a_reader_nothing_hangs, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(a_folder_that_cannot_be_is_explained, make_folder, remove_folder),
  };
  return cmocka_run_group_tests_name("log", tests, nullptr, nullptr);
}
