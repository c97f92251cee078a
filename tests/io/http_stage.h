// A listener that a test drives in its own thread, and clients with bare sockets on 127.0.0.1.
#ifndef TESTS_IO_HTTP_STAGE_H
#define TESTS_IO_HTTP_STAGE_H

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "io/httpd.h"

struct event_base;

struct Server {
  event_base* base = nullptr;
  HttpdPtr httpd;
  int port = 0;
  bool answer_at_once = true;
  HttpAnswer answer;
  std::vector<HttpRequest> requests;
  std::vector<uint64_t> gone;
  std::vector<std::string> notices;
};

Server* server_start(const HttpLimits& limits = {}, bool changelist = false);
HttpHooks server_hooks(Server* server);
void server_end(Server* server);
int free_port();

int64_t now_ms();
// Turns the loop until `done` or 60 s are over.
bool turn_until(Server* server, const std::function<bool()>& done);
void turn_a_while(Server* server, int ms);  // five turns at the least: who has come is taken in, and has been read, on the busiest machine
// How often the loop wakes up within `ms`: a spinning one does so thousands of times.
int wakeups_within(Server* server, int ms);

// A non-blocking socket and what it has received.
struct Client {
  int fd = -1;
  std::string received;
  bool closed = false;
};
int dial(int port);  // -1: refused
Client client_open(const Server* server);
void client_send(const Client& client, const std::string& bytes);
void client_read(Client* client);
bool client_awaits(Server* server, Client* client, const std::string& text);
bool client_sees_close(Server* server, Client* client);

std::string get(const std::string& target);
std::string closing(const std::string& method, const std::string& target, const std::string& body = "");
bool contains(const std::string& text, const char* part);
// One request on a connection of its own; the whole answer, since it is asked to close.
std::string ask(Server* server, const std::string& request);

#endif
