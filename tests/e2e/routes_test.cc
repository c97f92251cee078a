// Every route, answer, header and refusal of the HTTP side, as the document and its clients know them.
#include <algorithm>
#include <cstdlib>
#include <regex>
#include <set>

#include "support/daemon.h"
#include "support/proc.h"

namespace {

void check_json_headers(const HttpReply& reply, const At& at = At::current()) {
  check_at(http_reply_header(reply, "content-type").rfind("application/json", 0) == 0,
           "Content-Type " + http_reply_header(reply, "content-type"), at);
  check_equal(http_reply_header(reply, "cache-control"), "no-store", "Cache-Control", at);
}

// Field names of an object, sorted and joined by blanks.
std::string fields(const json_t* object) {
  std::set<std::string> names;
  const char* name = nullptr;
  json_t* value = nullptr;
  json_object_foreach(const_cast<json_t*>(object), name, value) names.insert(name);
  std::string out;
  for (const std::string& one : names) out += (out.empty() ? "" : " ") + one;
  return out;
}

void check_nothing_exists(Daemon* d, const At& at = At::current()) {
  check_number(daemon_status(d, at).active, 0, "records", at);
  check_number(static_cast<long>(daemon_containers(d).size()), 0, "containers", at);
}

void health_says_ok(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_start(d);
  HttpReply reply = daemon_get(d, "/health");
  check_number(reply.status, 200, "status");
  check_json_headers(reply);
  JsonPtr body = json_from(reply.body);
  check_equal(fields(body.get()), "status", "fields");
  check_equal(json_text(body.get(), "status"), "ok", "status");
}

void the_id_must_be_given(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_start(d);
  for (const char* path : {"/access", "/access?", "/access?width=800&height=600", "/remove", "/remove?foo=1"}) {
    HttpReply reply = daemon_get(d, path);
    check_equal(check_error(reply, 400), "Missing required parameter: id", path);
    check_json_headers(reply);
    check_equal(fields(json_from(reply.body).get()), "error", path);
  }
  for (const char* path : {"/access?id=", "/access?id=%20%20", "/remove?id="}) check_error(daemon_get(d, path), 400);
  check_nothing_exists(d);
}

void nothing_there_is_said_as_the_document_says_it(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_start(d);
  daemon_wait_reconciled(d);
  HttpReply reply = daemon_get(d, "/status");
  check_number(reply.status, 200, "/status");
  check_json_headers(reply);
  JsonPtr body = json_from(reply.body);
  check_equal(fields(body.get()), "active_containers draining_since engine firewall max_slots pool_containers pool_target records running_since settings_read_at version", "fields of /status");
  for (const char* field : {"active_containers", "pool_containers"}) {
    check_at(json_is_integer(json_object_get(body.get(), field)), field);
    check_number(json_integer_value(json_object_get(body.get(), field)), 0, field);
  }
  check_number(json_integer_value(json_object_get(body.get(), "max_slots")), 4, "max_slots");
  check_at(json_is_array(json_object_get(body.get(), "records")), "records is a list");
  check_number(json_integer_value(json_object_get(body.get(), "pool_target")), 0, "pool_target");
  check_equal(json_text(body.get(), "engine"), "up", "engine");
  check_equal("vnc-orchestrator " + json_text(body.get(), "version"), proc_output({getenv("VNC_DAEMON"), "--version"}), "version");
  check_error(daemon_get(d, "/status?id=" + suite_client(*scene->suite, "nobody")), 404);
  check_error(daemon_get(d, "/status?id="), 400);

  reply = daemon_get(d, "/remove-all");
  check_number(reply.status, 200, "/remove-all");
  check_json_headers(reply);
  body = json_from(reply.body);
  check_equal(fields(body.get()), "removed status", "fields of /remove-all");
  check_equal(json_text(body.get(), "status"), "empty", "status");
  check_at(json_is_integer(json_object_get(body.get(), "removed")), "removed is a number");
  check_number(json_integer_value(json_object_get(body.get(), "removed")), 0, "removed");

  check_json_headers(daemon_get(d, "/remove?id=" + suite_client(*scene->suite, "nobody")));
  check_error(daemon_get(d, "/remove?id=" + suite_client(*scene->suite, "nobody")), 404);
}

void one_session_seen_through_every_route(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_start(d);
  std::string client = suite_cpf(*scene->suite, 1);
  HttpReply reply = daemon_get(d, access_path(client));
  Entry entry = daemon_check_302(d, reply, client);
  check_equal(http_reply_header(reply, "cache-control"), "no-store", "Cache-Control of the 302");
  HttpCall link;
  link.url = http_reply_header(reply, "location");
  check_number(http_call(link).status, 200, "the link");

  JsonPtr body = json_from(daemon_get(d, "/status").body);
  check_number(json_integer_value(json_object_get(body.get(), "active_containers")), 1, "active_containers");
  json_t* record = json_array_get(json_object_get(body.get(), "records"), 0);
  check_equal(fields(record), "client_id container_id container_name created_at height last_accessed_at last_seen_at port viewers width",
              "fields of a record");
  check_equal(json_text(record, "client_id"), client, "client_id");
  check_number(static_cast<long>(json_text(record, "container_id").size()), 64, "length of container_id");
  check_equal(json_text(record, "container_name"), "vnc_" + client, "container_name");
  check_at(json_is_integer(json_object_get(record, "port")), "port is a number");
  check_number(json_integer_value(json_object_get(record, "port")), entry.port, "port");
  check_equal(json_text(record, "width"), "410", "width, as text");
  check_equal(json_text(record, "height"), "900", "height, as text");
  static const std::regex moment(R"(^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}$)");
  for (const char* field : {"created_at", "last_accessed_at"}) {
    check_at(std::regex_match(json_text(record, field), moment), std::string(field) + " " + json_text(record, field));
  }

  reply = daemon_get(d, "/status?id=" + client);
  check_number(reply.status, 200, "/status of one");
  check_json_headers(reply);
  JsonPtr alone = json_from(reply.body);
  check_at(json_equal(json_object_get(alone.get(), "record"), record) == 1, "/status of one: " + reply.body);

  reply = daemon_get(d, "/remove?id=" + client);
  check_number(reply.status, 200, "/remove");
  check_json_headers(reply);
  body = json_from(reply.body);
  check_equal(fields(body.get()), "client_id container_id port status", "fields of /remove");
  check_equal(json_text(body.get(), "status"), "removed", "status");
  check_equal(json_text(body.get(), "client_id"), client, "client_id");
  check_equal(json_text(body.get(), "container_id"), entry.id, "container_id");
  check_at(json_is_integer(json_object_get(body.get(), "port")), "port is a number");
  check_number(json_integer_value(json_object_get(body.get(), "port")), entry.port, "port");
}

void unknown_paths_are_404(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_start(d);
  std::string id = suite_client(*scene->suite, "x");
  for (const std::string& path : Texts{"/nope", "/access/x?id=" + id, "/acces?id=" + id, "/status/", "/ACCESS?id=" + id,
                                       "/../status", "/access%20?id=" + id, "/%2e%2e/access?id=" + id}) {
    HttpReply reply = daemon_get(d, path);
    check_error(reply, 404);
    check_json_headers(reply);
  }
  std::string with_zero = "/access%00?id=" + id;
  check_at(daemon_get(d, with_zero).status / 100 == 4, with_zero);
  check_nothing_exists(d);
}

void other_methods_are_405_and_act_on_nothing(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_start(d);
  std::string id = suite_client(*scene->suite, "x");
  for (const std::string& path : Texts{std::string("/health"), "/access?id=" + id, std::string("/status"),
                                       "/remove?id=" + id, std::string("/remove-all")}) {
    for (const char* method : {"POST", "PUT", "DELETE", "PATCH", "OPTIONS"}) {
      HttpReply reply = http_call(daemon_call(d, path, method));
      check_error(reply, 405);
      check_json_headers(reply);
      std::string allow = http_reply_header(reply, "allow");
      check_at(allow.find("GET") != std::string::npos && allow.find("HEAD") != std::string::npos, "Allow: " + allow);
    }
  }
  check_nothing_exists(d);
}

void trace_connect_and_inventions_never_act(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_start(d);
  std::string path = "/access?id=" + suite_client(*scene->suite, "x");
  for (const char* method : {"TRACE", "CONNECT", "FOO", "get", "GETT", "PROPFIND"}) {
    std::string answer =
        http_raw(daemon_port(d), std::string(method) + " " + path + " HTTP/1.1\r\nHost: a\r\n\r\n", 2000);
    check_at(answer.rfind("HTTP/1.1 4", 0) == 0 || answer.rfind("HTTP/1.1 501", 0) == 0,
             std::string(method) + ": " + answer);
    check_at(answer.find("302") == std::string::npos, answer);
  }
  std::string answer = http_raw(daemon_port(d), "CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: a\r\n\r\n", 2000);
  check_at(answer.rfind("HTTP/1.1 4", 0) == 0, "CONNECT: " + answer);
  check_nothing_exists(d);
}

void head_answers_like_get_without_a_body(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_start(d);
  std::string client = suite_client(*scene->suite, "head");
  daemon_access(d, client);
  for (const std::string& path : Texts{std::string("/health"), std::string("/status"), std::string("/access"),
                                       std::string("/nope"), access_path(client)}) {
    HttpReply get = daemon_get(d, path);
    HttpReply head = http_call(daemon_call(d, path, "HEAD"));
    check_number(head.status, get.status, "HEAD " + path);
    check_equal(http_reply_header(head, "location"), http_reply_header(get, "location"), "Location of " + path);
    check_equal(http_reply_header(head, "content-type"), http_reply_header(get, "content-type"), "type of " + path);
    check_equal(http_reply_header(head, "cache-control"), "no-store", "Cache-Control of " + path);
  }
  std::string bare = http_raw(daemon_port(d), "HEAD /status HTTP/1.0\r\n\r\n", 2000);
  check_at(bare.size() > 4 && bare.compare(bare.size() - 4, 4, "\r\n\r\n") == 0, "a body after HEAD: " + bare);
}

void a_parameter_given_twice_is_400(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_start(d);
  std::string a = suite_client(*scene->suite, "a");
  for (const std::string& query :
       Texts{"/access?id=" + a + "&id=" + a, "/access?id=" + a + "&id=", "/access?id=" + a + "&id=other",
             "/access?id=" + a + "&width=800&width=800&height=600", "/access?id=" + a + "&height=1&height=2",
             "/remove?id=" + a + "&id=other"}) {
    check_error(daemon_get(d, query), 400);
  }
  check_nothing_exists(d);
}

void both_spellings_of_a_cpf_are_one_client(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_start(d);
  std::string cpf = suite_cpf(*scene->suite, 2);
  std::string dotted = cpf.substr(0, 3) + "." + cpf.substr(3, 3) + "." + cpf.substr(6, 3) + "-" + cpf.substr(9);
  HttpReply first = daemon_get(d, access_path(dotted));
  Entry entry = daemon_check_302(d, first, cpf);
  check_equal(entry.name, "vnc_" + cpf, "name");
  for (const std::string& raw : Texts{cpf, dotted, " " + cpf + " ", "\t" + dotted + "\r\n"}) {
    check_equal(daemon_check_302(d, daemon_get(d, access_path(raw)), cpf).id, entry.id, "container for '" + raw + "'");
  }
  check_number(daemon_get(d, "/remove?id=" + dotted).status, 200, "/remove");
}

void bad_ids_are_400_and_forge_nothing(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_start(d);
  std::string forged = "x\n2026-02-13 14:30:00,123 INFO [ACCESS] forged line";
  const Texts bad = {"../etc/passwd",
                     "a/b",
                     "a b",
                     "a;reboot",
                     "$(reboot)",
                     "`reboot`",
                     "a'b",
                     "a\"b",
                     "a\\b",
                     "<script>",
                     "{}",
                     "a&b",
                     "a%b",
                     "-a",
                     ".a",
                     "_a",
                     "__pool__",
                     "pool_21000",
                     "pool_x",
                     "\xff\xfe",
                     "Jos\xc3\xa9",
                     std::string(65, 'a'),
                     std::string("a\0b", 3),
                     std::string("\0", 1),
                     std::string("a\0", 2),
                     forged,
                     "x\r\nSet-Cookie: a=b",
                     "a\x1b[31mb",
                     "a\xc2\x85"
                     "b",
                     "a\xe2\x80\xa8"
                     "b"};
  for (const std::string& id : bad) {
    for (const char* path : {"/access?id=", "/remove?id="}) {
      HttpReply reply = daemon_get(d, path + url_encode(id));
      check_error(reply, 400);
      check_json_headers(reply);
      check_equal(http_reply_header(reply, "set-cookie"), "", "a header of the client's making");
    }
  }
  check_nothing_exists(d);
  daemon_stop(d);  // so that the whole log is there
  daemon_check_log_lines(d);
  check_at(daemon_log(d).find("\n2026-02-13 14:30:00,123 INFO [ACCESS] forged") == std::string::npos, "a forged line");
}

void the_longest_and_strangest_good_ids_work(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_start(d);
  std::string longest = suite_client(*scene->suite, "A_b.c-9");
  longest += std::string(64 - longest.size(), 'z');
  Entry entry = daemon_access(d, longest);
  check_equal(entry.name, "vnc_" + longest, "name");
}

void bad_sizes_are_400(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_start(d);
  std::string id = suite_client(*scene->suite, "x");
  const Texts bad = {"0",     "-1",     "63",    "7681",  "99999999999999999999", "abc", "1e3", "1024px",
                     "0x400", "1024.5", "10 24", "+1024", std::string("800\0", 4)};
  for (const std::string& value : bad) {
    check_error(daemon_get(d, access_path(id, "&width=" + url_encode(value) + "&height=600")), 400);
    check_error(daemon_get(d, access_path(id, "&width=600&height=" + url_encode(value))), 400);
  }
  check_nothing_exists(d);
}

void a_lone_width_or_height_is_ignored(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_start(d);
  std::string client = suite_client(*scene->suite, "lone");
  Entry first = daemon_access(d, client, "&width=1024");
  check_equal(first.width + "x" + first.height, "410x900", "size");
  for (const char* query : {"&height=768", "&width=nonsense", "&width=1024&height=", "&unknown=1"}) {
    check_equal(daemon_access(d, client, query).id, first.id, query);
  }
}

void what_is_too_long_is_4xx(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_start(d);
  std::string id = suite_client(*scene->suite, "x");
  std::string lines = "GET /health HTTP/1.1\r\nHost: a\r\n";
  std::string answer =
      http_raw(daemon_port(d), "GET /access?id=" + id + std::string(100000, 'a') + " HTTP/1.1\r\n\r\n", 3000);
  check_at(answer.rfind("HTTP/1.1 4", 0) == 0, "long URL: " + answer.substr(0, 80));
  answer = http_raw(daemon_port(d), lines + "X-Long: " + std::string(100000, 'a') + "\r\n\r\n", 3000);
  check_at(answer.rfind("HTTP/1.1 4", 0) == 0, "long header: " + answer.substr(0, 80));
  std::string many = lines;
  for (int i = 0; i < 5000; ++i) many += "X-" + std::to_string(i) + ": value\r\n";
  answer = http_raw(daemon_port(d), many + "\r\n", 3000);
  check_at(answer.rfind("HTTP/1.1 4", 0) == 0, "many headers: " + answer.substr(0, 80));
  answer = http_raw(
      daemon_port(d),
      "POST /access?id=" + id + " HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n" + std::string(200000, 'b'),
      3000);
  check_at(answer.rfind("HTTP/1.1 4", 0) == 0, "long body: " + answer.substr(0, 80));
  check_nothing_exists(d);
}

void what_is_no_http_harms_nobody(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_start(d);
  for (const std::string& bytes :
       Texts{std::string("\r\n\r\n"), std::string("hello\r\n\r\n"), std::string("GET\r\n\r\n"),
             std::string("GET /health\r\n\r\n"), std::string("GET /health HTTP/9.9\r\n\r\n"),
             std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11),
             std::string("GET /status HTTP/1.1\r\nbroken header\r\n\r\n"),
             std::string("GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n"),
             std::string("POST /health HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), std::string(64, '\0')}) {
    std::string answer = http_raw(daemon_port(d), bytes, 400);
    check_at(answer.empty() || answer.rfind("HTTP/1.", 0) == 0, "an answer that is none: " + answer);
    check_number(daemon_get(d, "/health").status, 200, "/health afterwards");
  }
  daemon_stop(d);
  daemon_check_log_lines(d);
}

// One connection, two requests in one packet, the first with a wait of a second or two.
void pipelined_requests_are_answered_in_order(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_start(d);
  std::string client = suite_client(*scene->suite, "pipe");
  std::string answer = http_raw(daemon_port(d),
                                "GET " + access_path(client) +
                                    " HTTP/1.1\r\nHost: a\r\n\r\n"
                                    "GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
                                30000);
  check_at(answer.rfind("HTTP/1.1 302", 0) == 0, "first answer: " + answer);
  size_t second = answer.find("HTTP/1.1 200");
  check_at(second != std::string::npos && answer.find("\"ok\"", second) != std::string::npos,
           "second answer: " + answer);
  daemon_check_302(d, daemon_get(d, access_path(client)), client);
}

void idle_connections_keep_nobody_out(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_start(d);
  std::vector<int> idle;
  for (int i = 0; i < 200; ++i) {
    int fd = tcp_connect(daemon_port(d));
    check_at(fd >= 0, "connection " + std::to_string(i));
    idle.push_back(fd);
    scene->cleanups.push_back([fd] { tcp_close(fd); });
  }
  check_number(daemon_get(d, "/health").status, 200, "/health");
  check_number(daemon_get(d, "/status").status, 200, "/status");
}

// Without our settings in the way: the document's defaults for host and scheme.
void the_link_is_https_on_localhost_by_default(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_set(d, "VNC_HOST", "");
  daemon_set(d, "VNC_SCHEME", "");
  daemon_start(d);
  std::string client = suite_client(*scene->suite, "link");
  HttpReply reply = daemon_get(d, access_path(client));
  Entry entry = daemon_check_302(d, reply, client);
  check_equal(http_reply_header(reply, "location"), "https://localhost:" + std::to_string(entry.port), "Location");
}

}  // namespace

int main() {
  const std::vector<CMUnitTest> tests = {
      E2E_TEST(health_says_ok),
      E2E_TEST(the_id_must_be_given),
      E2E_TEST(nothing_there_is_said_as_the_document_says_it),
      E2E_TEST(one_session_seen_through_every_route),
      E2E_TEST(unknown_paths_are_404),
      E2E_TEST(other_methods_are_405_and_act_on_nothing),
      E2E_TEST(trace_connect_and_inventions_never_act),
      E2E_TEST(head_answers_like_get_without_a_body),
      E2E_TEST(a_parameter_given_twice_is_400),
      E2E_TEST(both_spellings_of_a_cpf_are_one_client),
      E2E_TEST(bad_ids_are_400_and_forge_nothing),
      E2E_TEST(the_longest_and_strangest_good_ids_work),
      E2E_TEST(bad_sizes_are_400),
      E2E_TEST(a_lone_width_or_height_is_ignored),
      E2E_TEST(what_is_too_long_is_4xx),
      E2E_TEST(what_is_no_http_harms_nobody),
      E2E_TEST(pipelined_requests_are_answered_in_order),
      E2E_TEST(idle_connections_keep_nobody_out),
      E2E_TEST(the_link_is_https_on_localhost_by_default),
  };
  return suite_main("routes", tests);
}
