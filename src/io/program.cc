// Runs a program with files in memory as its input and outputs: so neither side ever waits for the other.
#include "io/program.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

extern "C" {  // glibc 2.36 forgets to say so
#include <sys/pidfd.h>
}

namespace {

constexpr const char* kFolders[] = {"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"};

class File {
 public:
  explicit File(const char* name) : fd_(memfd_create(name, MFD_CLOEXEC)) {}
  ~File() {
    if (fd_ >= 0) close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

bool fill(const File& file, std::string_view text) {
  while (!text.empty()) {
    const ssize_t size = write(file.fd(), text.data(), text.size());
    if (size <= 0) return false;
    text.remove_prefix(static_cast<size_t>(size));
  }
  return lseek(file.fd(), 0, SEEK_SET) == 0;
}

std::string text_of(const File& file) {
  std::string text;
  std::array<char, 4096> part;
  ssize_t size = 0;
  while ((size = pread(file.fd(), part.data(), part.size(), static_cast<off_t>(text.size()))) > 0) text.append(part.data(), static_cast<size_t>(size));
  return text;
}

std::string path_of(const std::string& name) {
  for (const char* folder : kFolders) {
    std::string path = std::string(folder) + "/" + name;
    if (access(path.c_str(), X_OK) == 0) return path;
  }
  return {};
}

// Of posix_spawn: 0, or an errno.
int spawn(const std::string& path, std::vector<std::string> words, const File& in, const File& out, const File& err, pid_t* pid) {
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  char folders[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", language[] = "LC_ALL=C";
  char* environment[] = {folders, language, nullptr};
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_adddup2(&files, in.fd(), 0);
  posix_spawn_file_actions_adddup2(&files, out.fd(), 1);
  posix_spawn_file_actions_adddup2(&files, err.fd(), 2);
  const int fault = posix_spawn(pid, path.c_str(), &files, &attributes, arguments.data(), environment);
  posix_spawn_file_actions_destroy(&files);
  posix_spawnattr_destroy(&attributes);
  return fault;
}

// Its exit status, after at most timeout_ms.
int wait_for(pid_t pid, int timeout_ms, bool* late) {
  const int handle = pidfd_open(pid, 0);
  pollfd ended = {handle, POLLIN, 0};
  int ready = handle >= 0 ? 0 : 1;
  while (handle >= 0 && (ready = poll(&ended, 1, timeout_ms)) < 0 && errno == EINTR) continue;
  *late = ready == 0;
  if (*late) kill(pid, SIGKILL);
  if (handle >= 0) close(handle);
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

ProgramEnd program_run(const std::vector<std::string>& words, std::string_view input, int timeout_ms) {
  ProgramEnd end;
  const std::string path = path_of(words.front());
  if (path.empty()) {
    end.err = words.front() + " is not installed";
    return end;
  }
  const File in("input"), out("output"), err("errors");
  pid_t pid = -1;
  int fault = in.fd() < 0 || out.fd() < 0 || err.fd() < 0 || !fill(in, input) ? errno : 0;
  if (fault == 0) fault = spawn(path, words, in, out, err, &pid);
  if (fault != 0) {
    end.err = path + ": " + strerror(fault);
    return end;
  }
  end.started = true;
  bool late = false;
  end.status = wait_for(pid, timeout_ms, &late);
  end.out = text_of(out);
  end.err = late ? path + " did not end within " + std::to_string(timeout_ms / 1000) + " s" : text_of(err);
  return end;
}
