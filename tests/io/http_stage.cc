// The listener and the clients of its tests.
#include "http_stage.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "support/cmocka_cc.h"

static void on_request(void* context, const HttpRequest& request) {
  Server* server = static_cast<Server*>(context);
  server->requests.push_back(request);
  if (server->answer_at_once) httpd_answer(server->httpd.get(), request.id, server->answer);
}

static void on_gone(void* context, uint64_t id) { static_cast<Server*>(context)->gone.push_back(id); }

static void on_notice(void* context, const std::string& text) {
  static_cast<Server*>(context)->notices.push_back(text);
}

HttpHooks server_hooks(Server* server) { return HttpHooks{on_request, on_gone, on_notice, server}; }

int free_port() {
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

Server* server_start(const HttpLimits& limits, bool changelist) {
  Server* server = new Server;
  event_config* config = event_config_new();
  if (changelist) event_config_set_flag(config, EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST);
  server->base = event_base_new_with_config(config);
  event_config_free(config);
  server->answer.body = "{\"a\": 1}";
  std::string error;
  for (int i = 0; i < 10 && !server->httpd; ++i) {
    server->port = free_port();
    server->httpd = httpd_create(server->base, HttpPlace{.address = "127.0.0.1", .port = server->port}, limits, server_hooks(server), &error);
  }
  assert_non_null(server->httpd.get());
  return server;
}

void server_end(Server* server) {
  server->httpd.reset();
  event_base_free(server->base);
  delete server;
}

int64_t now_ms() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

bool turn_until(Server* server, const std::function<bool()>& done) {
  const int64_t limit = now_ms() + 60000;
  while (!done()) {
    if (now_ms() > limit) return false;
    event_base_loop(server->base, EVLOOP_NONBLOCK);
    if (!done()) usleep(500);
  }
  return true;
}

void turn_a_while(Server* server, int ms) {
  const int64_t limit = now_ms() + ms;
  int left = 10;
  turn_until(server, [limit, &left] { return left-- <= 0 && now_ms() >= limit; });
}

int wakeups_within(Server* server, int ms) {
  int count = 0;
  const int64_t limit = now_ms() + ms;
  for (int64_t left = ms; left > 0; left = limit - now_ms()) {
    const timeval rest = {left / 1000, left % 1000 * 1000};
    event_base_loopexit(server->base, &rest);
    event_base_loop(server->base, EVLOOP_ONCE);
    ++count;
  }
  return count;
}

// ---- clients ----

int dial(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    close(fd);
    return -1;
  }
  fcntl(fd, F_SETFL, O_NONBLOCK);
  return fd;
}

Client client_open(const Server* server) {
  Client client;
  client.fd = dial(server->port);
  assert_true(client.fd >= 0);
  return client;
}

void client_send(const Client& client, const std::string& bytes) {
  assert_int_equal(send(client.fd, bytes.data(), bytes.size(), MSG_NOSIGNAL), bytes.size());
}

void client_read(Client* client) {
  char bytes[65536];
  for (;;) {
    const ssize_t got = recv(client->fd, bytes, sizeof bytes, 0);
    if (got > 0) {
      client->received.append(bytes, static_cast<size_t>(got));
      continue;
    }
    if (got == 0 || (errno != EAGAIN && errno != EINTR)) client->closed = true;
    return;
  }
}

bool client_awaits(Server* server, Client* client, const std::string& text) {
  return turn_until(server, [client, &text] {
    client_read(client);
    return client->received.find(text) != std::string::npos;
  });
}

bool client_sees_close(Server* server, Client* client) {
  return turn_until(server, [client] {
    client_read(client);
    return client->closed;
  });
}

std::string get(const std::string& target) { return "GET " + target + " HTTP/1.1\r\nHost: x\r\n\r\n"; }

bool contains(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

std::string ask(Server* server, const std::string& request) {
  Client client = client_open(server);
  client_send(client, request);
  assert_true(client_sees_close(server, &client));
  close(client.fd);
  return client.received;
}

std::string closing(const std::string& method, const std::string& target, const std::string& body) {
  return method + " " + target +
         " HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         body;
}
