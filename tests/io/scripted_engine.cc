// The misbehaving server: a thread that accepts and one per connection.
#include "scripted_engine.h"

#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <mutex>
#include <thread>

struct ScriptedEngine {
  Script script;
  std::string folder;
  std::string host;
  int listener = -1;
  int stop_pipe[2] = {-1, -1};
  std::mutex mutex;
  std::vector<ScriptedRequest> requests;
  std::vector<std::thread> connections;
  std::thread acceptor;
};

// False when the server ends.
static bool wait_until(const ScriptedEngine* engine, int fd, short what, int ms) {
  pollfd both[2] = {{engine->stop_pipe[0], POLLIN, 0}, {fd, what, 0}};
  poll(both, fd < 0 ? 1 : 2, ms);
  return both[0].revents == 0;
}

static size_t content_length(const std::string& head) {
  const size_t at = head.find("Content-Length: ");
  return at == std::string::npos ? 0 : strtoul(head.c_str() + at + 16, nullptr, 10);
}

static bool read_request(const ScriptedEngine* engine, int fd, ScriptedRequest* request) {
  std::string text;
  char bytes[4096];
  for (;;) {
    const size_t end = text.find("\r\n\r\n");
    if (end != std::string::npos && text.size() >= end + 4 + content_length(text.substr(0, end + 2))) {
      request->line = text.substr(0, text.find("\r\n"));
      request->body = text.substr(end + 4);
      return true;
    }
    if (!wait_until(engine, fd, POLLIN, -1)) return false;
    const ssize_t got = recv(fd, bytes, sizeof bytes, 0);
    if (got <= 0) return false;
    text.append(bytes, static_cast<size_t>(got));
  }
}

static bool send_all(int fd, const std::string& bytes) {
  for (size_t sent = 0; sent < bytes.size();) {
    const ssize_t put = send(fd, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (put <= 0) return false;
    sent += static_cast<size_t>(put);
  }
  return true;
}

static void serve(ScriptedEngine* engine, int fd) {
  ScriptedRequest request;
  if (read_request(engine, fd, &request)) {
    std::vector<ScriptStep> steps;
    {
      std::lock_guard<std::mutex> lock(engine->mutex);
      engine->requests.push_back(request);
      steps = engine->script(request);
    }
    for (const ScriptStep& step : steps) {
      if (step.pause_ms != 0 && !wait_until(engine, -1, 0, step.pause_ms)) break;
      if (!send_all(fd, step.bytes)) break;
    }
  }
  close(fd);
}

static void accept_all(ScriptedEngine* engine) {
  while (wait_until(engine, engine->listener, POLLIN, -1)) {
    const int fd = accept4(engine->listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd >= 0) engine->connections.emplace_back(serve, engine, fd);
  }
}

ScriptedEnginePtr scripted_engine_start(bool tcp, Script script) {
  ScriptedEnginePtr engine(new ScriptedEngine);
  engine->script = std::move(script);
  bool ok;
  if (tcp) {
    engine->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    ok = bind(engine->listener, reinterpret_cast<sockaddr*>(&address), length) == 0 &&
         getsockname(engine->listener, reinterpret_cast<sockaddr*>(&address), &length) == 0;
    engine->host = "tcp://127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  } else {
    char folder[] = "/tmp/scripted-engine-XXXXXX";
    if (mkdtemp(folder) == nullptr) abort();
    engine->folder = folder;
    engine->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    const std::string path = engine->folder + "/s";
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    ok = bind(engine->listener, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    engine->host = "unix://" + path;
  }
  if (!ok || listen(engine->listener, 64) != 0 || pipe(engine->stop_pipe) != 0) abort();
  engine->acceptor = std::thread(accept_all, engine.get());
  return engine;
}

void ScriptedEngineDeleter::operator()(ScriptedEngine* engine) const {
  close(engine->stop_pipe[1]);  // the other end shows POLLHUP
  if (engine->acceptor.joinable()) engine->acceptor.join();
  for (std::thread& connection : engine->connections) connection.join();
  close(engine->stop_pipe[0]);
  close(engine->listener);
  if (!engine->folder.empty()) {
    unlink((engine->folder + "/s").c_str());
    rmdir(engine->folder.c_str());
  }
  delete engine;
}

std::string scripted_engine_host(const ScriptedEngine* engine) { return engine->host; }

std::vector<ScriptedRequest> scripted_engine_requests(ScriptedEngine* engine) {
  std::lock_guard<std::mutex> lock(engine->mutex);
  return engine->requests;
}

std::string json_reply(int status, const std::string& body) {
  return "HTTP/1.1 " + std::to_string(status) +
         " X\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::string version_reply(const std::string& api, const std::string& api_minimum) {
  return json_reply(
      200, "{\"Version\": \"1.0\", \"ApiVersion\": \"" + api + "\", \"MinAPIVersion\": \"" + api_minimum + "\"}");
}
