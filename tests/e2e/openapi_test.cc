// docs/openapi.yaml and the daemon say the same: each answer that stands there is provoked, and openapi_check.py holds them all against it.
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <future>

#include "support/daemon.h"
#include "support/engine_proxy.h"
#include "support/proc.h"

namespace {

// What was asked and answered, a JSON object a line.
struct Transcript {
  Scene* scene = nullptr;
  std::string lines;
};

void note(Transcript* transcript, const std::string& method, const std::string& target, const HttpReply& reply, const At& at = At::current()) {
  check_at(reply.status != 0, method + " " + target.substr(0, 80) + ": " + reply.error, at);
  JsonPtr line(json_pack("{s:s, s:s, s:i, s:s, s:[]}", "method", method.c_str(), "target", target.c_str(), "status", static_cast<int>(reply.status), "body",
                         reply.body.c_str(), "headers"));
  for (const auto& [name, value] : reply.headers)
    json_array_append_new(json_object_get(line.get(), "headers"), json_pack("[s,s]", name.c_str(), value.c_str()));
  char* text = json_dumps(line.get(), JSON_COMPACT);
  transcript->lines += std::string(text) + "\n";
  free(text);
}

struct Ask {
  std::string method = "GET";
  Texts headers = {};
  std::string body = {};
};

HttpReply ask(Transcript* transcript, const Daemon* d, const std::string& target, const Ask& how = {}, const At& at = At::current()) {
  HttpCall call;
  call.method = how.method;
  call.url = "http://127.0.0.1:" + std::to_string(daemon_port(d)) + target;
  call.headers = how.headers;
  call.body = how.body;
  HttpReply reply = http_call(call);
  note(transcript, how.method, target, reply, at);
  return reply;
}

void expect(Transcript* transcript, const Daemon* d, const std::string& target, long status, const Ask& how = {}, const At& at = At::current()) {
  HttpReply reply = ask(transcript, d, target, how, at);
  check_number(reply.status, status, how.method + " " + target.substr(0, 80) + " " + reply.body.substr(0, 200), at);
}

const Ask kForeign = {.headers = {"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors"}};

std::string client_of(const Transcript* transcript, const std::string& name) { return suite_client(*transcript->scene->suite, name); }

// A request that comes a byte now and then is given up after 20 s; the others go on meanwhile.
HttpReply reply_from(const std::string& raw) {
  HttpReply reply;
  const size_t end = raw.find("\r\n\r\n");
  if (end == std::string::npos || sscanf(raw.c_str(), "HTTP/1.1 %ld", &reply.status) != 1) reply.error = "no HTTP: " + raw;
  for (size_t at = raw.find("\r\n"); at != std::string::npos && at < end; at = raw.find("\r\n", at + 2)) {
    const size_t colon = raw.find(": ", at), line_end = raw.find("\r\n", at + 2);
    reply.headers.emplace_back(raw.substr(at + 2, colon - at - 2), raw.substr(colon + 2, line_end - colon - 2));
  }
  if (end != std::string::npos) reply.body = raw.substr(end + 4);
  return reply;
}

// As a session's own programs ask.
HttpReply ask_from_inside(const Daemon* d, const std::string& target) {
  const std::vector<SeenContainer> all = daemon_containers(d);
  check_at(!all.empty(), "no container");
  const std::string& subnet = d->scene->suite->subnet;
  const size_t last = subnet.rfind('.') + 1;
  const std::string gateway = subnet.substr(0, last) + std::to_string(std::stoi(subnet.substr(last)) + 1);
  return reply_from(proc_output({"nsenter", "--net=/proc/" + std::to_string(all[0].pid) + "/ns/net", "curl", "-sSi", "--max-time", "10",
                                 "http://" + gateway + ":" + std::to_string(daemon_port(d)) + target}));
}

void watch_for_a_moment(Transcript* transcript, Daemon* d, const std::string& client) {
  const int port = entry_of(daemon_status(d).records, client).port;
  const int viewer = tcp_connect(port);
  transcript->scene->cleanups.push_back([viewer] { tcp_close(viewer); });
  check_at(wait_until(20, [&] { return !entry_of(daemon_status(d).records, client).seen.empty(); }), "nobody is seen to watch");
  expect(transcript, d, "/status", 200);
}

// What any request may get, and a session's whole life.
void sessions(Transcript* transcript, Daemon* d) {
  daemon_set(d, "WARM_POOL_SIZE", "1");
  daemon_set(d, "VIEWER_CHECK_SECONDS", "1");
  daemon_set(d, "ORCHESTRATOR_HOST", "0.0.0.0");
  daemon_start(d);
  daemon_wait_pool(d, 1);
  const int port = daemon_port(d);
  std::future<std::string> slow = std::async(std::launch::async, [port] { return http_raw(port, "GET /health HTTP/1.1\r\n", 30000); });

  expect(transcript, d, "/health", 200);
  expect(transcript, d, "/health", 200, {.method = "HEAD"});
  expect(transcript, d, "/health", 200, {.headers = {"X-Request-Id: mine-1"}});
  expect(transcript, d, "/ready", 200);
  expect(transcript, d, "/metrics", 200);
  expect(transcript, d, "/nothing", 404);
  expect(transcript, d, "/access?id=x", 405, {.method = "POST"});
  expect(transcript, d, "/" + std::string(20000, 'x'), 400);
  expect(transcript, d, "/health", 413, {.method = "POST", .body = std::string(70000, 'x')});
  note(transcript, "GET", "/health", ask_from_inside(d, "/health"));

  const std::string client = client_of(transcript, "one");
  for (const std::string& target : {access_path(client), access_path(client, "&width=800&height=600"), access_path(client, "&width=800&height=600")})
    expect(transcript, d, target, 302);
  for (const char* target : {"/access", "/access?id=a%20b", "/access?id=a&id=b", "/access?id=a&width=1&height=600", "/remove?id=", "/status?id="})
    expect(transcript, d, target, 400);
  for (const std::string& target : {access_path(client), std::string("/status"), std::string("/metrics"), "/remove?id=" + client, std::string("/remove-all"), std::string("/drain"), std::string("/undrain")})
    expect(transcript, d, target, 403, kForeign);
  watch_for_a_moment(transcript, d, client);
  expect(transcript, d, "/status?id=" + client, 200);
  expect(transcript, d, "/status?id=" + client_of(transcript, "nobody"), 404);
  expect(transcript, d, "/remove?id=" + client_of(transcript, "nobody"), 404);
  expect(transcript, d, "/remove?id=" + client, 200);
  for (const char* target : {"/drain", "/status", "/undrain", "/remove-all"}) expect(transcript, d, target, 200);
  const std::string mark = daemon_state_path(d) + ".drain";
  check_at(mkdir(mark.c_str(), 0700) == 0, mark);  // no file can be made there, and none be removed
  for (const char* target : {"/drain", "/undrain"}) expect(transcript, d, target, 500);
  check_at(rmdir(mark.c_str()) == 0, mark);
  note(transcript, "GET", "/health", reply_from(slow.get()));
  daemon_stop(d);
}

void doors(Transcript* transcript, Daemon* d) {
  daemon_set(d, "ADMIN_TOKEN", "0123456789abcdef");
  daemon_start(d);
  check_at(wait_until(20, [&] { return daemon_containers(d).empty(); }), "a pool of no containers has some");
  for (const char* target : {"/status", "/metrics", "/remove?id=x", "/remove-all", "/drain", "/undrain", "/nothing"}) expect(transcript, d, target, 401);
  expect(transcript, d, "/remove-all", 200, {.headers = {"Authorization: Bearer 0123456789abcdef"}});  // empty
  daemon_stop(d);
}

// One port, an engine that may be spoilt, and containers that take two seconds.
void troubles(Transcript* transcript, Daemon* d) {
  const std::string path = transcript->scene->suite->folder + "/p";
  EngineProxy* proxy = engine_proxy_make(transcript->scene, path, transcript->scene->suite->socket);
  daemon_set(d, "DOCKER_HOST", "unix://" + path);
  daemon_set_ports(d, 60, 1);
  daemon_set(d, "RECYCLE", "never");
  daemon_set(d, "VNC_APPNAME", "slow 2");
  daemon_start(d);
  daemon_wait_reconciled(d);
  const std::string client = client_of(transcript, "waits");
  std::future<HttpReply> waiting = http_call_later(daemon_call(d, access_path(client)));
  HttpReply removal;
  check_at(wait_until(10, [&] { return (removal = daemon_get(d, "/remove?id=" + client)).status != 404; }), "no session to remove");
  note(transcript, "GET", "/remove?id=" + client, removal);
  HttpReply removed = waiting.get();
  check_number(removed.status, 409, "the access " + removed.body);
  note(transcript, "GET", access_path(client), removed);
  check_at(wait_until(20, [&] { return daemon_get(d, "/ready").status == 200; }), "the port is not free again");

  expect(transcript, d, access_path(client), 302);
  expect(transcript, d, access_path(client_of(transcript, "newcomer")), 503);
  engine_proxy_set_place(proxy, Place::Remove, Wire::Status500);
  expect(transcript, d, "/remove?id=" + client, 500);
  engine_proxy_set(proxy, Wire::Whole, Wire::Whole);
  check_at(wait_until(30, [&] { return daemon_get(d, "/ready").status == 200; }), "it is not tried again");
  expect(transcript, d, access_path(client), 302);
  engine_proxy_set(proxy, Wire::Refuse, Wire::Refuse);
  check_at(wait_until(20, [&] { return daemon_get(d, "/status").body.find("\"away\"") != std::string::npos; }), "the engine is not missed");
  expect(transcript, d, "/status", 200);
  for (const std::string& target : {access_path(client_of(transcript, "newcomer")), "/remove?id=" + client, std::string("/remove-all"), std::string("/ready")})
    expect(transcript, d, target, 503);
  engine_proxy_set(proxy, Wire::Whole, Wire::Whole);
  check_at(wait_until(30, [&] { return daemon_get(d, "/ready").status == 503 && daemon_get(d, "/remove?id=" + client).status == 200; }), "the engine is not back");
  daemon_stop(d);
}

void without_image(Transcript* transcript, Daemon* d) {
  daemon_set(d, "VNC_IMAGE", "localhost/vnc-orchestrator-no-such-image:latest");
  daemon_start(d);
  daemon_wait_reconciled(d);
  expect(transcript, d, access_path(client_of(transcript, "unlucky")), 500);
  daemon_stop(d);
}

void every_answer_is_as_openapi_yaml_says_and_each_of_those_is_given(Scene* scene) {
  Transcript transcript{scene, ""};
  const auto settings = scene->daemon->settings;
  for (const auto part : {sessions, doors, troubles, without_image}) {
    scene->daemon->settings = settings;
    part(&transcript, scene->daemon);
  }
  const std::string path = scene->folder + "/transcript";
  file_write(path, transcript.lines);
  ProcResult checked = proc_run({"/usr/bin/python3", "-W", "ignore", "tests/e2e/openapi_check.py", "docs/openapi.yaml", "src/daemon/routes.cc", path});
  check_number(checked.status, 0, "docs/openapi.yaml:\n" + checked.out + checked.err);
}

}  // namespace

int main() { return suite_main("openapi", {E2E_TEST(every_answer_is_as_openapi_yaml_says_and_each_of_those_is_given)}); }
