// Runs other programs for tests.
#include "support/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>

#include "support/suite.h"

namespace {

// In the child: never returns.
[[noreturn]] void become(const std::vector<std::string>& command, int out, int err) {
  std::vector<char*> argv;
  for (const std::string& word : command) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  prctl(PR_SET_PDEATHSIG, SIGTERM);  // chromedriver then closes its browser, too
  setpgid(0, 0);
  signal(SIGPIPE, SIG_DFL);
  int in = open("/dev/null", O_RDONLY);
  dup2(in, 0);
  dup2(out, 1);
  dup2(err, 2);
  closefrom(3);
  execvp(argv[0], argv.data());
  dprintf(2, "cannot start %s: %s\n", argv[0], strerror(errno));
  _exit(127);
}

int status_of(int wait_status) {
  return WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 128 + WTERMSIG(wait_status);
}

// Appends what can be read; false at the end of the stream.
bool take(int fd, std::string* text) {
  char buffer[16384];
  ssize_t got = read(fd, buffer, sizeof buffer);
  if (got > 0) text->append(buffer, static_cast<size_t>(got));
  return got > 0 || (got < 0 && errno == EINTR);
}

}  // namespace

ProcResult proc_run(const std::vector<std::string>& command, double seconds) {
  ProcResult result;
  int out[2];
  int err[2];
  if (pipe2(out, O_CLOEXEC) != 0) return result;
  if (pipe2(err, O_CLOEXEC) != 0) {
    close(out[0]);
    close(out[1]);
    return result;
  }
  pid_t pid = fork();
  if (pid == 0) become(command, out[1], err[1]);
  close(out[1]);
  close(err[1]);
  double end = now_seconds() + seconds;
  pollfd fds[2] = {{out[0], POLLIN, 0}, {err[0], POLLIN, 0}};
  bool in_time = pid > 0;
  while (in_time && (fds[0].fd >= 0 || fds[1].fd >= 0)) {
    double left = end - now_seconds();
    in_time = left > 0;
    if (!in_time || poll(fds, 2, static_cast<int>(left * 1000) + 1) <= 0) continue;
    if (fds[0].revents != 0 && !take(out[0], &result.out)) fds[0].fd = -1;
    if (fds[1].revents != 0 && !take(err[0], &result.err)) fds[1].fd = -1;
  }
  if (!in_time && pid > 0) kill(-pid, SIGKILL);
  int status = 0;
  if (pid > 0 && waitpid(pid, &status, 0) == pid && in_time) result.status = status_of(status);
  close(out[0]);
  close(err[0]);
  return result;
}

std::string proc_output(const std::vector<std::string>& command, double seconds) {
  ProcResult result = proc_run(command, seconds);
  std::string line;
  for (const std::string& word : command) line += (line.empty() ? "" : " ") + word;
  check_at(result.status == 0, line + ": status " + std::to_string(result.status) + ": " + result.err + result.out);
  while (!result.out.empty() && result.out.back() == '\n') result.out.pop_back();
  return result.out;
}

ProcPtr proc_start(const std::vector<std::string>& command, const std::string& log) {
  pid_t pid = fork();
  if (pid == 0) {
    int fd = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
    become(command, fd, fd);
  }
  if (pid < 0) return nullptr;
  setpgid(pid, pid);  // by both, so that neither can come too early
  return ProcPtr(new Proc{pid});
}

bool proc_runs(Proc* proc) {
  if (proc->pid > 0 && waitpid(proc->pid, nullptr, WNOHANG) == proc->pid) proc->pid = -1;
  return proc->pid > 0;
}

void ProcDeleter::operator()(Proc* proc) const {
  pid_t group = proc->pid;
  if (proc_runs(proc)) {
    kill(-group, SIGTERM);
    if (!wait_until(3, [&] { return !proc_runs(proc); })) {
      kill(-group, SIGKILL);
      waitpid(group, nullptr, 0);
    }
  }
  // Children that outlived their leader.
  if (group > 0) kill(-group, SIGKILL);
  delete proc;
}
