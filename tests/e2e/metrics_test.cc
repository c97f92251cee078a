// /metrics counts what happens, reads as Prometheus wants it, and is what the pages, the dashboard and the alert rules say it is.
#include <cmath>

#include "support/daemon.h"
#include "support/engine_proxy.h"
#include "support/proc.h"

namespace {

constexpr const char* kToken = "0123456789abcdef";

std::string metrics_of(const Daemon* d) {
  HttpCall call = daemon_call(d, "/metrics");
  call.headers = {std::string("Authorization: Bearer ") + kToken};
  const HttpReply reply = http_call(call);
  check_number(reply.status, 200, "/metrics " + reply.body);
  check_equal(http_reply_header(reply, "content-type"), "text/plain; version=0.0.4; charset=utf-8", "its type");
  return reply.body;
}

// Of one sample, without our prefix: `claims_total{kind="pool"}`. NaN: it is not there.
double value_in(const std::string& text, const std::string& sample) {
  const std::string line = "\nvnc_orchestrator_" + sample + " ";
  const size_t at = text.find(line);
  return at == std::string::npos ? NAN : atof(text.c_str() + at + line.size());
}
double value(const Daemon* d, const std::string& sample) { return value_in(metrics_of(d), sample); }

void check_value(const std::string& text, const std::string& sample, double want, const At& at = At::current()) {
  check_at(value_in(text, sample) == want, sample + " is " + std::to_string(value_in(text, sample)) + " and not " + std::to_string(want), at);
}
void check_between(const std::string& text, const std::string& sample, double least, double most, const At& at = At::current()) {
  const double has = value_in(text, sample);
  check_at(has >= least && has <= most, sample + " is " + std::to_string(has) + ", not between " + std::to_string(least) + " and " + std::to_string(most), at);
}
// A gauge, or what a thread brings a moment later.
void await_value(const Daemon* d, const std::string& sample, double want, const At& at = At::current()) {
  check_at(wait_until(20, [&] { return value(d, sample) == want; }), sample + " is " + std::to_string(value(d, sample)) + " and not " + std::to_string(want), at);
}

void begin(Daemon* d, int pool) {
  daemon_set(d, "ADMIN_TOKEN", kToken);
  daemon_set(d, "WARM_POOL_SIZE", std::to_string(pool));
  daemon_set(d, "VIEWER_CHECK_SECONDS", "1");
  daemon_start(d);
  await_value(d, "slots{state=\"ready\"}", pool);
}

long access(const Daemon* d, const std::string& client, const std::string& query = "") { return daemon_get(d, access_path(client, query)).status; }

HttpReply remove(const Daemon* d, const std::string& client) {
  HttpCall call = daemon_call(d, "/remove?id=" + client);
  call.headers = {std::string("Authorization: Bearer ") + kToken};
  return http_call(call);
}

// A container that ends while it is being renamed leaves its network in use for good (engine 20.10).
void await_name(const Daemon* d, const std::string& client) {
  check_at(wait_until(20, [&] { return entry_of(daemon_state(d), client).name == "vnc_" + client; }), "it has not its client's name");
}

// A day in small: claimed from the pool, used again, resized, launched cold, removed; and requests that go wrong.
void a_day(Daemon* d, const std::string& one, const std::string& two) {
  check_number(access(d, one), 302, "pool");
  for (int i = 0; i < 3; ++i) check_number(access(d, one), 302, "reuse");
  await_name(d, one);
  check_number(access(d, one, "&width=800&height=600"), 302, "resize");
  check_number(access(d, two, "&width=640&height=480"), 302, "cold");
  await_name(d, two);
  check_number(remove(d, two).status, 200, "remove");
  check_number(access(d, "a%20b"), 400, "no client");
  check_number(daemon_get(d, "/nothing").status, 401, "no token");
}

void what_happens_is_counted(Scene* scene) {
  Daemon* d = scene->daemon;
  begin(d, 1);
  const std::string one = suite_cpf(*scene->suite, 1), two = suite_cpf(*scene->suite, 2);
  const std::string before = metrics_of(d);
  for (const char* kind : {"reuse", "pool", "cold", "resize"}) check_value(before, std::string("claims_total{kind=\"") + kind + "\"}", 0);
  check_value(before, "http_answers_total{route=\"/access\",status=\"503\"}", 0);
  check_value(before, "slots_max", 4);
  check_value(before, "slots{state=\"free\"}", 3);
  check_value(before, "pool_target", 1);
  check_value(before, "engine_up", 1);
  check_between(before, "start_time_seconds", static_cast<double>(time(nullptr)) - 120, static_cast<double>(time(nullptr)));
  a_day(d, one, two);
  await_value(d, "slots{state=\"ready\"}", 1);
  const int viewer = tcp_connect(entry_of(daemon_state(d), one).port);
  scene->cleanups.push_back([viewer] { tcp_close(viewer); });
  await_value(d, "watched_sessions", 1);
  await_value(d, "lane_jobs{lane=\"launch\"}", 0);
  const std::string after = metrics_of(d);
  check_value(after, "claims_total{kind=\"pool\"}", 1);
  check_value(after, "claims_total{kind=\"reuse\"}", 3);
  check_value(after, "claims_total{kind=\"resize\"}", 1);
  check_value(after, "claims_total{kind=\"cold\"}", 1);
  for (const char* kind : {"pool", "resize", "cold"}) check_value(after, std::string("access_duration_seconds_count{kind=\"") + kind + "\"}", 1);
  check_value(after, "access_duration_seconds_count{kind=\"reuse\"}", 3);
  check_between(after, "access_duration_seconds_sum{kind=\"reuse\"}", 1e-6, 1);
  check_between(after, "access_duration_seconds_sum{kind=\"cold\"}", 0.01, 60);
  check_value(after, "removals_total{reason=\"resized\"}", 1);
  check_value(after, "removals_total{reason=\"remove\"}", 1);
  check_value(after, "removals_total{reason=\"recycled\"}", 0);
  check_value(after, "http_answers_total{route=\"/access\",status=\"302\"}", 6);
  check_value(after, "http_answers_total{route=\"/access\",status=\"400\"}", 1);
  check_value(after, "http_answers_total{route=\"/remove\",status=\"200\"}", 1);
  check_value(after, "http_answers_total{route=\"other\",status=\"401\"}", 1);
  check_value(after, "slots{state=\"assigned\"}", 1);
  check_value(after, "viewers", 1);
  check_value(after, "pool_misses_total", 0);
  // Two of the pool, the resized one and the cold one. The resized one may find its name still held, and is created a second time then.
  for (const char* phase : {"create", "start", "healthy"}) check_value(after, std::string("launch_phase_duration_seconds_count{phase=\"") + phase + "\"}", 4);
  check_value(after, "launch_duration_seconds_count", 4);
  check_between(after, "launch_duration_seconds_sum", value_in(after, "launch_phase_duration_seconds_sum{phase=\"healthy\"}"), 240);
  check_between(after, "launch_phase_duration_seconds_count{phase=\"queue\"}", 4, 5);
  check_between(after, "engine_call_duration_seconds_count{operation=\"create\"}", 4, 5);
  check_value(after, "engine_call_duration_seconds_count{operation=\"remove\"}", 2);
  check_value(after, "engine_call_errors_total{operation=\"create\"}", 0);
  check_value(after, "engine_event_stream_open", 1);
  check_between(after, "engine_event_stream_age_seconds", 0.01, 120);
  check_between(after, "state_write_duration_seconds_count", 3, 100);
  check_value(after, "log_lines_lost_total", 0);
  for (const std::string& client : {one, two}) check_at(after.find(client) == std::string::npos, "a client is named");
}

// One port, an engine that is taken away: what an alarm has to see.
void what_goes_wrong_is_counted(Scene* scene) {
  Daemon* d = scene->daemon;
  const std::string path = scene->suite->folder + "/p";
  EngineProxy* proxy = engine_proxy_make(scene, path, scene->suite->socket);
  daemon_set(d, "DOCKER_HOST", "unix://" + path);
  daemon_set_ports(d, 60, 1);
  daemon_set(d, "RECYCLE", "oldest");
  begin(d, 0);
  const std::string one = suite_client(*scene->suite, "one"), two = suite_client(*scene->suite, "two"), three = suite_client(*scene->suite, "three");
  check_number(access(d, one), 302, "one");
  check_value(metrics_of(d), "pool_misses_total", 1);
  check_number(access(d, two), 302, "two, who takes the port of one");
  check_value(metrics_of(d), "removals_total{reason=\"recycled\"}", 1);
  await_name(d, two);
  proc_output({"docker", "-H", "unix://" + scene->suite->socket, "kill", entry_of(daemon_state(d), two).id});
  await_value(d, "removals_total{reason=\"died\"}", 1);
  await_value(d, "slots{state=\"free\"}", 1);
  engine_proxy_set_place(proxy, Place::Create, Wire::Status500);
  check_number(access(d, three), 500, "three");
  engine_proxy_set(proxy, Wire::Refuse, Wire::Refuse);
  await_value(d, "engine_up", 0);
  check_number(access(d, three), 503, "three");
  const std::string after = metrics_of(d);
  check_value(after, "engine_call_errors_total{operation=\"create\"}", 1);
  check_value(after, "removals_total{reason=\"launch_failed\"}", 1);
  check_value(after, "http_answers_total{route=\"/access\",status=\"500\"}", 1);
  check_value(after, "http_answers_total{route=\"/access\",status=\"503\"}", 1);
  check_value(after, "engine_event_stream_open", 0);
  check_value(after, "engine_event_stream_age_seconds", 0);
  engine_proxy_set(proxy, Wire::Whole, Wire::Whole);
  await_value(d, "engine_event_stream_opens_total", 2);
  await_value(d, "engine_up", 1);
}

// ---- Prometheus

std::string checked(const Texts& command) {
  const ProcResult result = proc_run(command);
  check_number(result.status, 0, command[0] + " " + command[1] + " " + command[2] + ":\n" + result.out + result.err);
  return result.out + result.err;
}

// What the server of this address says to a GET; "" when it does not answer.
std::string ask(const std::string& url) {
  HttpCall call;
  call.url = url;
  return http_call(call).body;
}

void prometheus_reads_it_and_pages_dashboard_and_rules_agree(Scene* scene) {
  Daemon* d = scene->daemon;
  begin(d, 1);
  a_day(d, suite_cpf(*scene->suite, 3), suite_cpf(*scene->suite, 4));
  const std::string at = "127.0.0.1:" + std::to_string(scene->suite->first_port + 90), folder = scene->folder + "/prometheus";
  proc_output({"mkdir", "-p", folder});
  file_write(folder + "/metrics", metrics_of(d));
  check_equal(checked({"sh", "-c", "promtool check metrics <'" + folder + "/metrics'"}), "", "what promtool thinks of it");
  checked({"promtool", "check", "rules", "docs/monitoring/alerts.yml"});
  checked({"promtool", "test", "rules", "docs/monitoring/alerts_test.yml"});
  file_write(folder + "/rules.yml", file_text("docs/monitoring/alerts.yml"));
  file_write(folder + "/prometheus.yml",
             "global: {scrape_interval: 1s, evaluation_interval: 1s}\nrule_files: [rules.yml]\nscrape_configs:\n  - job_name: vnc-orchestrator\n"
             "    authorization: {credentials: " + std::string(kToken) + "}\n    static_configs: [{targets: ['127.0.0.1:" + std::to_string(daemon_port(d)) + "']}]\n");
  ProcPtr prometheus = proc_start({"prometheus", "--config.file=" + folder + "/prometheus.yml", "--storage.tsdb.path=" + folder + "/data", "--web.listen-address=" + at},
                                  folder + "/log");
  Proc* running = prometheus.release();
  scene->cleanups.push_back([running] { ProcDeleter()(running); });
  const std::string api = "http://" + at + "/api/v1/";
  check_at(wait_until(60, [&] { return ask(api + "query?query=" + url_encode("count_over_time(vnc_orchestrator_build_info[1m]) > 3")).find("\"instance\"") != std::string::npos; }),
           "Prometheus has not read it: " + ask(api + "targets") + file_text(folder + "/log"));
  check_at(ask(api + "query?query=" + url_encode("vnc_orchestrator_claims_total{kind=\"reuse\"}")).find(",\"3\"]") != std::string::npos, "it has not counted the reuses");
  const std::string rules = ask(api + "rules");
  check_at(rules.find("\"health\":\"ok\"") != std::string::npos && rules.find("\"health\":\"err\"") == std::string::npos, "a rule fails: " + rules);
  checked({"/usr/bin/python3", "tests/e2e/metrics_check.py", folder + "/metrics", "http://" + at});
}

// It is an administrator's route.
void only_administrators_see_it(Scene* scene) {
  Daemon* d = scene->daemon;
  begin(d, 0);
  check_number(daemon_get(d, "/metrics").status, 401, "without the token");
  HttpCall call = daemon_call(d, "/metrics");
  call.headers = {std::string("Authorization: Bearer ") + kToken, "Sec-Fetch-Site: cross-site"};
  check_number(http_call(call).status, 403, "for another site's page");
  daemon_stop(d);
  const std::string address = "127.0.0.1:" + std::to_string(scene->suite->first_port + 91);
  daemon_set(d, "ADMIN_TOKEN", "");
  daemon_set(d, "ADMIN_LISTEN", address);
  daemon_start(d);
  check_number(daemon_get(d, "/metrics").status, 403, "at the visitors' entrance");
  call.url = "http://" + address + "/metrics";
  call.headers = {};
  check_number(http_call(call).status, 200, "at the administrators' entrance");
}

}  // namespace

int main() {
  return suite_main("metrics", {
                                   E2E_TEST(what_happens_is_counted),
                                   E2E_TEST(what_goes_wrong_is_counted),
                                   E2E_TEST(prometheus_reads_it_and_pages_dashboard_and_rules_agree),
                                   E2E_TEST(only_administrators_see_it),
                               });
}
