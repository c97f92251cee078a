// One thread that accepts and one per connection; what is done to an answer is decided when its request has come.
#include "support/engine_proxy.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <list>
#include <mutex>
#include <thread>

struct EngineProxy {
  std::string path;
  std::string engine_socket;
  std::atomic<Wire> calls = Wire::Whole;
  std::atomic<Wire> events = Wire::Whole;
  std::atomic<Place> place = Place::All;  // that `calls` is about
  std::atomic<bool> stop = false;
  std::atomic<int> spoilt = 0;
  std::mutex mutex;  // guards what follows
  int listener = -1;
  std::list<std::thread> connections;
  std::thread acceptor;
  std::mutex words_mutex;  // guards what follows
  std::string words_status, words;
};

namespace {

constexpr int kLookMs = 20;  // how often a thread that waits looks whether its treatment has changed
constexpr size_t kFloodBytes = size_t{100} << 20;

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  return address;
}

int listen_at(const std::string& path) {
  unlink(path.c_str());
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  sockaddr_un address = address_of(path);
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 && listen(fd, 128) == 0) return fd;
  close(fd);
  return -1;
}

int connect_to(const std::string& path) {
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address = address_of(path);
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return fd;
  close(fd);
  return -1;
}

bool readable(int fd, int ms) {
  pollfd one = {fd, POLLIN, 0};
  return poll(&one, 1, ms) > 0;
}

// False when the other side is gone, or the proxy ends.
bool send_all(const EngineProxy* proxy, int fd, const std::string& bytes) {
  for (size_t sent = 0; sent < bytes.size();) {
    pollfd one = {fd, POLLOUT, 0};
    if (proxy->stop) return false;
    if (poll(&one, 1, kLookMs) == 0) continue;
    ssize_t n = send(fd, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN) continue;
    if (n <= 0) return false;
    sent += static_cast<size_t>(n);
  }
  return true;
}

// What is there now, appended; false at the end of the connection.
bool receive(int fd, std::string* text) {
  char bytes[16384];
  ssize_t n = recv(fd, bytes, sizeof bytes, 0);
  if (n > 0) text->append(bytes, static_cast<size_t>(n));
  return n > 0;
}

std::string chunk(const std::string& bytes) {
  char size[32];
  snprintf(size, sizeof size, "%zx\r\n", bytes.size());
  return size + bytes + "\r\n";
}

std::string answer(const std::string& status, const std::string& type, const std::string& body) {
  return "HTTP/1.1 " + status + "\r\nContent-Type: " + type + "\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\nConnection: close\r\n\r\n" + body;
}

const char* const kStreamHead =
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
const char* const kEvent =
    R"({"Type":"container","Action":"top","Actor":{"ID":"0000000000000000000000000000000000000000000000000000000000000000","Attributes":{"name":"flood"}},"scope":"local","time":1,"timeNano":1})"
    "\n";

struct Connection {
  EngineProxy* proxy = nullptr;
  int fd = -1;
  bool events = false;
  Place place = Place::Other;
  std::string request;  // its head, and what has come of its body
};

Wire treatment(const Connection& c) {
  if (c.events) return c.proxy->events;
  Place meant = c.proxy->place;
  return meant == Place::All || meant == c.place ? c.proxy->calls.load() : Wire::Whole;
}

Place place_of(const std::string& line) {
  auto has = [&](const char* word) { return line.find(word) != std::string::npos; };
  if (!has("/containers/")) return Place::Other;
  if (has("/containers/create")) return Place::Create;
  if (has("/containers/json")) return Place::List;
  if (has("/start")) return Place::Start;
  if (has("/rename")) return Place::Rename;
  return line.rfind("DELETE ", 0) == 0 ? Place::Remove : Place::Inspect;
}

// Waits until its treatment is another one or somebody hangs up.
void wait_it_out(const Connection& c, Wire as_now) {
  while (!c.proxy->stop && treatment(c) == as_now) {
    char byte;
    if (readable(c.fd, kLookMs) && recv(c.fd, &byte, 1, MSG_PEEK) <= 0) return;
  }
}

// The engine's whole answer: head and plain body. False when it gave none.
bool ask_engine(const Connection& c, std::string* head, std::string* body) {
  int engine = connect_to(c.proxy->engine_socket);
  if (engine < 0) return false;
  std::string text = c.request;
  text.insert(text.find("\r\n") + 2, "Connection: close\r\n");
  bool open = send_all(c.proxy, engine, text);
  std::string whole;
  while (open && !c.proxy->stop) {
    if (readable(c.fd, 0)) {  // the rest of the request
      std::string more;
      if (!receive(c.fd, &more)) break;
      send_all(c.proxy, engine, more);
    }
    if (readable(engine, kLookMs)) open = receive(engine, &whole);
  }
  close(engine);
  size_t end = whole.find("\r\n\r\n");
  if (end == std::string::npos) return false;
  *head = whole.substr(0, end + 4);
  std::string rest = whole.substr(end + 4);
  if (head->find("Transfer-Encoding: chunked") == std::string::npos) {
    *body = rest;
    return true;
  }
  for (size_t at = 0; at < rest.size();) {
    size_t size = strtoul(rest.c_str() + at, nullptr, 16);
    size_t begin = rest.find("\r\n", at);
    if (size == 0 || begin == std::string::npos) break;
    body->append(rest, begin + 2, size);
    at = begin + 2 + size + 2;
  }
  return true;
}

std::string without_length(const std::string& head, const std::string& field) {
  std::string out;
  for (size_t at = 0; at < head.size();) {
    size_t end = head.find("\r\n", at) + 2;
    std::string line = head.substr(at, end - at);
    at = end;
    if (line.rfind("Content-Length:", 0) == 0 || line.rfind("Transfer-Encoding:", 0) == 0) continue;
    out += line == "\r\n" ? field + line : line;
  }
  return out;
}

void cut(const Connection& c, bool in_a_chunk) {
  if (c.events) {
    send_all(c.proxy, c.fd, kStreamHead + (in_a_chunk ? std::string("80\r\n{\"Type\":\"cont") : std::string()));
    return;
  }
  std::string head;
  std::string body;
  if (!ask_engine(c, &head, &body)) return;
  if (body.empty()) {
    send_all(c.proxy, c.fd, head.substr(0, head.size() / 2));
    return;
  }
  std::string bytes = chunk(body);
  if (in_a_chunk)
    bytes = without_length(head, "Transfer-Encoding: chunked\r\n") + bytes.substr(0, bytes.size() / 2);
  else
    bytes = without_length(head, "Content-Length: " + std::to_string(body.size()) + "\r\n") +
            body.substr(0, body.size() / 2);
  send_all(c.proxy, c.fd, bytes);
}

// Byte by byte while it lasts; the rest at once when it is over.
void drip(const Connection& c, const std::string& bytes) {
  size_t at = 0;
  while (at < bytes.size() && treatment(c) == Wire::Drip) {
    if (!send_all(c.proxy, c.fd, bytes.substr(at++, 1))) return;
    for (int i = 0; i < 1000 / kLookMs && treatment(c) == Wire::Drip && !c.proxy->stop; ++i) {
      char byte;
      if (readable(c.fd, kLookMs) && recv(c.fd, &byte, 1, MSG_PEEK) <= 0) return;
    }
  }
  send_all(c.proxy, c.fd, bytes.substr(at));
}

void flood(const Connection& c, bool with_head) {
  std::string piece;
  while (piece.size() < (1 << 16)) piece += c.events ? kEvent : "{\"Id\":\"0123456789abcdef\"},";
  if (with_head && !send_all(c.proxy, c.fd, kStreamHead + (c.events ? std::string() : chunk("[")))) return;
  piece = chunk(piece);
  for (size_t sent = 0; sent < kFloodBytes && treatment(c) == Wire::Flood; sent += piece.size()) {
    if (!send_all(c.proxy, c.fd, piece)) return;
  }
}

std::string some_nonsense(const Connection& c, int turn) {
  if (c.events) {
    const std::string lines[] = {"<h1>It works!</h1>\n", "{\"Type\":\"container\"\n", "[1, 2]\n",
                                 std::string("\0\1\2\n", 4)};
    return kStreamHead + chunk(lines[turn % 4]);
  }
  switch (turn % 5) {
    case 0: return "SSH-2.0-OpenSSH_9.2p1\r\n";
    case 1: return answer("200 OK", "application/json", "{\"Id\": ");
    case 2: return answer("200 OK", "application/json", "{}");
    case 3: return answer("200 OK", "application/json", "[{\"Id\": 5}]");
    default: return "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: -7\r\n\r\n";
  }
}

void send_words(const Connection& c, bool with_head) {
  std::string status, body;
  {
    std::lock_guard<std::mutex> guard(c.proxy->words_mutex);
    status = c.proxy->words_status;
    body = c.proxy->words;
  }
  if (!c.events)
    send_all(c.proxy, c.fd, answer(status, "application/json", body));
  else
    send_all(c.proxy, c.fd, (with_head ? kStreamHead : "") + chunk(body));
}

void pump(const Connection& c);

void serve_as(const Connection& c, Wire wire) {
  if (wire != Wire::Whole) ++c.proxy->spoilt;
  switch (wire) {
    case Wire::Whole: pump(c); return;
    case Wire::Refuse: return;
    case Wire::Hang: wait_it_out(c, Wire::Hang); return;
    case Wire::Status500:
      send_all(c.proxy, c.fd,
               answer("500 Internal Server Error", "application/json", R"({"message":"the proxy is out of order"})"));
      return;
    case Wire::Nonsense: send_all(c.proxy, c.fd, some_nonsense(c, c.proxy->spoilt)); return;
    case Wire::OtherType:
      send_all(c.proxy, c.fd,
               c.proxy->spoilt % 2 == 0 ? answer("200 OK", "text/html", "<h1>It works!</h1>\n")
                                        : answer("200 OK", "text/plain", "[]"));
      return;
    case Wire::CutBody: cut(c, false); return;
    case Wire::CutChunk: cut(c, true); return;
    case Wire::Drip: {
      std::string head = kStreamHead;
      std::string body = chunk(kEvent);
      if (c.events) {
        if (send_all(c.proxy, c.fd, head)) drip(c, body);
      } else if (ask_engine(c, &head, &body)) {
        drip(c, without_length(head, "Content-Length: " + std::to_string(body.size()) + "\r\n") + body);
      }
      return;
    }
    case Wire::Flood: flood(c, true); return;
    case Wire::Words: send_words(c, true); return;
  }
}

// A stream that was whole until now.
void spoil_open_stream(const Connection& c, Wire wire) {
  ++c.proxy->spoilt;
  switch (wire) {
    case Wire::Whole:
    case Wire::Refuse: return;
    case Wire::Hang: wait_it_out(c, Wire::Hang); return;
    case Wire::Status500:
    case Wire::Nonsense:
    case Wire::OtherType: send_all(c.proxy, c.fd, chunk("<h1>It works!</h1>\n")); return;
    case Wire::CutBody: send_all(c.proxy, c.fd, chunk("{\"Type\":\"cont")); return;
    case Wire::CutChunk: send_all(c.proxy, c.fd, "80\r\n{\"Type\":\"cont"); return;
    case Wire::Drip: drip(c, chunk(kEvent)); return;
    case Wire::Flood: flood(c, false); return;
    case Wire::Words: send_words(c, false); return;
  }
}

// Both ways, until one side ends or, for a stream, its treatment changes.
void pump(const Connection& c) {
  int engine = connect_to(c.proxy->engine_socket);
  if (engine < 0) return;
  bool open = send_all(c.proxy, engine, c.request);
  while (open && !c.proxy->stop) {
    if (Wire now = treatment(c); c.events && now != Wire::Whole) {
      spoil_open_stream(c, now);
      break;
    }
    pollfd both[2] = {{c.fd, POLLIN, 0}, {engine, POLLIN, 0}};
    if (poll(both, 2, kLookMs) <= 0) continue;
    for (int i = 0; i < 2 && open; ++i) {
      std::string bytes;
      if (both[i].revents != 0) open = receive(both[i].fd, &bytes) && send_all(c.proxy, both[1 - i].fd, bytes);
    }
  }
  close(engine);
}

void serve(EngineProxy* proxy, int fd) {
  Connection c;
  c.proxy = proxy;
  c.fd = fd;
  bool open = true;
  while (open && !proxy->stop && c.request.find("\r\n\r\n") == std::string::npos) {
    if (readable(fd, kLookMs)) open = receive(fd, &c.request);
  }
  std::string line = c.request.substr(0, c.request.find('\r'));
  c.events = line.find("/events") != std::string::npos;
  c.place = place_of(line);
  if (open && !proxy->stop) serve_as(c, treatment(c));
  close(fd);
}

void accept_all(EngineProxy* proxy) {
  while (!proxy->stop) {
    int fd = -1;
    {
      std::lock_guard<std::mutex> guard(proxy->mutex);
      if (proxy->listener >= 0) fd = accept4(proxy->listener, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd >= 0) proxy->connections.emplace_back(serve, proxy, fd);
    }
    if (fd < 0) usleep(1000);
  }
}

void end(EngineProxy* proxy) {
  proxy->stop = true;
  proxy->acceptor.join();
  for (std::thread& connection : proxy->connections) connection.join();
  if (proxy->listener >= 0) close(proxy->listener);
  unlink(proxy->path.c_str());
  delete proxy;
}

}  // namespace

const char* wire_name(Wire wire) {
  switch (wire) {
    case Wire::Whole: return "whole";
    case Wire::Refuse: return "refuses";
    case Wire::Hang: return "hangs";
    case Wire::Status500: return "answers 500";
    case Wire::Nonsense: return "answers nonsense";
    case Wire::OtherType: return "answers with another content type";
    case Wire::CutBody: return "cuts in a body";
    case Wire::CutChunk: return "cuts in a chunk";
    case Wire::Drip: return "sends one byte a second";
    case Wire::Flood: return "sends 100 MB";
    case Wire::Words: return "answers with chosen words";
  }
  return "";
}

const char* place_name(Place place) {
  switch (place) {
    case Place::All: return "every call";
    case Place::Create: return "create";
    case Place::Start: return "start";
    case Place::Inspect: return "inspect";
    case Place::List: return "list";
    case Place::Remove: return "remove";
    case Place::Rename: return "rename";
    case Place::Other: return "other calls";
  }
  return "";
}

EngineProxy* engine_proxy_make(Scene* scene, const std::string& path, const std::string& engine_socket) {
  EngineProxy* proxy = new EngineProxy;
  proxy->path = path;
  proxy->engine_socket = engine_socket;
  proxy->listener = listen_at(path);
  proxy->acceptor = std::thread(accept_all, proxy);
  scene->cleanups.push_back([proxy] { end(proxy); });
  return proxy;
}

void engine_proxy_set_place(EngineProxy* proxy, Place place, Wire calls) {
  engine_proxy_set(proxy, Wire::Whole, Wire::Whole);
  proxy->place = place;
  proxy->calls = calls;
}

void engine_proxy_set(EngineProxy* proxy, Wire calls, Wire events) {
  proxy->place = Place::All;
  proxy->calls = calls;
  proxy->events = events;
  bool refuse = calls == Wire::Refuse && events == Wire::Refuse;
  std::lock_guard<std::mutex> guard(proxy->mutex);
  if (refuse && proxy->listener >= 0) {
    close(proxy->listener);
    proxy->listener = -1;
  } else if (!refuse && proxy->listener < 0) {
    proxy->listener = listen_at(proxy->path);
  }
}

void engine_proxy_words(EngineProxy* proxy, const std::string& status, const std::string& body) {
  std::lock_guard<std::mutex> guard(proxy->words_mutex);
  proxy->words_status = status;
  proxy->words = body;
}

int engine_proxy_spoilt(EngineProxy* proxy) { return proxy->spoilt; }
