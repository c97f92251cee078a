// The real engine through engine.h, jobs and the watcher: containers, networks, faults and events as they truly are.
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "io/docker_http.h"
#include "io/engine.h"
#include "io/jobs.h"
#include "io/mailbox.h"
#include "io/watcher.h"
#include "support/cmocka_cc.h"

static const char* const kHost = "unix:///var/run/docker.sock";
static const char* const kTiny = "localhost/vnc-orchestrator-tiny:latest";
static const char* const kNoHealth = "localhost/vnc-orchestrator-tiny-nohealth:latest";

// What one run of these tests owns: a network, and every container that carries its name as the instance.
struct Fixture {
  EnginePtr engine;
  std::string network;
  NetworkSpec network_spec;
  std::string prefix;
  int last_number = 0;
};

// Straight to the API, for what engine.h cannot do.
static long raw_call(const char* method, const std::string& target, const std::string& body = "",
                     std::string* answer = nullptr) {
  DockerEndpoint endpoint;
  std::string error;
  if (!docker_endpoint_parse(kHost, &endpoint, &error)) return 0;
  DockerRequest request;
  request.method = method;
  request.target = target;
  request.body = body;
  DockerReply reply;
  docker_exchange(endpoint, request, &reply);
  if (answer != nullptr) *answer = reply.body;
  return reply.status;
}

static bool engine_runs() { return raw_call("GET", "/_ping") == 200; }

static void remove_all(Fixture* fixture) {
  std::vector<ContainerInfo> list;
  fixture->engine->ops->list(fixture->engine->self, &list);
  for (const ContainerInfo& info : list) {
    if (info.instance == fixture->network) fixture->engine->ops->remove(fixture->engine->self, info.id);
  }
}

static int group_setup(void** state) {
  if (!engine_runs()) return 0;
  if (raw_call("GET", std::string("/images/") + kTiny + "/json") != 200 &&
      system("tests/tiny-image/build.sh >/dev/null") != 0)
    return -1;
  Fixture* fixture = new Fixture;
  const int pid = getpid();
  fixture->network = "iot_" + std::to_string(pid) + "_net";
  fixture->prefix = "vnc_iot" + std::to_string(pid) + "_";
  fixture->network_spec = {fixture->network, "10.97." + std::to_string(pid % 250) + ".0/24", fixture->network};
  DockerOptions options;
  options.host = kHost;
  options.network = fixture->network;
  options.instance = fixture->network;
  std::string error;
  fixture->engine = docker_create(options, &error);
  *state = fixture;
  return fixture->engine ? 0 : -1;
}

static int group_teardown(void** state) {
  Fixture* fixture = static_cast<Fixture*>(*state);
  if (fixture == nullptr) return 0;
  remove_all(fixture);
  raw_call("DELETE", "/networks/" + fixture->network);
  delete fixture;
  return 0;
}

// A test that failed in the middle leaves its containers to this.
static int teardown(void** state) {
  if (*state != nullptr) remove_all(static_cast<Fixture*>(*state));
  return 0;
}

// The fixture, or the test is skipped because no engine runs on this machine.
static Fixture* fixture_of(void** state) {
  if (*state == nullptr) skip();
  return static_cast<Fixture*>(*state);
}

static int free_port() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  assert_int_equal(bind(fd, reinterpret_cast<sockaddr*>(&address), length), 0);
  assert_int_equal(getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length), 0);
  close(fd);
  return ntohs(address.sin_port);
}

static LaunchSpec spec_of(Fixture* fixture, const char* image = kTiny) {
  LaunchSpec spec;
  spec.image = image;
  spec.name = fixture->prefix + std::to_string(++fixture->last_number);
  spec.network = fixture->network;
  spec.bind_address = "127.0.0.1";
  spec.host_port = free_port();
  spec.container_port = 6080;
  spec.env = {{"WIDTH", "410"}, {"HEIGHT", "900"}, {"APPNAME", "test \"quoted\""}};
  spec.labels = {
      {kLabelInstance, fixture->network}, {kLabelRun, "run-1"}, {kLabelJob, spec.name}, {kLabelFingerprint, "f00d"}};
  return spec;
}

static void ok(const EngineError& error) {
  if (error) print_error("%s\n", error.text.c_str());
  assert_int_equal(error.fault, EngineFault::None);
}

static void network_is_there(Fixture* fixture) {
  EngineNetwork network;
  ok(fixture->engine->ops->ensure_network(fixture->engine->self, fixture->network_spec, &network));
}

static Job job_of(JobKind kind) {
  Job job;
  job.kind = kind;
  job.id = 42;
  job.port = 5000;
  job.generation = 7;
  return job;
}

static bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

// ---- tests ----

static void the_version_is_told_and_agreed(void** state) {
  Fixture* fixture = fixture_of(state);
  EngineVersion version;
  ok(fixture->engine->ops->version(fixture->engine->self, &version));
  assert_true(version.api.rfind("1.", 0) == 0);
  assert_false(version.engine.empty());
}

static void many_who_make_the_network_at_once_all_succeed_and_there_is_one(void** state) {
  Fixture* fixture = fixture_of(state);
  std::vector<std::thread> threads;
  std::atomic<int> created{0}, failed{0}, right_subnet{0};
  for (int i = 0; i < 6; ++i) {
    threads.emplace_back([&] {
      EngineNetwork network;
      const EngineError error =
          fixture->engine->ops->ensure_network(fixture->engine->self, fixture->network_spec, &network);
      failed += static_cast<bool>(error);
      created += network.created;
      right_subnet += network.subnets == std::vector<std::string>{fixture->network_spec.subnet};
    });
  }
  for (std::thread& thread : threads) thread.join();
  assert_int_equal(failed.load(), 0);
  assert_int_equal(created.load(), 1);
  assert_int_equal(right_subnet.load(), 6);
  std::string listing;
  assert_int_equal(
      raw_call("GET", "/networks?filters=" + docker_escape("{\"name\":[\"" + fixture->network + "\"]}"), "", &listing),
      200);
  size_t count = 0;
  const std::string name = "\"Name\":\"" + fixture->network + "\"";
  for (size_t at = listing.find(name); at != std::string::npos; at = listing.find(name, at + 1)) ++count;
  assert_int_equal(count, 1);
  EngineNetwork again;
  ok(fixture->engine->ops->ensure_network(fixture->engine->self, fixture->network_spec, &again));
  assert_false(again.created);
}

static void addresses_of_another_network_are_refused_with_a_hint(void** state) {
  Fixture* fixture = fixture_of(state);
  network_is_there(fixture);
  EngineNetwork network;
  const EngineError error = fixture->engine->ops->ensure_network(
      fixture->engine->self, {fixture->network + "2", fixture->network_spec.subnet, fixture->network}, &network);
  assert_true(static_cast<bool>(error));
  assert_true(contains(error.text, "DOCKER_NETWORK_SUBNET") && contains(error.text, fixture->network_spec.subnet));
}

static void a_container_lives_and_is_seen_as_it_is(void** state) {
  Fixture* fixture = fixture_of(state);
  network_is_there(fixture);
  const EngineOps* ops = fixture->engine->ops;
  void* self = fixture->engine->self;
  const LaunchSpec spec = spec_of(fixture);
  std::string id;
  ok(ops->create(self, spec, &id));
  assert_int_equal(id.size(), 64);
  ContainerInfo info;
  ok(ops->inspect(self, spec.name, &info));
  assert_string_equal(info.id.c_str(), id.c_str());
  assert_int_equal(info.state, ContainerState::Created);
  assert_string_equal(info.width.c_str(), "410");
  assert_string_equal(info.height.c_str(), "900");
  assert_string_equal(info.instance.c_str(), fixture->network.c_str());
  assert_string_equal(info.run.c_str(), "run-1");
  assert_string_equal(info.job.c_str(), spec.name.c_str());
  assert_string_equal(info.fingerprint.c_str(), "f00d");

  ok(ops->start(self, id));
  ok(ops->start(self, id));  // running already
  ok(ops->inspect(self, id, &info));
  assert_int_equal(info.state, ContainerState::Running);
  assert_int_equal(info.host_port, spec.host_port);
  assert_true(info.on_network);
  bool answered = false;
  for (int i = 0; i < 100 && !answered; ++i)
    answered = probe_http("127.0.0.1", spec.host_port, 1000) || usleep(50000) != 0;
  assert_true(answered);

  std::vector<ContainerInfo> list;
  ok(ops->list(self, &list));
  bool listed = false;
  for (const ContainerInfo& one : list) {
    if (one.id != id) continue;
    listed = one.name == spec.name && one.state == ContainerState::Running && one.host_port == spec.host_port &&
             one.on_network && one.instance == fixture->network && one.job == spec.name;
  }
  assert_true(listed);

  ok(ops->rename(self, id, spec.name + "b"));
  ok(ops->inspect(self, spec.name + "b", &info));
  assert_string_equal(info.id.c_str(), id.c_str());
  ok(ops->remove(self, id));
  ok(ops->remove(self, id));  // gone already
  assert_int_equal(ops->inspect(self, id, &info).fault, EngineFault::NotFound);
  assert_int_equal(ops->start(self, id).fault, EngineFault::NotFound);
  assert_int_equal(ops->rename(self, id, spec.name).fault, EngineFault::NotFound);
}

static void what_is_taken_or_missing_is_told_apart(void** state) {
  Fixture* fixture = fixture_of(state);
  network_is_there(fixture);
  const EngineOps* ops = fixture->engine->ops;
  void* self = fixture->engine->self;
  LaunchSpec first = spec_of(fixture), second = spec_of(fixture);
  std::string id, other;
  ok(ops->create(self, first, &id));
  ok(ops->start(self, id));
  // The name.
  second.name = first.name;
  EngineError error = ops->create(self, second, &other);
  assert_int_equal(error.fault, EngineFault::NameTaken);
  assert_true(contains(error.text, first.name));
  assert_string_equal(other.c_str(), "");
  // The port, held by another container, and by another program.
  second.name = spec_of(fixture).name;
  second.host_port = first.host_port;
  ok(ops->create(self, second, &other));
  error = ops->start(self, other);
  assert_int_equal(error.fault, EngineFault::PortTaken);
  assert_true(contains(error.text, "PORT_RANGE_MIN"));
  ok(ops->rename(self, other, second.name + "x"));
  assert_int_equal(ops->rename(self, other, first.name).fault, EngineFault::NameTaken);

  LaunchSpec third = spec_of(fixture);
  const int holder = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(third.host_port));
  assert_int_equal(bind(holder, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  assert_int_equal(listen(holder, 1), 0);
  ok(ops->create(self, third, &other));
  error = ops->start(self, other);
  close(holder);
  assert_int_equal(error.fault, EngineFault::PortTaken);
  // The image.
  std::string image_id;
  assert_int_equal(ops->look_for_image(fixture->engine->self, kTiny, &image_id).fault, EngineFault::None);
  assert_true(image_id.starts_with("sha256:"));
  const EngineError unknown = ops->look_for_image(fixture->engine->self, "localhost/no-such-image:never", &image_id);
  assert_int_equal(unknown.fault, EngineFault::ImageMissing);
  assert_true(contains(unknown.text, "localhost/no-such-image:never") && contains(unknown.text, "VNC_IMAGE"));
  LaunchSpec fourth = spec_of(fixture, "localhost/no-such-image:never");
  error = ops->create(self, fourth, &other);
  assert_int_equal(error.fault, EngineFault::ImageMissing);
  assert_true(contains(error.text, "localhost/no-such-image:never") && contains(error.text, "VNC_IMAGE"));
}

static void a_pull_that_cannot_be_says_why(void** state) {
  Fixture* fixture = fixture_of(state);
  const EngineError error =
      fixture->engine->ops->pull(fixture->engine->self, "127.0.0.1:1/nothing:never", [](const std::string&) {});
  assert_true(static_cast<bool>(error));
  assert_true(contains(error.text, "127.0.0.1:1/nothing:never") && contains(error.text, "refused"));
}

static void removals_of_one_container_at_once_all_succeed(void** state) {
  Fixture* fixture = fixture_of(state);
  network_is_there(fixture);
  const LaunchSpec spec = spec_of(fixture);
  std::string id;
  ok(fixture->engine->ops->create(fixture->engine->self, spec, &id));
  ok(fixture->engine->ops->start(fixture->engine->self, id));
  std::atomic<int> failed{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] { failed += static_cast<bool>(fixture->engine->ops->remove(fixture->engine->self, id)); });
  }
  for (std::thread& thread : threads) thread.join();
  assert_int_equal(failed.load(), 0);
  // Each of them may now count on the name.
  ok(fixture->engine->ops->create(fixture->engine->self, spec, &id));
}

static void foreign_containers_are_not_listed(void** state) {
  Fixture* fixture = fixture_of(state);
  network_is_there(fixture);
  LaunchSpec labelled = spec_of(fixture), foreign = spec_of(fixture), named = spec_of(fixture);
  labelled.name = "iot" + std::to_string(getpid()) + "_labelled";
  foreign.name = "iot" + std::to_string(getpid()) + "_vnc_foreign";
  foreign.labels.clear();
  named.labels = {{kLabelInstance, "another instance"}};
  std::string ids[3];
  ok(fixture->engine->ops->create(fixture->engine->self, labelled, &ids[0]));
  ok(fixture->engine->ops->create(fixture->engine->self, foreign, &ids[1]));
  ok(fixture->engine->ops->create(fixture->engine->self, named, &ids[2]));
  std::vector<ContainerInfo> list;
  const EngineError error = fixture->engine->ops->list(fixture->engine->self, &list);
  for (const std::string& id : ids) fixture->engine->ops->remove(fixture->engine->self, id);
  ok(error);
  bool seen[3] = {};
  for (const ContainerInfo& info : list) {
    for (int i = 0; i < 3; ++i) seen[i] = seen[i] || info.id == ids[i];
  }
  assert_true(seen[0]);
  assert_false(seen[1]);
  assert_true(seen[2]);  // ours to see, not to touch: the label tells
}

static void a_launch_makes_a_lost_network_again(void** state) {
  Fixture* fixture = fixture_of(state);
  network_is_there(fixture);
  assert_int_equal(raw_call("DELETE", "/networks/" + fixture->network), 204);
  Job job = job_of(JobKind::Launch);
  job.spec = spec_of(fixture);
  job.network = fixture->network_spec;
  const JobResult result = job_run(*fixture->engine, job, nullptr);
  ok(result.error);
  assert_true(result.network_remade);
  assert_int_equal(result.kind, JobKind::Launch);
  assert_int_equal(result.id, 42);
  assert_int_equal(result.port, 5000);
  assert_int_equal(result.generation, 7);
  assert_true(result.seconds > 0);
  ContainerInfo info;
  ok(fixture->engine->ops->inspect(fixture->engine->self, result.container_id, &info));
  assert_int_equal(info.state, ContainerState::Running);
  assert_true(info.on_network);
}

// The certificate lies where the engine has no such file: in a view of the files that one thread has for itself, as a daemon in a container does.
static void a_launch_goes_without_a_certificate_that_the_engine_cannot_see(void** state) {
  Fixture* fixture = fixture_of(state);
  network_is_there(fixture);
  char folder[] = "/tmp/docker-test-XXXXXX";
  assert_non_null(mkdtemp(folder));
  Job job = job_of(JobKind::Launch);
  job.network = fixture->network_spec;
  job.spec = spec_of(fixture);
  job.certificate = OwnCertificate{std::string(folder) + "/state.json.certificate.pem", "localhost"};
  JobResult result;
  bool is_apart = false;
  std::thread([&] {
    is_apart = unshare(CLONE_NEWNS) == 0 && mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 && mount("tmpfs", folder, "tmpfs", 0, nullptr) == 0;
    if (is_apart) result = job_run(*fixture->engine, job, nullptr);
  }).join();
  rmdir(folder);
  assert_true(is_apart);
  ok(result.error);
  assert_int_equal(result.certificate, CertificateState::Failed);
  assert_non_null(strstr(result.certificate_error.c_str(), job.certificate.path.c_str()));
  ContainerInfo info;
  ok(fixture->engine->ops->inspect(fixture->engine->self, result.container_id, &info));
  assert_int_equal(info.state, ContainerState::Running);
}

static void a_launch_that_does_not_start_still_names_its_container(void** state) {
  Fixture* fixture = fixture_of(state);
  network_is_there(fixture);
  Job job = job_of(JobKind::Launch);
  job.network = fixture->network_spec;
  job.spec = spec_of(fixture);
  ok(job_run(*fixture->engine, job, nullptr).error);
  Job second = job;
  second.spec.name = spec_of(fixture).name;
  const JobResult result = job_run(*fixture->engine, second, nullptr);
  assert_int_equal(result.error.fault, EngineFault::PortTaken);
  assert_false(result.network_remade);
  ContainerInfo info;
  ok(fixture->engine->ops->inspect(fixture->engine->self, result.container_id, &info));
  assert_int_equal(info.state, ContainerState::Created);
}

static void a_check_asks_the_health_check_or_the_port(void** state) {
  Fixture* fixture = fixture_of(state);
  network_is_there(fixture);
  for (const char* image : {kTiny, kNoHealth}) {
    Job launch = job_of(JobKind::Launch);
    launch.network = fixture->network_spec;
    launch.spec = spec_of(fixture, image);
    const JobResult launched = job_run(*fixture->engine, launch, nullptr);
    ok(launched.error);
    Job check = job_of(JobKind::Check);
    check.container_id = launched.container_id;
    check.probe_host = "127.0.0.1";
    JobResult result;
    for (int i = 0; i < 200; ++i) {
      result = job_run(*fixture->engine, check, nullptr);
      if (result.error || result.answered || result.info.health == ContainerHealth::Healthy) break;
      usleep(50000);
    }
    ok(result.error);
    if (image == kTiny) {
      assert_int_equal(result.info.health, ContainerHealth::Healthy);
      assert_false(result.answered);
    } else {
      assert_int_equal(result.info.health, ContainerHealth::None);
      assert_true(result.answered);
    }
  }
  Job silent = job_of(JobKind::Launch);
  silent.network = fixture->network_spec;
  silent.spec = spec_of(fixture, kNoHealth);
  silent.spec.env = {{"APPNAME", "never-healthy"}};
  Job check = job_of(JobKind::Check);
  check.container_id = job_run(*fixture->engine, silent, nullptr).container_id;
  check.probe_host = "127.0.0.1";
  const JobResult result = job_run(*fixture->engine, check, nullptr);
  ok(result.error);
  assert_int_equal(result.info.state, ContainerState::Running);
  assert_false(result.answered);  // docker-proxy takes the connection all the same
}

static void a_removal_by_name_takes_only_what_that_job_made(void** state) {
  Fixture* fixture = fixture_of(state);
  network_is_there(fixture);
  const LaunchSpec spec = spec_of(fixture);
  std::string id;
  ok(fixture->engine->ops->create(fixture->engine->self, spec, &id));
  Job job = job_of(JobKind::Remove);
  job.name = spec.name;
  ContainerInfo info;
  for (const auto& [run, made_by] :
       {std::pair<std::string, std::string>{"run-2", spec.name}, {"run-1", "another job"}, {"", ""}}) {
    job.run = run;
    job.launch_job = made_by;
    const JobResult result = job_run(*fixture->engine, job, nullptr);
    ok(result.error);
    assert_string_equal(result.container_id.c_str(), "");
    ok(fixture->engine->ops->inspect(fixture->engine->self, id, &info));
  }
  // One without any label is nobody's, whatever is not known about the job.
  LaunchSpec unlabelled = spec_of(fixture);
  unlabelled.labels = {{kLabelInstance, fixture->network}};
  std::string other;
  ok(fixture->engine->ops->create(fixture->engine->self, unlabelled, &other));
  Job blank = job_of(JobKind::Remove);
  blank.name = unlabelled.name;
  ok(job_run(*fixture->engine, blank, nullptr).error);
  ok(fixture->engine->ops->inspect(fixture->engine->self, other, &info));
  job.run = "run-1";
  job.launch_job = spec.name;
  JobResult result = job_run(*fixture->engine, job, nullptr);
  ok(result.error);
  assert_string_equal(result.container_id.c_str(), id.c_str());
  assert_int_equal(fixture->engine->ops->inspect(fixture->engine->self, id, &info).fault, EngineFault::NotFound);
  result = job_run(*fixture->engine, job, nullptr);
  ok(result.error);
  assert_string_equal(result.container_id.c_str(), "");
}

static void a_list_job_looks_closer_at_what_is_not_known(void** state) {
  Fixture* fixture = fixture_of(state);
  network_is_there(fixture);
  std::string known, unknown;
  ok(fixture->engine->ops->create(fixture->engine->self, spec_of(fixture), &known));
  ok(fixture->engine->ops->create(fixture->engine->self, spec_of(fixture), &unknown));
  Job job = job_of(JobKind::List);
  job.known = {known};
  const JobResult result = job_run(*fixture->engine, job, nullptr);
  ok(result.error);
  int seen = 0;
  for (const ContainerInfo& info : result.list) {
    if (info.id == known) {
      ++seen;
      assert_string_equal(info.width.c_str(), "");
    }
    if (info.id == unknown) {
      ++seen;
      assert_string_equal(info.width.c_str(), "410");
    }
  }
  assert_int_equal(seen, 2);
}

static void a_connect_job_brings_version_and_network(void** state) {
  Fixture* fixture = fixture_of(state);
  Job job = job_of(JobKind::Connect);
  job.network = fixture->network_spec;
  const JobResult result = job_run(*fixture->engine, job, nullptr);
  ok(result.error);
  assert_false(result.version.api.empty());
  assert_true(result.network.subnets == std::vector<std::string>{fixture->network_spec.subnet});
}

// ---- events ----

static std::vector<Message> take_for(Mailbox* mailbox, int ms) {
  pollfd one = {mailbox_fd(mailbox), POLLIN, 0};
  poll(&one, 1, ms);
  return mailbox_take(mailbox);
}

// Collects events of one container until `last` has come, or 20 s are over.
static std::vector<EngineEventKind> kinds_until(Mailbox* mailbox, const std::string& id, EngineEventKind last) {
  std::vector<EngineEventKind> kinds;
  for (int i = 0; i < 200; ++i) {
    for (const Message& message : take_for(mailbox, 100)) {
      const EngineEvent* event = std::get_if<EngineEvent>(&message);
      if (event == nullptr || event->id != id) continue;
      kinds.push_back(event->kind);
      if (event->kind == last) return kinds;
    }
  }
  return kinds;
}

static bool has(const std::vector<EngineEventKind>& kinds, EngineEventKind kind) {
  for (EngineEventKind one : kinds) {
    if (one == kind) return true;
  }
  return false;
}

static bool await_open(Mailbox* mailbox) {
  for (int i = 0; i < 100; ++i) {
    for (const Message& message : take_for(mailbox, 100)) {
      if (std::holds_alternative<StreamOpened>(message)) return true;
    }
  }
  return false;
}

static void the_watcher_tells_what_happens_to_containers(void** state) {
  Fixture* fixture = fixture_of(state);
  network_is_there(fixture);
  const EngineOps* ops = fixture->engine->ops;
  void* self = fixture->engine->self;
  std::string error;
  MailboxPtr mailbox = mailbox_create(&error);
  WatcherPtr watcher = watcher_start(fixture->engine.get(), mailbox.get());
  assert_true(await_open(mailbox.get()));
  const LaunchSpec spec = spec_of(fixture);
  std::string id;
  ok(ops->create(self, spec, &id));
  ok(ops->start(self, id));
  std::vector<EngineEventKind> kinds = kinds_until(mailbox.get(), id, EngineEventKind::Healthy);
  assert_true(has(kinds, EngineEventKind::Create) && has(kinds, EngineEventKind::Start) &&
              has(kinds, EngineEventKind::Healthy));
  ok(ops->rename(self, id, spec.name + "z"));
  assert_true(has(kinds_until(mailbox.get(), id, EngineEventKind::Rename), EngineEventKind::Rename));
  assert_int_equal(raw_call("POST", "/networks/" + fixture->network + "/disconnect",
                            "{\"Container\": \"" + id + "\", \"Force\": true}"),
                   200);
  assert_true(has(kinds_until(mailbox.get(), id, EngineEventKind::Disconnect), EngineEventKind::Disconnect));
  ok(ops->remove(self, id));
  kinds = kinds_until(mailbox.get(), id, EngineEventKind::Destroy);
  assert_true(has(kinds, EngineEventKind::Die) && has(kinds, EngineEventKind::Destroy));
}

static void what_happens_the_moment_the_stream_opens_is_not_missed(void** state) {
  Fixture* fixture = fixture_of(state);
  network_is_there(fixture);
  std::string id;
  ok(fixture->engine->ops->create(fixture->engine->self, spec_of(fixture), &id));
  for (int i = 0; i < 10; ++i) {
    std::string error;
    MailboxPtr mailbox = mailbox_create(&error);
    WatcherPtr watcher = watcher_start(fixture->engine.get(), mailbox.get());
    assert_true(await_open(mailbox.get()));
    ok(fixture->engine->ops->rename(fixture->engine->self, id, fixture->prefix + "moment" + std::to_string(i)));
    assert_true(has(kinds_until(mailbox.get(), id, EngineEventKind::Rename), EngineEventKind::Rename));
  }
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test_teardown(the_version_is_told_and_agreed, teardown),
      cmocka_unit_test_teardown(many_who_make_the_network_at_once_all_succeed_and_there_is_one, teardown),
      cmocka_unit_test_teardown(addresses_of_another_network_are_refused_with_a_hint, teardown),
      cmocka_unit_test_teardown(a_container_lives_and_is_seen_as_it_is, teardown),
      cmocka_unit_test_teardown(what_is_taken_or_missing_is_told_apart, teardown),
      cmocka_unit_test_teardown(a_pull_that_cannot_be_says_why, teardown),
      cmocka_unit_test_teardown(removals_of_one_container_at_once_all_succeed, teardown),
      cmocka_unit_test_teardown(foreign_containers_are_not_listed, teardown),
      cmocka_unit_test_teardown(a_launch_makes_a_lost_network_again, teardown),
      cmocka_unit_test_teardown(a_launch_goes_without_a_certificate_that_the_engine_cannot_see, teardown),
      cmocka_unit_test_teardown(a_launch_that_does_not_start_still_names_its_container, teardown),
      cmocka_unit_test_teardown(a_check_asks_the_health_check_or_the_port, teardown),
      cmocka_unit_test_teardown(a_removal_by_name_takes_only_what_that_job_made, teardown),
      cmocka_unit_test_teardown(a_list_job_looks_closer_at_what_is_not_known, teardown),
      cmocka_unit_test_teardown(a_connect_job_brings_version_and_network, teardown),
      cmocka_unit_test_teardown(the_watcher_tells_what_happens_to_containers, teardown),
      cmocka_unit_test_teardown(what_happens_the_moment_the_stream_opens_is_not_missed, teardown),
  };
  return cmocka_run_group_tests_name("docker", tests, group_setup, group_teardown);
}
