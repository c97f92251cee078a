// The lookout on a real container: who connects, who leaves, who is inside; processes that end, or are not what they were said to be.
#include "io/lookout.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <functional>

#include "http_stage.h"
#include "io/engine.h"
#include "support/cmocka_cc.h"

static constexpr int kPort = 6080;

// To this machine, or to the container when made in its network. -1: nobody listens.
static int connect_to(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to = {};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<uint16_t>(port));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0) return fd;
  close(fd);
  return -1;
}

struct Fixture {
  EnginePtr engine;
  std::string id;
  int port = 0;  // on 127.0.0.1, leads to the container's
  int pid = 0;
};

// docker-proxy takes connections for a server that does not listen yet, and drops them.
static bool listens(int pid) {
  char wanted[16];
  snprintf(wanted, sizeof wanted, ":%04X ", kPort);
  for (int i = 0; i < 500; i++) {
    for (const char* table : {"tcp", "tcp6"}) {
      std::ifstream file("/proc/" + std::to_string(pid) + "/net/" + table);
      for (std::string line; std::getline(file, line);)
        if (line.find(wanted) != std::string::npos && line.find(" 0A ") != std::string::npos) return true;
    }
    usleep(20000);
  }
  return false;
}

static int group_setup(void** state) {
  Fixture* fixture = new Fixture;
  *state = fixture;
  LaunchSpec spec;
  spec.image = "localhost/vnc-orchestrator-tiny:latest";
  spec.name = "lookout-test-" + std::to_string(getpid());
  spec.network = "bridge";
  spec.bind_address = "127.0.0.1";
  spec.host_port = fixture->port = free_port();
  spec.container_port = kPort;
  DockerOptions options;
  options.host = "unix:///var/run/docker.sock";
  options.network = options.instance = spec.name;
  std::string text;
  fixture->engine = docker_create(options, &text);
  const EngineOps* ops = fixture->engine->ops;
  ContainerInfo info;
  EngineError error = ops->create(fixture->engine->self, spec, &fixture->id);
  if (!error) error = ops->start(fixture->engine->self, fixture->id);
  if (!error) error = ops->inspect(fixture->engine->self, fixture->id, &info);
  if (error) print_error("%s\n", error.text.c_str());
  fixture->pid = info.pid;
  return info.pid > 0 && listens(info.pid) ? 0 : -1;
}

static int group_teardown(void** state) {
  Fixture* fixture = static_cast<Fixture*>(*state);
  const EngineError error = fixture->engine->ops->remove(fixture->engine->self, fixture->id);
  delete fixture;
  return error ? -1 : 0;
}

static Fixture* fixture_of(void** state) { return static_cast<Fixture*>(*state); }

static LookoutPtr knowing(const Fixture* fixture) {
  LookoutPtr lookout = lookout_create(kPort);
  lookout_learn(lookout.get(), fixture->id, fixture->pid, 0);
  return lookout;
}

static int viewers(Lookout* lookout, const Fixture* fixture, bool thorough, int64_t now_ms) {
  const LookoutSeen seen = lookout_look(lookout, {{fixture->id, 0, 0}}, thorough, now_ms);
  return seen.viewers.at(0);
}

static void soon(Lookout* lookout, const Fixture* fixture, int wanted) {
  int last = -2;
  for (int i = 0; i < 500 && last != wanted; i++) {
    if (i > 0) usleep(20000);
    last = viewers(lookout, fixture, true, 0);
  }
  assert_int_equal(last, wanted);
}

static int come(const Fixture* fixture) {
  const int fd = connect_to(fixture->port);
  assert_true(fd >= 0);
  return fd;
}

static void test_who_comes_and_goes(void** state) {
  const Fixture* fixture = fixture_of(state);
  const LookoutPtr lookout = knowing(fixture);
  soon(lookout.get(), fixture, 0);
  const int one = come(fixture), other = come(fixture);
  soon(lookout.get(), fixture, 2);
  close(one);
  soon(lookout.get(), fixture, 1);
  close(other);
  soon(lookout.get(), fixture, 0);
}

// The counters tell of everybody who comes or goes, so that a look that is not thorough finds the same.
static void test_a_cheap_look_sees_them_too(void** state) {
  const Fixture* fixture = fixture_of(state);
  const LookoutPtr cheap = knowing(fixture), thorough = knowing(fixture);
  assert_int_equal(viewers(cheap.get(), fixture, false, 0), 0);
  const int one = come(fixture);
  soon(thorough.get(), fixture, 1);
  assert_int_equal(viewers(cheap.get(), fixture, false, 1), 1);
  assert_int_equal(viewers(cheap.get(), fixture, false, 2), 1);
  close(one);
  soon(thorough.get(), fixture, 0);
  assert_int_equal(viewers(cheap.get(), fixture, false, 3), 0);
}

// Runs in a child, as others may be needed to: another user, another network. Its exit status is what `work` returns.
static int in_child(const std::function<int()>& work) {
  fflush(stdout);
  const pid_t child = fork();
  if (child == 0) _exit(work());
  int status = 0;
  assert_int_equal(waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_who_may_not_enter_reads_the_tables(void** state) {
  const Fixture* fixture = fixture_of(state);
  const LookoutPtr lookout = knowing(fixture);
  const int one = come(fixture);
  soon(lookout.get(), fixture, 1);
  const int as_nobody = in_child([&] {
    if (setgid(65534) != 0 || setuid(65534) != 0) return 90;
    const std::string theirs = "/proc/" + std::to_string(fixture->pid) + "/ns/net";
    if (open(theirs.c_str(), O_RDONLY | O_CLOEXEC) >= 0) return 91;
    return viewers(knowing(fixture).get(), fixture, true, 0);
  });
  assert_int_equal(as_nobody, 1);
  close(one);
  soon(lookout.get(), fixture, 0);
}

// Its own health check, or whatever else in it speaks to the port.
static void test_who_is_inside_is_no_viewer(void** state) {
  const Fixture* fixture = fixture_of(state);
  const int seen = in_child([&] {
    const std::string theirs = "/proc/" + std::to_string(fixture->pid) + "/ns/net";
    if (setns(open(theirs.c_str(), O_RDONLY | O_CLOEXEC), CLONE_NEWNET) != 0) return 90;
    if (connect_to(kPort) < 0) return 91;
    return viewers(knowing(fixture).get(), fixture, true, 0);
  });
  assert_int_equal(seen, 0);
}

static void test_a_process_that_ends_is_asked_for_once_a_minute(void** state) {
  const Fixture* fixture = fixture_of(state);
  const LookoutPtr lookout = lookout_create(kPort);
  auto look = [&](int64_t now_ms) { return lookout_look(lookout.get(), {{fixture->id, 0, 0}}, false, now_ms); };
  LookoutSeen seen = look(1000);
  assert_int_equal(seen.viewers.at(0), -1);
  assert_int_equal(seen.unknown.size(), 1);
  assert_true(seen.unknown.at(0) == fixture->id);
  assert_true(seen.blind.empty());
  assert_int_equal(look(60000).unknown.size(), 0);
  assert_int_equal(look(61000).unknown.size(), 1);
  lookout_learn(lookout.get(), fixture->id, fixture->pid, 62000);
  seen = look(62000);
  assert_int_equal(seen.viewers.at(0), 0);
  assert_int_equal(seen.unknown.size(), 0);
}

static void test_a_process_that_is_not_the_containers_is_not_believed(void** state) {
  const Fixture* fixture = fixture_of(state);
  const LookoutPtr lookout = lookout_create(kPort);
  auto look = [&](int64_t now_ms) { return lookout_look(lookout.get(), {{fixture->id, 0, 0}}, false, now_ms); };
  // Once, it may have ended a moment ago, and its number been given away: asked again at once.
  lookout_learn(lookout.get(), fixture->id, getpid(), 0);
  LookoutSeen seen = look(0);
  assert_int_equal(seen.viewers.at(0), -1);
  assert_int_equal(seen.unknown.size(), 1);
  assert_true(seen.blind.empty());
  lookout_learn(lookout.get(), fixture->id, getpid(), 1);
  seen = look(1);
  assert_int_equal(seen.viewers.at(0), -1);
  assert_true(seen.blind.find("--pid=host") != std::string::npos);
  lookout_learn(lookout.get(), fixture->id, fixture->pid, 2);
  seen = look(2);
  assert_int_equal(seen.viewers.at(0), 0);
  assert_true(seen.blind.empty());
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(test_who_comes_and_goes),
      cmocka_unit_test(test_a_cheap_look_sees_them_too),
      cmocka_unit_test(test_who_may_not_enter_reads_the_tables),
      cmocka_unit_test(test_who_is_inside_is_no_viewer),
      cmocka_unit_test(test_a_process_that_ends_is_asked_for_once_a_minute),
      cmocka_unit_test(test_a_process_that_is_not_the_containers_is_not_believed),
  };
  return cmocka_run_group_tests_name("io/lookout", tests, group_setup, group_teardown);
}
