// Who watches a session keeps it: connections to its port from outside, seen by the daemon with no help from the image.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <set>

#include "support/daemon.h"
#include "support/proc.h"

namespace {

// As the kernel has it: connections to port 6080 of the container, whoever watches them.
bool is_connected(Scene* scene, const std::string& id) {
  JsonPtr json = json_from(engine_call(scene->suite->socket, "GET", "/containers/" + id + "/json").body);
  json_int_t pid = json_integer_value(json_object_get(json_object_get(json.get(), "State"), "Pid"));
  if (pid <= 0) return true;  // seen already, and ended for it
  std::string tables;
  for (const char* table : {"/net/tcp", "/net/tcp6"}) tables += file_text("/proc/" + std::to_string(pid) + table);
  for (size_t at = tables.find(":17C0 "); at != std::string::npos; at = tables.find(":17C0 ", at + 1)) {
    size_t state = tables.find(' ', at + 6);
    if (tables.compare(state, 4, " 01 ") == 0) return true;
  }
  return false;
}

// Somebody at a session's port, for as long as the test lasts or until viewer_leave.
int viewer_come(Scene* scene, const Entry& entry) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  scene->cleanups.emplace_back([fd] { close(fd); });
  sockaddr_in to = {};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<uint16_t>(entry.port));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  check_at(connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0, "cannot connect to port " + std::to_string(entry.port));
  // docker-proxy takes a connection before it has one to the container.
  check_at(wait_until(10, [&] { return is_connected(scene, entry.id); }), "the connection does not come to the container");
  return fd;
}

void viewer_leave(int fd) { shutdown(fd, SHUT_RDWR); }

int viewers_of(Daemon* d, const std::string& client) { return entry_of(daemon_status(d).records, client).viewers; }

void wait_viewers(Daemon* d, const std::string& client, int count, const At& at = At::current()) {
  check_at(wait_until(10, [&] { return viewers_of(d, client) == count; }),
           "viewers of " + client + ": " + std::to_string(viewers_of(d, client)) + ", not " + std::to_string(count), at);
}

Daemon* with_ports(Scene* scene, int ports, const std::string& check_seconds) {
  Daemon* d = scene->daemon;
  daemon_set_ports(d, 10, ports);
  daemon_set(d, "VIEWER_CHECK_SECONDS", check_seconds);
  return d;
}

void who_is_watched_keeps_the_session(Scene* scene) {
  Daemon* d = with_ports(scene, 2, "1");
  daemon_start(d);
  std::string ana = suite_client(*scene->suite, "ana"), bruno = suite_client(*scene->suite, "bruno");
  std::string carla = suite_client(*scene->suite, "carla"), dora = suite_client(*scene->suite, "dora");
  Entry first = daemon_access(d, ana);
  int watching = viewer_come(scene, first);
  Entry second = daemon_access(d, bruno);
  wait_viewers(d, ana, 1);
  wait_viewers(d, bruno, 0);
  check_at(!entry_of(daemon_status(d).records, ana).seen.empty(), "no last_seen_at of who is watched");
  check_equal(entry_of(daemon_status(d).records, bruno).seen, "", "last_seen_at of who was never watched");

  // Ana's access is the older one, but she works on.
  Entry third = daemon_access(d, carla);
  check_number(third.port, second.port, "port");
  check_equal(daemon_access(d, ana).id, first.id, "container of ana");
  check_at(daemon_logs(d, {"[RECYCLE]", bruno, "nobody was ever seen watching it", carla}), "the log does not say who was taken for whom");

  viewer_come(scene, third);
  HttpReply full = daemon_get(d, access_path(dora));
  check_at(check_error(full, 503).find("2 of them watched") != std::string::npos, "the reason: " + full.body);
  check_at(atoi(http_reply_header(full, "retry-after").c_str()) > 0, "no Retry-After");

  viewer_leave(watching);
  wait_viewers(d, ana, 0);
  check_number(daemon_access(d, dora).port, first.port, "port, once she has left");
  check_at(wait_until(5, [&] { return entry_find(daemon_state(d), carla)->viewers == 1; }), "STATE_FILE does not say that carla is watched");
}

void a_rule_says_whose_session_may_go(Scene* scene) {
  Daemon* d = with_ports(scene, 1, "1");
  std::string ana = suite_client(*scene->suite, "rule-ana"), bruno = suite_client(*scene->suite, "rule-bruno");
  daemon_set(d, "RECYCLE", "never");
  daemon_start(d);
  Entry first = daemon_access(d, ana);
  wait_viewers(d, ana, 0);
  check_error(daemon_get(d, access_path(bruno)), 503);
  daemon_stop(d);
  daemon_set(d, "RECYCLE", "oldest");
  daemon_start(d);
  viewer_come(scene, first);
  wait_viewers(d, ana, 1);
  check_at(daemon_access(d, bruno).id != first.id, "ana's container");
}

void a_restart_does_not_forget_who_watches(Scene* scene) {
  Daemon* d = with_ports(scene, 1, "3600");
  daemon_start(d);
  std::string ana = suite_client(*scene->suite, "stays-ana"), bruno = suite_client(*scene->suite, "stays-bruno");
  Entry first = daemon_access(d, ana);
  viewer_come(scene, first);
  daemon_kill9(d);
  daemon_start(d);
  daemon_wait_reconciled(d);
  check_error(daemon_get(d, access_path(bruno)), 503);
  wait_viewers(d, ana, 1);
  check_equal(daemon_access(d, ana).id, first.id, "container of ana");
}

void a_pool_container_that_somebody_tried_is_given_to_nobody(Scene* scene) {
  Daemon* d = with_ports(scene, 3, "3600");
  daemon_set(d, "WARM_POOL_SIZE", "1");
  daemon_start(d);
  daemon_wait_pool(d, 1);
  Entry tried = entry_of(daemon_status(d).records, "__pool__");
  viewer_come(scene, tried);
  check_at(daemon_access(d, suite_client(*scene->suite, "tried")).id != tried.id, "somebody watches the session that was given out");
  check_at(daemon_logs_loudly(d, {"[ACCESS]", "is not given to"}), "the log does not say so");
  daemon_stop(d);

  // With nobody asking it is found by the rounds.
  daemon_set(d, "VIEWER_CHECK_SECONDS", "1");
  daemon_start(d);
  daemon_wait_pool(d, 1);
  Entry again = entry_of(daemon_status(d).records, "__pool__");
  viewer_come(scene, again);
  bool replaced = wait_until(20, [&] {
    const std::vector<Entry> records = daemon_status(d).records;
    const Entry* pool = entry_find(records, "__pool__");
    return pool != nullptr && pool->id != again.id;
  });
  check_at(replaced, "a pool container that is watched stays");
}

void who_works_on_is_not_idle(Scene* scene) {
  Daemon* d = with_ports(scene, 2, "1");
  daemon_set(d, "IDLE_TIMEOUT_HOURS", "0.0009");  // 3.2 s
  daemon_set(d, "CLEANUP_INTERVAL_MINUTES", "0.01");
  daemon_start(d);
  std::string ana = suite_client(*scene->suite, "works"), bruno = suite_client(*scene->suite, "left");
  Entry first = daemon_access(d, ana);
  int watching = viewer_come(scene, first);
  daemon_access(d, bruno);
  auto gone = [&](const std::string& client) { return entry_find(daemon_status(d).records, client) == nullptr; };
  check_at(wait_until(20, [&] { return gone(bruno); }), "the idle session stays");
  check_at(!wait_until(5, [&] { return gone(ana); }), "who works on was cleaned up");
  viewer_leave(watching);
  check_at(wait_until(20, [&] { return gone(ana); }), "it stays although nobody watches it any more");
}

void without_looks_nobody_is_said_to_watch(Scene* scene) {
  Daemon* d = with_ports(scene, 1, "0");
  daemon_start(d);
  std::string ana = suite_client(*scene->suite, "unseen-ana");
  viewer_come(scene, daemon_access(d, ana));
  check_number(viewers_of(d, ana), -1, "viewers");
  daemon_access(d, suite_client(*scene->suite, "unseen-bruno"));  // as the document has it
  check_at(entry_find(daemon_status(d).records, ana) == nullptr, "the oldest access stays");
}

void a_session_of_old_age_ends_when_nobody_watches(Scene* scene) {
  Daemon* d = with_ports(scene, 2, "1");
  daemon_set(d, "MAX_SESSION_HOURS", "0.001");  // 3.6 s
  daemon_start(d);
  const std::string ana = suite_client(*scene->suite, "old-ana"), bruno = suite_client(*scene->suite, "old-bruno");
  viewer_come(scene, daemon_access(d, ana));
  daemon_access(d, bruno);
  auto gone = [&](const std::string& client) { return entry_find(daemon_status(d).records, client) == nullptr; };
  // A minute is left to her whose browser is on its way.
  check_at(!wait_until(10, [&] { return gone(bruno); }), "she was on her way");
  check_at(wait_until(75, [&] { return gone(bruno); }), "a session of old age stays");
  check_at(!wait_until(3, [&] { return gone(ana); }), "who works on was thrown out");
}

// The daemon's program in a container beside the sessions'. What it is linked against is this machine's.
void put_into_container(Scene* scene, Daemon* d, const std::vector<std::string>& options) {
  const std::string name = suite_client(*scene->suite, "itself");
  const std::filesystem::path program = std::filesystem::absolute(getenv("VNC_DAEMON"));
  scene->cleanups.emplace_back([name] { proc_run({"docker", "rm", "-f", name}); });
  d->launcher = {"/usr/bin/docker", "run", "--rm", "--name", name, "--network", "host", "-w", d->folder};
  std::set<std::string> paths = {"/usr", "/lib", "/lib64", program.parent_path(), scene->suite->folder, d->socket};
  for (const std::string& path : paths) d->launcher.insert(d->launcher.end(), {"-v", path + ":" + path});
  d->launcher.insert(d->launcher.end(), options.begin(), options.end());
  d->launcher.emplace_back(kTinyImage);
}

void in_a_container_it_sees_with_the_machines_processes_and_else_says_so(Scene* scene) {
  Daemon* d = with_ports(scene, 1, "1");
  const std::string ana = suite_client(*scene->suite, "in-ana"), bruno = suite_client(*scene->suite, "in-bruno");
  put_into_container(scene, d, {"--pid", "host"});
  daemon_start(d);
  daemon_wait_reconciled(d);
  const Entry kept = daemon_access(d, ana);
  viewer_come(scene, kept);
  wait_viewers(d, ana, 1);
  check_error(daemon_get(d, access_path(bruno)), 503);
  daemon_stop(d);
  check_number(daemon_log_count(d, "[VIEWERS]"), 0, "lines about who cannot be seen");

  put_into_container(scene, d, {});
  daemon_start(d);
  daemon_wait_reconciled(d);
  check_equal(entry_of(daemon_status(d).records, ana).id, kept.id, "the session of before");
  check_at(daemon_logs_loudly(d, {"[VIEWERS]", "--pid=host"}), "the log does not say why nobody can be seen");
  wait_viewers(d, ana, -1);
  daemon_access(d, bruno);  // as the document has it
  check_at(entry_find(daemon_status(d).records, ana) == nullptr, "the oldest access stays");
  check_number(static_cast<long>(daemon_log_count(d, "Nobody can tell")), 1, "times that it is said");
}

}  // namespace

int main() {
  const std::vector<CMUnitTest> tests = {
      E2E_TEST(who_is_watched_keeps_the_session),
      E2E_TEST(a_rule_says_whose_session_may_go),
      E2E_TEST(a_restart_does_not_forget_who_watches),
      E2E_TEST(a_pool_container_that_somebody_tried_is_given_to_nobody),
      E2E_TEST(who_works_on_is_not_idle),
      E2E_TEST(without_looks_nobody_is_said_to_watch),
      E2E_TEST(a_session_of_old_age_ends_when_nobody_watches),
      E2E_TEST(in_a_container_it_sees_with_the_machines_processes_and_else_says_so),
  };
  return suite_main("viewers", tests);
}
