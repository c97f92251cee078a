// A test program's share of the machine, and how it is given back whatever happens.
#include "support/suite.h"

#include <curl/curl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "support/daemon.h"
#include "support/engine_client.h"
#include "support/private_engine.h"
#include "support/proc.h"

namespace {

constexpr int kBlocks = 30;
constexpr int kPortsPerBlock = 100;
constexpr int kFirstPort = 21000;
constexpr int kSubnetsPerBlock = 8;
constexpr int kPortsUsed = 40;  // of a block, by the tests as they are
volatile sig_atomic_t child_pid = 0;

// A block belongs to who holds this name: the kernel gives it back when the process ends, however it ends.
int block_lock(int block) {
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::string name = "vnc-e2e-block-" + std::to_string(block);
  memcpy(address.sun_path + 1, name.c_str(), name.size());  // an abstract name begins with a zero byte
  socklen_t length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), length) == 0) return fd;
  close(fd);
  return -1;
}

bool port_is_free(int port) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  bool free = bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 && listen(fd, 1) == 0;
  close(fd);
  return free;
}

bool ports_are_free(int block) {
  for (int i = 0; i < kPortsUsed; ++i) {
    if (!port_is_free(kFirstPort + block * kPortsPerBlock + i)) return false;
  }
  return true;
}

// By the first three bytes, since ours are /24 each; a wider network around them is not foreseen.
bool subnets_are_free(const Suite& suite) {
  Texts taken = engine_subnets(suite.socket);
  for (int number = 0; number < kSubnetsPerBlock; ++number) {
    std::string ours = suite_subnet(suite, number);
    ours.erase(ours.rfind('.') + 1);
    for (const std::string& subnet : taken) {
      if (subnet.rfind(ours, 0) == 0) return false;
    }
  }
  return true;
}

void remove_containers(const std::string& socket, const std::string& label, const std::string& value) {
  std::vector<std::thread> threads;
  for (const std::string& id : engine_ids(socket, label, value)) {
    threads.emplace_back([socket, id] { engine_remove(socket, id); });
  }
  for (std::thread& thread : threads) thread.join();
}

// False when some stay. An engine whose client was killed finishes what it was doing: then nothing must appear for a while, too.
bool remove_all_of(const std::string& socket, const std::string& instance, bool killed) {
  double quiet_since = now_seconds();
  return wait_until(20, [&] {
    if (!engine_ids(socket, kInstanceLabel, instance).empty()) {
      remove_containers(socket, kInstanceLabel, instance);
      quiet_since = now_seconds();
    }
    return now_seconds() - quiet_since >= (killed ? 1.5 : 0) && engine_ids(socket, kInstanceLabel, instance).empty();
  });
}

// What a daemon with FIREWALL=on has left in the machine's packet filter; the chain of each is called after its network.
void remove_rules(const std::string& prefix) {
  proc_run({"sh", "-c",
            "for t in iptables ip6tables; do $t-save -t filter | sed -n 's/^:\\(VNC-" + prefix + "[^ ]*\\) .*/\\1/p' | while read -r chain; do"
            " { echo '*filter'; $t-save -t filter | sed -n \"s/^-A \\(.* -j $chain\\)$/-D \\1/p\"; echo \":$chain - [0:0]\"; echo \"-X $chain\"; echo COMMIT; } |"
            " $t-restore --noflush; done; done"});
}

// Everything of this block: what a run that was killed left, too. Holding the block makes it ours.
void block_clean(const Suite& suite) {
  std::string prefix = "vnc-e2e-" + std::to_string(suite.block) + "-";
  JsonPtr list = json_from(engine_call(suite.socket, "GET", "/networks").body);
  size_t i = 0;
  json_t* network = nullptr;
  json_array_foreach(list.get(), i, network) {
    std::string name = json_text(network, "Name");
    if (name.rfind(prefix, 0) != 0) continue;
    remove_containers(suite.socket, kInstanceLabel, name);
    remove_containers(suite.socket, kForeignLabel, name);
    engine_remove_network(suite.socket, name);
  }
  remove_rules(prefix);
  // With no network of the engine's left, whoever has an address in our subnets is a bridge of a private engine that was killed.
  std::istringstream lines(proc_run({"ip", "-o", "-4", "addr", "show"}).out);
  std::string number;
  std::string device;
  std::string inet;
  std::string address;
  std::string rest;
  while (lines >> number >> device >> inet >> address && std::getline(lines, rest)) {
    for (int k = 0; k < kSubnetsPerBlock; ++k) {
      std::string ours = suite_subnet(suite, k);
      if (address.rfind(ours.substr(0, ours.rfind('.') + 1), 0) == 0) proc_run({"ip", "link", "delete", device});
    }
  }
}

bool suite_open(Suite* suite, const char* name) {
  suite->name = name;
  suite->socket = kEngineSocket;
  if (engine_call(suite->socket, "GET", "/version").status != 200) {
    fprintf(stderr, "%s: no container engine answers on %s: these tests need one (make deps)\n", name, kEngineSocket);
    return false;
  }
  for (const char* image : {kTinyImage, kTinyImageNoHealth}) {
    if (engine_has_image(suite->socket, image)) continue;
    fprintf(stderr, "%s: the image %s is not there: make tiny-image\n", name, image);
    return false;
  }
  bool found = false;
  for (int block = 0; block < kBlocks && !found; ++block) {
    int lock = block_lock(block);
    if (lock < 0) continue;
    suite->block = block;
    block_clean(*suite);
    found = ports_are_free(block) && subnets_are_free(*suite);
    if (!found) close(lock);
  }
  if (!found) {
    fprintf(stderr, "%s: no free ports between %d and %d, or no free subnets in 10.98.0.0/16\n", name, kFirstPort,
            kFirstPort + kBlocks * kPortsPerBlock - 1);
    return false;
  }
  suite->first_port = kFirstPort + suite->block * kPortsPerBlock;
  suite->network = "vnc-e2e-" + std::to_string(suite->block) + "-" + name;
  suite->subnet = suite_subnet(*suite, 0);
  char folder[] = "/tmp/vnc-e2e-XXXXXX";
  if (mkdtemp(folder) == nullptr) return false;
  suite->folder = folder;
  return true;
}

bool suite_close(const Suite& suite) {
  private_engine_clear_left(suite);
  remove_containers(suite.socket, kInstanceLabel, suite.network);
  remove_containers(suite.socket, kForeignLabel, suite.network);
  block_clean(suite);
  unmount_below(suite.folder);
  std::error_code ignored;
  std::filesystem::remove_all(suite.folder, ignored);
  bool clean = engine_ids(suite.socket, kInstanceLabel, suite.network).empty() &&
               !engine_has_network(suite.socket, suite.network) && !std::filesystem::exists(suite.folder);
  if (!clean) fprintf(stderr, "%s: something was left behind\n", suite.name.c_str());
  return clean;
}

void no_container_ever_served_two_clients(void** state) {
  Suite* suite = static_cast<Suite*>(*state);
  bool clean = true;
  for (const LedgerEntry& entry : ledger_entries(suite->ledger.get())) {
    if (entry.clients.size() < 2) continue;
    clean = false;
    print_error("container %s, born as %s, served", entry.id.substr(0, 12).c_str(), entry.born_as.c_str());
    for (const std::string& client : entry.clients) print_error(" %s", client.c_str());
    print_error("\n");
  }
  if (!clean) fail();
}

void pass_on(int) {
  if (child_pid > 0) kill(child_pid, SIGKILL);
}

int suite_run(Suite* suite, std::vector<CMUnitTest> tests, bool watched) {
  if (watched) {
    suite->ledger = ledger_start(suite->socket, suite->network);
    tests.push_back(
        {"no_container_ever_served_two_clients", no_container_ever_served_two_clients, nullptr, nullptr, nullptr});
  }
  for (CMUnitTest& test : tests) test.initial_state = suite;
  const char* only = getenv("TESTS");  // a pattern such as 'killed_*', while one looks for something
  if (only != nullptr) cmocka_set_test_filter(only);
  int failed = _cmocka_run_group_tests(suite->name.c_str(), tests.data(), tests.size(), nullptr, nullptr);
  suite->ledger = nullptr;
  return std::min(failed, 125);
}

int suite_main_of(const char* name, const std::vector<CMUnitTest>& tests, bool watched) {
  curl_global_init(CURL_GLOBAL_ALL);
  signal(SIGPIPE, SIG_IGN);
  Suite suite;
  if (!suite_open(&suite, name)) return 1;
  signal(SIGINT, pass_on);
  signal(SIGTERM, pass_on);
  pid_t pid = fork();
  if (pid == 0) {
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int status = suite_run(&suite, tests, watched);
    fflush(stdout);
    fflush(stderr);
    _exit(status);
  }
  child_pid = pid;
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
  child_pid = 0;
  bool clean = suite_close(suite);
  if (!WIFEXITED(status)) {
    fprintf(stderr, "%s: ended by signal %d\n", name, WTERMSIG(status));
    return 126;
  }
  return WEXITSTATUS(status) != 0 || clean ? WEXITSTATUS(status) : 1;
}

}  // namespace

int suite_main(const char* name, const std::vector<CMUnitTest>& tests) { return suite_main_of(name, tests, true); }

int suite_main_unwatched(const char* name, const std::vector<CMUnitTest>& tests) { return suite_main_of(name, tests, false); }

std::string suite_subnet(const Suite& suite, int number) {
  return "10.98." + std::to_string(suite.block * kSubnetsPerBlock + number) + ".0/24";
}

std::string suite_client(const Suite& suite, const std::string& name) {
  return "e2e" + std::to_string(suite.block) + "-" + name;
}

std::string suite_cpf(const Suite& suite, int number) {
  return std::to_string(98000000000L + suite.block * 10000000L + number);
}

void scene_run(void** state, const char* test, SceneBody body) {
  Scene* scene = new Scene;
  scene->suite = static_cast<Suite*>(*state);
  *state = scene;
  scene->test = test;
  scene->folder = scene->suite->folder + "/" + test;
  mkdir(scene->folder.c_str(), 0755);
  scene->daemon = scene_add_daemon(scene, "daemon");
  body(scene);
  for (const auto& daemon : scene->daemons) {
    if (daemon->pid > 0) daemon_stop(daemon.get());
    if (daemon->books) daemon_check_books(daemon.get());
  }
  scene->done = true;
}

int scene_teardown(void** state) {
  Scene* scene = static_cast<Scene*>(*state);
  Suite* suite = scene->suite;
  if (!scene->done) {
    for (const auto& daemon : scene->daemons) daemon_print_tail(daemon.get());
  }
  scene->daemons.clear();
  for (auto it = scene->cleanups.rbegin(); it != scene->cleanups.rend(); ++it) (*it)();
  bool clean = true;
  for (const std::string& instance : scene->instances) {
    clean = remove_all_of(suite->socket, instance, !scene->done) && clean;
    if (instance != suite->network) clean = engine_remove_network(suite->socket, instance) && clean;
  }
  remove_containers(suite->socket, kForeignLabel, suite->network);
  unmount_below(scene->folder);
  std::error_code ignored;
  if (!scene->done) {
    std::filesystem::path kept = std::filesystem::path("tests/out/e2e") / (suite->name + "." + scene->test);
    std::filesystem::remove_all(kept, ignored);
    std::filesystem::create_directories(kept, ignored);
    std::filesystem::copy(scene->folder, kept, std::filesystem::copy_options::recursive, ignored);
    print_error("its folder is kept in %s\n", kept.c_str());
  }
  std::filesystem::remove_all(scene->folder, ignored);
  if (!clean) print_error("%s: something was left behind\n", scene->test.c_str());
  delete scene;
  *state = suite;
  return clean ? 0 : 1;
}

void check_at(bool ok, const std::string& what, const At& at) {
  if (ok) return;
  fprintf(stderr, "%s\n", what.c_str());  // not print_error, which cuts at 1,024 characters
  _fail(at.file_name(), static_cast<int>(at.line()));
}

void check_equal(const std::string& have, const std::string& want, const std::string& what, const At& at) {
  check_at(have == want, what + ": \"" + have + "\" instead of \"" + want + "\"", at);
}

void check_number(long have, long want, const std::string& what, const At& at) {
  check_at(have == want, what + ": " + std::to_string(have) + " instead of " + std::to_string(want), at);
}

void unmount_below(const std::string& folder) {
  std::ifstream mounts("/proc/self/mounts");
  std::string device;
  std::string point;
  std::string rest;
  std::vector<std::string> points;
  while (mounts >> device >> point && std::getline(mounts, rest)) {
    if (point.rfind(folder + "/", 0) == 0) points.push_back(point);
  }
  for (auto it = points.rbegin(); it != points.rend(); ++it) umount2(it->c_str(), MNT_DETACH);
}

bool wait_until(double seconds, const std::function<bool()>& holds) {
  double end = now_seconds() + seconds;
  while (!holds()) {
    if (now_seconds() > end) return false;
    usleep(30000);
  }
  return true;
}

double now_seconds() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

std::string file_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

void file_write(const std::string& path, const std::string& text) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out << text;
}
