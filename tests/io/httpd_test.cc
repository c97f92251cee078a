// The HTTP listener with real sockets on 127.0.0.1, down to the bytes that no well-behaved client sends.
#include "io/httpd.h"

#include <arpa/inet.h>
#include <event2/event.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>

#include "http_stage.h"
#include "support/cmocka_cc.h"

// ---- tests ----

static void an_answer_has_our_headers_and_no_others(void**) {
  Server* server = server_start();
  const std::string reply = ask(server, closing("GET", "/status"));
  assert_int_equal(reply.find("HTTP/1.1 200 OK\r\n"), 0);
  assert_true(contains(reply, "\r\nContent-Type: application/json\r\n"));
  assert_true(contains(reply, "\r\nCache-Control: no-store\r\n"));
  assert_true(contains(reply, "\r\nContent-Length: 8\r\n"));
  assert_true(contains(reply, "\r\n\r\n{\"a\": 1}"));
  assert_false(contains(reply, "\r\nServer:"));
  assert_true(contains(reply, ("\r\nX-Request-Id: " + server->requests.at(0).label + "\r\n").c_str()));
  assert_int_equal(server->requests.size(), 1);
  assert_string_equal(server->requests[0].peer.c_str(), "127.0.0.1");
  assert_string_equal(server->requests[0].path.c_str(), "/status");
  server_end(server);
}

static void a_request_has_the_id_that_it_brought_or_one_of_ours(void**) {
  Server* server = server_start();
  const auto label_of = [&](const std::string& header) {
    const std::string reply = ask(server, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + header + "\r\n");
    const std::string label = server->requests.back().label;
    assert_true(contains(reply, ("\r\nX-Request-Id: " + label + "\r\n").c_str()));
    return label;
  };
  assert_string_equal(label_of("x-request-ID: Abc.1_2-3\r\n").c_str(), "Abc.1_2-3");
  const std::string first = label_of(""), second = label_of("");
  assert_string_not_equal(first.c_str(), second.c_str());
  assert_true(first.size() <= 15 && first.substr(0, 7) == second.substr(0, 7));
  for (const std::string& wrong : {std::string("a b"), std::string(65, 'a'), std::string("a\x1b[31m"), std::string("a,request=b")}) {
    const std::string label = label_of("X-Request-Id: " + wrong + "\r\n");
    assert_string_equal(label.substr(0, 7).c_str(), first.substr(0, 7).c_str());
  }
  server_end(server);
}

static void a_redirect_a_refusal_and_a_retry_carry_their_header(void**) {
  Server* server = server_start();
  server->answer = {.status = 302, .body = "{}", .location = "https://h:5000", .allow = {}, .retry_after_seconds = 0};
  std::string reply = ask(server, closing("GET", "/access?id=1"));
  assert_int_equal(reply.find("HTTP/1.1 302 "), 0);
  assert_true(contains(reply, "\r\nLocation: https://h:5000\r\n"));
  assert_true(contains(reply, "\r\nCache-Control: no-store\r\n"));
  server->answer = {.status = 405, .body = "{}", .location = {}, .allow = "GET, HEAD", .retry_after_seconds = 0};
  reply = ask(server, closing("POST", "/access", "hello"));
  assert_int_equal(reply.find("HTTP/1.1 405 "), 0);
  assert_true(contains(reply, "\r\nAllow: GET, HEAD\r\n"));
  server->answer = {.status = 503, .body = "{}", .location = {}, .allow = {}, .retry_after_seconds = 7};
  reply = ask(server, closing("GET", "/access"));
  assert_true(contains(reply, "\r\nRetry-After: 7\r\n"));
  server->answer = {.status = 401, .body = "{}", .location = {}, .allow = {}, .authenticate = "Bearer realm=\"x\"", .retry_after_seconds = 0};
  reply = ask(server, closing("GET", "/status"));
  assert_int_equal(reply.find("HTTP/1.1 401 "), 0);
  assert_true(contains(reply, "\r\nWWW-Authenticate: Bearer realm=\"x\"\r\n"));
  // A value with a line end in it would forge headers: it is not sent at all.
  server->answer = {.status = 302, .body = "{}", .location = "x\r\nEvil: 1", .allow = {}, .retry_after_seconds = 0};
  assert_false(contains(ask(server, closing("GET", "/access")), "Evil"));
  server_end(server);
}

static void only_get_and_head_are_allowed_and_every_method_reaches_the_handler(void**) {
  Server* server = server_start();
  const char* methods[] = {"POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "FOO", "PROPFIND"};
  for (const char* method : methods) {
    const std::string reply = ask(server, closing(method, "/access?id=1"));
    assert_int_equal(reply.find("HTTP/1.1 200 "), 0);
    assert_false(server->requests.back().method_allowed);
  }
  // A refused CONNECT is an answer like any other: no tunnel, and the connection speaks HTTP afterwards.
  Client client = client_open(server);
  client_send(client, "CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n");
  assert_true(client_awaits(server, &client, "\r\nContent-Length: 0\r\n"));
  assert_false(server->requests.back().method_allowed);
  assert_string_equal(server->requests.back().method.c_str(), "CONNECT");
  assert_int_equal(server->requests.size(), 9);
  client_send(client, get("/"));
  assert_true(client_awaits(server, &client, "{\"a\": 1}"));
  close(client.fd);
  ask(server, closing("GET", "/"));
  assert_true(server->requests.back().method_allowed);
  ask(server, closing("HEAD", "/"));
  assert_true(server->requests.back().method_allowed);
  server_end(server);
}

// What two answers to one question do not have in common.
static std::string without_its_own(std::string head) {
  for (const char* name : {"Date: ", "X-Request-Id: "}) {
    const size_t from = head.find(name);
    if (from != std::string::npos) head.erase(from, head.find("\r\n", from) + 2 - from);
  }
  return head;
}

static std::vector<std::string> sorted_lines(const std::string& text) {
  std::vector<std::string> lines;
  for (size_t from = 0; from < text.size();) {
    const size_t end = std::min(text.find("\r\n", from), text.size());
    lines.push_back(text.substr(from, end - from));
    from = end + 2;
  }
  std::sort(lines.begin(), lines.end());
  return lines;
}

static void head_has_the_headers_of_get_and_no_body(void**) {
  Server* server = server_start();
  Client client = client_open(server);
  client_send(client, "HEAD /status HTTP/1.1\r\nHost: x\r\n\r\n");
  assert_true(client_awaits(server, &client, "\r\n\r\n"));
  const std::string head = client.received;
  client.received.clear();
  client_send(client, get("/status"));
  assert_true(client_awaits(server, &client, "{\"a\": 1}"));
  const size_t end = client.received.find("\r\n\r\n") + 4;
  assert_int_equal(head.find("HTTP/1.1 200 OK\r\n"), 0);
  assert_true(sorted_lines(without_its_own(head)) == sorted_lines(without_its_own(client.received.substr(0, end))));
  close(client.fd);
  server_end(server);
}

static void parameters_are_decoded_whole_and_kept_in_order(void**) {
  Server* server = server_start();
  ask(server,
      closing(
          "GET",
          "/a%20b+c%00d?id=1&id=2&&empty=&bare&=x&plus=a+b%2Bc&nul=a%00b&bad=%zz%4&eq=a=b&%69d=3&utf=%C3%A9&a+b=1"));
  const HttpRequest& got = server->requests.at(0);
  assert_true(got.path == std::string("/a b+c\0d", 8));
  const std::vector<std::pair<std::string, std::string>> expected = {{"id", "1"},
                                                                     {"id", "2"},
                                                                     {"empty", ""},
                                                                     {"bare", ""},
                                                                     {"", "x"},
                                                                     {"plus", "a b+c"},
                                                                     {"nul", std::string("a\0b", 3)},
                                                                     {"bad", "%zz%4"},
                                                                     {"eq", "a=b"},
                                                                     {"id", "3"},
                                                                     {"utf", "\xC3\xA9"},
                                                                     {"a b", "1"}};
  assert_int_equal(got.params.size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i) assert_true(got.params[i] == expected[i]);
  ask(server, closing("GET", "http://elsewhere/status?x=1"));
  assert_string_equal(server->requests.at(1).path.c_str(), "/status");
  ask(server, closing("GET", "?id=1"));
  assert_string_equal(server->requests.at(2).path.c_str(), "");
  ask(server, closing("OPTIONS", "*"));
  assert_int_equal(server->requests.size(), 4);
  server_end(server);
}

static void pipelined_requests_come_one_by_one_and_are_answered_in_order(void**) {
  Server* server = server_start();
  server->answer_at_once = false;
  Client client = client_open(server);
  client_send(client, get("/1") + get("/2") + get("/3"));
  for (size_t i = 0; i < 3; ++i) {
    assert_true(turn_until(server, [server, i] { return server->requests.size() > i; }));
    turn_a_while(server, 30);
    assert_int_equal(server->requests.size(), i + 1);
    assert_int_equal(httpd_waiting(server->httpd.get()), 1);
    HttpAnswer answer;
    answer.body = "{\"path\": \"" + server->requests[i].path + "\"}";
    httpd_answer(server->httpd.get(), server->requests[i].id, answer);
    assert_true(client_awaits(server, &client, answer.body));
  }
  assert_int_equal(server->gone.size(), 0);
  assert_true(server->requests[0].id != server->requests[1].id && server->requests[1].id != server->requests[2].id);
  close(client.fd);
  server_end(server);
}

static void hang_up(Server* server, bool by_reset, const std::string& pipelined) {
  server->answer_at_once = false;
  Client client = client_open(server);
  client_send(client, get("/access?id=1") + pipelined);
  assert_true(turn_until(server, [server] { return server->requests.size() == 1; }));
  assert_int_equal(httpd_waiting(server->httpd.get()), 1);
  if (by_reset) {
    const linger at_once = {1, 0};
    assert_int_equal(setsockopt(client.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
  }
  close(client.fd);
  assert_true(turn_until(server, [server] { return !server->gone.empty(); }));
  assert_int_equal(server->gone[0], server->requests[0].id);
  assert_int_equal(httpd_waiting(server->httpd.get()), 0);
  assert_true(wakeups_within(server, 100) < 10);
  assert_int_equal(server->gone.size(), 1);
  // Too late, twice, and for a number never given: all harmless.
  httpd_answer(server->httpd.get(), server->requests[0].id, server->answer);
  httpd_answer(server->httpd.get(), server->requests[0].id, server->answer);
  httpd_answer(server->httpd.get(), 987654, server->answer);
  turn_a_while(server, 30);
  assert_int_equal(httpd_waiting(server->httpd.get()), 0);
  server->answer_at_once = true;
  assert_true(contains(ask(server, closing("GET", "/health")), "200 OK"));
}

static void a_hang_up_while_waiting_is_noticed_at_once(void**) {
  for (bool changelist : {false, true}) {
    for (bool by_reset : {false, true}) {
      for (const std::string& pipelined : {std::string(), get("/second"), std::string("GET /half")}) {
        Server* server = server_start({}, changelist);
        hang_up(server, by_reset, pipelined);
        server_end(server);
      }
    }
  }
}

static void a_client_that_closed_only_its_side_is_told_so(void**) {
  Server* server = server_start();
  server->answer_at_once = false;
  Client client = client_open(server);
  client_send(client, get("/access?id=1"));
  assert_int_equal(shutdown(client.fd, SHUT_WR), 0);
  assert_true(turn_until(server, [server] { return !server->gone.empty(); }));
  assert_int_equal(server->requests.size(), 1);
  assert_true(client_sees_close(server, &client));
  assert_int_equal(client.received.find("HTTP/1.1 503 "), 0);
  assert_true(contains(client.received, "\r\nRetry-After: "));
  assert_true(contains(client.received, "{\"error\": "));
  assert_int_equal(httpd_waiting(server->httpd.get()), 0);
  httpd_answer(server->httpd.get(), server->requests[0].id, server->answer);  // too late
  close(client.fd);
  server_end(server);
}

static void a_request_that_is_gone_and_never_answered_holds_nothing_up(void**) {
  Server* server = server_start();
  server->answer_at_once = false;
  Client client = client_open(server);
  client_send(client, get("/access?id=1"));
  assert_true(turn_until(server, [server] { return server->requests.size() == 1; }));
  close(client.fd);
  assert_true(turn_until(server, [server] { return !server->gone.empty(); }));
  httpd_stop_accepting(server->httpd.get());
  assert_true(httpd_drained(server->httpd.get()));
  server_end(server);
}

static void what_is_not_http_never_reaches_the_handler(void**) {
  HttpLimits limits;
  limits.max_header_bytes = 1000;
  limits.max_body_bytes = 100;
  Server* server = server_start(limits);
  const std::string garbage[] = {
      "\x16\x03\x01\x02\x01\x01 this is TLS\r\n\r\n",
      "no http at all, only words\r\n\r\n",
      "GET /\r\n\r\n",
      "GET / HTTP/7.x\r\n\r\n",
      "GET / HTTP/1.1\r\nno colon here\r\n\r\n",
      "GET /" + std::string(2000, 'a') + " HTTP/1.1\r\nHost: x\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: x\r\nX: " + std::string(2000, 'a') + "\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 101\r\n\r\n" + std::string(101, 'a'),
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
  };
  for (const std::string& bytes : garbage) {
    const std::string reply = ask(server, bytes);
    assert_int_equal(reply.find("HTTP/1."), 0);
    assert_int_equal(reply.find(" 4"), 8);
  }
  assert_int_equal(server->requests.size(), 0);
  assert_true(contains(ask(server, closing("GET", "/health")), "200 OK"));
  server_end(server);
}

static void after_the_stop_open_connections_go_on_without_keep_alive(void**) {
  Server* server = server_start();
  Client idle = client_open(server), busy = client_open(server), silent = client_open(server);
  client_send(idle, get("/1"));
  assert_true(client_awaits(server, &idle, "{\"a\": 1}"));
  assert_false(contains(idle.received, "Connection: close"));
  idle.received.clear();
  server->answer_at_once = false;
  client_send(busy, get("/2"));
  assert_true(turn_until(server, [server] { return server->requests.size() == 2; }));
  assert_false(httpd_drained(server->httpd.get()));

  httpd_stop_accepting(server->httpd.get());
  assert_int_equal(dial(server->port), -1);
  assert_false(httpd_drained(server->httpd.get()));
  server->answer_at_once = true;
  client_send(idle, get("/3"));
  assert_true(client_sees_close(server, &idle));
  assert_true(contains(idle.received, "\r\nConnection: close\r\n"));
  assert_true(contains(idle.received, "{\"a\": 1}"));

  assert_false(httpd_drained(server->httpd.get()));
  httpd_answer(server->httpd.get(), server->requests[1].id, server->answer);
  assert_true(client_sees_close(server, &busy));
  assert_true(contains(busy.received, "{\"a\": 1}"));
  assert_true(httpd_drained(server->httpd.get()));
  for (const Client& client : {idle, busy, silent}) close(client.fd);
  server_end(server);
}

static void drained_means_that_answers_have_left(void**) {
  Server* server = server_start();
  server->answer.body.assign(16 << 20, 'x');
  Client slow = client_open(server), gone = client_open(server);
  client_send(slow, get("/big"));
  client_send(gone, get("/big"));
  assert_true(turn_until(server, [server] { return server->requests.size() == 2; }));
  httpd_stop_accepting(server->httpd.get());
  turn_a_while(server, 50);
  assert_int_equal(httpd_waiting(server->httpd.get()), 0);
  assert_false(httpd_drained(server->httpd.get()));
  close(gone.fd);  // an answer that can no longer be sent counts as done
  assert_true(turn_until(server, [server, &slow] {
    client_read(&slow);
    return httpd_drained(server->httpd.get());
  }));
  assert_true(turn_until(server, [&slow] {
    client_read(&slow);
    return slow.received.size() > (16u << 20);
  }));
  close(slow.fd);
  server_end(server);
}

static void it_can_end_with_idle_waiting_and_fresh_connections(void**) {
  Server* server = server_start();
  Client idle = client_open(server), waiting = client_open(server);
  client_send(idle, get("/1"));
  assert_true(client_awaits(server, &idle, "{\"a\": 1}"));
  server->answer_at_once = false;
  client_send(waiting, get("/2"));
  assert_true(turn_until(server, [server] { return server->requests.size() == 2; }));
  Client fresh = client_open(server);
  event_base_loop(server->base, EVLOOP_NONBLOCK | EVLOOP_ONCE);
  server_end(server);
  for (const Client& client : {idle, waiting, fresh}) close(client.fd);
}

static void an_address_that_cannot_be_had_is_explained(void**) {
  Server* server = server_start();
  std::string error;
  auto listen_on = [&](const std::string& address, int port) {
    error.clear();
    return httpd_create(server->base, HttpPlace{.address = address, .port = port}, {}, server_hooks(server), &error);
  };
  assert_null(listen_on("127.0.0.1", server->port).get());
  assert_true(contains(error, "127.0.0.1") && contains(error, std::to_string(server->port).c_str()) &&
              contains(error, "in use"));
  assert_null(listen_on("192.0.2.1", server->port).get());
  assert_true(contains(error, "192.0.2.1") && contains(error, "no such address"));
  assert_null(listen_on("not an address", server->port).get());
  assert_true(contains(error, "not an IPv4 or IPv6 address"));
  assert_non_null(listen_on("localhost", free_port()).get());
  assert_string_equal(error.c_str(), "");
  server_end(server);
}

static void ipv6_is_served_too(void**) {
  Server* server = server_start();
  std::string error;
  const int port = free_port();
  HttpdPtr six = httpd_create(server->base, HttpPlace{.address = "::1", .port = port}, {}, server_hooks(server), &error);
  if (!six) {
    server_end(server);
    skip();  // no IPv6 on this machine
    return;
  }
  std::swap(server->httpd, six);
  const int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in6 address = {};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(static_cast<uint16_t>(port));
  address.sin6_addr = in6addr_loopback;
  assert_int_equal(connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  fcntl(fd, F_SETFL, O_NONBLOCK);
  Client client;
  client.fd = fd;
  client_send(client, get("/health"));
  assert_true(client_awaits(server, &client, "{\"a\": 1}"));
  assert_string_equal(server->requests.at(0).peer.c_str(), "::1");
  close(fd);
  six.reset();
  server_end(server);
}

static int dial_socket(const std::string& path) {
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) {
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
  }
  close(fd);
  return -1;
}

static void a_unix_socket_is_served_and_cleared_away(void**) {
  char folder[] = "/tmp/vnc-httpd-XXXXXX";
  assert_non_null(mkdtemp(folder));
  const HttpPlace place = {.socket = std::string(folder) + "/s", .address_setting = "ADMIN_LISTEN"};
  Server* server = server_start();
  std::string error;
  HttpHooks hooks = server_hooks(server);
  hooks.ids_after = 1000;
  HttpdPtr local = httpd_create(server->base, place, {}, hooks, &error);
  assert_string_equal(error.c_str(), "");
  struct stat seen = {};
  assert_int_equal(stat(place.socket.c_str(), &seen), 0);
  assert_int_equal(seen.st_mode, S_IFSOCK | 0660);
  std::swap(server->httpd, local);
  Client client;
  client.fd = dial_socket(place.socket);
  client_send(client, get("/health"));
  assert_true(client_awaits(server, &client, "{\"a\": 1}"));
  assert_string_equal(server->requests.at(0).peer.c_str(), place.socket.c_str());
  assert_string_equal(server->requests.at(0).source.host.c_str(), "");
  assert_int_equal(server->requests.at(0).id, 1001);

  // Who listens there is not driven out; what is left of a program that was killed is.
  assert_null(httpd_create(server->base, place, {}, hooks, &error).get());
  assert_true(contains(error, "another program listens there") && contains(error, "ADMIN_LISTEN"));
  close(client.fd);
  server->httpd.reset();
  assert_int_equal(lstat(place.socket.c_str(), &seen), -1);
  const int left = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  strncpy(address.sun_path, place.socket.c_str(), sizeof address.sun_path - 1);
  assert_int_equal(bind(left, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  close(left);
  server->httpd = httpd_create(server->base, place, {}, hooks, &error);
  assert_non_null(server->httpd.get());

  // A later program's is left alone.
  unlink(place.socket.c_str());
  HttpdPtr later = httpd_create(server->base, place, {}, hooks, &error);
  assert_non_null(later.get());
  server->httpd.reset();
  const int fd = dial_socket(place.socket);
  assert_true(fd >= 0);
  close(fd);
  later.reset();

  // What is no socket stays.
  const int file = open(place.socket.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  close(file);
  assert_null(httpd_create(server->base, place, {}, hooks, &error).get());
  assert_int_equal(lstat(place.socket.c_str(), &seen), 0);
  unlink(place.socket.c_str());
  rmdir(folder);
  server->httpd = std::move(local);
  server_end(server);
}

int main() {
  signal(SIGPIPE, SIG_IGN);  // as the daemon does: libevent writes to sockets whose clients may have gone
  const CMUnitTest tests[] = {
      cmocka_unit_test(an_answer_has_our_headers_and_no_others),
      cmocka_unit_test(a_request_has_the_id_that_it_brought_or_one_of_ours),
      cmocka_unit_test(a_redirect_a_refusal_and_a_retry_carry_their_header),
      cmocka_unit_test(only_get_and_head_are_allowed_and_every_method_reaches_the_handler),
      cmocka_unit_test(head_has_the_headers_of_get_and_no_body),
      cmocka_unit_test(parameters_are_decoded_whole_and_kept_in_order),
      cmocka_unit_test(pipelined_requests_come_one_by_one_and_are_answered_in_order),
      cmocka_unit_test(a_hang_up_while_waiting_is_noticed_at_once),
      cmocka_unit_test(a_client_that_closed_only_its_side_is_told_so),
      cmocka_unit_test(a_request_that_is_gone_and_never_answered_holds_nothing_up),
      cmocka_unit_test(what_is_not_http_never_reaches_the_handler),
      cmocka_unit_test(after_the_stop_open_connections_go_on_without_keep_alive),
      cmocka_unit_test(drained_means_that_answers_have_left),
      cmocka_unit_test(it_can_end_with_idle_waiting_and_fresh_connections),
      cmocka_unit_test(an_address_that_cannot_be_had_is_explained),
      cmocka_unit_test(ipv6_is_served_too),
      cmocka_unit_test(a_unix_socket_is_served_and_cleared_away),
  };
  return cmocka_run_group_tests_name("httpd", tests, nullptr, nullptr);
}
