// Daemons to measure, with their sessions, and one who asks them.
#include "bench/daemon/stand.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "codec/docker_json.h"
#include "codec/settings.h"
#include "codec/snapshot.h"
#include "support/standin.h"

namespace {

constexpr int kRange = 1000;  // the most that settings allow
constexpr int kHealthyAfterMs = 0, kCallMs = 0;

int number_setting(const Daemon* d, const char* name) { return atoi(d->settings.at(name).c_str()); }

Settings settings_of(const Daemon* d) {
  Settings settings;
  std::vector<std::string> errors, warnings;
  NameValues values(d->settings.begin(), d->settings.end());
  check_at(settings_read(values, {}, &settings, &errors, &warnings), errors.empty() ? "settings" : errors.front());
  return settings;
}

int64_t wall_us() {
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1000;
}

// Runs in the stand-in, and has a record.
Record session_make(const Daemon* d, int number, int port) {
  Record record;
  record.client_id = crew_client(number);
  record.container_name = "vnc_" + record.client_id;
  record.port = port;
  record.width = "410";
  record.height = "900";
  record.size_by_default = true;
  record.created_us = record.last_accessed_us = wall_us();
  const LaunchSpec spec = launch_spec(d, record.container_name, port);
  const HttpReply made = engine_call(d->socket, "POST", "/containers/create?name=" + spec.name, docker_create_body(spec));
  check_number(made.status, 201, "a container of the stand-in");
  record.container_id = json_text(json_from(made.body).get(), "Id");
  check_number(engine_call(d->socket, "POST", "/containers/" + record.container_id + "/start").status, 204, "its start");
  return record;
}

}  // namespace

void row_done(const Row& row) { check_at(table_add(kResults, row), std::string("cannot write ") + kResults); }

void point_add(const std::string& series, const std::string& x, double y) {
  check_at(table_point(kResults, series, x, y), std::string("cannot write ") + kResults);
}

Daemon* stand_daemon(Scene* scene, int number) {
  Daemon* d = number == 0 ? scene->daemon : scene_add_daemon(scene, "daemon" + std::to_string(number));
  if (number > 0) {
    daemon_set(d, "ORCHESTRATOR_PORT", std::to_string(scene->suite->first_port + number));
    daemon_set(d, "DOCKER_NETWORK_NAME", scene->suite->network + "-" + std::to_string(number));
  }
  daemon_set(d, "LOG_LEVEL", "");
  d->books = false;
  check_at(symlink("/dev/null", (d->folder + "/stderr").c_str()) == 0, "no link to /dev/null");
  return d;
}

std::string crew_client(int number) { return std::to_string(11122200000L + number); }

void stand_crew(Scene* scene, Daemon* d, const Crew& crew) {
  const int inside = std::min(crew.sessions, kRange - crew.pool - crew.spare);
  standin_start_for(scene, d, inside + crew.pool + crew.spare, kHealthyAfterMs, kCallMs, crew.viewers);
  daemon_set(d, "WARM_POOL_SIZE", std::to_string(crew.pool));
  const NetworkSpec network{d->settings["DOCKER_NETWORK_NAME"], d->settings["DOCKER_NETWORK_SUBNET"], d->settings["DOCKER_NETWORK_NAME"]};
  check_number(engine_call(d->socket, "POST", "/networks/create", docker_network_body(network)).status, 201, "the stand-in's network");
  std::vector<Record> records;
  const int first = number_setting(d, "PORT_RANGE_MIN");
  for (int i = 0; i < crew.sessions; i++) records.push_back(session_make(d, i, i < inside ? first + i : first + kRange + i - inside));
  file_write(daemon_state_path(d), snapshot_write(records));
  if (!crew.started) return;
  daemon_start(d);
  daemon_wait_reconciled(d);
  const bool ready = wait_until(60, [&] { return daemon_status(d).pool == crew.pool; });
  check_at(ready && daemon_status(d).active == crew.sessions + crew.pool, "the daemon has not taken its sessions in");
}

LaunchSpec launch_spec(const Daemon* d, const std::string& name, int port) {
  const Settings settings = settings_of(d);
  LaunchSpec spec = settings_launch_spec(settings, name, port, Size{settings.vnc_width, settings.vnc_height}, "bench", "0");
  // As the daemon does where the operator has no certificate (daemon/translate.cc): it is made once, not by each session.
  const std::string certificate = daemon_state_path(d) + ".certificate.pem";
  if (access(certificate.c_str(), R_OK) == 0) spec.mounts.push_back({certificate, kOwnCertificateInside});
  return spec;
}

// ---- One who asks.

void LineDeleter::operator()(Line* line) const {
  tcp_close(line->fd);
  delete line;
}

LinePtr line_open(int port) {
  LinePtr line(new Line);
  line->fd = tcp_connect(port);
  check_at(line->fd >= 0, "cannot connect to port " + std::to_string(port));
  const int on = 1;
  setsockopt(line->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  const timeval most{90, 0};
  setsockopt(line->fd, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof most);
  return line;
}

// The end of the answer that these bytes begin with, npos when it is not there yet.
static size_t answer_end(const std::string& bytes) {
  const size_t head = bytes.find("\r\n\r\n");
  if (head == std::string::npos) return head;
  const size_t field = bytes.find("Content-Length: ");
  const size_t body = field < head ? strtoul(bytes.c_str() + field + 16, nullptr, 10) : 0;
  return bytes.size() >= head + 4 + body ? head + 4 + body : std::string::npos;
}

void line_send(Line* line, const std::string& path) {
  const std::string request = "GET " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
  check_at(send(line->fd, request.data(), request.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(request.size()), "cannot send");
}

std::string line_hear(Line* line, const std::string& path, int status) {
  std::string got;
  while (answer_end(got) == std::string::npos) {
    char bytes[16384];
    const ssize_t count = recv(line->fd, bytes, sizeof bytes, 0);
    check_at(count > 0, "no answer to " + path);
    got.append(bytes, static_cast<size_t>(count));
  }
  check_at(got.rfind("HTTP/1.1 " + std::to_string(status) + " ", 0) == 0, path + ": " + got.substr(0, 600));
  return got;
}

double line_ask(Line* line, const std::string& path, int status, std::string* answer) {
  const double begin = now_seconds();
  line_send(line, path);
  std::string got = line_hear(line, path, status);
  const double ms = (now_seconds() - begin) * 1000;
  if (answer != nullptr) *answer = std::move(got);
  return ms;
}

std::string answer_bytes(int port, const std::string& path) {
  std::string answer;
  line_ask(line_open(port).get(), path, 302, &answer);
  return answer;
}
