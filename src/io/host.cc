// What the host and the service manager tell us, and what we tell them.
#include "io/host.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <limits.h>
#include <malloc.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/auxv.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <memory>

static int64_t clock_us(clockid_t which) {
  timespec now{};
  clock_gettime(which, &now);
  return int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1000;
}

int64_t host_monotonic_us() { return clock_us(CLOCK_MONOTONIC); }
int64_t host_monotonic_ms() { return host_monotonic_us() / 1000; }

int64_t host_east_s(int64_t wall_us) {
  static thread_local int64_t asked_minute = -1, east_s = 0;
  const int64_t minute = wall_us / 60'000'000;
  if (minute == asked_minute) return east_s;
  asked_minute = minute;
  const time_t seconds = static_cast<time_t>(wall_us / 1'000'000);
  tm local{};
  if (localtime_r(&seconds, &local) != nullptr) east_s = local.tm_gmtoff;
  return east_s;
}

std::string host_name() {
  char name[HOST_NAME_MAX + 1] = "";
  return gethostname(name, sizeof name) == 0 ? name : "";
}

int64_t host_wall_us() { return clock_us(CLOCK_REALTIME); }

// The table grows by doubling, and in a process of several threads each time waits until no processor can be reading the old one.
static void make_file_table(int files) {
  const int any = open("/dev/null", O_RDONLY | O_CLOEXEC);
  const int last = fcntl(any, F_DUPFD_CLOEXEC, files - 1);
  if (last >= 0) close(last);
  if (any >= 0) close(any);
}

int host_raise_file_limit(int wanted) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  const auto enough = static_cast<rlim_t>(wanted);
  if (limit.rlim_cur < enough) {
    const rlimit more = {enough, std::max(limit.rlim_max, enough)};  // root may raise both
    const rlimit most = {std::min(limit.rlim_max, enough), limit.rlim_max};
    if (setrlimit(RLIMIT_NOFILE, &more) != 0) setrlimit(RLIMIT_NOFILE, &most);
    getrlimit(RLIMIT_NOFILE, &limit);
  }
  const int allowed = static_cast<int>(std::min<rlim_t>(limit.rlim_cur, INT32_MAX));
  make_file_table(std::min(allowed, wanted));
  return allowed;
}

void host_settle_memory(char** words) {
  // Where the call to start anew should fail, the heap is still one.
  mallopt(M_ARENA_MAX, 1);
  // Of a program with more rights than its caller the C library takes the variable away: it would start anew for ever.
  if (getenv("GLIBC_TUNABLES") != nullptr || getauxval(AT_SECURE) != 0) return;
  char path[PATH_MAX];
  const ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);  // by its name, so that it is shown under that
  if (length < 0) return;
  path[length] = '\0';
  setenv("GLIBC_TUNABLES", "glibc.malloc.tcache_count=0:glibc.malloc.arena_max=1", 1);
  execv(path, words);
}

bool host_no_room(int error) { return error == ENOSPC || error == EDQUOT; }

bool host_read_file(const std::string& path, std::string* text, bool* missing, std::string* error) {
  std::unique_ptr<FILE, int (*)(FILE*)> file(fopen(path.c_str(), "re"), &fclose);
  *missing = !file && errno == ENOENT;
  if (!file) {
    *error = path + ": " + strerror(errno);
    return false;
  }
  std::string all;
  char part[4096];
  while (size_t count = fread(part, 1, sizeof part, file.get())) all.append(part, count);
  if (ferror(file.get())) {
    *error = path + ": " + strerror(errno);
    return false;
  }
  *text = std::move(all);
  return true;
}

// /etc/localtime is a link into the zone database (localtime(5)); where it is a copy, Debian keeps the name in /etc/timezone.
std::string host_time_zone() {
  char target[256];
  const ssize_t length = readlink("/etc/localtime", target, sizeof target);
  const std::string path(target, length > 0 ? static_cast<size_t>(length) : 0);
  static constexpr char kDatabase[] = "/zoneinfo/";
  const size_t at = path.find(kDatabase);
  if (at != std::string::npos) return path.substr(at + sizeof kDatabase - 1);
  std::string text, error;
  bool missing = false;
  if (!host_read_file("/etc/timezone", &text, &missing, &error)) return "";
  return text.substr(0, text.find_first_of(" \t\r\n"));
}

std::string host_boot_id() {
  std::string text, error;
  bool missing = false;
  if (!host_read_file("/proc/sys/kernel/random/boot_id", &text, &missing, &error)) return "";
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

std::string host_random_id() {
  uint64_t value = 0;
  if (getrandom(&value, sizeof value, 0) != static_cast<ssize_t>(sizeof value))
    value = static_cast<uint64_t>(clock_us(CLOCK_REALTIME)) ^ (static_cast<uint64_t>(getpid()) << 40);
  char text[17];
  snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(value));
  return text;
}

static bool belongs_to_engine(const char* interface) {
  return !strncmp(interface, "docker", 6) || !strncmp(interface, "br-", 3) || !strncmp(interface, "veth", 4);
}

std::vector<std::string> host_addresses() {
  std::vector<std::string> addresses;
  ifaddrs* first = nullptr;
  if (getifaddrs(&first) != 0) return addresses;
  std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> all(first, &freeifaddrs);
  for (const ifaddrs* one = all.get(); one; one = one->ifa_next) {
    if (!one->ifa_addr || one->ifa_addr->sa_family != AF_INET || (one->ifa_flags & IFF_LOOPBACK) || belongs_to_engine(one->ifa_name)) continue;
    sockaddr_in address{};
    memcpy(&address, one->ifa_addr, sizeof address);
    char text[INET_ADDRSTRLEN];
    if (inet_ntop(AF_INET, &address.sin_addr, text, sizeof text)) addresses.emplace_back(text);
  }
  return addresses;
}

void host_notify(const char* state) {
  const char* path = getenv("NOTIFY_SOCKET");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (!path || !*path || strlen(path) >= sizeof address.sun_path) return;
  size_t length = strlen(path);
  memcpy(address.sun_path, path, length);
  if (address.sun_path[0] == '@') address.sun_path[0] = '\0';  // the abstract namespace
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return;
  auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + length);
  sendto(fd, state, strlen(state), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&address), size);
  close(fd);
}

static bool write_whole(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t put = write(fd, text.data(), text.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return false;
    text.remove_prefix(static_cast<size_t>(put));
  }
  return fsync(fd) == 0;
}

void host_give_way() {
  // With Linux the nice value is a thread's own, whatever POSIX says.
  setpriority(PRIO_PROCESS, static_cast<id_t>(syscall(SYS_gettid)), 19);
}

bool host_replace_file(const std::string& path, std::string_view text, std::string* error) {
  std::string beside = path + ".XXXXXX";
  const int fd = mkostemp(beside.data(), O_CLOEXEC);
  const bool written = fd >= 0 && write_whole(fd, text);
  int reason = errno;
  if (fd >= 0) close(fd);
  if (written && rename(beside.c_str(), path.c_str()) == 0) return true;
  if (written) reason = errno;
  if (fd >= 0) unlink(beside.c_str());
  *error = "cannot write " + path + ": " + strerror(reason);
  return false;
}
