// Starts, stops, kills, freezes and clears away a test's own dockerd.
#include "support/private_engine.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <sstream>

#include "support/engine_client.h"
#include "support/proc.h"

namespace {

bool answers(const PrivateEngine* engine) {
  return access(engine->socket.c_str(), F_OK) == 0 && engine_call(engine->socket, "GET", "/version").status == 200;
}

void spawn(PrivateEngine* engine) {
  std::string name = "vnc-e2e-" + std::to_string(engine->suite->block);
  Texts words = {"dockerd",
                 "--host=unix://" + engine->socket,
                 "--data-root=" + engine->folder + "/data",
                 "--exec-root=" + engine->folder + "/exec",
                 "--pidfile=" + engine->folder + "/pid",
                 "--containerd-namespace=" + name,
                 "--containerd-plugins-namespace=" + name + "-plugins",
                 "--bridge=" + engine->bridge,
                 "--iptables=false",
                 "--ip-forward=false",
                 "--ip-masq=false"};
  words.insert(words.end(), engine->extra.begin(), engine->extra.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  std::string log = engine->folder + "/log";
  pid_t pid = fork();
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    setpgid(0, 0);  // an interrupt at the keyboard is for the test, which then stops it in order
    int in = open("/dev/null", O_RDONLY);
    int out = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
    dup2(in, 0);
    dup2(out, 1);
    dup2(out, 2);
    closefrom(3);
    setenv("TMPDIR", "/tmp", 1);
    execvp("dockerd", argv.data());
    _exit(127);
  }
  engine->pid = pid;
}

bool wait_end(PrivateEngine* engine, double seconds) {
  if (engine->pid <= 0) return true;
  if (!wait_until(seconds, [&] { return waitpid(engine->pid, nullptr, WNOHANG) == engine->pid; })) return false;
  engine->pid = -1;
  return true;
}

bool try_start(PrivateEngine* engine) {
  spawn(engine);
  bool ended = false;
  bool up = wait_until(40, [&] {
    ended = waitpid(engine->pid, nullptr, WNOHANG) == engine->pid;
    return ended || answers(engine);
  });
  if (ended) engine->pid = -1;
  return up && !ended;
}

// dockerd gives its containerd 15 s to come up and ends when that was not enough: on a busy machine the next try finds it warm.
bool start(PrivateEngine* engine) {
  for (int tries = 0; tries < 3; tries++)
    if (try_start(engine)) return true;
  return false;
}

// The bridges stay when dockerd ends: only the removal of a network takes its bridge away.
void empty(PrivateEngine* engine) {
  JsonPtr containers = json_from(engine_call(engine->socket, "GET", "/containers/json?all=1").body);
  size_t i = 0;
  json_t* item = nullptr;
  json_array_foreach(containers.get(), i, item) engine_remove(engine->socket, json_text(item, "Id"));
  engine_call(engine->socket, "POST", "/networks/prune");
}

// Ends the process whose pid stands in that file, if it still is one of this folder's.
void end_process(const PrivateEngine* engine, const std::string& pid_file, double patience) {
  pid_t pid = atoi(file_text(engine->folder + pid_file).c_str());
  if (pid <= 1) return;
  std::string proc = "/proc/" + std::to_string(pid) + "/cmdline";
  auto ours = [&] { return file_text(proc).find(engine->folder) != std::string::npos; };
  if (!ours()) return;
  kill(pid, SIGTERM);
  kill(pid, SIGCONT);
  if (!wait_until(patience, [&] { return !ours(); })) kill(pid, SIGKILL);
  wait_until(2, [&] { return !ours(); });
}

// A shim whose containerd was killed at a bad moment stays for ever, and the container below it: both are known by the folder in the
// shim's arguments.
void end_shims(const PrivateEngine* engine) {
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", none)) {
    std::string proc = entry.path();
    pid_t pid = atoi(entry.path().filename().c_str());
    if (pid <= 1 || file_text(proc + "/cmdline").find(engine->folder + "/exec/") == std::string::npos) continue;
    std::istringstream children(file_text(proc + "/task/" + std::to_string(pid) + "/children"));
    for (pid_t child = 0; children >> child;) kill(child, SIGKILL);
    kill(pid, SIGKILL);
  }
}

// Only dockerd itself ends what runs in its containers, and removes its networks' bridges: it is started again for that.
void clear_away(PrivateEngine* engine) {
  private_engine_thaw(engine);
  if (engine->pid > 0 || start(engine)) empty(engine);
  if (engine->pid > 0) {
    kill(engine->pid, SIGTERM);
    if (!wait_end(engine, 25)) private_engine_kill9(engine);
  }
  end_process(engine, "/exec/containerd/containerd.pid", 5);  // it outlives a killed dockerd
  end_shims(engine);
  unmount_below(engine->folder);
  std::error_code ignored;
  if (!engine->kept_log.empty()) std::filesystem::copy_file(engine->folder + "/log", engine->kept_log, ignored);
  std::filesystem::remove_all(engine->folder, ignored);
  proc_run({"ip", "link", "delete", engine->bridge});
  delete engine;
}

PrivateEngine* describe(const Suite* suite) {
  PrivateEngine* engine = new PrivateEngine;
  engine->suite = suite;
  engine->folder = suite->folder + "/e";  // short: paths of sockets are
  engine->socket = engine->folder + "/s";
  engine->bridge = "vnc-e2e-b" + std::to_string(suite->block);
  return engine;
}

void load_image(PrivateEngine* engine, const char* image, const At& at) {
  if (engine_has_image(engine->socket, image)) return;
  HttpReply saved = engine_call(engine->suite->socket, "GET", "/images/" + std::string(image) + "/get");
  check_number(saved.status, 200, "docker save", at);
  HttpCall load;
  load.method = "POST";
  load.url = "http://engine/v1.41/images/load?quiet=1";
  load.unix_socket = engine->socket;
  load.body = saved.body;
  load.body_type = "application/x-tar";
  check_number(http_call(load).status, 200, "docker load", at);
}

}  // namespace

PrivateEngine* private_engine_make(Scene* scene) {
  PrivateEngine* engine = describe(scene->suite);
  engine->kept_log = scene->folder + "/engine.log";
  mkdir(engine->folder.c_str(), 0711);
  std::string subnet = suite_subnet(*scene->suite, 7);
  scene->cleanups.push_back([engine] { clear_away(engine); });
  proc_output({"ip", "link", "add", engine->bridge, "type", "bridge"});
  proc_output({"ip", "addr", "add", subnet.substr(0, subnet.rfind('.')) + ".1/24", "dev", engine->bridge});
  return engine;
}

void private_engine_clear_left(const Suite& suite) {
  if (!std::filesystem::exists(suite.folder + "/e")) return;
  PrivateEngine* engine = describe(&suite);
  // Their pid files go too: to dockerd a process that ended and that nobody has waited for still lives.
  for (const std::string& file : Texts{"/pid", "/exec/containerd/containerd.pid"}) {
    end_process(engine, file, 25);
    unlink((engine->folder + file).c_str());
  }
  clear_away(engine);
}

void private_engine_start(PrivateEngine* engine, const At& at) {
  check_at(start(engine), "the private engine does not come up: " + engine->folder + "/log", at);
  for (const char* image : {kTinyImage, kTinyImageNoHealth}) load_image(engine, image, at);
}

void private_engine_stop(PrivateEngine* engine, const At& at) {
  kill(engine->pid, SIGTERM);
  check_at(wait_end(engine, 40), "the private engine does not stop", at);
}

void private_engine_kill9(PrivateEngine* engine) {
  kill(engine->pid, SIGKILL);
  wait_end(engine, 10);
}

void private_engine_freeze(PrivateEngine* engine) { kill(engine->pid, SIGSTOP); }

void private_engine_thaw(PrivateEngine* engine) {
  if (engine->pid > 0) kill(engine->pid, SIGCONT);
}

void daemon_use_engine(Daemon* daemon, const PrivateEngine* engine) {
  daemon->socket = engine->socket;
  daemon_set(daemon, "DOCKER_HOST", "unix://" + engine->socket);
}
