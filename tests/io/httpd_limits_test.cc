// The limits of the HTTP listener: every wait for a client ends, and a flood keeps nobody out.
#include <event2/event.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http_stage.h"
#include "support/cmocka_cc.h"

static bool is_closed(Server* server, Client* client) {
  turn_a_while(server, 30);
  client_read(client);
  return client->closed;
}

static std::vector<Client> open_some(const Server* server, int count) {
  std::vector<Client> clients;
  for (int i = 0; i < count; ++i) clients.push_back(client_open(server));
  return clients;
}

static void close_all(const std::vector<Client>& clients) {
  for (const Client& client : clients) close(client.fd);
}

// ---- connections ----

static void a_newcomer_takes_the_place_of_who_has_been_idle_for_longest(void**) {
  HttpLimits limits;
  limits.max_connections = 3;
  Server* server = server_start(limits);
  std::vector<Client> clients = open_some(server, 3);
  turn_a_while(server, 30);
  client_send(clients[0], get("/1"));  // idle since now
  assert_true(client_awaits(server, &clients[0], "{\"a\": 1}"));
  for (int i = 0; i < 2; ++i) clients.push_back(client_open(server));
  assert_true(client_sees_close(server, &clients[1]));
  assert_true(client_sees_close(server, &clients[2]));
  for (size_t i : {0, 3, 4}) {
    assert_false(is_closed(server, &clients[i]));
    clients[i].received.clear();
    client_send(clients[i], get("/2"));
    assert_true(client_awaits(server, &clients[i], "{\"a\": 1}"));
  }
  assert_int_equal(server->notices.size(), 1);  // once, not once for each
  assert_true(contains(server->notices[0], "MAX_CONNECTIONS"));
  close_all(clients);
  server_end(server);
}

static void who_waits_is_never_closed_for_a_newcomer(void**) {
  HttpLimits limits;
  limits.max_connections = 3;
  Server* server = server_start(limits);
  server->answer_at_once = false;
  std::vector<Client> clients = open_some(server, 3);
  for (const Client& client : clients) client_send(client, get("/access"));
  assert_true(turn_until(server, [server] { return server->requests.size() == 3; }));
  clients.push_back(client_open(server));  // the kernel's
  client_send(clients[3], get("/access"));
  assert_true(wakeups_within(server, 300) < 10);
  assert_int_equal(server->requests.size(), 3);
  for (size_t i = 0; i < 3; ++i) assert_false(is_closed(server, &clients[i]));
  httpd_answer(server->httpd.get(), server->requests[1].id, server->answer);
  assert_true(client_awaits(server, &clients[1], "{\"a\": 1}"));
  assert_true(turn_until(server, [server] { return server->requests.size() == 4; }));
  assert_true(client_sees_close(server, &clients[1]));
  for (size_t i : {0, 2, 3}) httpd_answer(server->httpd.get(), server->requests[i].id, server->answer);
  for (size_t i : {0, 2, 3}) assert_true(client_awaits(server, &clients[i], "{\"a\": 1}"));
  close_all(clients);
  server_end(server);
}

static void places_never_leak(void**) {
  HttpLimits limits;
  limits.max_connections = 3;
  Server* server = server_start(limits);
  for (int i = 0; i < 50; ++i) {
    assert_true(contains(ask(server, closing("GET", "/")), "200 OK"));
    const std::vector<Client> silent = open_some(server, 1);
    turn_a_while(server, 2);
    close_all(silent);
  }
  turn_a_while(server, 30);
  const std::vector<Client> clients = open_some(server, 3);
  turn_a_while(server, 30);
  assert_int_equal(server->notices.size(), 0);
  close_all(clients);
  server_end(server);
}

static void a_flood_of_idle_and_dribbling_ones_keeps_nobody_out(void**) {
  HttpLimits limits;
  limits.max_connections = 20;
  limits.idle_ms = limits.request_ms = 600000;  // only want of room ends any, however slow this machine
  Server* server = server_start(limits);
  std::vector<Client> flood;
  for (int i = 0; i < 20; ++i) {
    const Client asks = client_open(server);  // in the midst of them, and slower than they are
    for (int k = 0; k < 15; ++k) {
      flood.push_back(client_open(server));
      if (k % 2) client_send(flood.back(), "GET /dri");
    }
    turn_a_while(server, 5);
    Client client = asks;
    client_send(client, get("/health"));
    assert_true(client_awaits(server, &client, "{\"a\": 1}"));
    close(client.fd);
  }
  assert_int_equal(server->requests.size(), 20);
  close_all(flood);
  server_end(server);
}

// ---- time ----

// Sends one byte after the other until the other side has had enough of it; what it says to that.
static std::string dribble(Server* server, const std::string& bytes) {
  Client client = client_open(server);
  const int64_t limit = now_ms() + 10000;
  for (size_t i = 0; !client.closed; ++i) {
    assert_true(now_ms() < limit);
    const char byte = bytes[i % bytes.size()];
    send(client.fd, &byte, 1, MSG_NOSIGNAL);
    turn_a_while(server, 10);
    client_read(&client);
  }
  close(client.fd);
  return client.received;
}

static void a_head_that_dribbles_is_ended_in_time(void**) {
  HttpLimits limits;
  limits.request_ms = 200;
  Server* server = server_start(limits);
  const std::string reply = dribble(server, "GET / HTTP/1.1\r\nHost: x\r\nX-Long: " + std::string(2000, 'a'));
  assert_int_equal(reply.find("HTTP/1.1 408 "), 0);
  const size_t body = reply.find("\r\n\r\n") + 4;
  assert_int_equal(atoi(reply.c_str() + reply.find("Content-Length: ") + 16), reply.size() - body);
  assert_int_equal(reply.find("{\"error\": ", body), body);
  assert_int_equal(server->requests.size(), 0);
  assert_true(contains(ask(server, closing("GET", "/health")), "200 OK"));
  server_end(server);
}

static void a_body_that_dribbles_is_ended_in_time(void**) {
  HttpLimits limits;
  limits.request_ms = 200;
  Server* server = server_start(limits);
  Client client = client_open(server);
  client_send(client, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n");
  for (int i = 0; i < 500 && !client.closed; ++i) {
    send(client.fd, "a", 1, MSG_NOSIGNAL);
    turn_a_while(server, 10);
    client_read(&client);
  }
  assert_true(client.closed);
  assert_int_equal(client.received.find("HTTP/1.1 408 "), 0);
  assert_int_equal(server->requests.size(), 0);
  close(client.fd);
  server_end(server);
}

static void the_rest_of_a_pipelined_request_has_its_time_too(void**) {
  HttpLimits limits;
  limits.request_ms = 200;
  Server* server = server_start(limits);
  Client client = client_open(server);
  client_send(client, get("/1") + "GET /2 HTTP");
  assert_true(client_sees_close(server, &client));
  assert_true(contains(client.received, "{\"a\": 1}"));
  assert_true(contains(client.received, "HTTP/1.1 408 "));
  close(client.fd);
  server_end(server);
}

static void an_answer_that_nobody_takes_is_given_up(void**) {
  HttpLimits limits;
  limits.send_ms = 200;
  Server* server = server_start(limits);
  server->answer.body.assign(16 << 20, 'x');
  Client client = client_open(server);
  client_send(client, get("/big"));
  assert_true(turn_until(server, [server] { return server->requests.size() == 1; }));
  httpd_stop_accepting(server->httpd.get());
  assert_false(httpd_drained(server->httpd.get()));
  assert_true(turn_until(server, [server] { return httpd_drained(server->httpd.get()); }));
  assert_true(client_sees_close(server, &client));
  assert_true(client.received.size() < server->answer.body.size());
  close(client.fd);
  server_end(server);
}

static void an_idle_connection_is_closed_and_a_waiting_one_is_not(void**) {
  HttpLimits limits;
  limits.idle_ms = 300;
  limits.request_ms = 200;
  Server* server = server_start(limits);
  server->answer_at_once = false;
  Client waiting = client_open(server), idle = client_open(server), half = client_open(server);
  client_send(waiting, get("/access"));
  client_send(half, "GET / HTT");
  assert_true(turn_until(server, [server] { return server->requests.size() == 1; }));
  assert_true(client_sees_close(server, &idle));
  assert_string_equal(idle.received.c_str(), "");
  assert_true(client_sees_close(server, &half));
  turn_a_while(server, 2500);  // evhttp's own limit, too, is over by then
  assert_int_equal(server->gone.size(), 0);
  httpd_answer(server->httpd.get(), server->requests[0].id, server->answer);
  assert_true(client_awaits(server, &waiting, "{\"a\": 1}"));
  // It has its time as an idle one from now on.
  assert_true(client_sees_close(server, &waiting));
  for (const Client& client : {waiting, idle, half}) close(client.fd);
  server_end(server);
}

static void nothing_wakes_the_loop_while_nothing_is_due(void**) {
  Server* server = server_start();
  std::vector<Client> clients = open_some(server, 2);
  server->answer_at_once = false;
  client_send(clients[0], get("/access"));
  assert_true(turn_until(server, [server] { return server->requests.size() == 1; }));
  assert_true(wakeups_within(server, 1500) <= 2);  // one is the end of the test's own time
  close_all(clients);
  server_end(server);
}

// ---- file descriptors ----

// All descriptors below the limit are taken; returns what to give back afterwards.
struct Starved {
  rlimit before{};
  std::vector<int> fillers;
};
static Starved starve() {
  Starved starved;
  assert_int_equal(getrlimit(RLIMIT_NOFILE, &starved.before), 0);
  int highest = dup(0);
  starved.fillers.push_back(highest);
  for (int i = 0; i < 50; ++i) starved.fillers.push_back(highest = dup(0));
  rlimit full = starved.before;
  full.rlim_cur = static_cast<rlim_t>(highest) + 1;
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &full), 0);
  return starved;
}
static void feed(const Starved& starved) {
  for (int fd : starved.fillers) close(fd);
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &starved.before), 0);
}

static void without_file_descriptors_the_loop_rests_and_recovers(void**) {
  Server* server = server_start();
  server->answer_at_once = false;
  Client waiting = client_open(server);
  client_send(waiting, get("/access"));
  assert_true(turn_until(server, [server] { return server->requests.size() == 1; }));
  Client client = client_open(server);
  client_send(client, get("/1"));
  const Starved starved = starve();
  const int wakeups = wakeups_within(server, 2500);
  const size_t requests = server->requests.size(), notices = server->notices.size();
  feed(starved);
  assert_true(wakeups < 20);
  assert_int_equal(requests, 1);
  assert_int_equal(notices, 1);
  assert_true(contains(server->notices[0], "LimitNOFILE"));
  server->answer_at_once = true;
  assert_true(client_awaits(server, &client, "{\"a\": 1}"));
  httpd_answer(server->httpd.get(), server->requests[0].id, server->answer);
  assert_true(client_awaits(server, &waiting, "{\"a\": 1}"));
  close(waiting.fd);
  close(client.fd);
  server_end(server);
}

static void for_want_of_file_descriptors_idle_ones_are_closed(void**) {
  Server* server = server_start();
  Server* other = server_start();  // the error is told to whose listener it is
  std::vector<Client> clients = open_some(server, 3);
  turn_a_while(server, 30);
  Client client = client_open(server);
  client_send(client, get("/1"));
  const Starved starved = starve();
  const bool answered = client_awaits(server, &client, "{\"a\": 1}");
  feed(starved);
  assert_true(answered);
  assert_true(is_closed(server, &clients[0]));
  assert_false(is_closed(server, &clients[2]));  // the second may go: accept looks once more, with the same error
  assert_int_equal(server->notices.size(), 1);
  assert_int_equal(other->notices.size(), 0);
  close_all(clients);
  close(client.fd);
  server_end(other);
  server_end(server);
}

int main() {
  signal(SIGPIPE, SIG_IGN);
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_newcomer_takes_the_place_of_who_has_been_idle_for_longest),
      cmocka_unit_test(who_waits_is_never_closed_for_a_newcomer),
      cmocka_unit_test(places_never_leak),
      cmocka_unit_test(a_flood_of_idle_and_dribbling_ones_keeps_nobody_out),
      cmocka_unit_test(a_head_that_dribbles_is_ended_in_time),
      cmocka_unit_test(a_body_that_dribbles_is_ended_in_time),
      cmocka_unit_test(the_rest_of_a_pipelined_request_has_its_time_too),
      cmocka_unit_test(an_answer_that_nobody_takes_is_given_up),
      cmocka_unit_test(an_idle_connection_is_closed_and_a_waiting_one_is_not),
      cmocka_unit_test(nothing_wakes_the_loop_while_nothing_is_due),
      cmocka_unit_test(without_file_descriptors_the_loop_rests_and_recovers),
      cmocka_unit_test(for_want_of_file_descriptors_idle_ones_are_closed),
  };
  return cmocka_run_group_tests_name("httpd limits", tests, nullptr, nullptr);
}
