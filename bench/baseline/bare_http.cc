// The limit of reuse: an evhttp program that gives every request the same answer and writes the same log lines, and knows nothing.
//   bare_http PORT HEADERS LOG LOG_TO
// HEADERS: a file with the answer's headers, "Name: value" a line. LOG: a file with the texts of the log lines of one request, without their moment.
// LOG_TO: the log; buffered, written when 64 KiB are full and once a second.
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

namespace {

constexpr size_t kFlushAt = 65536;

struct Bare {
  std::vector<std::pair<std::string, std::string>> headers;
  std::vector<std::string> lines;
  int log = -1;
  std::string buffer;
  time_t shown_second = -1;
  char shown[32] = "";
};

std::vector<std::string> lines_of(const char* path) {
  std::vector<std::string> out;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) out.push_back(line);
  return out;
}

void flush(Bare* bare) {
  if (!bare->buffer.empty() && write(bare->log, bare->buffer.data(), bare->buffer.size()) < 0) perror("log");
  bare->buffer.clear();
}

void write_line(Bare* bare, const std::string& line) {
  timeval now;
  gettimeofday(&now, nullptr);
  if (now.tv_sec != bare->shown_second) {
    tm local;
    strftime(bare->shown, sizeof bare->shown, "%Y-%m-%d %H:%M:%S", localtime_r(&now.tv_sec, &local));
    bare->shown_second = now.tv_sec;
  }
  char ms[8];
  const int length = snprintf(ms, sizeof ms, ",%03d ", static_cast<int>(now.tv_usec / 1000));
  bare->buffer.append(bare->shown).append(ms, static_cast<size_t>(length)).append(line).append(1, '\n');
  if (bare->buffer.size() >= kFlushAt) flush(bare);
}

void on_request(evhttp_request* request, void* arg) {
  Bare* bare = static_cast<Bare*>(arg);
  evkeyvalq* headers = evhttp_request_get_output_headers(request);
  for (const auto& [name, value] : bare->headers) evhttp_add_header(headers, name.c_str(), value.c_str());
  for (const std::string& line : bare->lines) write_line(bare, line);
  evhttp_send_reply(request, 302, nullptr, nullptr);
}

void on_second(evutil_socket_t, short, void* arg) { flush(static_cast<Bare*>(arg)); }

}  // namespace

int main(int count, char** words) {
  if (count != 5) {
    fprintf(stderr, "usage: bare_http PORT HEADERS LOG LOG_TO\n");
    return 2;
  }
  signal(SIGPIPE, SIG_IGN);
  Bare bare;
  for (const std::string& header : lines_of(words[2])) {
    const size_t colon = header.find(": ");
    if (colon != std::string::npos) bare.headers.emplace_back(header.substr(0, colon), header.substr(colon + 2));
  }
  bare.lines = lines_of(words[3]);
  bare.log = open(words[4], O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
  event_config* config = event_config_new();
  event_config_set_flag(config, EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST);
  event_base* base = event_base_new_with_config(config);
  evhttp* http = evhttp_new(base);
  evhttp_set_gencb(http, on_request, &bare);
  evhttp_set_allowed_methods(http, EVHTTP_REQ_GET);
  const timeval second = {1, 0};
  event_add(event_new(base, -1, EV_PERSIST, on_second, &bare), &second);
  if (bare.log < 0 || evhttp_bind_socket(http, "127.0.0.1", static_cast<ev_uint16_t>(atoi(words[1]))) != 0) {
    perror("bare_http");
    return 1;
  }
  return event_base_dispatch(base);
}
