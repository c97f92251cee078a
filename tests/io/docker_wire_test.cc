// What our Docker client makes of an engine that hangs, cuts, drips, grows, ages or is none: seen against a scripted server.
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "io/engine.h"
#include "io/mailbox.h"
#include "io/watcher.h"
#include "scripted_engine.h"
#include "support/cmocka_cc.h"

static EnginePtr engine_at(const std::string& host, long call_timeout_ms = 5000) {
  DockerOptions options;
  options.host = host;
  options.network = "net";
  options.instance = "net";
  options.call_timeout_ms = call_timeout_ms;
  std::string error;
  EnginePtr engine = docker_create(options, &error);
  assert_non_null(engine.get());
  return engine;
}

static bool asks(const ScriptedRequest& request, const char* part) {
  return request.line.find(part) != std::string::npos;
}
static bool contains(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

// Answers /version like an engine of today and all else with `steps`.
static Script after_version(const std::vector<ScriptStep>& steps) {
  return [steps](const ScriptedRequest& request) {
    if (asks(request, " /version ")) return std::vector<ScriptStep>{{version_reply("1.41", "1.12"), 0}};
    return steps;
  };
}

static const char* const kContainer =
    "{\"Id\": \"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\", \"Name\": \"/vnc_1\", "
    "\"Created\": \"2026-01-02T03:04:05.6Z\", \"State\": {\"Status\": \"running\", \"ExitCode\": 0, \"OOMKilled\": "
    "false, \"Error\": \"\"}, "
    "\"Config\": {\"Image\": \"i\", \"Env\": [\"WIDTH=1\", \"HEIGHT=2\"], \"Labels\": {}}, \"HostConfig\": {}, "
    "\"NetworkSettings\": {\"Ports\": {}, \"Networks\": {}}}";

static EngineFault inspect_against(const std::vector<ScriptStep>& steps, long timeout_ms = 5000,
                                   std::string* text = nullptr) {
  ScriptedEnginePtr server = scripted_engine_start(false, after_version(steps));
  EnginePtr engine = engine_at(scripted_engine_host(server.get()), timeout_ms);
  ContainerInfo info;
  const EngineError error = engine->ops->inspect(engine->self, "vnc_1", &info);
  if (text != nullptr) *text = error.text;
  if (!error) assert_string_equal(info.name.c_str(), "vnc_1");
  assert_true(error.text.find('\n') == std::string::npos);
  return error.fault;
}

static EngineFault create_against(const std::vector<ScriptStep>& steps, long timeout_ms = 5000,
                                  std::string* text = nullptr) {
  ScriptedEnginePtr server = scripted_engine_start(false, after_version(steps));
  EnginePtr engine = engine_at(scripted_engine_host(server.get()), timeout_ms);
  LaunchSpec spec;
  spec.name = "vnc_1";
  spec.image = "i";
  spec.host_port = 5000;
  spec.container_port = 6080;
  std::string id = "untouched";
  const EngineError error = engine->ops->create(engine->self, spec, &id);
  if (text != nullptr) *text = error.text;
  if (error) assert_string_equal(id.c_str(), "untouched");
  return error.fault;
}

static void an_engine_that_is_not_there_is_unreachable_and_the_text_helps(void**) {
  EnginePtr engine = engine_at("unix:///tmp/no such folder/docker.sock");
  EngineVersion version;
  EngineError error = engine->ops->version(engine->self, &version);
  assert_int_equal(error.fault, EngineFault::Unreachable);
  assert_true(contains(error.text, "/tmp/no such folder/docker.sock"));
  assert_true(contains(error.text, "No such file") && contains(error.text, "service docker start"));
  ContainerInfo info;
  assert_int_equal(engine->ops->inspect(engine->self, "vnc_1", &info).fault, EngineFault::Unreachable);
  engine = engine_at("tcp://127.0.0.1:1");
  error = engine->ops->version(engine->self, &version);
  assert_int_equal(error.fault, EngineFault::Unreachable);
  assert_true(contains(error.text, "refused"));
  std::string id;
  assert_int_equal(engine->ops->create(engine->self, LaunchSpec{}, &id).fault, EngineFault::Unreachable);
  engine = engine_at("tcp://no-such-host.invalid:2375");
  assert_int_equal(engine->ops->version(engine->self, &version).fault, EngineFault::Unreachable);
}

static void a_socket_that_may_not_be_opened_is_said_to_be_that(void**) {
  if (geteuid() != 0) {
    skip();  // only root can become somebody who may not
    return;
  }
  ScriptedEnginePtr server = scripted_engine_start(false, after_version({}));  // its folder is 0700
  const std::string host = scripted_engine_host(server.get());
  const pid_t child = fork();
  if (child == 0) {
    if (setuid(65534) != 0) _exit(10);
    std::string problem;
    EnginePtr engine = docker_create({.host = host, .network = {}, .instance = {}}, &problem);
    EngineVersion version;
    const EngineError error = engine->ops->version(engine->self, &version);
    _exit(error.fault == EngineFault::Unreachable && contains(error.text, "Permission denied") &&
                  contains(error.text, "group docker")
              ? 0
              : 1);
  }
  int status = -1;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
}

static void only_hosts_that_we_speak_to_are_taken(void**) {
  for (const char* good :
       {"unix:///var/run/docker.sock", "tcp://10.0.0.1:2375", "tcp://host", "tcp://[::1]:2375", "tcp://host:2375/"}) {
    std::string error;
    assert_non_null(docker_create({.host = good, .network = {}, .instance = {}}, &error).get());
  }
  for (const char* bad :
       {"", "unix://", "unix://relative", "/var/run/docker.sock", "ssh://host", "https://host:2376", "tcp://",
        "tcp://:2375", "tcp://host:0", "tcp://host:99999", "tcp://host:port", "tcp://a@b:1", "tcp://host:1/path"}) {
    std::string error;
    assert_null(docker_create({.host = bad, .network = {}, .instance = {}}, &error).get());
    assert_true(contains(error, "DOCKER_HOST") && contains(error, bad));
  }
}

static void silence_is_unknown_and_bounded(void**) {
  std::string text;
  assert_int_equal(create_against({{"", -1}}, 300, &text), EngineFault::Unknown);
  assert_true(contains(text, "did not answer within 0.3 s") && contains(text, "vnc_1"));
  assert_int_equal(inspect_against({{"", -1}}, 300), EngineFault::Unknown);
  // A byte now and then is no answer either.
  std::vector<ScriptStep> drip;
  for (char c : json_reply(200, kContainer)) drip.push_back({std::string(1, c), 100});
  assert_int_equal(inspect_against(drip, 500), EngineFault::Unknown);
}

static void nothing_sent_because_the_version_was_never_told_is_unreachable(void**) {
  ScriptedEnginePtr server = scripted_engine_start(false, [](const ScriptedRequest&) {
    return std::vector<ScriptStep>{{"", -1}};
  });
  EnginePtr engine = engine_at(scripted_engine_host(server.get()), 300);
  std::string id;
  assert_int_equal(engine->ops->create(engine->self, LaunchSpec{}, &id).fault, EngineFault::Unreachable);
  assert_int_equal(scripted_engine_requests(server.get()).size(), 1);
}

static void an_answer_in_single_bytes_is_an_answer(void**) {
  std::vector<ScriptStep> drip;
  for (char c : json_reply(200, kContainer)) drip.push_back({std::string(1, c), 1});
  assert_int_equal(inspect_against(drip), EngineFault::None);
}

static void a_cut_answer_is_unknown(void**) {
  const std::string whole = json_reply(
      201, "{\"Id\": \"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\", \"Warnings\": []}");
  assert_int_equal(create_against({{whole, 0}}), EngineFault::None);
  for (size_t length : {size_t{0}, size_t{5}, size_t{30}, whole.size() - 1}) {
    assert_int_equal(create_against({{whole.substr(0, length), 0}}), EngineFault::Unknown);
  }
  assert_int_equal(inspect_against({{json_reply(200, kContainer).substr(0, 200), 0}}), EngineFault::Unknown);
}

static void nonsense_is_failed_where_asking_again_is_harmless_and_unknown_where_not(void**) {
  for (const std::string& nonsense :
       {std::string("SSH-2.0-OpenSSH_9\r\n"), std::string("\0\1\2\3\n", 5), json_reply(200, "not json"),
        json_reply(200, "[]"), json_reply(200, ""), json_reply(200, "{\"Id\": 5}")}) {
    assert_int_equal(inspect_against({{nonsense, 0}}), EngineFault::Failed);
    assert_int_equal(create_against({{nonsense, 0}}), EngineFault::Unknown);
  }
}

static void a_404_page_of_something_else_says_nothing_about_a_container(void**) {
  const std::string page =
      "HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\nContent-Length: 13\r\n\r\n<h1>404</h1>\n";
  assert_int_equal(inspect_against({{page, 0}}), EngineFault::Failed);
  assert_int_equal(create_against({{page, 0}}), EngineFault::Failed);
  assert_int_not_equal(inspect_against({{json_reply(404, "{\"message\": \"page not found\"}"), 0}}),
                       EngineFault::NotFound);
  assert_int_equal(inspect_against({{json_reply(404, "{\"message\": \"No such container: vnc_1\"}"), 0}}),
                   EngineFault::NotFound);
  const std::string elsewhere = "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n";
  assert_int_equal(inspect_against({{elsewhere, 0}}), EngineFault::Failed);
  ScriptedEnginePtr server = scripted_engine_start(false, after_version({{elsewhere, 0}}));
  EnginePtr engine = engine_at(scripted_engine_host(server.get()));
  assert_int_equal(engine->ops->start(engine->self, "vnc_1").fault, EngineFault::Failed);

  server = scripted_engine_start(false, after_version({{page, 0}}));
  engine = engine_at(scripted_engine_host(server.get()));
  assert_int_equal(engine->ops->remove(engine->self, "vnc_1").fault, EngineFault::Failed);
  EngineNetwork network;
  assert_int_equal(engine->ops->ensure_network(engine->self, {"net", "10.0.0.0/24", "net"}, &network).fault,
                   EngineFault::Failed);
}

// A page that greets whoever asks for whatever, and JSON that does not call itself so, are no success of any call.
static void what_greets_everybody_is_no_engine(void**) {
  const std::string id = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
  const std::string page = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>";
  const std::string plain = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n[]";
  for (const std::string& greeting : {page, plain, json_reply(200, "{}"), json_reply(202, "{}")}) {
    ScriptedEnginePtr server = scripted_engine_start(false, after_version({{greeting, 0}}));
    EnginePtr engine = engine_at(scripted_engine_host(server.get()));
    std::vector<ContainerInfo> list;
    assert_int_equal(engine->ops->list(engine->self, &list).fault, EngineFault::Failed);
    assert_int_equal(engine->ops->remove(engine->self, id).fault, EngineFault::Unknown);
    assert_int_equal(engine->ops->rename(engine->self, id, "vnc_2").fault, EngineFault::Unknown);
    assert_int_equal(engine->ops->start(engine->self, id).fault, EngineFault::Unknown);
  }
  assert_int_equal(create_against({{json_reply(200, "{\"Id\": \"" + id + "\"}"), 0}}), EngineFault::Unknown);
  const std::string done = "HTTP/1.1 204 No Content\r\n\r\n";
  ScriptedEnginePtr server = scripted_engine_start(false, after_version({{done, 0}}));
  EnginePtr engine = engine_at(scripted_engine_host(server.get()));
  assert_int_equal(engine->ops->remove(engine->self, id).fault, EngineFault::None);
  assert_int_equal(engine->ops->rename(engine->self, id, "vnc_2").fault, EngineFault::None);
  assert_int_equal(engine->ops->start(engine->self, id).fault, EngineFault::None);
}

// A listing may be large, nothing else is.
static void an_answer_larger_than_its_call_can_have_is_none(void**) {
  const std::string blanks(2 << 20, ' ');
  std::string text;
  assert_int_equal(inspect_against({{json_reply(200, kContainer + blanks), 0}}, 5000, &text), EngineFault::Failed);
  assert_true(contains(text, "too large"));
  text.clear();
  assert_int_equal(create_against({{json_reply(500, blanks.substr(0, 200000)), 0}}, 5000, &text), EngineFault::Unknown);
  assert_true(contains(text, "too large"));
  ScriptedEnginePtr server = scripted_engine_start(false, after_version({{json_reply(200, "[" + blanks + "]"), 0}}));
  EnginePtr engine = engine_at(scripted_engine_host(server.get()));
  std::vector<ContainerInfo> list;
  assert_int_equal(engine->ops->list(engine->self, &list).fault, EngineFault::None);
}

static void an_endless_answer_is_cut_off(void**) {
  ScriptedEnginePtr server = scripted_engine_start(false, [](const ScriptedRequest& request) {
    if (asks(request, " /version ")) return std::vector<ScriptStep>{{version_reply("1.41", "1.12"), 0}};
    std::vector<ScriptStep> flood = {{"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n", 0}};
    for (int i = 0; i < 100; ++i) flood.push_back({std::string(1 << 20, ' '), 0});
    return flood;
  });
  EnginePtr engine = engine_at(scripted_engine_host(server.get()), 60000);
  std::vector<ContainerInfo> list;
  const EngineError error = engine->ops->list(engine->self, &list);
  assert_int_equal(error.fault, EngineFault::Failed);
  assert_true(contains(error.text, "too large"));
}

static void what_the_engine_says_cannot_break_a_line(void**) {
  std::string text;
  assert_int_equal(create_against({{json_reply(500, "{\"message\": \"one\\ntwo \\u001b[31m\"}"), 0}}, 5000, &text),
                   EngineFault::Failed);
  assert_true(contains(text, "one") && contains(text, "two"));
  for (char c : text) assert_true(static_cast<unsigned char>(c) >= 0x20);
}

static void the_api_version_is_agreed_once_and_again_when_the_engine_changed(void**) {
  std::string newest = "1.41", oldest = "1.12";
  ScriptedEnginePtr server =
      scripted_engine_start(false, [&](const ScriptedRequest& request) -> std::vector<ScriptStep> {
        if (asks(request, " /version ")) return {{version_reply(newest, oldest), 0}};
        if (asks(request, "/v1.41/") && oldest == "1.44") {
          return {{json_reply(400,
                              "{\"message\": \"client version 1.41 is too old. Minimum supported API version is 1.44, "
                              "please upgrade your client to a newer version\"}"),
                   0}};
        }
        return {{json_reply(200, kContainer), 0}};
      });
  EnginePtr engine = engine_at(scripted_engine_host(server.get()));
  ContainerInfo info;
  assert_int_equal(engine->ops->inspect(engine->self, "vnc_1", &info).fault, EngineFault::None);
  assert_int_equal(engine->ops->inspect(engine->self, "vnc_1", &info).fault, EngineFault::None);
  newest = "1.47", oldest = "1.44";  // no request is under way
  assert_int_equal(engine->ops->inspect(engine->self, "vnc_1", &info).fault, EngineFault::None);
  std::string lines;
  for (const ScriptedRequest& request : scripted_engine_requests(server.get()))
    lines += request.line.substr(0, request.line.rfind(' ')) + "\n";
  assert_string_equal(lines.c_str(),
                      "GET /version\nGET /v1.41/containers/vnc_1/json\nGET /v1.41/containers/vnc_1/json\nGET "
                      "/v1.41/containers/vnc_1/json\n"
                      "GET /version\nGET /v1.47/containers/vnc_1/json\n");
}

static void an_engine_without_a_common_version_is_named_too_old(void**) {
  ScriptedEnginePtr server = scripted_engine_start(false, [](const ScriptedRequest&) {
    return std::vector<ScriptStep>{{version_reply("1.38", "1.12"), 0}};
  });
  EnginePtr engine = engine_at(scripted_engine_host(server.get()));
  EngineVersion version;
  const EngineError error = engine->ops->version(engine->self, &version);
  assert_int_equal(error.fault, EngineFault::TooOld);
  assert_true(contains(error.text, "1.38"));
  std::string id;
  assert_int_equal(engine->ops->create(engine->self, LaunchSpec{}, &id).fault, EngineFault::TooOld);
}

static void a_removal_under_way_is_waited_for(void**) {
  std::atomic<int> looks{0};
  std::atomic<bool> ends{true};
  ScriptedEnginePtr server =
      scripted_engine_start(false, [&](const ScriptedRequest& request) -> std::vector<ScriptStep> {
        if (asks(request, " /version ")) return {{version_reply("1.41", "1.12"), 0}};
        if (asks(request, "DELETE "))
          return {{json_reply(409, "{\"message\": \"removal of container vnc_1 is already in progress\"}"), 0}};
        if (++looks > 2 && ends.load()) return {{json_reply(404, "{\"message\": \"No such container: vnc_1\"}"), 0}};
        return {{json_reply(200, kContainer), 0}};
      });
  EnginePtr engine = engine_at(scripted_engine_host(server.get()), 1000);
  assert_int_equal(engine->ops->remove(engine->self, "vnc_1").fault, EngineFault::None);
  assert_int_equal(looks.load(), 3);
  ends.store(false);
  assert_int_equal(engine->ops->remove(engine->self, "vnc_1").fault, EngineFault::Unknown);
  assert_true(contains(scripted_engine_requests(server.get())[1].line, "DELETE /v1.41/containers/vnc_1?force=1&v=1 "));
}

static void two_who_make_the_network_at_once_both_succeed(void**) {
  int refusal = 409;
  std::string words;
  bool there_in_the_end = true;
  std::atomic<int> looks{0};
  ScriptedEnginePtr server =
      scripted_engine_start(false, [&](const ScriptedRequest& request) -> std::vector<ScriptStep> {
        if (asks(request, " /version ")) return {{version_reply("1.41", "1.12"), 0}};
        if (asks(request, "POST ")) return {{json_reply(refusal, "{\"message\": \"" + words + "\"}"), 0}};
        if (looks++ == 0 || !there_in_the_end)
          return {{json_reply(404, "{\"message\": \"network net not found\"}"), 0}};
        return {
            {json_reply(200,
                        "{\"Name\": \"net\", \"Id\": \"x\", \"IPAM\": {\"Config\": [{\"Subnet\": \"10.1.0.0/24\"}]}}"),
             0}};
      });
  EnginePtr engine = engine_at(scripted_engine_host(server.get()));
  EngineNetwork network;
  words = "network with name net already exists";
  assert_int_equal(engine->ops->ensure_network(engine->self, {"net", "10.2.0.0/24", "net"}, &network).fault,
                   EngineFault::None);
  assert_false(network.created);
  assert_int_equal(network.subnets.size(), 1);
  assert_string_equal(network.subnets[0].c_str(), "10.1.0.0/24");
  looks = 0, refusal = 403, words = "Pool overlaps with other one on this address space";
  assert_int_equal(engine->ops->ensure_network(engine->self, {"net", "10.2.0.0/24", "net"}, &network).fault,
                   EngineFault::None);
  // Nobody made it: the addresses belong to a network of another name.
  looks = 0, there_in_the_end = false;
  const EngineError error = engine->ops->ensure_network(engine->self, {"net", "10.2.0.0/24", "net"}, &network);
  assert_true(static_cast<bool>(error));
  assert_true(contains(error.text, "DOCKER_NETWORK_SUBNET") && contains(error.text, "10.2.0.0/24") &&
              contains(error.text, "overlaps"));
}

// As an engine answers whose kernel has no br_netfilter: better a network without walls, which is said, than none.
static void a_network_without_walls_is_better_than_none(void**) {
  std::atomic<bool> made{false};
  ScriptedEnginePtr server = scripted_engine_start(false, [&](const ScriptedRequest& request) -> std::vector<ScriptStep> {
    if (asks(request, " /version ")) return {{version_reply("1.41", "1.12"), 0}};
    if (asks(request, "POST ") && contains(request.body, "enable_icc"))
      return {{json_reply(500, "{\"message\": \"cannot restrict inter-container communication: please ensure that br_netfilter kernel module is loaded\"}"), 0}};
    if (asks(request, "POST ")) made = true;
    if (asks(request, "POST ")) return {{json_reply(201, "{\"Id\": \"x\"}"), 0}};
    if (!made) return {{json_reply(404, "{\"message\": \"network net not found\"}"), 0}};
    return {{json_reply(200, "{\"Name\": \"net\", \"Id\": \"x\", \"Options\": {}, \"IPAM\": {\"Config\": [{\"Subnet\": \"10.2.0.0/24\"}]}}"), 0}};
  });
  EnginePtr engine = engine_at(scripted_engine_host(server.get()));
  EngineNetwork network;
  assert_int_equal(engine->ops->ensure_network(engine->self, {"net", "10.2.0.0/24", "net"}, &network).fault, EngineFault::None);
  assert_true(network.created && !network.isolated);
}

static void a_name_that_no_container_can_have_is_never_sent(void**) {
  ScriptedEnginePtr server = scripted_engine_start(false, after_version({{json_reply(200, kContainer), 0}}));
  EnginePtr engine = engine_at(scripted_engine_host(server.get()));
  ContainerInfo info;
  for (const char* name : {"", ".", "..", "../networks/net", "a/b", "a b", "a?force=1", "a#b", "a%2fb", "-x", "a\nb"}) {
    assert_int_equal(engine->ops->inspect(engine->self, name, &info).fault, EngineFault::NotFound);
    assert_int_equal(engine->ops->remove(engine->self, name).fault, EngineFault::NotFound);
    assert_int_equal(engine->ops->start(engine->self, name).fault, EngineFault::NotFound);
    assert_int_equal(engine->ops->rename(engine->self, name, "vnc_2").fault, EngineFault::NotFound);
  }
  assert_int_equal(scripted_engine_requests(server.get()).size(), 0);
  engine->ops->rename(engine->self, "vnc_1", "a b&c");
  assert_true(contains(scripted_engine_requests(server.get()).back().line, "/rename?name=a%20b%26c "));
}

static void a_proxy_of_the_environment_is_not_for_the_engine(void**) {
  ScriptedEnginePtr server = scripted_engine_start(true, after_version({{json_reply(200, kContainer), 0}}));
  setenv("http_proxy", "http://127.0.0.1:1", 1);
  setenv("all_proxy", "http://127.0.0.1:1", 1);
  EnginePtr engine = engine_at(scripted_engine_host(server.get()));
  ContainerInfo info;
  const EngineFault fault = engine->ops->inspect(engine->self, "vnc_1", &info).fault;
  unsetenv("http_proxy");
  unsetenv("all_proxy");
  assert_int_equal(fault, EngineFault::None);
}

// ---- streams ----

static const char* const kStart =
    "{\"Type\": \"container\", \"Action\": \"start\", \"Actor\": {\"ID\": "
    "\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\", \"Attributes\": {\"name\": \"vnc_1\"}}, "
    "\"time\": 1, \"timeNano\": 1}\n";
static const char* const kDie =
    "{\"Type\": \"container\", \"Action\": \"die\", \"Actor\": {\"ID\": "
    "\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\", \"Attributes\": {\"name\": \"vnc_1\", "
    "\"exitCode\": \"3\"}}, \"time\": 1, \"timeNano\": 1}\n";
static const char* const kStreamHead = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n";

struct Watched {
  EngineError error;
  int opened = 0;
  std::vector<EngineEvent> events;
};

static Watched watch_against(const std::vector<ScriptStep>& steps, long timeout_ms = 5000) {
  ScriptedEnginePtr server = scripted_engine_start(false, after_version(steps));
  EnginePtr engine = engine_at(scripted_engine_host(server.get()), timeout_ms);
  Watched watched;
  StopSign stop;
  watched.error = engine->ops->watch(
      engine->self, &stop, [&watched] { ++watched.opened; },
      [&watched](const EngineEvent& event) { watched.events.push_back(event); });
  return watched;
}

static void events_come_whole_however_they_are_cut(void**) {
  const std::string both = std::string(kStart) + "\r\n" + kDie;
  std::vector<std::vector<ScriptStep>> cuts = {{{kStreamHead + both, 0}}, {{kStreamHead, 0}, {both, 20}}};
  for (size_t at :
       {size_t{1}, size_t{40}, strlen(kStart) - 1, strlen(kStart), strlen(kStart) + 1, strlen(kStart) + 20}) {
    cuts.push_back({{kStreamHead, 0}, {both.substr(0, at), 10}, {both.substr(at), 10}});
  }
  for (const std::vector<ScriptStep>& steps : cuts) {
    const Watched watched = watch_against(steps);
    assert_int_equal(watched.opened, 1);
    assert_int_equal(watched.events.size(), 2);
    assert_int_equal(watched.events[0].kind, EngineEventKind::Start);
    assert_int_equal(watched.events[1].kind, EngineEventKind::Die);
    assert_int_equal(watched.events[1].exit_code, 3);
    assert_int_equal(watched.error.fault, EngineFault::Unknown);  // it ended, and nobody asked it to
  }
}

static void a_stream_is_open_only_after_a_200(void**) {
  Watched watched = watch_against({{json_reply(500, "{\"message\": \"no\"}"), 0}});
  assert_int_equal(watched.opened, 0);
  assert_int_equal(watched.error.fault, EngineFault::Failed);
  watched = watch_against({{"", -1}}, 300);
  assert_int_equal(watched.opened, 0);
  assert_int_equal(watched.error.fault, EngineFault::Unknown);
  watched = watch_against({{"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n", 0}, {"", -1}}, 300);
  assert_int_equal(watched.opened, 0);
}

static void a_line_that_is_no_event_ends_the_stream(void**) {
  Watched watched = watch_against({{std::string(kStreamHead) + kStart + "garbage\n" + kDie, 0}, {"", -1}});
  assert_int_equal(watched.events.size(), 1);
  assert_int_equal(watched.error.fault, EngineFault::Failed);
  // So does a line without an end.
  watched = watch_against({{kStreamHead + std::string(3 << 20, 'x'), 0}, {"", -1}});
  assert_int_equal(watched.error.fault, EngineFault::Failed);
}

// Each opening makes the daemon ask for the version, the network and a listing: four times a second would be an attack.
static void a_stream_that_opens_and_breaks_is_taken_up_with_growing_pauses(void**) {
  std::atomic<int> openings{0};
  ScriptedEnginePtr server =
      scripted_engine_start(false, [&openings](const ScriptedRequest& request) -> std::vector<ScriptStep> {
        if (asks(request, " /version ")) return {{version_reply("1.41", "1.12"), 0}};
        ++openings;
        return {{kStreamHead, 0}};
      });
  EnginePtr engine = engine_at(scripted_engine_host(server.get()));
  std::string problem;
  MailboxPtr mailbox = mailbox_create(&problem);
  {
    WatcherPtr watcher = watcher_start(engine.get(), mailbox.get());
    assert_non_null(watcher.get());
    usleep(2500000);  // at 0, 0.25, 0.75 and 1.75 s at the earliest
  }
  assert_in_range(openings.load(), 2, 4);
}

static void a_quiet_stream_is_stopped_at_once(void**) {
  // Silent after the headers, before them, and before the version is told.
  for (int silent_at = 0; silent_at < 3; ++silent_at) {
    ScriptedEnginePtr server =
        scripted_engine_start(false, [silent_at](const ScriptedRequest& request) -> std::vector<ScriptStep> {
          if (asks(request, " /version ") && silent_at < 2) return {{version_reply("1.41", "1.12"), 0}};
          if (silent_at == 0) return {{kStreamHead, 0}, {"", -1}};
          return {{"", -1}};
        });
    EnginePtr engine = engine_at(scripted_engine_host(server.get()), 60000);
    StopSign stop;
    timespec begun = {}, ended;
    std::thread stopper([&stop, &begun] {
      usleep(300000);
      clock_gettime(CLOCK_MONOTONIC, &begun);
      stop_sign_set(&stop);
    });
    const EngineError error = engine->ops->watch(
        engine->self, &stop, [] {}, [](const EngineEvent&) {});
    clock_gettime(CLOCK_MONOTONIC, &ended);
    stopper.join();
    assert_int_equal(error.fault, EngineFault::None);
    // The promise is half a second; a busy machine gets more before this counts as a hang.
    assert_true(static_cast<double>(ended.tv_sec - begun.tv_sec) +
                    static_cast<double>(ended.tv_nsec - begun.tv_nsec) / 1e9 <
                2.0);
  }
}

static EngineError pull_against(const std::string& image, const std::vector<ScriptStep>& steps,
                                std::vector<std::string>* told, std::string* line) {
  ScriptedEnginePtr server = scripted_engine_start(false, after_version(steps));
  EnginePtr engine = engine_at(scripted_engine_host(server.get()));
  const EngineError error =
      engine->ops->pull(engine->self, image, [told](const std::string& text) { told->push_back(text); });
  *line = scripted_engine_requests(server.get()).back().line;
  return error;
}

static void a_pull_tells_its_progress_now_and_then_and_its_end(void**) {
  std::vector<std::string> told;
  std::string line;
  std::string progress;
  for (int i = 0; i < 200; ++i)
    progress +=
        "{\"status\": \"Downloading\", \"progressDetail\": {\"current\": 1, \"total\": 2}, \"progress\": \"[=> ]\", "
        "\"id\": \"abc\"}\n";
  EngineError error = pull_against(
      "debian", {{kStreamHead + progress + "{\"status\": \"Status: Downloaded newer image\"}\n", 0}}, &told, &line);
  assert_int_equal(error.fault, EngineFault::None);
  assert_int_equal(told.size(), 1);
  assert_true(contains(line, "POST /v1.41/images/create?fromImage=debian&tag=latest "));
  error = pull_against(
      "host:5000/a/b:1",
      {{kStreamHead + progress + "{\"errorDetail\": {\"message\": \"no space left\"}, \"error\": \"no space left\"}\n",
        0}},
      &told, &line);
  assert_int_equal(error.fault, EngineFault::Failed);
  assert_true(contains(error.text, "no space left") && contains(error.text, "host:5000/a/b:1"));
  assert_true(contains(line, "fromImage=host%3A5000%2Fa%2Fb%3A1 "));
  error = pull_against("host:5000/a", {{json_reply(404, "{\"message\": \"pull access denied for host:5000/a\"}"), 0}},
                       &told, &line);
  assert_int_equal(error.fault, EngineFault::ImageMissing);
  assert_true(contains(line, "fromImage=host%3A5000%2Fa&tag=latest "));
  error = pull_against("a@sha256:00", {{std::string("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}\n"), 0}}, &told,
                       &line);
  assert_int_equal(error.fault, EngineFault::Unknown);
  assert_true(contains(line, "fromImage=a%40sha256%3A00 "));
}

// ---- the probe for images without a health check ----

static bool probe_against(const std::vector<ScriptStep>& steps) {
  ScriptedEnginePtr server = scripted_engine_start(true, [steps](const ScriptedRequest&) { return steps; });
  const std::string host = scripted_engine_host(server.get());
  return probe_http("127.0.0.1", atoi(host.substr(host.rfind(':') + 1).c_str()), 600);
}

static void a_probe_needs_a_status_line(void**) {
  assert_true(probe_against({{"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 0}}));
  assert_true(probe_against({{"HTTP/1.1 503 No\r\n\r\n", 0}}));
  assert_true(probe_against({{"HTTP/1.0 401 No\r\n\r\n", 0}}));
  assert_true(probe_against({{"HTTP/1.1 200 OK\r\n\r\n", 0}, {std::string(100000, 'x'), 0}, {"", -1}}));
  assert_false(probe_against({}));  // as docker-proxy does when nothing listens inside
  assert_false(probe_against({{"RFB 003.008\n", 0}}));
  assert_false(probe_against({{"", -1}}));
  assert_false(probe_http("127.0.0.1", 1, 600));
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(an_engine_that_is_not_there_is_unreachable_and_the_text_helps),
      cmocka_unit_test(a_socket_that_may_not_be_opened_is_said_to_be_that),
      cmocka_unit_test(only_hosts_that_we_speak_to_are_taken),
      cmocka_unit_test(silence_is_unknown_and_bounded),
      cmocka_unit_test(nothing_sent_because_the_version_was_never_told_is_unreachable),
      cmocka_unit_test(an_answer_in_single_bytes_is_an_answer),
      cmocka_unit_test(a_cut_answer_is_unknown),
      cmocka_unit_test(nonsense_is_failed_where_asking_again_is_harmless_and_unknown_where_not),
      cmocka_unit_test(a_404_page_of_something_else_says_nothing_about_a_container),
      cmocka_unit_test(what_greets_everybody_is_no_engine),
      cmocka_unit_test(an_answer_larger_than_its_call_can_have_is_none),
      cmocka_unit_test(an_endless_answer_is_cut_off),
      cmocka_unit_test(what_the_engine_says_cannot_break_a_line),
      cmocka_unit_test(the_api_version_is_agreed_once_and_again_when_the_engine_changed),
      cmocka_unit_test(an_engine_without_a_common_version_is_named_too_old),
      cmocka_unit_test(a_removal_under_way_is_waited_for),
      cmocka_unit_test(two_who_make_the_network_at_once_both_succeed),
      cmocka_unit_test(a_network_without_walls_is_better_than_none),
      cmocka_unit_test(a_name_that_no_container_can_have_is_never_sent),
      cmocka_unit_test(a_proxy_of_the_environment_is_not_for_the_engine),
      cmocka_unit_test(events_come_whole_however_they_are_cut),
      cmocka_unit_test(a_stream_is_open_only_after_a_200),
      cmocka_unit_test(a_line_that_is_no_event_ends_the_stream),
      cmocka_unit_test(a_stream_that_opens_and_breaks_is_taken_up_with_growing_pauses),
      cmocka_unit_test(a_quiet_stream_is_stopped_at_once),
      cmocka_unit_test(a_pull_tells_its_progress_now_and_then_and_its_end),
      cmocka_unit_test(a_probe_needs_a_status_line),
  };
  return cmocka_run_group_tests_name("docker_wire", tests, nullptr, nullptr);
}
