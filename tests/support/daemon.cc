// Starts, asks, reads, stops and kills daemons for end-to-end tests.
#include "support/daemon.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <set>
#include <sstream>

#include "support/harmless.h"

namespace {

std::string program() {
  const char* path = getenv("VNC_DAEMON");
  std::string relative = path == nullptr || *path == 0 ? "./vnc-orchestrator" : path;
  return std::filesystem::absolute(relative).lexically_normal();
}

std::string quoted(const std::string& value) {
  std::string out = "'";
  for (char c : value) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out + "'";
}

void write_env(const Daemon* daemon) {
  std::string text = "# written by the tests\n";
  for (const auto& [name, value] : daemon->settings) text += name + "=" + quoted(value) + "\n";
  file_write(daemon->folder + "/.env", text);
}

std::vector<std::string> child_environment(const Daemon* daemon) {
  std::map<std::string, std::string> all = daemon->environment;
  for (const char* name : {"PATH", "HOME", "ASAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"}) {
    const char* value = getenv(name);
    if (value != nullptr) all.emplace(name, value);
  }
  std::vector<std::string> out;
  for (const auto& [name, value] : all) out.push_back(name + "=" + value);
  return out;
}

std::vector<char*> pointers(std::vector<std::string>* texts) {
  std::vector<char*> out;
  for (std::string& text : *texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

// stdout and stderr go to files in its folder, appended; the process dies with the test program.
void spawn(Daemon* daemon, const std::vector<std::string>& arguments) {
  std::vector<std::string> words = daemon->launcher;
  words.push_back(program());
  std::string path = words.front();
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<std::string> environment = child_environment(daemon);
  std::vector<char*> argv = pointers(&words);
  std::vector<char*> envp = pointers(&environment);
  std::string out = daemon->folder + "/stdout";
  std::string err = daemon->folder + "/stderr";
  pid_t pid = fork();
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGPIPE, SIG_DFL);
    int in = open("/dev/null", O_RDONLY);
    int out_fd = open(out.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
    int err_fd = open(err.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
    if (in < 0 || out_fd < 0 || err_fd < 0 || chdir(daemon->folder.c_str()) != 0) _exit(127);
    dup2(in, 0);
    dup2(out_fd, 1);
    dup2(err_fd, 2);
    closefrom(3);
    execve(path.c_str(), argv.data(), envp.data());
    dprintf(2, "cannot start %s: %s\n", path.c_str(), strerror(errno));
    _exit(127);
  }
  daemon->pid = pid;
}

std::string setting(const Daemon* daemon, const char* name, const char* otherwise) {
  auto found = daemon->settings.find(name);
  return found == daemon->settings.end() ? otherwise : found->second;
}

std::string log_folder(const Daemon* daemon) { return daemon->folder + "/" + setting(daemon, "LOG_DIR", "logs"); }

std::string whole_log(const Daemon* daemon) {
  std::set<std::string> paths;
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator(log_folder(daemon), none)) {
    if (entry.path().filename().string().rfind("app.log.", 0) == 0) paths.insert(entry.path());
  }
  std::string text;
  for (const std::string& path : paths) text += file_text(path);
  return text;
}

Entry entry_from(const json_t* record) {
  Entry entry;
  entry.client = json_text(record, "client_id");
  entry.id = json_text(record, "container_id");
  entry.name = json_text(record, "container_name");
  entry.port = static_cast<int>(json_integer_value(json_object_get(record, "port")));
  entry.width = json_text(record, "width");
  entry.height = json_text(record, "height");
  entry.created = json_text(record, "created_at");
  entry.accessed = json_text(record, "last_accessed_at");
  if (json_is_string(json_object_get(record, "last_seen_at"))) entry.seen = json_text(record, "last_seen_at");
  if (json_is_integer(json_object_get(record, "viewers"))) entry.viewers = static_cast<int>(json_integer_value(json_object_get(record, "viewers")));
  return entry;
}

std::vector<Entry> entries_from(const json_t* list) {
  std::vector<Entry> out;
  size_t i = 0;
  json_t* record = nullptr;
  json_array_foreach(const_cast<json_t*>(list), i, record) out.push_back(entry_from(record));
  return out;
}

bool healthy(const Daemon* daemon, const std::string& id) {
  SeenContainer seen;
  return engine_inspect(daemon->socket, id, &seen) && seen.state == "running" &&
         (seen.health == "healthy" || seen.health.empty());
}

Outcome run_to_end(Daemon* daemon, const std::vector<std::string>& arguments, double seconds) {
  daemon->log_start = whole_log(daemon).size();
  size_t out_start = file_text(daemon->folder + "/stdout").size();
  size_t err_start = file_text(daemon->folder + "/stderr").size();
  spawn(daemon, arguments);
  Outcome outcome;
  outcome.status = daemon_wait_exit(daemon, seconds);
  daemon_kill9(daemon);
  outcome.out = file_text(daemon->folder + "/stdout").substr(out_start);
  outcome.err = file_text(daemon->folder + "/stderr").substr(err_start);
  return outcome;
}

// A line with all of these words and one of those levels.
bool has_line(const std::string& text, const Texts& words, const Texts& levels) {
  std::istringstream lines(text);
  std::string line;
  auto in_line = [&](const std::string& word) { return line.find(word) != std::string::npos; };
  while (std::getline(lines, line)) {
    if (std::all_of(words.begin(), words.end(), in_line) && std::any_of(levels.begin(), levels.end(), in_line))
      return true;
  }
  return false;
}

}  // namespace

void DaemonDeleter::operator()(Daemon* daemon) const {
  daemon_kill9(daemon);
  delete daemon;
}

Daemon* scene_add_daemon(Scene* scene, const std::string& name) {
  Suite* suite = scene->suite;
  std::unique_ptr<Daemon, DaemonDeleter> daemon(new Daemon);
  daemon->scene = scene;
  daemon->folder = scene->folder + "/" + name;
  daemon->socket = suite->socket;
  mkdir(daemon->folder.c_str(), 0755);
  daemon->settings = {
      {"ORCHESTRATOR_HOST", "127.0.0.1"},
      {"ORCHESTRATOR_PORT", std::to_string(suite->first_port)},
      {"DOCKER_NETWORK_NAME", suite->network},
      {"DOCKER_NETWORK_SUBNET", suite->subnet},
      {"VNC_IMAGE", kTinyImage},
      {"VNC_APPNAME", "tiny page"},
      {"VNC_BIND", "127.0.0.1"},
      {"VNC_HOST", "127.0.0.1"},
      {"VNC_SCHEME", "http"},
      {"WARM_POOL_SIZE", "0"},
      {"FIREWALL", "off"},  // the machine's own rules are touched by those tests alone that are about them
      {"LOG_LEVEL", "DEBUG"},
      {"DOCKER_HOST", "unix://" + suite->socket},
  };
  daemon_set_ports(daemon.get(), 10, 4);
  scene->daemons.push_back(std::move(daemon));
  return scene->daemons.back().get();
}

void daemon_set(Daemon* daemon, const std::string& name, const std::string& value) {
  if (value.empty()) {
    daemon->settings.erase(name);
  } else {
    daemon->settings[name] = value;
  }
}

void daemon_set_ports(Daemon* daemon, int first, int count) {
  int port = daemon->scene->suite->first_port + first;
  daemon_set(daemon, "PORT_RANGE_MIN", std::to_string(port));
  daemon_set(daemon, "PORT_RANGE_MAX", std::to_string(port + count - 1));
}

int daemon_port(const Daemon* daemon) { return atoi(setting(daemon, "ORCHESTRATOR_PORT", "8080").c_str()); }
int daemon_first_slot(const Daemon* daemon) { return atoi(setting(daemon, "PORT_RANGE_MIN", "5000").c_str()); }
std::string daemon_state_path(const Daemon* daemon) {
  return (std::filesystem::path(daemon->folder) / setting(daemon, "STATE_FILE", "state.json")).string();
}

void daemon_spawn(Daemon* daemon) {
  std::vector<std::string>& instances = daemon->scene->instances;
  std::string instance = setting(daemon, "DOCKER_NETWORK_NAME", "vnc_network");
  if (std::find(instances.begin(), instances.end(), instance) == instances.end()) instances.push_back(instance);
  if (Ledger* ledger = daemon->scene->suite->ledger.get()) ledger_watch_file(ledger, daemon_state_path(daemon));
  write_env(daemon);
  daemon->log_start = whole_log(daemon).size();
  spawn(daemon, {});
}

void daemon_start(Daemon* daemon, const At& at) {
  daemon_spawn(daemon);
  bool ended = false;
  bool answers = wait_until(20, [&] {
    ended = waitpid(daemon->pid, nullptr, WNOHANG) == daemon->pid;
    return ended || http_call(daemon_call(daemon, "/health")).status == 200;
  });
  if (ended) daemon->pid = -1;
  check_at(answers && !ended, "the daemon does not come up: " + file_text(daemon->folder + "/stderr"), at);
}

void daemon_wait_reconciled(Daemon* daemon, const At& at) {
  check_at(wait_until(30, [&] { return daemon_log_count(daemon, "[RECONCILE] Done") > 0; }),
           "no [RECONCILE] Done in the log", at);
}

void daemon_wait_pool(Daemon* daemon, int count, const At& at) {
  bool ready = wait_until(60, [&] {
    int found = 0;
    for (const Entry& entry : daemon_status(daemon, at).records) {
      if (entry.client == "__pool__" && healthy(daemon, entry.id)) ++found;
    }
    return found == count;
  });
  check_at(ready, "the pool did not come to " + std::to_string(count), at);
}

void daemon_reload(Daemon* daemon, const At& at) {
  const auto reloads = [daemon] { return daemon_log_count(daemon, "[RELOAD] Settings read again") + daemon_log_count(daemon, "[RELOAD] Nothing is changed"); };
  const size_t before = reloads();
  write_env(daemon);
  kill(daemon->pid, SIGHUP);
  check_at(wait_until(10, [&] { return reloads() > before; }), "the log says nothing of a reload", at);
}

void daemon_stop(Daemon* daemon, const At& at) {
  check_at(daemon->pid > 0, "there is no daemon to stop", at);
  kill(daemon->pid, SIGTERM);
  int status = daemon_wait_exit(daemon, 10);
  check_at(status == 0, "after SIGTERM: status " + std::to_string(status) + " (-1: did not end within 10 s)", at);
}

void daemon_kill9(Daemon* daemon) {
  if (daemon->pid <= 0) return;
  kill(daemon->pid, SIGKILL);
  waitpid(daemon->pid, nullptr, 0);
  daemon->pid = -1;
}

int daemon_wait_exit(Daemon* daemon, double seconds) {
  int status = 0;
  if (!wait_until(seconds, [&] { return waitpid(daemon->pid, &status, WNOHANG) == daemon->pid; })) return -1;
  daemon->pid = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

Outcome daemon_run(Daemon* daemon, const std::vector<std::string>& arguments, double seconds) {
  write_env(daemon);
  return run_to_end(daemon, arguments, seconds);
}

Outcome daemon_run_with_env(Daemon* daemon, const std::string& text, const std::vector<std::string>& arguments) {
  file_write(daemon->folder + "/.env", text);
  return run_to_end(daemon, arguments, 20);
}

HttpCall daemon_call(const Daemon* daemon, const std::string& path, const std::string& method) {
  HttpCall call;
  call.method = method;
  call.url = "http://127.0.0.1:" + std::to_string(daemon_port(daemon)) + path;
  return call;
}

HttpReply daemon_get(const Daemon* daemon, const std::string& path) { return http_call(daemon_call(daemon, path)); }

std::string access_path(const std::string& client, const std::string& query) {
  return "/access?id=" + url_encode(client) + query;
}

Entry daemon_access(Daemon* daemon, const std::string& client, const std::string& query, const At& at) {
  return daemon_check_302(daemon, daemon_get(daemon, access_path(client, query)), client, at);
}

Entry daemon_check_302(Daemon* daemon, const HttpReply& reply, const std::string& client, const At& at) {
  // What stood on disk when the answer came, before anything else is asked.
  std::vector<Entry> state = daemon_state(daemon);
  check_at(reply.status == 302,
           "access of " + client + ": " + std::to_string(reply.status) + " " + reply.error + reply.body, at);
  const Entry* entry = entry_find(state, client);
  check_at(entry != nullptr, "302 for " + client + " without a record on disk", at);
  check_equal(http_reply_header(reply, "location"),
              setting(daemon, "VNC_SCHEME", "https") + "://" + setting(daemon, "VNC_HOST", "localhost") + ":" +
                  std::to_string(entry->port),
              "Location for " + client, at);
  check_at(healthy(daemon, entry->id), "302 for " + client + " to a container that is not ready: " + entry->id, at);
  if (Ledger* ledger = daemon->scene->suite->ledger.get()) ledger_note(ledger, entry->id, client);
  return *entry;
}

std::string check_error(const HttpReply& reply, long status, const At& at) {
  check_at(reply.status == status,
           "status " + std::to_string(reply.status) + " instead of " + std::to_string(status) + ": " + reply.error +
               reply.body,
           at);
  JsonPtr body = json_from(reply.body);
  std::string text = json_text(body.get(), "error");
  check_at(!text.empty(), "an error without words: " + reply.body, at);
  return text;
}

Status daemon_status(Daemon* daemon, const At& at) {
  HttpReply reply = daemon_get(daemon, "/status");
  JsonPtr body = json_from(reply.body);
  check_at(reply.status == 200 && body != nullptr,
           "/status: " + std::to_string(reply.status) + " " + reply.error + reply.body, at);
  Status status;
  status.active = static_cast<int>(json_integer_value(json_object_get(body.get(), "active_containers")));
  status.pool = static_cast<int>(json_integer_value(json_object_get(body.get(), "pool_containers")));
  status.max_slots = static_cast<int>(json_integer_value(json_object_get(body.get(), "max_slots")));
  status.records = entries_from(json_object_get(body.get(), "records"));
  return status;
}

std::vector<Entry> daemon_state(const Daemon* daemon) { return entries_from(daemon_state_json(daemon).get()); }
JsonPtr daemon_state_json(const Daemon* daemon) { return json_from(file_text(daemon_state_path(daemon))); }

const Entry* entry_find(const std::vector<Entry>& entries, const std::string& client) {
  for (const Entry& entry : entries) {
    if (entry.client == client) return &entry;
  }
  return nullptr;
}

Entry entry_of(const std::vector<Entry>& entries, const std::string& client, const At& at) {
  const Entry* entry = entry_find(entries, client);
  check_at(entry != nullptr, "no record of " + client, at);
  return *entry;
}

std::vector<SeenContainer> daemon_containers(const Daemon* daemon) {
  return engine_containers(daemon->socket, kInstanceLabel, setting(daemon, "DOCKER_NETWORK_NAME", "vnc_network"));
}

std::string daemon_log(const Daemon* daemon) {
  std::string text = whole_log(daemon);
  return text.size() > daemon->log_start ? text.substr(daemon->log_start) : "";
}

std::string daemon_log_lines(const Daemon* daemon, const std::string& text) {
  std::istringstream lines(daemon_log(daemon));
  std::string found;
  std::string line;
  while (std::getline(lines, line)) {
    if (line.find(text) != std::string::npos) found += line + "\n";
  }
  return found;
}

size_t daemon_log_count(const Daemon* daemon, const std::string& text) {
  std::string found = daemon_log_lines(daemon, text);
  return static_cast<size_t>(std::count(found.begin(), found.end(), '\n'));
}

bool daemon_logs(const Daemon* daemon, const Texts& words) {
  return wait_until(5, [&] { return has_line(daemon_log(daemon), words, {""}); });
}

bool daemon_logs_loudly(const Daemon* daemon, const Texts& words) {
  return wait_until(5, [&] { return has_line(daemon_log(daemon), words, {" WARNING ", " ERROR "}); });
}

void daemon_check_log_lines(const Daemon* daemon, const At& at) {
  static const Texts kLevels = {"DEBUG ", "INFO ", "WARNING ", "ERROR "};
  static const std::string kShape = "dddd-dd-dd dd:dd:dd,ddd ";
  std::istringstream lines(daemon_log(daemon));
  std::string line;
  while (std::getline(lines, line)) {
    std::string shape = line.substr(0, kShape.size());
    for (char& c : shape) c = c >= '0' && c <= '9' ? 'd' : c;
    const auto follows = [&](const std::string& level) { return line.compare(kShape.size(), level.size(), level) == 0; };
    check_at(shape == kShape && std::any_of(kLevels.begin(), kLevels.end(), follows), "a line that is not ours: " + line, at);
    check_at(is_harmless(line), "a line that is more than text: " + line, at);
  }
}

std::string daemon_log_path(const Daemon* daemon) {
  time_t now = time(nullptr);
  tm local;
  localtime_r(&now, &local);
  char name[32];
  strftime(name, sizeof name, "app.log.%Y-%m-%d", &local);
  return log_folder(daemon) + "/" + name;
}

bool daemon_books_agree(Daemon* daemon, const At& at) {
  std::set<std::string> have;
  std::set<std::string> want;
  std::set<std::string> written;
  for (const SeenContainer& seen : daemon_containers(daemon))
    have.insert(seen.id + (seen.state == "running" ? "" : " " + seen.state));
  for (const Entry& entry : daemon_status(daemon, at).records) want.insert(entry.id);
  for (const Entry& entry : daemon_state(daemon)) written.insert(entry.id);
  return have == want && have == written;
}

void daemon_check_books(Daemon* daemon, const At& at) {
  std::set<std::string> clients;
  std::set<int> ports;
  std::vector<Entry> state = daemon_state(daemon);
  std::vector<SeenContainer> containers = daemon_containers(daemon);
  for (const Entry& entry : state) {
    check_at(entry.client == "__pool__" || clients.insert(entry.client).second, "two records for " + entry.client, at);
    check_at(ports.insert(entry.port).second, "two records for port " + std::to_string(entry.port), at);
  }
  for (const SeenContainer& seen : containers) {
    check_at(seen.state == "running", "left behind: " + seen.name + " is " + seen.state, at);
    auto entry = std::find_if(state.begin(), state.end(), [&](const Entry& have) { return have.id == seen.id; });
    check_at(entry != state.end(), "no record of the container " + seen.name + " " + seen.id.substr(0, 12), at);
    check_equal(entry->name, seen.name, "container_name", at);
    check_number(entry->port, seen.host_port, "port of " + seen.name, at);
    state.erase(entry);
  }
  for (const Entry& entry : state) {
    SeenContainer adopted;  // without our label: of the first version
    check_at(engine_inspect(daemon->socket, entry.id, &adopted), "no container for the record of " + entry.client, at);
  }
}

void daemon_print_tail(const Daemon* daemon) {
  for (const auto& [what, text] :
       {std::pair("log", daemon_log(daemon)), std::pair("stderr", file_text(daemon->folder + "/stderr"))}) {
    size_t start = text.size();
    for (int lines = 0; start > 0 && start != std::string::npos && lines < 40; ++lines)
      start = text.rfind('\n', start - 1);
    if (!text.empty())
      // Not print_error, which cuts at 1,024 characters.
      fprintf(stderr, "---- the end of its %s:%s\n", what, text.c_str() + (start == std::string::npos ? 0 : start));
  }
}
