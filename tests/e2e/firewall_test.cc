// What only the packet filter keeps a session from: this machine by any of its addresses, other sessions' published ports among it, and the cloud's
// metadata. Asked from inside, with the machine's own iptables.
#include <algorithm>
#include <sstream>

#include "codec/firewall.h"
#include "support/daemon.h"
#include "support/neighbours.h"
#include "support/proc.h"

namespace {

std::string network_of(const Daemon* d) { return d->settings.at("DOCKER_NETWORK_NAME"); }

// All that iptables or ip6tables shows of this daemon's rules, but for what it has counted.
Texts rules_of(const Daemon* d, const std::string& save = "iptables-save") {
  const std::string chain = firewall_chain(network_of(d)) + " ";
  Texts out;
  std::istringstream lines(proc_output({save, "-t", "filter"}));
  for (std::string line; std::getline(lines, line);)
    if ((line + " ").find(chain) != std::string::npos) out.push_back(line.substr(0, line.find('[')));
  return out;
}

std::string text_of(const Texts& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

ProcResult ask(const Entry& from, const std::string& address, int port) {
  const std::string host = address.find(':') == std::string::npos ? address : "[" + address + "]";
  return proc_run({"docker", "exec", from.id, "/busybox", "timeout", "4", "/busybox", "wget", "-q", "-O", "/dev/null", "http://" + host + ":" + std::to_string(port) + "/"});
}

// From inside a session: an answer of any status has come from there.
bool reaches(const Entry& from, const std::string& address, int port) {
  const ProcResult asked = ask(from, address, port);
  return asked.status == 0 || asked.err.find("server returned error") != std::string::npos;
}

// At once: nobody waits in vain.
bool is_refused(const Entry& from, const std::string& address, int port) { return ask(from, address, port).err.find("Connection refused") != std::string::npos; }

std::string gateway_of(const Entry& entry) { return proc_output({"docker", "inspect", "-f", "{{range .NetworkSettings.Networks}}{{.Gateway}}{{end}}", entry.id}); }

void use_firewall(Daemon* d) {
  daemon_set(d, "FIREWALL", "on");
  daemon_set(d, "VNC_BIND", "0.0.0.0");
  daemon_set(d, "ORCHESTRATOR_HOST", "0.0.0.0");
  d->scene->cleanups.emplace_back([network = network_of(d)] {
    const char* program = getenv("VNC_DAEMON");
    proc_run({"env", "-C", "/", "DOCKER_NETWORK_NAME=" + network, program == nullptr ? "./vnc-orchestrator" : program, "--firewall-remove"});
  });
}

void start(Daemon* d) {
  daemon_start(d);
  daemon_wait_reconciled(d);
}

std::string shown(Daemon* d) { return json_text(json_from(daemon_get(d, "/status").body).get(), "firewall"); }

long status_of(int port) {
  HttpCall call;
  call.url = "http://127.0.0.1:" + std::to_string(port) + "/";
  return http_call(call).status;
}

// A page of this machine's own, on each of its addresses: what an intranet, the engine behind TCP or anything else would be.
void serve_here(Scene* scene, int port) {
  run_beside(scene, {"busybox", "httpd", "-f", "-p", std::to_string(port), "-h", scene->folder});
  check_at(wait_until(5, [&] { return status_of(port) > 0; }), "no web server: " + file_text(scene->folder + "/busybox.log"));
}

int page_port(const Scene* scene) { return scene->suite->first_port + 30; }

void a_session_reaches_nothing_of_this_machine(Scene* scene) {
  Daemon* d = scene->daemon;
  serve_here(scene, page_port(scene));
  daemon_set(d, "VNC_BIND", "0.0.0.0");
  daemon_set(d, "ORCHESTRATOR_HOST", "0.0.0.0");
  start(d);
  const Entry ana = daemon_access(d, suite_client(*scene->suite, "ana")), bruno = daemon_access(d, suite_client(*scene->suite, "bruno"));
  const Texts addresses = host_addresses(*scene->suite);
  check_at(std::find(addresses.begin(), addresses.end(), gateway_of(ana)) != addresses.end(), "its gateway is none of this machine's addresses");
  const int ports[] = {bruno.port, ana.port, daemon_port(d), page_port(scene)};
  for (const std::string& address : addresses)
    for (const int port : ports) check_at(reaches(ana, address, port), "without a firewall " + address + ":" + std::to_string(port) + " is not reached either");
  check_equal(shown(d), "off", "/status");

  use_firewall(d);
  daemon_reload(d);
  check_at(wait_until(10, [&] { return shown(d) == "on"; }), "it does not come with a reload: " + shown(d));
  for (const std::string& address : addresses)
    for (const int port : ports) check_at(is_refused(ana, address, port), "reached: " + address + ":" + std::to_string(port));
  // Those who watch go on, by way of this machine and from other networks.
  check_number(status_of(bruno.port), 200, "from this machine");
  const ProcResult outside = proc_run({"docker", "run", "--rm", "--network", "bridge", "--entrypoint", "/busybox", kTinyImage, "timeout", "4", "/busybox", "wget", "-q", "-O",
                                       "/dev/null", "http://" + gateway_of(ana) + ":" + std::to_string(bruno.port) + "/"});
  check_number(outside.status, 0, "from another network: " + outside.err);
  check_equal(daemon_access(d, ana.client).id, ana.id, "her session");

  daemon_set(d, "FIREWALL", "off");
  daemon_reload(d);
  check_at(wait_until(10, [&] { return rules_of(d).empty() && rules_of(d, "ip6tables-save").empty(); }), "FIREWALL=off leaves rules there");
  check_at(reaches(ana, gateway_of(ana), page_port(scene)), "FIREWALL=off keeps sessions from it all the same");
}

// Opens a connection, waits until the file `go` is there in the session, asks, and tells what is answered.
std::shared_ptr<Proc> ask_later(Scene* scene, const Entry& from, const std::string& go, int port) {
  const std::string script = "cd /dev/shm; { until [ -e " + go + " ]; do /busybox sleep 0.1; done; printf 'GET / HTTP/1.0\\r\\n\\r\\n'; /busybox sleep 2; } | /busybox nc " +
                             gateway_of(from) + " " + std::to_string(port);
  return proc_start({"docker", "exec", from.id, "/busybox", "timeout", "30", "/busybox", "sh", "-c", script}, scene->folder + "/" + go + ".log");
}

bool is_connected(int port) { return !proc_output({"ss", "-Htn", "state", "established", "sport = :" + std::to_string(port)}).empty(); }

// One made while the rules were not there would else last as long as the session.
void a_connection_that_is_there_before_the_rules_ends(Scene* scene) {
  Daemon* d = scene->daemon;
  const int port = page_port(scene);
  serve_here(scene, port);
  start(d);
  const Entry ana = daemon_access(d, suite_client(*scene->suite, "ana"));
  const auto told = [&](const std::string& go) {
    const std::shared_ptr<Proc> asks = ask_later(scene, ana, go, port);
    check_at(wait_until(10, [&] { return is_connected(port); }), "no connection: " + file_text(scene->folder + "/" + go + ".log"));
    if (go == "walled") {
      use_firewall(d);
      daemon_reload(d);
      check_at(wait_until(10, [&] { return shown(d) == "on"; }), "no firewall");
    }
    proc_output({"docker", "exec", ana.id, "/busybox", "touch", "/dev/shm/" + go});
    wait_until(15, [&] { return !proc_runs(asks.get()); });
    return file_text(scene->folder + "/" + go + ".log");
  };
  const std::string open = told("open"), walled = told("walled");
  check_at(open.find("HTTP/1") != std::string::npos, "without a firewall: " + open);
  check_at(walled.find("HTTP/1") == std::string::npos, "answered all the same: " + walled);
}

void what_is_allowed_is_reached_and_nothing_else(Scene* scene) {
  Daemon* d = scene->daemon;
  for (const int port : {page_port(scene), page_port(scene) + 1}) serve_here(scene, port);
  use_firewall(d);
  const std::string address = host_addresses(*scene->suite).front();
  daemon_set(d, "SESSION_ALLOW", address + ":" + std::to_string(page_port(scene)));
  start(d);
  const Entry ana = daemon_access(d, suite_client(*scene->suite, "ana"));
  check_at(reaches(ana, address, page_port(scene)), "not reached though it is allowed");
  check_at(is_refused(ana, address, page_port(scene) + 1), "another port of that address");
  check_at(is_refused(ana, gateway_of(ana), page_port(scene)), "that port by another address");
  daemon_set(d, "SESSION_ALLOW", address);
  daemon_reload(d);
  check_at(wait_until(10, [&] { return reaches(ana, address, page_port(scene) + 1); }), "any port of an address");
  check_at(is_refused(ana, gateway_of(ana), page_port(scene)), "another address");
}

void metadata_is_out_of_reach_and_the_rest_of_the_world_is_not(Scene* scene) {
  Daemon* d = scene->daemon;
  const std::string world = outside_world(*scene->suite), metadata = "169.254.169.254", azure = "168.63.129.16", alibaba = "100.100.100.200";
  outside_make(scene, {metadata, azure, alibaba});
  start(d);
  const Entry ana = daemon_access(d, suite_client(*scene->suite, "ana"));
  for (const std::string& address : {world, metadata, azure, alibaba})
    check_at(wait_until(10, [&] { return reaches(ana, address, kOutsidePort); }), "without a firewall " + address + " is not reached either");
  use_firewall(d);
  daemon_set(d, "SESSION_ALLOW", alibaba);
  daemon_reload(d);
  check_at(wait_until(10, [&] { return shown(d) == "on"; }), "no firewall");
  for (const std::string& address : {metadata, azure}) check_at(is_refused(ana, address, kOutsidePort), "reached: " + address);
  check_at(reaches(ana, world, kOutsidePort), "the world is not reached");
  check_at(reaches(ana, alibaba, kOutsidePort), "what is allowed is not reached");
}

// The name server may be this machine's own.
void names_are_found_all_the_same(Scene* scene) {
  Daemon* d = scene->daemon;
  use_firewall(d);
  start(d);
  const std::string server = gateway_of(daemon_access(d, suite_client(*scene->suite, "first")));
  run_beside(scene, {"dnsmasq", "-k", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--bind-interfaces", "--listen-address=" + server, "--except-interface=lo",
                     "--address=/asked.example/203.0.113.7", "--user=root", "--pid-file="});
  daemon_set(d, "VNC_DNS", server);
  daemon_reload(d);
  const Entry ana = daemon_access(d, suite_client(*scene->suite, "ana"));
  std::string said;
  const bool found = wait_until(10, [&] {
    said = proc_run({"docker", "exec", ana.id, "/busybox", "timeout", "4", "/busybox", "nslookup", "asked.example"}).out;
    return said.find("203.0.113.7") != std::string::npos;
  });
  check_at(found, "no name: " + said + file_text(scene->folder + "/dnsmasq.log"));
}

// docker-proxy listens to IPv6 as well.
void by_ipv6_it_is_the_same(Scene* scene) {
  Daemon* d = scene->daemon;
  const std::string six = scene->suite->network + "-6", prefix = "fd98:" + std::to_string(scene->suite->block);
  scene->instances.push_back(six);
  daemon_set(d, "DOCKER_NETWORK_NAME", six);
  daemon_set(d, "DOCKER_NETWORK_SUBNET", suite_subnet(*scene->suite, 3));
  proc_output({"docker", "network", "create", "--ipv6", "--subnet", suite_subnet(*scene->suite, 3), "--subnet", prefix + "::/64", "--gateway", prefix + "::1", "-o",
               "com.docker.network.bridge.enable_icc=false", six});
  serve_here(scene, page_port(scene));
  start(d);
  const Entry ana = daemon_access(d, suite_client(*scene->suite, "ana6"));
  check_at(wait_until(10, [&] { return reaches(ana, prefix + "::1", page_port(scene)); }), "without a firewall it is not reached either");
  use_firewall(d);
  daemon_reload(d);
  check_at(wait_until(10, [&] { return shown(d) == "on"; }), "no firewall");
  check_at(is_refused(ana, prefix + "::1", page_port(scene)), "reached");
  daemon_set(d, "SESSION_ALLOW", "[" + prefix + "::1]:" + std::to_string(page_port(scene)));
  daemon_reload(d);
  check_at(wait_until(10, [&] { return reaches(ana, prefix + "::1", page_port(scene)); }), "what is allowed is not reached");
}

// A flush by hand, a rule of another's that lets all by and comes first, one rule of ours deleted.
void what_somebody_took_away_is_there_again(Scene* scene) {
  Daemon* d = scene->daemon;
  use_firewall(d);
  start(d);
  const Entry ana = daemon_access(d, suite_client(*scene->suite, "ana"));
  const std::string chain = firewall_chain(network_of(d)), address = gateway_of(ana);
  check_at(is_refused(ana, address, daemon_port(d)), "reached");
  const Texts whole = rules_of(d), whole6 = rules_of(d, "ip6tables-save");
  check_at(whole.size() > 8 && whole6.size() > 8, "hardly a rule");
  const Texts spoils[] = {{"iptables", "-F", chain}, {"ip6tables", "-F", chain}, {"iptables", "-D", chain, "1"}};
  for (const Texts& spoil : spoils) {
    proc_output(spoil);
    check_at(rules_of(d) != whole || rules_of(d, "ip6tables-save") != whole6, "nothing is spoilt");
    daemon_reload(d);  // it looks then, too
    check_at(wait_until(10, [&] { return rules_of(d) == whole && rules_of(d, "ip6tables-save") == whole6; }), spoil[0] + " " + spoil[1] + " is not mended");
  }
  check_at(is_refused(ana, address, daemon_port(d)), "reached after it was mended");
  check_at(daemon_logs_loudly(d, {"[NETWORK]", chain, "is there again"}), "nobody is told");

  // Somebody's own rule that is put before ours lets everything in.
  const Texts rule = {"INPUT", "-s", scene->suite->subnet, "-j", "ACCEPT"};
  Texts insert = {"iptables", "-I"}, remove = {"iptables", "-D"};
  insert.insert(insert.end(), rule.begin(), rule.end());
  remove.insert(remove.end(), rule.begin(), rule.end());
  scene->cleanups.emplace_back([remove] { proc_run(remove); });
  proc_output(insert);
  check_at(reaches(ana, address, daemon_port(d)), "a rule before ours changes nothing: this test shows nothing");
  daemon_reload(d);
  check_at(wait_until(10, [&] { return is_refused(ana, address, daemon_port(d)); }), "a rule before ours goes on");
}

// Nobody asks for it: the daemon looks by itself, each minute.
void within_a_minute_it_is_there_again_by_itself(Scene* scene) {
  Daemon* d = scene->daemon;
  use_firewall(d);
  start(d);
  const Entry ana = daemon_access(d, suite_client(*scene->suite, "ana"));
  proc_output({"iptables", "-F", firewall_chain(network_of(d))});
  check_at(reaches(ana, gateway_of(ana), daemon_port(d)), "nothing was taken away: this test shows nothing");
  check_at(wait_until(75, [&] { return rules_of(d).size() > 8; }), "it is not there again");
  check_at(is_refused(ana, gateway_of(ana), daemon_port(d)), "reached");
}

void two_installations_keep_out_of_each_others_rules(Scene* scene) {
  Daemon* d = scene->daemon;
  use_firewall(d);
  start(d);
  const Entry ana = daemon_access(d, suite_client(*scene->suite, "ana"));
  const Texts first = rules_of(d);
  Daemon* e = scene_add_daemon(scene, "other");
  const std::string network = scene->suite->network + "-other";
  scene->instances.push_back(network);
  daemon_set(e, "DOCKER_NETWORK_NAME", network);
  daemon_set(e, "DOCKER_NETWORK_SUBNET", suite_subnet(*scene->suite, 4));
  daemon_set(e, "ORCHESTRATOR_PORT", std::to_string(scene->suite->first_port + 1));
  daemon_set_ports(e, 20, 4);
  use_firewall(e);
  start(e);
  const Entry bruno = daemon_access(e, suite_client(*scene->suite, "bruno"));
  check_at(rules_of(e).size() == first.size() && rules_of(d) == first, "the second changes the first's");
  check_at(is_refused(ana, gateway_of(ana), bruno.port) && is_refused(bruno, gateway_of(bruno), ana.port), "one reaches the other's session");
  check_at(is_refused(ana, gateway_of(bruno), daemon_port(e)) && is_refused(bruno, gateway_of(ana), daemon_port(d)), "one reaches the other's orchestrator");
  daemon_reload(d);
  check_at(!daemon_logs(d, {"is there again"}) && !daemon_logs(e, {"is there again"}), "each puts its own before the other's");

  daemon_stop(e);
  check_number(daemon_run(e, {"--firewall-remove"}).status, 0, "--firewall-remove");
  check_equal(text_of(rules_of(e)) + text_of(rules_of(e, "ip6tables-save")), "", "the second's");
  check_equal(text_of(rules_of(d)), text_of(first), "the first's along with them");
  check_at(is_refused(ana, gateway_of(ana), bruno.port), "the first's does not hold any more");
}

// The door stays shut while nobody minds it, and it goes when it is told to.
void rules_outlive_the_daemon_and_go_when_asked(Scene* scene) {
  Daemon* d = scene->daemon;
  use_firewall(d);
  start(d);
  const Entry ana = daemon_access(d, suite_client(*scene->suite, "ana")), bruno = daemon_access(d, suite_client(*scene->suite, "bruno"));
  const std::string address = gateway_of(ana);
  daemon_stop(d);
  check_at(is_refused(ana, address, bruno.port), "reached while no daemon runs");
  const Texts before = rules_of(d);
  start(d);
  check_at(rules_of(d) == before, "not the same after a restart");
  check_at(!daemon_logs(d, {"is there again"}), "a restart is told as somebody's doing");
  daemon_stop(d);
  const Outcome done = daemon_run(d, {"--firewall-remove"});
  check_number(done.status, 0, "--firewall-remove: " + done.err);
  check_at(rules_of(d).empty() && rules_of(d, "ip6tables-save").empty(), "something is left");
  check_number(daemon_run(d, {"--firewall-remove"}).status, 0, "once more");
  check_at(reaches(ana, address, bruno.port), "it is not away");
}

// A session on a network that has to be made again, whose bridge has another name.
void a_network_made_again_is_guarded_before_the_session_is_there(Scene* scene) {
  Daemon* d = scene->daemon;
  use_firewall(d);
  start(d);
  const Texts before = rules_of(d);
  check_at(engine_remove_network(d->socket, network_of(d)), "the network is not removed");
  const Entry ana = daemon_access(d, suite_client(*scene->suite, "ana"));
  check_at(is_refused(ana, gateway_of(ana), daemon_port(d)), "reached");
  check_at(rules_of(d).size() == before.size() && rules_of(d) != before, "rules of the old bridge are left");
}

void without_the_right_it_says_so_once_and_goes_on(Scene* scene) {
  Daemon* d = scene->daemon;
  use_firewall(d);
  d->launcher = {"/usr/bin/setpriv", "--bounding-set=-net_admin", "--inh-caps=-all"};
  start(d);
  check_equal(shown(d), "unable", "/status");
  daemon_reload(d);
  daemon_access(d, suite_client(*scene->suite, "ana"));
  check_number(static_cast<long>(daemon_log_count(d, "No firewall, so sessions reach")), 1, "times that it is said");
  check_at(daemon_logs_loudly(d, {"[NETWORK]", "CAP_NET_ADMIN", "FIREWALL=off"}), "it is not said plainly");
  check_at(rules_of(d).empty(), "there are rules all the same: this test shows nothing");
  daemon_stop(d);
  d->launcher.clear();
  start(d);
  check_equal(shown(d), "on", "/status with the right");
  daemon_stop(d);
  d->launcher = {"/usr/bin/setpriv", "--bounding-set=-net_admin", "--inh-caps=-all"};
  check_number(daemon_run(d, {"--firewall-remove"}).status, 1, "--firewall-remove without the right");
}

}  // namespace

int main() {
  const std::vector<CMUnitTest> tests = {
      E2E_TEST(a_session_reaches_nothing_of_this_machine),
      E2E_TEST(a_connection_that_is_there_before_the_rules_ends),
      E2E_TEST(what_is_allowed_is_reached_and_nothing_else),
      E2E_TEST(metadata_is_out_of_reach_and_the_rest_of_the_world_is_not),
      E2E_TEST(names_are_found_all_the_same),
      E2E_TEST(by_ipv6_it_is_the_same),
      E2E_TEST(what_somebody_took_away_is_there_again),
      E2E_TEST(within_a_minute_it_is_there_again_by_itself),
      E2E_TEST(two_installations_keep_out_of_each_others_rules),
      E2E_TEST(rules_outlive_the_daemon_and_go_when_asked),
      E2E_TEST(a_network_made_again_is_guarded_before_the_session_is_there),
      E2E_TEST(without_the_right_it_says_so_once_and_goes_on),
  };
  return suite_main("firewall", tests);
}
