// Starts the servers beside the daemon, and writes as durably as it must.
#include "bench/daemon/baselines.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <sstream>

namespace {

Beside serve(Scene* scene, const Daemon* daemon, const std::string& name, int number, const std::vector<std::string>& command) {
  Beside beside{daemon_port(daemon) + number, scene->folder + "/" + name + ".access.log"};
  auto server = std::make_shared<ProcPtr>(proc_start(command, scene->folder + "/" + name + ".out"));
  scene->cleanups.push_back([server] { server->reset(); });
  const bool up = wait_until(10, [&] {
    const int fd = tcp_connect(beside.port);
    if (fd >= 0) tcp_close(fd);
    return fd >= 0;
  });
  check_at(up, name + " does not answer: " + file_text(scene->folder + "/" + name + ".out"));
  beside.pid = (*server)->pid;
  return beside;
}

// Without what evhttp writes of itself.
std::string headers_of(const std::string& answer) {
  std::istringstream lines(answer);
  std::string out;
  std::string line;
  std::getline(lines, line);
  while (std::getline(lines, line) && line != "\r") {
    if (line.rfind("Date: ", 0) != 0 && line.rfind("Content-Length: ", 0) != 0) out += line.substr(0, line.size() - 1) + "\n";
  }
  return out;
}

std::string without_date(const std::string& answer) {
  const size_t date = answer.find("Date: ");
  return date == std::string::npos ? answer : answer.substr(0, date) + answer.substr(answer.find("\r\n", date));
}

// What the daemon wrote for this request, without the moments (24 characters).
std::string log_of_one(Daemon* daemon, const std::string& path) {
  sleep(3);  // what came before has been written by then
  const size_t before = file_text(daemon_log_path(daemon)).size();
  answer_bytes(daemon_port(daemon), path);
  std::string text;
  check_at(wait_until(5, [&] { return (text = file_text(daemon_log_path(daemon)).substr(before)).find("REUSE") != std::string::npos; }),
           "no line of a reuse in the log");
  std::string out;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) out += line.substr(24) + "\n";
  check_at(std::count(out.begin(), out.end(), '\n') <= 2, "more in the log than of one reuse: " + out);
  return out;
}

}  // namespace

std::string baseline_program(const std::string& name) {
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe");
  return (self.parent_path().parent_path() / "baseline" / name).string();
}

Beside bare_http_start(Scene* scene, Daemon* daemon, const std::string& path, int number) {
  const std::string answer = answer_bytes(daemon_port(daemon), path), folder = scene->folder + "/bare";
  file_write(folder + ".headers", headers_of(answer));
  file_write(folder + ".lines", log_of_one(daemon, path));
  Beside bare = serve(scene, daemon, "bare", number,
                      {baseline_program("bare_http"), std::to_string(daemon_port(daemon) + number), folder + ".headers", folder + ".lines",
                       folder + ".access.log"});
  check_equal(without_date(answer_bytes(bare.port, path)), without_date(answer), "the bare handler's answer");
  return bare;
}

Beside nginx_start(Scene* scene, Daemon* daemon, const std::string& path, int number) {
  const std::string answer = answer_bytes(daemon_port(daemon), path), folder = scene->folder + "/nginx";
  const size_t at = answer.find("Location: ") + 10;
  const std::string location = answer.substr(at, answer.find("\r\n", at) - at);
  file_write(folder + ".conf",
             "daemon off; master_process off; worker_processes 1; pid " + folder + ".pid; error_log " + folder + ".error.log;\n"
             "events { worker_connections 4096; }\n"
             "http { access_log " + folder + ".access.log combined buffer=64k flush=1s; keepalive_requests 100000000;\n"
             "  client_body_temp_path " + folder + ".1; proxy_temp_path " + folder + ".2; fastcgi_temp_path " + folder +
             ".3; uwsgi_temp_path " + folder + ".4; scgi_temp_path " + folder + ".5;\n"
             "  server { listen 127.0.0.1:" + std::to_string(daemon_port(daemon) + number) +
             "; location / { add_header Cache-Control no-store always; return 302 " + location + "; } } }\n");
  return serve(scene, daemon, "nginx", number, {"nginx", "-c", folder + ".conf"});
}

double durable_write_ms(const std::string& folder, const std::string& bytes) {
  const std::string path = folder + "/baseline.json", temporary = path + ".tmp";
  const int folder_fd = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const double begin = now_seconds();
  const int fd = open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  const bool done = fd >= 0 && write(fd, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()) && fsync(fd) == 0 &&
                    close(fd) == 0 && rename(temporary.c_str(), path.c_str()) == 0 && fsync(folder_fd) == 0;
  const double ms = (now_seconds() - begin) * 1000;
  close(folder_fd);
  return done ? ms : -1;
}

double durable_write(const Daemon* daemon, const std::string& bytes) {
  const double ms = durable_write_ms(daemon->folder, bytes);
  check_at(ms >= 0, "a durable write failed in " + daemon->folder);
  return ms;
}
