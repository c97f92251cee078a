// HTTP with a Docker engine over libcurl, without containers.
#include "io/docker_http.h"

#include <curl/curl.h>
#include <errno.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include <algorithm>
#include <memory>

#include "codec/lines.h"
#include "io/docker_tls.h"

namespace {

constexpr size_t kMostRefusal = size_t{64} << 10;  // a sentence in JSON
constexpr size_t kMostLine = size_t{1} << 20;
constexpr int64_t kLookMs = 200;       // how often a stop sign without a descriptor is looked at
constexpr int64_t kLongestMs = 60000;  // of one wait, when nothing has a limit

struct EasyDeleter {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct MultiDeleter {
  void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
};
struct HeadersDeleter {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using EasyPtr = std::unique_ptr<CURL, EasyDeleter>;
using MultiPtr = std::unique_ptr<CURLM, MultiDeleter>;
using HeadersPtr = std::unique_ptr<curl_slist, HeadersDeleter>;

// What one transfer has brought so far.
struct Transfer {
  CURL* easy = nullptr;
  DockerReply reply;
  const DockerStream* stream = nullptr;
  size_t most_body = 0;
  bool opened = false;
  bool too_large = false;
  bool ended_by_us = false;
  Lines lines = {kMostLine, {}};
  int64_t last_byte_ms = 0;
  char words[CURL_ERROR_SIZE] = "";
};

int64_t monotonic_ms() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

long status_of(CURL* easy) {
  long status = 0;
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  return status;
}

// Hands over every whole line. False when the transfer must end.
bool take_lines(Transfer* transfer, std::string_view bytes) {
  switch (lines_take(&transfer->lines, bytes, transfer->stream->line)) {
    case LinesEnd::More: return true;
    case LinesEnd::TooLong: transfer->too_large = true; break;
    case LinesEnd::Stopped: transfer->ended_by_us = true; break;
  }
  return false;
}

size_t on_body(char* bytes, size_t, size_t count, void* arg) {
  Transfer* transfer = static_cast<Transfer*>(arg);
  transfer->last_byte_ms = monotonic_ms();
  if (transfer->opened) return take_lines(transfer, {bytes, count}) ? count : 0;
  const size_t most =
      status_of(transfer->easy) < 300 ? transfer->most_body : std::min(transfer->most_body, kMostRefusal);
  if (transfer->reply.body.size() + count > most) {
    transfer->too_large = true;
    return 0;
  }
  transfer->reply.body.append(bytes, count);
  return count;
}

size_t on_header(char* bytes, size_t, size_t count, void* arg) {
  Transfer* transfer = static_cast<Transfer*>(arg);
  const bool last = count <= 2 && (bytes[0] == '\r' || bytes[0] == '\n');
  if (last && transfer->stream != nullptr && !transfer->opened && status_of(transfer->easy) == 200) {
    transfer->opened = true;
    transfer->last_byte_ms = monotonic_ms();
    if (transfer->stream->opened) transfer->stream->opened();
  }
  return count;
}

// libcurl wants this before its first use, and it is never undone: handles may live in any thread until the end.
bool curl_is_ready() {
  static const bool ready = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  return ready;
}

EasyPtr prepare(const DockerEndpoint& endpoint, const DockerRequest& request, Transfer* transfer, HeadersPtr* headers) {
  if (!curl_is_ready()) return nullptr;
  EasyPtr easy(curl_easy_init());
  if (!easy) return nullptr;
  transfer->easy = easy.get();
  transfer->most_body = request.most_body;
  CURL* curl = easy.get();
  curl_easy_setopt(curl, CURLOPT_URL, (endpoint.base + request.target).c_str());
  if (!endpoint.socket.empty()) curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, endpoint.socket.c_str());
  if (!endpoint.tls_folder.empty()) docker_tls_prepare(curl, endpoint.tls_folder);
  curl_easy_setopt(curl, CURLOPT_PROXY, "");  // an http_proxy of the environment is not for the engine
  curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, endpoint.connect_timeout_ms);
  curl_easy_setopt(curl, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(curl, CURLOPT_TCP_KEEPIDLE, 15L);
  curl_easy_setopt(curl, CURLOPT_TCP_KEEPINTVL, 5L);
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "vnc-orchestrator");
  curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request.method);
  if (strcmp(request.method, "POST") == 0) {
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    curl_easy_setopt(curl, CURLOPT_COPYPOSTFIELDS, request.body.c_str());
    curl_slist* list = curl_slist_append(nullptr, "Content-Type: application/json");
    headers->reset(list);
    curl_slist_append(list, "Expect:");
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, list);
  }
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, transfer);
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, transfer);
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, transfer->words);
  return easy;
}

std::string seconds_text(long ms) {
  std::string text = std::to_string(ms / 1000);
  if (ms % 1000 != 0) text += "." + std::to_string(ms % 1000 / 100);
  return text + " s";
}

std::string tls_hint(const DockerEndpoint& endpoint, CURLcode code, const std::string& words) {
  return endpoint.tls_folder.empty() ? "" : docker_tls_hint(code, words, endpoint.tls_folder);
}

EngineError unreachable(const DockerEndpoint& endpoint, CURL* easy, CURLcode code, const char* words) {
  long number = 0;
  curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &number);
  std::string why = words[0] != '\0' ? words : curl_easy_strerror(code);
  std::string hint = "is it running, and is DOCKER_HOST right?";
  if (code == CURLE_COULDNT_CONNECT && number != 0) why = strerror(static_cast<int>(number));
  if (number == EACCES || number == EPERM) hint = "may this user open its socket? Run as root or join the group docker";
  if (number == ENOENT || number == ECONNREFUSED) hint = "is it running? (service docker start)";
  if (const std::string more = tls_hint(endpoint, code, why); !more.empty()) hint = more;
  return {EngineFault::Unreachable, "cannot reach the Docker engine at " + endpoint.shown + ": " + why + "; " + hint};
}

// What a transfer that libcurl calls failed means to us.
EngineError failure(const DockerEndpoint& endpoint, const DockerRequest& request, const Transfer& transfer,
                    CURLcode code) {
  long sent = 0;
  curl_easy_getinfo(transfer.easy, CURLINFO_REQUEST_SIZE, &sent);
  const bool refused = !endpoint.tls_folder.empty() && docker_tls_refused(code, transfer.words);
  if (sent == 0 || refused) return unreachable(endpoint, transfer.easy, code, transfer.words);
  const char* words = transfer.words[0] != '\0' ? transfer.words : curl_easy_strerror(code);
  if (code == CURLE_OPERATION_TIMEDOUT) {
    return {EngineFault::Unknown, "the Docker engine did not answer within " + seconds_text(request.timeout_ms)};
  }
  const bool nonsense = transfer.too_large || code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_WEIRD_SERVER_REPLY;
  if (nonsense) {
    const bool harmless = strcmp(request.method, "GET") == 0;
    return {harmless ? EngineFault::Failed : EngineFault::Unknown,
            "what answers at " + endpoint.shown + " does not speak like a Docker engine: " +
                (transfer.too_large ? std::string("its answer is too large") : words)};
  }
  const std::string hint = status_of(transfer.easy) == 0 ? tls_hint(endpoint, code, words) : "";
  return {EngineFault::Unknown, std::string("the connection to the Docker engine broke: ") + words + (hint.empty() ? "" : "; " + hint)};
}

void finish_reply(const Transfer& transfer, DockerReply* reply) {
  *reply = transfer.reply;
  reply->status = status_of(transfer.easy);
  const char* type = nullptr;
  curl_easy_getinfo(transfer.easy, CURLINFO_CONTENT_TYPE, &type);
  reply->json = type != nullptr && strncasecmp(type, "application/json", strlen("application/json")) == 0;
}

// Until something comes, the stop sign is set or a limit is over; a stream on which nothing happens wakes nobody.
void wait(CURLM* multi, const DockerRequest& request, const Transfer& transfer, int64_t begun) {
  const int64_t now = monotonic_ms();
  int64_t most = kLongestMs;
  if (!transfer.opened) most = begun + request.timeout_ms - now;
  if (transfer.opened && request.quiet_timeout_ms > 0) most = transfer.last_byte_ms + request.quiet_timeout_ms - now;
  curl_waitfd stop = {};
  if (request.stop != nullptr) stop = {request.stop->fd, CURL_WAIT_POLLIN, 0};
  const bool watched = request.stop != nullptr && stop.fd >= 0;
  if (request.stop != nullptr && !watched) most = std::min(most, kLookMs);
  // A millisecond more, since limits are over only after their last one.
  curl_multi_poll(multi, &stop, watched ? 1 : 0, static_cast<int>(std::clamp<int64_t>(most + 1, 1, kLongestMs)), nullptr);
}

// Runs the transfer to its end, whoever ends it.
EngineError run(const DockerEndpoint& endpoint, const DockerRequest& request, Transfer* transfer, DockerReply* reply) {
  HeadersPtr headers;
  EasyPtr easy = prepare(endpoint, request, transfer, &headers);
  MultiPtr multi(easy ? curl_multi_init() : nullptr);
  if (!multi || curl_multi_add_handle(multi.get(), easy.get()) != CURLM_OK) {
    return {EngineFault::Unreachable, "out of memory for a call to the Docker engine"};
  }
  const int64_t begun = monotonic_ms();
  CURLcode code = CURLE_OK;
  EngineError ended;
  for (int running = 1; !ended;) {
    if (curl_multi_perform(multi.get(), &running) != CURLM_OK) {
      ended = {EngineFault::Unknown, "libcurl failed"};
    } else if (running == 0) {
      int left = 0;
      const CURLMsg* message = curl_multi_info_read(multi.get(), &left);
      code = message == nullptr ? CURLE_FAILED_INIT : message->data.result;
      break;
    } else if (request.stop != nullptr && request.stop->set.load()) {
      ended = {EngineFault::Unknown, "we stop"};
    } else if (!transfer->opened && monotonic_ms() - begun > request.timeout_ms) {
      code = CURLE_OPERATION_TIMEDOUT;
      break;
    } else if (transfer->opened && request.quiet_timeout_ms > 0 &&
               monotonic_ms() - transfer->last_byte_ms > request.quiet_timeout_ms) {
      ended = {EngineFault::Unknown, "the Docker engine said nothing for " + seconds_text(request.quiet_timeout_ms)};
    } else {
      wait(multi.get(), request, *transfer, begun);
    }
  }
  if (!ended && !transfer->ended_by_us) {
    if (code != CURLE_OK) {
      ended = failure(endpoint, request, *transfer, code);
    } else {
      finish_reply(*transfer, reply);
    }
  }
  curl_multi_remove_handle(multi.get(), easy.get());
  return ended;
}

bool is_port(std::string_view text) {
  if (text.empty() || text.size() > 5) return false;
  int port = 0;
  for (char c : text) {
    if (c < '0' || c > '9') return false;
    port = port * 10 + (c - '0');
  }
  return port >= 1 && port <= 65535;
}

}  // namespace

bool docker_endpoint_parse(const std::string& host, DockerEndpoint* out, std::string* error) {
  DockerEndpoint endpoint;
  endpoint.connect_timeout_ms = out->connect_timeout_ms;
  const bool tls = !out->tls_folder.empty();
  endpoint.shown = host;
  if (host.rfind("unix://", 0) == 0 && host.size() > 8 && host[7] == '/') {
    endpoint.socket = host.substr(7);
    endpoint.base = "http://docker";
    *out = endpoint;
    return true;
  }
  if (host.rfind("tcp://", 0) == 0) {
    std::string place = host.substr(6);
    if (!place.empty() && place.back() == '/') place.pop_back();
    const size_t bracket = place.rfind(']');
    const size_t colon = place.find(':', bracket == std::string::npos ? 0 : bracket);
    const std::string name = place.substr(0, colon);
    const std::string port =
        colon == std::string::npos ? "2375" : place.substr(colon + 1);  // the docker command's default
    if (!name.empty() && name.find_first_of("/@?# \t\r\n") == std::string::npos && is_port(port)) {
      endpoint.tls_folder = out->tls_folder;
      endpoint.base = (tls ? "https://" : "http://") + name + ":" + port;
      *out = endpoint;
      return true;
    }
  }
  *error = "DOCKER_HOST=" + host + ": only unix:///path and tcp://host:port are understood";
  return false;
}

EngineError docker_exchange(const DockerEndpoint& endpoint, const DockerRequest& request, DockerReply* reply) {
  Transfer transfer;
  return run(endpoint, request, &transfer, reply);
}

EngineError docker_stream(const DockerEndpoint& endpoint, const DockerRequest& request, const DockerStream& stream,
                          DockerReply* reply) {
  Transfer transfer;
  transfer.stream = &stream;
  return run(endpoint, request, &transfer, reply);
}

std::string docker_escape(std::string_view text) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (char c : text) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' ||
                       c == '_' || c == '.' || c == '~';
    if (plain) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += '%';
      out += kHex[byte >> 4U];
      out += kHex[byte & 0xFU];
    }
  }
  return out;
}
