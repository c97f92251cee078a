// The HTTP client of the tests, on libcurl and on bare sockets.
#include "support/http_client.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cctype>
#include <memory>
#include <thread>

namespace {

struct EasyDeleter {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
using EasyPtr = std::unique_ptr<CURL, EasyDeleter>;

size_t take_body(char* bytes, size_t size, size_t count, void* context) {
  static_cast<HttpReply*>(context)->body.append(bytes, size * count);
  return size * count;
}

size_t take_header(char* bytes, size_t size, size_t count, void* context) {
  HttpReply* reply = static_cast<HttpReply*>(context);
  std::string line(bytes, size * count);
  while (!line.empty() && (line.back() == '\r' || line.back() == '\n')) line.pop_back();
  if (line.rfind("HTTP/", 0) == 0) reply->headers.clear();  // a "100 Continue" came before
  size_t colon = line.find(':');
  if (colon == std::string::npos) return size * count;
  std::string name = line.substr(0, colon);
  for (char& c : name) c = static_cast<char>(tolower(static_cast<unsigned char>(c)));
  size_t value = line.find_first_not_of(' ', colon + 1);
  reply->headers.emplace_back(name, value == std::string::npos ? "" : line.substr(value));
  return size * count;
}

// `call` and `reply` must outlive the handle.
EasyPtr easy_create(const HttpCall& call, HttpReply* reply) {
  EasyPtr easy(curl_easy_init());
  CURL* e = easy.get();
  curl_easy_setopt(e, CURLOPT_URL, call.url.c_str());
  curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(e, CURLOPT_PATH_AS_IS, 1L);
  curl_easy_setopt(e, CURLOPT_FRESH_CONNECT, 1L);
  curl_easy_setopt(e, CURLOPT_FORBID_REUSE, 1L);
  curl_easy_setopt(e, CURLOPT_NOPROXY, "*");
  curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 0L);
  curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 0L);
  curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, call.timeout_ms);
  curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, take_body);
  curl_easy_setopt(e, CURLOPT_WRITEDATA, reply);
  curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, take_header);
  curl_easy_setopt(e, CURLOPT_HEADERDATA, reply);
  if (!call.unix_socket.empty()) curl_easy_setopt(e, CURLOPT_UNIX_SOCKET_PATH, call.unix_socket.c_str());
  if (call.method == "HEAD") {
    curl_easy_setopt(e, CURLOPT_NOBODY, 1L);
  } else if (call.method != "GET") {
    curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, call.method.c_str());
    curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(call.body.size()));
    curl_easy_setopt(e, CURLOPT_POSTFIELDS, call.body.c_str());
  }
  return easy;
}

struct HeaderListDeleter {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using HeaderListPtr = std::unique_ptr<curl_slist, HeaderListDeleter>;

// No "Expect: 100-continue": a body goes out whole, at once.
HeaderListPtr call_headers(const HttpCall& call) {
  HeaderListPtr list(curl_slist_append(nullptr, "Expect:"));
  if (call.method != "GET" && call.method != "HEAD")
    curl_slist_append(list.get(), ("Content-Type: " + call.body_type).c_str());
  for (const std::string& header : call.headers) curl_slist_append(list.get(), header.c_str());
  return list;
}

void reply_finish(CURL* easy, CURLcode code, HttpReply* reply) {
  if (code != CURLE_OK) {
    reply->error = curl_easy_strerror(code);
  } else {
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &reply->status);
  }
  curl_easy_getinfo(easy, CURLINFO_TOTAL_TIME, &reply->seconds);
}

sockaddr_in loopback(int port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

}  // namespace

std::string http_reply_header(const HttpReply& reply, const std::string& name) {
  for (const auto& [have, value] : reply.headers) {
    if (have == name) return value;
  }
  return "";
}

HttpReply http_call(const HttpCall& call) {
  HttpReply reply;
  EasyPtr easy = easy_create(call, &reply);
  HeaderListPtr headers = call_headers(call);
  curl_easy_setopt(easy.get(), CURLOPT_HTTPHEADER, headers.get());
  reply_finish(easy.get(), curl_easy_perform(easy.get()), &reply);
  return reply;
}

std::vector<HttpReply> http_calls_at_once(const std::vector<HttpCall>& calls) {
  std::vector<HttpReply> replies(calls.size());
  std::vector<EasyPtr> easies;
  std::vector<HeaderListPtr> headers;
  CURLM* multi = curl_multi_init();
  for (size_t i = 0; i < calls.size(); ++i) {
    easies.push_back(easy_create(calls[i], &replies[i]));
    headers.push_back(call_headers(calls[i]));
    curl_easy_setopt(easies[i].get(), CURLOPT_HTTPHEADER, headers[i].get());
    curl_easy_setopt(easies[i].get(), CURLOPT_PRIVATE, &replies[i]);
    curl_multi_add_handle(multi, easies[i].get());
  }
  int running = 1;
  while (running > 0) {
    curl_multi_perform(multi, &running);
    int left = 0;
    while (CURLMsg* message = curl_multi_info_read(multi, &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      char* reply = nullptr;
      curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &reply);
      reply_finish(message->easy_handle, message->data.result, reinterpret_cast<HttpReply*>(reply));
    }
    if (running > 0) curl_multi_poll(multi, nullptr, 0, 200, nullptr);
  }
  for (const EasyPtr& easy : easies) curl_multi_remove_handle(multi, easy.get());
  easies.clear();
  curl_multi_cleanup(multi);
  return replies;
}

std::future<HttpReply> http_call_later(const HttpCall& call) {
  // Not std::async: its future's destructor would wait, and a failed assert never runs it anyway.
  auto promise = std::make_shared<std::promise<HttpReply>>();
  std::future<HttpReply> future = promise->get_future();
  std::thread([promise, call] { promise->set_value(http_call(call)); }).detach();
  return future;
}

std::string http_raw(int port, const std::string& bytes, int quiet_ms) {
  std::string answer;
  int fd = tcp_connect(port);
  if (fd < 0) return answer;
  size_t sent = 0;
  while (sent < bytes.size()) {
    ssize_t n = send(fd, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (n <= 0) break;  // refused half-way: what it answered still counts
    sent += static_cast<size_t>(n);
  }
  pollfd waiting = {fd, POLLIN, 0};
  char buffer[4096];
  while (poll(&waiting, 1, quiet_ms) > 0) {
    ssize_t n = recv(fd, buffer, sizeof buffer, 0);
    if (n <= 0) break;
    answer.append(buffer, static_cast<size_t>(n));
  }
  close(fd);
  return answer;
}

int tcp_connect(int port) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = loopback(port);
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return fd;
  close(fd);
  return -1;
}

int tcp_listen(int port) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address = loopback(port);
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 && listen(fd, 16) == 0) return fd;
  close(fd);
  return -1;
}

void tcp_close(int fd) { close(fd); }

std::string url_encode(const std::string& text) {
  static const char* hex = "0123456789ABCDEF";
  std::string out;
  for (char c : text) {
    unsigned char byte = static_cast<unsigned char>(c);
    if (isalnum(byte) || c == '-' || c == '_' || c == '.' || c == '~') {
      out += c;
    } else {
      out += '%';
      out += hex[byte >> 4];
      out += hex[byte & 15];
    }
  }
  return out;
}
