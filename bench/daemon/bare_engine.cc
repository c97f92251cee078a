// A libcurl handle a thread, and one thread that reads the stream.
#include "bench/daemon/bare_engine.h"

#include <curl/curl.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

#include "codec/docker_json.h"
#include "support/engine_client.h"
#include "support/suite.h"

struct BareEngine {
  std::string socket;
  std::thread listener;
  std::atomic<bool> stop{false};
  std::mutex mutex;  // of what follows
  std::condition_variable news;
  bool open = false;
  std::string partial;
  std::map<std::string, double> healthy;  // id -> moment
};

namespace {

constexpr int kMostSeconds = 120;

size_t on_bytes(char* bytes, size_t, size_t size, void* arg) {
  auto* engine = static_cast<BareEngine*>(arg);
  const std::lock_guard<std::mutex> guard(engine->mutex);
  engine->partial.append(bytes, size);
  for (size_t end; (end = engine->partial.find('\n')) != std::string::npos; engine->partial.erase(0, end + 1)) {
    const std::string line = engine->partial.substr(0, end);
    const size_t id = line.find("\"id\":\"");
    if (line.find("health_status: healthy") != std::string::npos && id != std::string::npos)
      engine->healthy[line.substr(id + 6, 64)] = now_seconds();
  }
  engine->news.notify_all();
  return size;
}

int on_progress(void* arg, curl_off_t, curl_off_t, curl_off_t, curl_off_t) { return static_cast<BareEngine*>(arg)->stop ? 1 : 0; }

size_t on_head(char*, size_t, size_t size, void* arg) {
  auto* engine = static_cast<BareEngine*>(arg);
  const std::lock_guard<std::mutex> guard(engine->mutex);
  engine->open = true;
  engine->news.notify_all();
  return size;
}

void follow_events(BareEngine* engine) {
  CURL* easy = curl_easy_init();
  const std::string url = "http://engine/v1.41/events?filters=" + url_encode(R"({"type":["container"],"event":["health_status"]})");
  curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, engine->socket.c_str());
  curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_head);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, engine);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_bytes);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, engine);
  curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress);
  curl_easy_setopt(easy, CURLOPT_XFERINFODATA, engine);
  curl_easy_perform(easy);
  curl_easy_cleanup(easy);
}

size_t keep_bytes(char* bytes, size_t, size_t size, void* arg) {
  static_cast<std::string*>(arg)->append(bytes, size);
  return size;
}

long post(CURL* easy, const std::string& path, const std::string& body, std::string* answer) {
  const std::string url = "http://engine/v1.41" + path;
  curl_slist* headers = curl_slist_append(nullptr, "Content-Type: application/json");
  answer->clear();
  curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, static_cast<long>(body.size()));
  curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body.c_str());
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, keep_bytes);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, answer);
  long status = 0;
  if (curl_easy_perform(easy) == CURLE_OK) curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  curl_slist_free_all(headers);
  return status;
}

BareMade make_one(CURL* easy, const LaunchSpec& spec, double begin) {
  BareMade made;
  std::string answer;
  auto since = [begin] { return (now_seconds() - begin) * 1000; };
  if (post(easy, "/containers/create?name=" + spec.name, docker_create_body(spec), &answer) != 201) {
    made.error = "create: " + answer;
    return made;
  }
  made.id = json_text(json_from(answer).get(), "Id");
  made.created_ms = since();
  if (post(easy, "/containers/" + made.id + "/start", "", &answer) != 204) {
    made.error = "start: " + answer;
    return made;
  }
  made.started_ms = since();
  return made;
}

void wait_healthy(BareEngine* engine, BareMade* made, double begin) {
  std::unique_lock<std::mutex> lock(engine->mutex);
  const bool in_time = engine->news.wait_for(lock, std::chrono::seconds(kMostSeconds), [&] { return engine->healthy.count(made->id) != 0; });
  if (!in_time) made->error = "not healthy in time: " + made->id;
  made->healthy_ms = (engine->healthy[made->id] - begin) * 1000;
}

}  // namespace

BareEnginePtr bare_engine_open(const std::string& socket) {
  BareEnginePtr engine(new BareEngine);
  engine->socket = socket;
  engine->listener = std::thread(follow_events, engine.get());
  std::unique_lock<std::mutex> lock(engine->mutex);
  const bool open = engine->news.wait_for(lock, std::chrono::seconds(10), [&] { return engine->open; });
  lock.unlock();
  check_at(open, "the engine's event stream does not open");
  return engine;
}

void BareEngineDeleter::operator()(BareEngine* engine) const {
  engine->stop = true;
  engine->listener.join();
  delete engine;
}

std::vector<BareMade> bare_try(BareEngine* engine, const std::vector<LaunchSpec>& specs, int parallel, double* seconds) {
  std::vector<BareMade> made(specs.size());
  std::atomic<size_t> next{0};
  std::vector<std::thread> threads;
  const double begin = now_seconds();
  for (int i = 0; i < parallel; i++)
    threads.emplace_back([&] {
      CURL* easy = curl_easy_init();
      curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, engine->socket.c_str());
      curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
      curl_easy_setopt(easy, CURLOPT_TIMEOUT, static_cast<long>(kMostSeconds));
      // Becoming healthy takes nothing of who waits for it, so the next is begun meanwhile.
      for (size_t at; (at = next++) < specs.size();) made[at] = make_one(easy, specs[at], begin);
      curl_easy_cleanup(easy);
    });
  for (std::thread& thread : threads) thread.join();
  double last_ms = 0;
  for (BareMade& one : made) {
    if (one.error.empty()) wait_healthy(engine, &one, begin);
    last_ms = std::max(last_ms, one.healthy_ms);
  }
  if (seconds != nullptr) *seconds = last_ms / 1000;
  return made;
}

std::vector<BareMade> bare_make(BareEngine* engine, const std::vector<LaunchSpec>& specs, int parallel, double* seconds) {
  std::vector<BareMade> made = bare_try(engine, specs, parallel, seconds);
  for (const BareMade& one : made) {
    if (!one.error.empty()) bare_remove(engine, made);
    check_at(one.error.empty(), "a bare creation failed: " + one.error);
  }
  return made;
}

void bare_remove(const BareEngine* engine, const std::vector<BareMade>& made) {
  std::vector<std::thread> threads;
  for (const BareMade& one : made)
    if (!one.id.empty()) threads.emplace_back([engine, &one] { engine_remove(engine->socket, one.id); });
  for (std::thread& thread : threads) thread.join();
}
