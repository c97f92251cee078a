// The worst that clients, operators, engines and files can say: it reaches no log line, answer, header, container name or command unescaped.
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "support/daemon.h"
#include "support/engine_proxy.h"
#include "support/harmless.h"

namespace {

// Where a shell evaluates anything of this, it leaves this file.
std::string mark(const Scene* scene) { return scene->folder + "/evaluated"; }
std::string commands(const Scene* scene) {
  const std::string touch = "touch " + mark(scene);
  return "$(" + touch + ")`" + touch + "`;" + touch + ";|" + touch + "&&" + touch + " -rf '\"";
}

void check_nothing_evaluated(const Scene* scene, const At& at = At::current()) {
  check_at(access(mark(scene).c_str(), F_OK) != 0, "a shell evaluated what came from outside", at);
}

void check_names(Daemon* d, const At& at = At::current()) {
  static constexpr char kAllowed[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_.-";
  for (const SeenContainer& seen : daemon_containers(d)) {
    check_at(seen.name.rfind("vnc_", 0) == 0 && seen.name.find_first_not_of(kAllowed) == std::string::npos, "name " + seen.name, at);
  }
}

// One answer: the headers that ours have and no other, and JSON. What evhttp refuses by itself is a page.
void check_answer(const std::string& raw, const std::string& asked, const At& at = At::current()) {
  const size_t end = raw.find("\r\n\r\n");
  check_at(raw.rfind("HTTP/1.", 0) == 0 && end != std::string::npos, "no answer to " + asked + ": " + raw, at);
  bool page = false;
  static const Texts kOurs = {"Content-Type: application/json", "Content-Type: text/html", "Cache-Control: no-store", "Connection: close",
                              "Allow: GET, HEAD"};
  static constexpr char kPlain[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz ,:";
  for (size_t line = raw.find("\r\n") + 2; line < end; line = raw.find("\r\n", line) + 2) {
    const std::string header = raw.substr(line, raw.find("\r\n", line) - line);
    const bool counted = header.rfind("Date: ", 0) == 0 || header.rfind("X-Request-Id: ", 0) == 0 || header == "Content-Length: " + std::to_string(raw.size() - end - 4);
    const bool ours = std::find(kOurs.begin(), kOurs.end(), header) != kOurs.end() ||
                      (counted && header.find_first_not_of(std::string(kPlain) + "-") == std::string::npos);
    check_at(ours, "header " + header + " for " + asked, at);
    page = page || header == "Content-Type: text/html";
  }
  const std::string body = raw.substr(end + 4);
  check_at(raw.find("HTTP/1.", 1) == std::string::npos || page, "two answers to " + asked + ": " + raw, at);
  check_at(page || json_from(body) != nullptr, "no JSON for " + asked + ": " + raw, at);
}

void what_clients_send(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_set(d, "LOG_LEVEL", "DEBUG");
  daemon_start(d);
  const std::string shell = url_encode(commands(scene));
  Texts values = {"%0d%0aX-Injected:%201", "%0aX-Injected:%201%0a%0a", "%00", "ana%00", "..%2f..%2fetc", "-rf", "--help", "%22%27%60%3C%3E",
                  "%1b%5b31m%07", "%c2%9b31m", "%e2%80%ae", "jo%c3%a3o", "%c0%ae%c0%af", "%ff%fe", "%ed%a0%80", "%25%30%61", "%u000a",
                  "pool_1", "__pool__", shell, "%7b%22a%22%3a1%7d", std::string(8000, 'x'), std::string(2600, '%') + "%0a",
                  "\x1b[31m\xff", "2026-02-13%2014:30:00,123%20INFO%20%5bACCESS%5d%20forged"};
  Texts targets;
  for (const std::string& value : values) {
    for (const char* before : {"/access?id=", "/remove?id=", "/access?id=ana&width=800&height=", "/", "/access?id=1&id=2&"}) targets.push_back(before + value);
    targets.push_back("/access?" + value + "=1&" + value + "=2");
  }
  for (const std::string& target : targets) {
    const std::string request = "GET " + target + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    // A target that is right after all (a height of 1 digit, say) is none of these: nobody gets a session.
    const std::string raw = http_raw(daemon_port(d), request, 5000);
    check_answer(raw, target.substr(0, 200));
    check_at(raw.rfind("HTTP/1.1 4", 0) == 0, "not refused at the door: " + target.substr(0, 200) + ": " + raw.substr(0, 200));
  }
  for (const char* method : {"FOO\x1b[31m", "GET\t", "POST", "DELETE", "\xff"}) {
    check_answer(http_raw(daemon_port(d), std::string(method) + " /access?id=ana HTTP/1.1\r\nConnection: close\r\n\r\n", 5000), method);
  }
  check_number(static_cast<long>(daemon_containers(d).size()), 0, "containers");
  daemon_stop(d);
  daemon_check_log_lines(d);
  check_at(daemon_log_count(d, "forged") > 0, "it is in the log, as text of a line of ours");
  check_nothing_evaluated(scene);
}

// The link is made from the settings alone.
void what_headers_say(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_start(d);
  const std::string client = suite_client(*scene->suite, "headers");
  const Entry entry = daemon_access(d, client);
  const std::string link = "Location: https://127.0.0.1:" + std::to_string(entry.port) + "\r\n";
  const std::string link_plain = "Location: http://127.0.0.1:" + std::to_string(entry.port) + "\r\n";
  for (const std::string& headers :
       Texts{"Host: evil.example", "Host: evil.example:99\"><script>", "Host: a\r\nHost: b", "Host:", "Host: \x1b[31m\xff", "Host: evil\rX-Injected: 1",
             "Host: a\r\nX-Forwarded-Host: evil.example\r\nX-Forwarded-Proto: gopher\r\nX-Forwarded-For: \x1b[31m127.0.0.1\r\nForwarded: host=evil",
             "Host: a\r\nUser-Agent: " + commands(scene) + "\x1b]0;owned\x07\r\nReferer: \xff\r\nCookie: " + std::string(4000, 'c'),
             "Host: a\r\n continued: evil"}) {
    const std::string raw =
        http_raw(daemon_port(d), "GET /access?id=" + client + " HTTP/1.1\r\n" + headers + "\r\nConnection: close\r\n\r\n", 5000);
    check_at(raw.find("evil") == std::string::npos && raw.find("X-Injected") == std::string::npos, "answer " + raw);
    const bool led = raw.rfind("HTTP/1.1 302 ", 0) == 0 && (raw.find(link) != std::string::npos || raw.find(link_plain) != std::string::npos);
    check_at(led || raw.rfind("HTTP/1.1 400 ", 0) == 0, "for " + headers + ": " + raw);
  }
  daemon_stop(d);
  daemon_check_log_lines(d);
  check_nothing_evaluated(scene);
}

void what_operators_write(Scene* scene) {
  Daemon* d = scene->daemon;
  for (const char* bad : {"VNC_APPNAME=\"a\\nb\"\n", "VNC_APPNAME=\x1b[31m\n", "VNC_APPNAME=caf\xE9\n", "VNC_APPNAME=\xE2\x80\xAE\n", "VNC_HOST='a\nb'\n",
                          "VNC_HOST=a/\r\nVNC_SCHEME=javascript\n", "DOCKER_NETWORK_NAME=../x\n", "VNC_IMAGE=a b\x07\n"}) {
    const Outcome outcome = daemon_run_with_env(d, bad, {});
    check_at(outcome.status != 0 && outcome.status < 128 && !outcome.err.empty(), std::string("accepted: ") + bad);
    std::string said = outcome.out + outcome.err;
    std::replace(said.begin(), said.end(), '\n', ' ');
    check_at(is_harmless(said), outcome.err);
  }
  // A command of many marks comes to the session as it was written: no shell stands between.
  const std::string appname = commands(scene) + " \\ \xC3\xA9 <b> %0a {\"a\"}";
  daemon_set(d, "VNC_APPNAME", appname);
  daemon_start(d);
  const Entry entry = daemon_access(d, suite_client(*scene->suite, "quoted"));
  SeenContainer seen;
  check_at(engine_inspect(scene->suite->socket, entry.id, &seen), "container");
  check_equal(seen.env["APPNAME"], appname, "APPNAME");
  check_names(d);
  daemon_stop(d);
  daemon_check_log_lines(d);
  check_nothing_evaluated(scene);
}

std::string json_body(const char* key, const std::string& text) {
  const JsonPtr json(json_pack("{s:o}", key, json_stringn_nocheck(text.data(), text.size())));
  char* out = json_dumps(json.get(), JSON_ENSURE_ASCII);
  const std::string body = out != nullptr ? out : "{\"" + std::string(key) + "\":\"" + text + "\"}";
  free(out);
  return body;
}

void what_the_engine_says(Scene* scene) {
  Daemon* d = scene->daemon;
  const std::string socket = scene->suite->folder + "/p";
  EngineProxy* proxy = engine_proxy_make(scene, socket, scene->suite->socket);
  daemon_set(d, "DOCKER_HOST", "unix://" + socket);
  daemon_set(d, "LOG_LEVEL", "DEBUG");
  daemon_start(d);
  const std::string client = suite_client(*scene->suite, "words");
  const Entry entry = daemon_access(d, client);
  const std::string worst = "\x1b[31mred\x1b]0;owned\x07\r\n2026-02-13 14:30:00,123 INFO forged\n\xC2\x9B\xE2\x80\xAE</script><b>\"'\\" + commands(scene);
  int number = 0;
  for (const std::string& body : Texts{json_body("message", worst), json_body("message", std::string(60000, 'm') + worst),
                                       json_body("message", std::string(1 << 20, 'm')), "{\"message\":\"caf\xE9\xFF\"}",
                                       "<html>\n" + worst, std::string("\0\0\xFF", 3), "{\"message\":{\"a\":\"\\u0000\"}}"}) {
    engine_proxy_words(proxy, number % 2 == 0 ? "500 \x1b[31m" : "409 \"\xFF", body);
    engine_proxy_set_place(proxy, Place::Create, Wire::Words);
    const HttpReply reply = daemon_get(d, access_path(suite_client(*scene->suite, "told" + std::to_string(number++))));
    check_at(reply.status == 500 || reply.status == 503, "status " + std::to_string(reply.status) + reply.error);
    const std::string told = check_error(reply, reply.status);
    check_at(told.size() < 2000 && reply.body.find('\n') == reply.body.size() - 1, "told at length: " + told.substr(0, 300));
    check_at(is_harmless(told), "told " + told);
  }
  // A listing in which ours and others' containers have names and labels of every kind, and events about them.
  const JsonPtr one(json_pack("{s:s, s:[s], s:s, s:s, s:s, s:{s:s, s:s, s:s}}", "Id", std::string(64, 'e').c_str(), "Names",
                              ("/vnc_" + worst).c_str(), "Image", worst.c_str(), "State", "running", "Status", worst.c_str(), "Labels", kInstanceLabel,
                              scene->suite->network.c_str(), kRunLabel, worst.c_str(), kJobLabel, worst.c_str()));
  const JsonPtr event(json_pack("{s:s, s:s, s:{s:s, s:{s:s, s:s, s:s}}}", "Type", "container", "Action", "rename", "Actor", "ID", entry.id.c_str(),
                                "Attributes", "name", ("/vnc_" + worst).c_str(), kInstanceLabel, scene->suite->network.c_str(), kRunLabel, worst.c_str()));
  for (json_t* said : {event.get(), one.get()}) {
    const bool is_event = said == event.get();
    char* text = json_dumps(said, JSON_COMPACT);
    const int spoilt = engine_proxy_spoilt(proxy);
    engine_proxy_words(proxy, "200 OK", is_event ? std::string(text) + "\n" : "[" + std::string(text) + "]");
    free(text);
    if (is_event)
      engine_proxy_set(proxy, Wire::Whole, Wire::Words);
    else
      engine_proxy_set_place(proxy, Place::List, Wire::Words);
    check_at(wait_until(20, [&] { return engine_proxy_spoilt(proxy) > spoilt; }), "nobody asked");
    check_at(json_from(daemon_get(d, "/status").body) != nullptr, "/status is no JSON");
    daemon_get(d, access_path(client));
  }
  // What it said is held against the truth at the latest when the stream opens again.
  engine_proxy_set(proxy, Wire::Whole, Wire::Refuse);
  usleep(300000);
  engine_proxy_set(proxy, Wire::Whole, Wire::Whole);
  check_at(wait_until(60, [&] {
             if (daemon_get(d, access_path(client)).status != 302 || !daemon_books_agree(d)) return false;
             return entry_of(daemon_state(d), client).name == "vnc_" + client;
           }),
           "not well again");
  check_names(d);
  daemon_stop(d);
  daemon_check_log_lines(d);
  check_nothing_evaluated(scene);
}

void what_stands_in_the_state_file(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_set(d, "LOG_LEVEL", "DEBUG");
  std::string error;
  ForeignSpec spec;
  spec.name = "vnc-e2e-foreign-" + scene->suite->network;
  spec.image = kTinyImage;
  spec.labels = {{kForeignLabel, scene->suite->name}, {"odd \x1b[31m\n\"", commands(scene)}, {kRunLabel, "\r\n\x1b[31m"}};
  const std::string foreign = engine_create(scene->suite->socket, spec, &error);
  check_at(!foreign.empty(), "foreign: " + error);
  scene->cleanups.push_back([scene, foreign] { engine_remove(scene->suite->socket, foreign); });
  const JsonPtr list(json_array());
  int port = daemon_first_slot(d);
  const std::string worst = "\x1b[31m\r\n\"><script>" + commands(scene);
  // Paths of the engine's API that would do harm to the foreign container, were they put together from what stands here.
  int number = 0;
  for (const std::string& id : {worst, "../containers/" + foreign + "/kill?x=", foreign + "?force=1&", foreign}) {
    // The first of them is refused for its client's name, the others must be looked at.
    const std::string client = number == 0 ? worst : suite_client(*scene->suite, "written" + std::to_string(number));
    ++number;
    json_array_append_new(list.get(), json_pack("{s:s, s:s, s:s, s:i, s:s, s:s, s:s, s:s, s:s}", "client_id", client.c_str(), "container_id", id.c_str(),
                                                "container_name", worst.c_str(), "port", port++, "width", worst.c_str(), "height", "-1", "created_at",
                                                worst.c_str(), "fingerprint", worst.c_str(), worst.c_str(), worst.c_str()));
  }
  char* text = json_dumps(list.get(), JSON_ENSURE_ASCII);
  file_write(daemon_state_path(d), text);
  free(text);
  daemon_start(d);
  daemon_wait_reconciled(d);
  check_at(json_from(daemon_get(d, "/status").body) != nullptr, "/status is no JSON");
  check_number(daemon_get(d, "/remove-all").status, 200, "/remove-all");
  daemon_access(d, suite_client(*scene->suite, "after"));
  check_names(d);
  SeenContainer seen;
  check_at(engine_inspect(scene->suite->socket, foreign, &seen) && seen.state == "running", "somebody else's container was touched");
  daemon_stop(d);
  daemon_check_log_lines(d);
  check_nothing_evaluated(scene);
}

}  // namespace

int main() {
  const std::vector<CMUnitTest> tests = {
      E2E_TEST(what_clients_send),
      E2E_TEST(what_headers_say),
      E2E_TEST(what_operators_write),
      E2E_TEST(what_the_engine_says),
      E2E_TEST(what_stands_in_the_state_file),
  };
  return suite_main("escape", tests);
}
