// Forks, and in the child: a control group named for the container, a new network, a listener, and connections from another address of it.
#include "processes.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

namespace {

constexpr const char* kHere = "10.97.0.1";     // where it listens
constexpr const char* kOutside = "10.97.0.2";  // whence those who watch come

sockaddr_in address_of(const char* address, int port) {
  sockaddr_in at = {};
  at.sin_family = AF_INET;
  at.sin_port = htons(static_cast<uint16_t>(port));
  inet_pton(AF_INET, address, &at.sin_addr);
  return at;
}

bool interface_set(int fd, const char* name, const char* address) {
  ifreq request = {};
  snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
  const sockaddr_in at = address_of(address, 0);
  memcpy(&request.ifr_addr, &at, sizeof at);
  if (ioctl(fd, SIOCSIFADDR, &request) != 0) return false;
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  return ioctl(fd, SIOCSIFFLAGS, &request) == 0;
}

bool come(int listener, int port) {
  const sockaddr_in from = address_of(kOutside, 0), to = address_of(kHere, port);
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  return bind(fd, reinterpret_cast<const sockaddr*>(&from), sizeof from) == 0 &&
         connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0 && accept(listener, nullptr, nullptr) >= 0;
}

// Never returns. What fails is the status that it ends with.
[[noreturn]] void live(const std::string& group, int port, int viewers, int born) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (dup2(born, 3) != 3) _exit(1);
  closefrom(4);
  signal(SIGTERM, SIG_DFL);
  const int procs = open((group + "/cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC);
  if (write(procs, "0", 1) != 1) _exit(2);
  if (unshare(CLONE_NEWNET) != 0) _exit(3);
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  if (!interface_set(listener, "lo", "127.0.0.1") || !interface_set(listener, "lo:1", kHere) || !interface_set(listener, "lo:2", kOutside)) _exit(4);
  const sockaddr_in at = address_of("0.0.0.0", port);
  if (bind(listener, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0 || listen(listener, 16) != 0) _exit(5);
  for (int i = 0; i < viewers; ++i)
    if (!come(listener, port)) _exit(6);
  if (write(3, "!", 1) != 1) _exit(7);
  close(3);
  for (;;) pause();
}

}  // namespace

bool processes_open(Processes* all, int port, int viewers) {
  all->port = port;
  all->viewers = viewers;
  struct stat unified = {};
  // Version 2 has one tree, version 1 one for each controller.
  const char* tree = stat("/sys/fs/cgroup/cgroup.controllers", &unified) == 0 ? "/sys/fs/cgroup" : "/sys/fs/cgroup/pids";
  all->folder = std::string(tree) + "/standin-" + std::to_string(getpid());
  return mkdir(all->folder.c_str(), 0755) == 0;
}

pid_t process_start(Processes* all, const std::string& id) {
  const std::string group = all->folder + "/" + id;
  int born[2];
  if (mkdir(group.c_str(), 0755) != 0 || pipe2(born, O_CLOEXEC) != 0) return 0;
  const pid_t pid = fork();
  if (pid == 0) live(group, all->port, all->viewers, born[1]);
  close(born[1]);
  char sign = 0;
  const bool lives = pid > 0 && read(born[0], &sign, 1) == 1;
  close(born[0]);
  all->by_id[id] = pid;
  if (lives) return pid;
  process_end(all, id);
  return 0;
}

void process_end(Processes* all, const std::string& id) {
  const auto found = all->by_id.find(id);
  if (found == all->by_id.end()) return;
  if (found->second > 0) {
    kill(found->second, SIGKILL);
    waitpid(found->second, nullptr, 0);
  }
  rmdir((all->folder + "/" + id).c_str());
  all->by_id.erase(found);  // last: `id` may be the key itself
}

void processes_close(Processes* all) {
  // Together, since a thousand one after the other take longer than whoever ends us waits.
  for (const auto& [id, pid] : all->by_id)
    if (pid > 0) kill(pid, SIGKILL);
  while (!all->by_id.empty()) process_end(all, all->by_id.begin()->first);
  if (!all->folder.empty()) rmdir(all->folder.c_str());
}
