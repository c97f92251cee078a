// Creations that fail, ports and networks that others took: what the client is told and that nothing stays behind.
#include <unistd.h>

#include <algorithm>
#include <set>

#include "support/daemon.h"

namespace {

void check_nothing_left(Daemon* d, const At& at = At::current()) {
  check_at(wait_until(15, [&] { return daemon_containers(d).empty(); }), "a container stays behind", at);
  check_number(daemon_status(d, at).active, 0, "records", at);
  check_at(wait_until(3, [&] { return daemon_state(d).empty(); }), "a record stays on disk", at);
}

bool has_any(const std::string& text, const Texts& words) {
  return std::any_of(words.begin(), words.end(),
                     [&](const std::string& word) { return text.find(word) != std::string::npos; });
}

void a_missing_image_is_named(Scene* scene) {
  Daemon* d = scene->daemon;
  std::string image = "localhost/vnc-orchestrator-missing-" + std::to_string(scene->suite->block) + ":latest";
  daemon_set(d, "VNC_IMAGE", image);
  daemon_start(d);
  std::string client = suite_client(*scene->suite, "noimage");
  HttpReply reply = daemon_get(d, access_path(client));
  check_at(reply.status == 500 || reply.status == 503, "status " + std::to_string(reply.status));
  std::string text = check_error(reply, reply.status);
  check_at(text.find(image) != std::string::npos, "the image is not named: " + text);
  check_nothing_left(d);
  // It comes later, and nothing has to be started again.
  std::string name = image.substr(0, image.rfind(':'));
  check_number(
      engine_call(d->socket, "POST", "/images/" + std::string(kTinyImage) + "/tag?repo=" + name + "&tag=latest").status,
      201, "docker tag");
  std::string socket = d->socket;
  scene->cleanups.push_back([socket, image] { engine_call(socket, "DELETE", "/images/" + image); });
  Entry entry;
  bool served = wait_until(70, [&] { return daemon_get(d, access_path(client)).status == 302; });
  check_at(served, "the image is there and nobody sees it");
  check_number(daemon_get(d, "/remove?id=" + client).status, 200, "/remove");  // before its image goes
}

void ports_that_others_hold_are_passed_over(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_set_ports(d, 10, 4);
  int first = daemon_first_slot(d);
  for (int port : {first, first + 1, first + 3}) {
    int fd = tcp_listen(port);
    check_at(fd >= 0, "cannot listen on " + std::to_string(port));
    scene->cleanups.push_back([fd] { tcp_close(fd); });
  }
  daemon_start(d);
  Entry entry = daemon_access(d, suite_client(*scene->suite, "squeezed"));
  check_number(entry.port, first + 2, "port");
  check_number(static_cast<long>(daemon_containers(d).size()), 1, "containers: none is left in state created");
}

void a_pool_goes_around_held_ports_too(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_set_ports(d, 10, 3);
  daemon_set(d, "WARM_POOL_SIZE", "1");
  for (int port : {daemon_first_slot(d), daemon_first_slot(d) + 1}) {
    int fd = tcp_listen(port);
    check_at(fd >= 0, "cannot listen on " + std::to_string(port));
    scene->cleanups.push_back([fd] { tcp_close(fd); });
  }
  daemon_start(d);
  daemon_wait_pool(d, 1);
  check_number(daemon_status(d).records[0].port, daemon_first_slot(d) + 2, "port");
}

void with_every_port_held_the_client_is_told(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_set_ports(d, 10, 2);
  std::vector<int> held;
  for (int port : {daemon_first_slot(d), daemon_first_slot(d) + 1}) {
    held.push_back(tcp_listen(port));
    int fd = held.back();
    check_at(fd >= 0, "cannot listen on " + std::to_string(port));
    scene->cleanups.push_back([fd] { tcp_close(fd); });
  }
  daemon_start(d);
  HttpReply reply = daemon_get(d, access_path(suite_client(*scene->suite, "heldall")));
  check_at(reply.status == 503 || reply.status == 500, "status " + std::to_string(reply.status));
  std::string text = check_error(reply, reply.status);
  check_at(has_any(text, {"port"}), text);
  check_nothing_left(d);
}

void who_never_becomes_healthy_is_500_with_the_reason(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_set(d, "VNC_APPNAME", "never-healthy");
  daemon_set(d, "READY_TIMEOUT_SECONDS", "5");
  daemon_start(d);
  std::string client = suite_client(*scene->suite, "never");
  HttpReply reply = daemon_get(d, access_path(client));
  std::string text = check_error(reply, 500);
  check_at(text.rfind("Failed to create container: ", 0) == 0, text);
  check_at(has_any(text, {"healthy", "ready"}), "no reason: " + text);
  check_nothing_left(d);
  check_at(daemon_logs_loudly(d, {client}), "the log does not name the client");
}

void who_ends_early_is_500_at_once_with_the_reason(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_set(d, "VNC_APPNAME", "exit-early");
  daemon_set(d, "READY_TIMEOUT_SECONDS", "60");
  daemon_start(d);
  HttpReply reply = daemon_get(d, access_path(suite_client(*scene->suite, "early")));
  std::string text = check_error(reply, 500);
  check_at(text.rfind("Failed to create container: ", 0) == 0, text);
  check_at(text.find('3') != std::string::npos, "the exit status 3 is not told: " + text);
  check_at(reply.seconds < 30, "it waited for READY_TIMEOUT_SECONDS all the same");
  check_nothing_left(d);
}

void several_waiters_of_one_failure_are_all_told(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_set(d, "VNC_APPNAME", "exit-early");
  daemon_start(d);
  daemon_wait_reconciled(d);
  std::string client = suite_client(*scene->suite, "together");
  std::vector<HttpCall> calls(8, daemon_call(d, access_path(client)));
  for (const HttpReply& reply : http_calls_at_once(calls)) check_error(reply, 500);
  check_nothing_left(d);
}

void a_failing_pool_backs_off_and_says_so_once(Scene* scene) {
  Daemon* d = scene->daemon;
  size_t before = ledger_count(scene->suite->ledger.get());
  daemon_set(d, "VNC_APPNAME", "exit-early");
  daemon_set(d, "WARM_POOL_SIZE", "1");
  daemon_start(d);
  check_at(wait_until(20, [&] { return ledger_count(scene->suite->ledger.get()) > before; }), "no attempt at all");
  usleep(8500000);  // attempts after about 0, 1, 3 and 7 s at the most
  size_t attempts = ledger_count(scene->suite->ledger.get()) - before;
  check_at(attempts >= 2, "it does not try again: " + std::to_string(attempts));
  check_at(attempts <= 5, std::to_string(attempts) + " attempts in 8.5 s");
  std::string lines = daemon_log_lines(d, "[POOL]");
  size_t loud = 0;
  for (const char* level : {" WARNING ", " ERROR "}) {
    for (size_t at = lines.find(level); at != std::string::npos; at = lines.find(level, at + 1)) ++loud;
  }
  check_number(static_cast<long>(loud), 1, "loud lines about the pool:\n" + lines + "\ncount");
  check_at(wait_until(10, [&] { return daemon_containers(d).empty(); }), "a failed one stays behind");
  // A client is not kept waiting for the pool's pause: it gets its own attempt, and its own reason.
  check_error(daemon_get(d, access_path(suite_client(*scene->suite, "impatient"))), 500);
}

void a_network_removed_by_hand_is_made_again(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_start(d);
  daemon_wait_reconciled(d);
  check_at(engine_remove_network(d->socket, scene->suite->network), "docker network rm");
  Entry entry = daemon_access(d, suite_client(*scene->suite, "network"));
  SeenContainer seen;
  check_at(engine_inspect(d->socket, entry.id, &seen), "no container");
  check_at(seen.networks == Texts{scene->suite->network}, "it is not on the session network");
}

void the_network_is_made_with_the_subnet_asked_for(Scene* scene) {
  Daemon* d = scene->daemon;
  std::string name = scene->suite->network + "-other";
  std::string subnet = suite_subnet(*scene->suite, 1);
  daemon_set(d, "DOCKER_NETWORK_NAME", name);
  daemon_set(d, "DOCKER_NETWORK_SUBNET", subnet);
  daemon_start(d);
  check_at(wait_until(20, [&] { return engine_has_network(d->socket, name); }), "no network");
  JsonPtr network = json_from(engine_call(d->socket, "GET", "/networks/" + name).body);
  check_equal(json_text(network.get(), "Driver"), "bridge", "driver");
  json_t* config = json_array_get(json_object_get(json_object_get(network.get(), "IPAM"), "Config"), 0);
  check_equal(json_text(config, "Subnet"), subnet, "subnet");
}

// Another program's container has the name: it stays, and the client is served under another name or told why not.
void a_name_that_somebody_else_has_harms_neither(Scene* scene) {
  Daemon* d = scene->daemon;
  std::string client = suite_client(*scene->suite, "taken");
  ForeignSpec spec;
  spec.name = "vnc_" + client;
  spec.image = kTinyImage;
  spec.labels = {{kForeignLabel, scene->suite->network}};
  std::string error;
  std::string foreign = engine_create(d->socket, spec, &error);
  check_at(!foreign.empty(), error);
  daemon_start(d);
  HttpReply reply = daemon_get(d, access_path(client));
  if (reply.status == 302) {
    check_at(daemon_check_302(d, reply, client).id != foreign, "somebody else's container was given out");
  } else {
    std::string text = check_error(reply, 500);
    check_at(text.find("vnc_" + client) != std::string::npos, "the name is not told: " + text);
    check_nothing_left(d);
  }
  SeenContainer seen;
  check_at(engine_inspect(d->socket, foreign, &seen) && seen.state == "running", "somebody else's container is gone");
  d->books = reply.status != 302;  // its name cannot be what the books say
}

}  // namespace

int main() {
  const std::vector<CMUnitTest> tests = {
      E2E_TEST(a_missing_image_is_named),
      E2E_TEST(ports_that_others_hold_are_passed_over),
      E2E_TEST(a_pool_goes_around_held_ports_too),
      E2E_TEST(with_every_port_held_the_client_is_told),
      E2E_TEST(who_never_becomes_healthy_is_500_with_the_reason),
      E2E_TEST(who_ends_early_is_500_at_once_with_the_reason),
      E2E_TEST(several_waiters_of_one_failure_are_all_told),
      E2E_TEST(a_failing_pool_backs_off_and_says_so_once),
      E2E_TEST(a_network_removed_by_hand_is_made_again),
      E2E_TEST(the_network_is_made_with_the_subnet_asked_for),
      E2E_TEST(a_name_that_somebody_else_has_harms_neither),
  };
  return suite_main("failure", tests);
}
