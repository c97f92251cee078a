// STATE_FILE on a real disk: replaced whole or not at all, whatever call fails, whenever the process ends.
#include "io/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <vector>

#include "support/cmocka_cc.h"

// ---- a folder of its own for each test ----

struct Folder {
  char path[64];
};

static int make_folder(void** state) {
  static Folder folder;
  folder = {"/tmp/store-test-XXXXXX"};
  *state = folder.path;
  return mkdtemp(folder.path) == nullptr ? -1 : 0;
}

static int remove_folder(void** state) {
  const char* folder = static_cast<char*>(*state);
  chmod(folder, 0700);
  return system(("rm -rf '" + std::string(folder) + "'").c_str());
}

static std::string in_folder(void** state, const char* name) {
  return std::string(static_cast<char*>(*state)) + "/" + name;
}

static std::string content(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

static void put(const std::string& path, const std::string& text) { std::ofstream(path, std::ios::binary) << text; }

static bool exists(const std::string& path) {
  struct stat info;
  return lstat(path.c_str(), &info) == 0;
}

static mode_t mode_of(const std::string& path) {
  struct stat info;
  assert_int_equal(stat(path.c_str(), &info), 0);
  return info.st_mode & 07777;
}

static std::vector<std::string> names_in(const std::string& folder) {
  std::vector<std::string> names;
  DIR* dir = opendir(folder.c_str());
  while (const dirent* entry = readdir(dir)) {
    if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) names.push_back(entry->d_name);
  }
  closedir(dir);
  std::sort(names.begin(), names.end());
  return names;
}

static StorePtr open_store(const std::string& path, const StoreCalls* calls = store_system_calls()) {
  std::string error;
  StorePtr store = store_open(path, calls, &error);
  if (!store) print_error("%s\n", error.c_str());
  assert_non_null(store.get());
  return store;
}

static std::string read_back(Store* store) {
  std::string text, error;
  assert_int_equal(store_read(store, &text, &error), StoreRead::Ok);
  return text;
}

static bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

// ---- system calls that fail, stop, or do half of their work, at a chosen moment ----

struct Trouble {
  int calls = 0;
  int fail_at = 0;          // the n-th call fails
  int why = EIO;            // with this
  int stop_at = 0;          // the process ends right after the n-th call
  size_t most_written = 0;  // of one write; 0: all
  int interrupted = 0;      // so many calls are interrupted first
};
static Trouble trouble;

static bool fails_now() {
  ++trouble.calls;
  if (trouble.interrupted > 0) {
    --trouble.interrupted;
    errno = EINTR;
    return true;
  }
  if (trouble.calls == trouble.fail_at) {
    errno = trouble.why;
    return true;
  }
  return false;
}

static void stops_now() {
  if (trouble.calls == trouble.stop_at) _exit(77);
}

static int troubled_open(const char* path, int flags, mode_t mode) {
  if (fails_now()) return -1;
  const int fd = open(path, flags, mode);
  stops_now();
  return fd;
}
static ssize_t troubled_write(int fd, const void* bytes, size_t count) {
  if (fails_now()) return -1;
  const ssize_t put_bytes = write(fd, bytes, trouble.most_written == 0 ? count : std::min(count, trouble.most_written));
  stops_now();
  return put_bytes;
}
static int troubled_fsync(int fd) {
  if (fails_now()) return -1;
  const int result = fsync(fd);
  stops_now();
  return result;
}
static int troubled_close(int fd) {
  const int interrupted = trouble.interrupted;
  trouble.interrupted = 0;  // an interrupted close has closed all the same
  const bool fails = fails_now();
  trouble.interrupted = interrupted;
  const int number = errno;
  const int result = close(fd);
  stops_now();
  errno = number;
  return fails ? -1 : result;
}
static int troubled_rename(const char* from, const char* to) {
  if (fails_now()) return -1;
  const int result = rename(from, to);
  stops_now();
  return result;
}
static int troubled_unlink(const char* path) {
  if (fails_now()) return -1;
  const int result = unlink(path);
  stops_now();
  return result;
}
static const StoreCalls kTroubled = {troubled_open,  troubled_write,  troubled_fsync,
                                     troubled_close, troubled_rename, troubled_unlink};

static int calls_of_a_replacement(Store* store, const std::string& text) {
  trouble = {};
  assert_string_equal(store_replace(store, text).c_str(), "");
  return trouble.calls;
}

// ---- tests ----

static void what_is_written_is_read_back_and_private(void** state) {
  const std::string path = in_folder(state, "state.json");
  umask(022);
  StorePtr store = open_store(path);
  std::string text = "untouched", error;
  assert_int_equal(store_read(store.get(), &text, &error), StoreRead::Missing);
  assert_string_equal(text.c_str(), "untouched");
  for (const std::string& wanted :
       {std::string("[]\n"), std::string(3 << 20, 'x'), std::string(), std::string("a\0b", 3)}) {
    assert_string_equal(store_replace(store.get(), wanted).c_str(), "");
    assert_true(read_back(store.get()) == wanted);
    assert_int_equal(mode_of(path), 0600);
    assert_true((names_in(static_cast<char*>(*state)) == std::vector<std::string>{"state.json", "state.json.lock"}));
  }
  assert_int_equal(mode_of(path + ".lock"), 0600);
}

static void whichever_call_fails_the_old_or_the_new_state_is_there(void** state) {
  const std::string path = in_folder(state, "state.json");
  StorePtr store = open_store(path, &kTroubled);
  const int count = calls_of_a_replacement(store.get(), "old");
  assert_true(count >= 8);  // open, write, fsync, close, rename, and three for the folder
  const int reasons[] = {EIO, ENOSPC, EDQUOT, EROFS, EMFILE};
  for (int n = 0; n < count * static_cast<int>(std::size(reasons)); ++n) {
    const int i = n % count + 1;
    assert_int_equal(calls_of_a_replacement(store.get(), "old"), count);
    trouble = {};
    trouble.fail_at = i;
    trouble.why = reasons[n / count];
    const std::string error = store_replace(store.get(), "new");
    const bool renamed = i > 5;
    // Only the close of the folder, which was read and not written, may fail without a word.
    if (i < count) {
      assert_true(contains(error, static_cast<char*>(*state)) && contains(error, strerror(trouble.why)));
    }
    assert_string_equal(read_back(store.get()).c_str(), renamed ? "new" : "old");
    assert_false(exists(path + ".tmp"));
    assert_int_equal(mode_of(path), 0600);
  }
}

static void whenever_the_process_ends_the_old_or_the_new_state_is_there(void** state) {
  const std::string path = in_folder(state, "state.json");
  int count;
  {
    StorePtr store = open_store(path, &kTroubled);
    trouble = {};
    trouble.most_written = 2;
    assert_string_equal(store_replace(store.get(), "old state").c_str(), "");
    count = trouble.calls;
  }
  int left_behind = 0;
  for (int i = 1; i <= count; ++i) {
    {
      StorePtr store = open_store(path);
      assert_string_equal(store_replace(store.get(), "old state").c_str(), "");
    }
    const pid_t child = fork();
    if (child == 0) {
      std::string error;
      StorePtr store = store_open(path, &kTroubled, &error);
      trouble = {};
      trouble.most_written = 2;
      trouble.stop_at = i;
      store_replace(store.get(), "new state");
      _exit(1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 77);
    if (exists(path + ".tmp")) {
      left_behind++;
      assert_int_equal(mode_of(path + ".tmp"), 0600);
    }
    StorePtr store = open_store(path);  // the dead process holds no lock
    const std::string now = read_back(store.get());
    assert_true(now == "old state" || now == "new state");
    assert_false(exists(path + ".tmp"));
    assert_int_equal(mode_of(path), 0600);
  }
  assert_true(left_behind > 0);
}

static void short_writes_and_interruptions_are_gone_on_with(void** state) {
  StorePtr store = open_store(in_folder(state, "state.json"), &kTroubled);
  for (size_t most : {size_t{1}, size_t{7}, size_t{1000}}) {
    for (int interrupted : {0, 1, 3}) {
      trouble = {};
      trouble.most_written = most;
      trouble.interrupted = interrupted;
      const std::string wanted(2000 + most, static_cast<char>('a' + interrupted));
      assert_string_equal(store_replace(store.get(), wanted).c_str(), "");
      assert_true(read_back(store.get()) == wanted);
    }
  }
}

static int interrupt_once(int* left) {
  if (*left == 0) return 0;
  --*left;
  errno = EINTR;
  return -1;
}
static int write_interruptions, fsync_interruptions;
static ssize_t interrupted_write(int fd, const void* bytes, size_t count) {
  return interrupt_once(&write_interruptions) != 0 ? -1 : write(fd, bytes, count);
}
static int interrupted_fsync(int fd) { return interrupt_once(&fsync_interruptions) != 0 ? -1 : fsync(fd); }

static void an_interrupted_write_or_fsync_is_done_again(void** state) {
  StoreCalls calls = *store_system_calls();
  calls.write = interrupted_write;
  calls.fsync = interrupted_fsync;
  StorePtr store = open_store(in_folder(state, "state.json"), &calls);
  write_interruptions = 2;
  fsync_interruptions = 2;
  assert_string_equal(store_replace(store.get(), "text").c_str(), "");
  assert_int_equal(write_interruptions, 0);
  assert_int_equal(fsync_interruptions, 0);
  assert_string_equal(read_back(store.get()).c_str(), "text");
}

static void a_full_disk_keeps_the_old_state_and_is_said(void** state) {
  const std::string path = in_folder(state, "state.json");
  StorePtr store = open_store(path);
  assert_string_equal(store_replace(store.get(), "old").c_str(), "");
  const pid_t child = fork();
  if (child == 0) {
    signal(SIGXFSZ, SIG_IGN);
    const rlimit small = {1000, 1000};
    setrlimit(RLIMIT_FSIZE, &small);
    const std::string error = store_replace(store.get(), std::string(5000, 'n'));
    _exit(contains(error, path) && contains(error, strerror(EFBIG)) && !exists(path + ".tmp") ? 0 : 1);
  }
  int status = -1;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
  assert_string_equal(read_back(store.get()).c_str(), "old");
  assert_string_equal(store_replace(store.get(), "new").c_str(), "");
}

static void a_second_daemon_is_kept_away_and_told_who_holds_it(void** state) {
  const std::string path = in_folder(state, "state.json");
  int to_child[2], to_parent[2];
  assert_int_equal(pipe(to_child), 0);
  assert_int_equal(pipe(to_parent), 0);
  const pid_t child = fork();
  if (child == 0) {
    close(to_child[1]);
    std::string error;
    StorePtr store = store_open(path, store_system_calls(), &error);
    char byte = store ? 'y' : 'n';
    if (write(to_parent[1], &byte, 1) != 1) _exit(1);
    (void)!read(to_child[0], &byte, 1);  // until the parent closes
    _exit(0);
  }
  close(to_child[0]);
  char byte = 0;
  assert_int_equal(read(to_parent[0], &byte, 1), 1);
  assert_int_equal(byte, 'y');
  std::string error;
  assert_null(store_open(path, store_system_calls(), &error).get());
  assert_true(contains(error, path) && contains(error, "pid " + std::to_string(child)));
  // By another name it is the same file.
  assert_int_equal(symlink("state.json", in_folder(state, "link.json").c_str()), 0);
  assert_null(store_open(in_folder(state, "link.json"), store_system_calls(), &error).get());
  close(to_child[1]);
  int status = -1;
  assert_int_equal(waitpid(child, &status, 0), child);
  StorePtr store = open_store(path);
  assert_null(store_open(path, store_system_calls(), &error).get());  // nor twice in one process
  store.reset();
  open_store(path);
  close(to_parent[0]);
  close(to_parent[1]);
}

static void what_a_killed_run_left_is_overwritten(void** state) {
  const std::string path = in_folder(state, "state.json");
  put(path + ".tmp", std::string(10000, 'z'));
  chmod((path + ".tmp").c_str(), 0644);
  StorePtr store = open_store(path);
  assert_false(exists(path + ".tmp"));
  // Even one that comes later, or is a link to somewhere else.
  put(in_folder(state, "victim"), "precious");
  assert_int_equal(symlink(in_folder(state, "victim").c_str(), (path + ".tmp").c_str()), 0);
  assert_string_equal(store_replace(store.get(), "text").c_str(), "");
  assert_string_equal(content(in_folder(state, "victim")).c_str(), "precious");
  assert_string_equal(content(path).c_str(), "text");
  assert_int_equal(mode_of(path), 0600);
}

static void a_link_stays_a_link(void** state) {
  assert_int_equal(mkdir(in_folder(state, "real").c_str(), 0700), 0);
  const std::string link = in_folder(state, "state.json"), target = in_folder(state, "real/s.json");
  assert_int_equal(symlink("real/s.json", link.c_str()), 0);  // to nothing yet
  StorePtr store = open_store(link);
  std::string text, error;
  assert_int_equal(store_read(store.get(), &text, &error), StoreRead::Missing);
  for (const char* wanted : {"one", "two"}) {
    assert_string_equal(store_replace(store.get(), wanted).c_str(), "");
    struct stat info;
    assert_int_equal(lstat(link.c_str(), &info), 0);
    assert_true(S_ISLNK(info.st_mode));
    assert_string_equal(content(target).c_str(), wanted);
  }
  assert_true((names_in(in_folder(state, "real")) == std::vector<std::string>{"s.json", "s.json.lock"}));
}

static void a_path_that_cannot_be_is_explained(void** state) {
  std::string error;
  assert_null(store_open(in_folder(state, "no/such/state.json"), store_system_calls(), &error).get());
  assert_true(contains(error, in_folder(state, "no/such")) && contains(error, strerror(ENOENT)));
  assert_null(store_open(static_cast<char*>(*state), store_system_calls(), &error).get());
  assert_true(contains(error, "is not a file"));
  for (const char* name : {"", ".", "..", "x/"})
    assert_null(store_open(in_folder(state, name), store_system_calls(), &error).get());
  if (geteuid() != 0) return;  // only root can become somebody who may not write there
  chmod(static_cast<char*>(*state), 0555);
  const std::string path = in_folder(state, "state.json");
  const pid_t child = fork();
  if (child == 0) {
    if (setuid(65534) != 0) _exit(10);
    const StorePtr store = store_open(path, store_system_calls(), &error);
    _exit(!store && contains(error, path) && contains(error, strerror(EACCES)) ? 0 : 1);
  }
  int status = -1;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
}

static void a_folder_that_takes_a_lock_but_no_file_is_noticed_at_the_start(void** state) {
  trouble = {};
  trouble.fail_at = 1;
  std::string error;
  assert_null(store_open(in_folder(state, "state.json"), &kTroubled, &error).get());
  assert_true(contains(error, in_folder(state, "state.json")) && contains(error, strerror(EIO)));
}

// It goes on with what was written before, and every write says why it could not be.
static void a_full_disk_is_no_reason_not_to_start(void** state) {
  const std::string path = in_folder(state, "state.json");
  put(path, "old");
  for (int why : {ENOSPC, EDQUOT}) {
    trouble = {};
    trouble.fail_at = 1;
    trouble.why = why;
    StorePtr store = open_store(path, &kTroubled);
    assert_string_equal(read_back(store.get()).c_str(), "old");
    trouble.calls = 0;
    assert_true(contains(store_replace(store.get(), "new"), strerror(why)));
    assert_string_equal(read_back(store.get()).c_str(), "old");
  }
}

static void something_else_in_its_place_is_not_read(void** state) {
  const std::string path = in_folder(state, "state.json");
  StorePtr store = open_store(path);
  std::string text = "untouched", error;
  assert_int_equal(mkdir(path.c_str(), 0700), 0);
  assert_int_equal(store_read(store.get(), &text, &error), StoreRead::Failed);
  assert_true(contains(error, path));
  assert_int_equal(rmdir(path.c_str()), 0);
  assert_int_equal(mkfifo(path.c_str(), 0600), 0);
  assert_int_equal(store_read(store.get(), &text, &error), StoreRead::Failed);
  assert_string_equal(text.c_str(), "untouched");
}

static void a_torn_file_is_set_aside_and_never_over_an_older_one(void** state) {
  const std::string path = in_folder(state, "state.json");
  StorePtr store = open_store(path);
  const int64_t now_us = 1770993000123456;  // 2026-02-13 14:30:00 UTC
  const char* expected[] = {".corrupt-20260213T143000Z", ".corrupt-20260213T143000Z.1", ".corrupt-20260213T143000Z.2"};
  for (const char* suffix : expected) {
    put(path, std::string("torn ") + suffix);
    assert_int_equal(chmod(path.c_str(), 0644), 0);
    std::string kept;
    assert_string_equal(store_set_aside(store.get(), now_us, &kept).c_str(), "");
    assert_string_equal(kept.c_str(), (path + suffix).c_str());
    assert_false(exists(path));
    assert_int_equal(mode_of(kept), 0600);
  }
  for (const char* suffix : expected)
    assert_string_equal(content(path + suffix).c_str(), (std::string("torn ") + suffix).c_str());
  std::string kept = "untouched";
  assert_true(contains(store_set_aside(store.get(), now_us, &kept), path));  // nothing there
  assert_string_equal(kept.c_str(), "untouched");
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(what_is_written_is_read_back_and_private, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(whichever_call_fails_the_old_or_the_new_state_is_there, make_folder,
                                      remove_folder),
      cmocka_unit_test_setup_teardown(whenever_the_process_ends_the_old_or_the_new_state_is_there, make_folder,
                                      remove_folder),
      cmocka_unit_test_setup_teardown(short_writes_and_interruptions_are_gone_on_with, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(an_interrupted_write_or_fsync_is_done_again, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(a_full_disk_keeps_the_old_state_and_is_said, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(a_second_daemon_is_kept_away_and_told_who_holds_it, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(what_a_killed_run_left_is_overwritten, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(a_link_stays_a_link, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(a_path_that_cannot_be_is_explained, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(a_folder_that_takes_a_lock_but_no_file_is_noticed_at_the_start, make_folder,
                                      remove_folder),
      cmocka_unit_test_setup_teardown(a_full_disk_is_no_reason_not_to_start, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(something_else_in_its_place_is_not_read, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(a_torn_file_is_set_aside_and_never_over_an_older_one, make_folder, remove_folder),
  };
  return cmocka_run_group_tests_name("store", tests, nullptr, nullptr);
}
