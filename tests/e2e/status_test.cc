// /status of many sessions: always one moment of the table, always of after it was asked for, and nobody else waits for its text.
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <set>
#include <thread>

#include "support/crowd.h"
#include "support/daemon.h"
#include "support/report.h"
#include "support/standin.h"

namespace {

constexpr int kPool = 2;
constexpr int kSpare = 40;  // ports for those who come and go, and for the pool

void many_sessions(Scene* scene, int count, int spare = kSpare) {
  Daemon* d = scene->daemon;
  standin_start(scene, count + spare, 0, 0);
  daemon_set(d, "WARM_POOL_SIZE", std::to_string(kPool));
  daemon_set(d, "LOG_LEVEL", "WARNING");
  daemon_start(d);
  daemon_wait_pool(d, kPool);
  Crowd crowd = crowd_open(daemon_port(d), static_cast<size_t>(count));
  for (int i = 0; i < count; ++i)
    crowd_send(&crowd, static_cast<size_t>(i),
               "GET " + access_path(suite_client(*scene->suite, "sits" + std::to_string(i))) + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  check_at(crowd_read_to_end(&crowd, 90), "not all are answered");
  for (const CrowdOne& one : crowd.ones) check_number(crowd_status(one), 302, "an answer");
  crowd_close(&crowd);
  check_at(wait_until(20, [&] { return daemon_status(d).active == count + kPool; }), "the pool is not refilled");
}

// One who comes, goes, and comes as somebody else, again and again: at no moment are two of these there.
struct Wanderer {
  std::string name;
  std::atomic<bool> enough{false};
  size_t lives = 0;
  Texts wrong;
};

// Also of two of its own questions to /status: what it was told before it asked must be in the answer.
bool shown(const Daemon* d, const std::string& client) {
  return daemon_get(d, "/status").body.find("\"client_id\": \"" + client + "\"") != std::string::npos;
}

void wander(const Daemon* d, Wanderer* one) {
  while (!one->enough) {
    const std::string client = one->name + "." + std::to_string(++one->lives);
    const HttpReply came = daemon_get(d, access_path(client));
    if (came.status != 302) one->wrong.push_back(client + " comes: " + std::to_string(came.status) + came.body);
    if (!shown(d, client)) one->wrong.push_back(client + " has its 302 and is not shown");
    const HttpReply went = daemon_get(d, "/remove?id=" + url_encode(client));
    if (went.status != 200) one->wrong.push_back(client + " goes: " + std::to_string(went.status) + went.body);
    if (shown(d, client)) one->wrong.push_back(client + " has gone and is shown");
  }
}

long number_of(const json_t* object, const char* key) { return static_cast<long>(json_integer_value(json_object_get(object, key))); }

void check_moment(const std::string& body, int sitting, const Texts& wanderers) {
  JsonPtr json = json_from(body);
  json_t* records = json_object_get(json.get(), "records");
  const auto count = static_cast<long>(json_array_size(records));
  check_number(number_of(json.get(), "active_containers"), count, "active_containers");
  std::set<std::string> ids, clients;
  long pool = 0, last_port = 0, sits = 0;
  size_t i = 0;
  json_t* record = nullptr;
  std::vector<long> there(wanderers.size());
  json_array_foreach(records, i, record) {
    const std::string client = json_text(record, "client_id");
    check_at(ids.insert(json_text(record, "container_id")).second, "a container twice");
    check_at(client == "__pool__" || clients.insert(client).second, client + " twice");
    check_at(number_of(record, "port") > last_port, "not in the order of ports");
    last_port = number_of(record, "port");
    pool += client == "__pool__";
    sits += client.find("sits") != std::string::npos;
    for (size_t w = 0; w < wanderers.size(); ++w) there[w] += client.rfind(wanderers[w] + ".", 0) == 0;
  }
  check_number(number_of(json.get(), "pool_containers"), pool, "pool_containers");
  check_number(sits, sitting, "who sits");
  for (size_t w = 0; w < wanderers.size(); ++w) check_at(there[w] <= 1, wanderers[w] + " is there as two");
}

void it_shows_one_moment_and_what_was_told_before(Scene* scene) {
  Daemon* d = scene->daemon;
  const int sitting = report_pick(200, 960);
  many_sessions(scene, sitting);
  Texts names;
  std::vector<std::unique_ptr<Wanderer>> wanderers;
  std::vector<std::thread> threads;
  for (int i = 0; i < 6; ++i) {
    names.push_back(suite_client(*scene->suite, "w" + std::to_string(i)));
    wanderers.push_back(std::make_unique<Wanderer>());
    wanderers.back()->name = names.back();
    threads.emplace_back(wander, d, wanderers.back().get());
  }
  std::vector<HttpReply> replies;
  size_t asked = 0;
  const double until = now_seconds() + report_pick(5, 20);
  while (now_seconds() < until) {
    for (HttpReply& reply : http_calls_at_once(std::vector<HttpCall>(8, daemon_call(d, "/status")))) replies.push_back(std::move(reply));
    asked++;
  }
  for (auto& one : wanderers) one->enough = true;
  for (std::thread& thread : threads) thread.join();
  size_t lives = 0;
  for (const auto& one : wanderers) {
    check_at(one->wrong.empty(), one->wrong.empty() ? "" : one->wrong.front());
    lives += one->lives;
  }
  check_at(asked >= 3 && lives >= 12, "too little happened: asked " + std::to_string(asked) + " times, " + std::to_string(lives) + " lives");
  for (const HttpReply& reply : replies) {
    check_number(reply.status, 200, "/status");
    check_moment(reply.body, sitting, names);
  }
  report_row("/status of " + std::to_string(sitting) + " sessions while six come and go",
             std::to_string(replies.size()) + " answers, " + std::to_string(lives) + " comings and goings: each of one moment, none too old");
}

void who_asks_and_leaves_spoils_it_for_nobody(Scene* scene) {
  Daemon* d = scene->daemon;
  many_sessions(scene, 200);
  for (int round = 0; round < 3; ++round) {
    Crowd crowd = crowd_open(daemon_port(d), 100);
    for (size_t i = 0; i < 100; ++i) crowd_send(&crowd, i, "GET /status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    for (size_t i = 0; i < 100; i += 2) crowd_leave(&crowd, i, i % 4 == 0);
    check_at(crowd_read_to_end(&crowd, 60), "not all are answered");
    for (size_t i = 1; i < 100; i += 2) {
      check_number(crowd_status(crowd.ones[i]), 200, "/status");
      check_moment(crowd.ones[i].received.substr(crowd.ones[i].received.find("\r\n\r\n") + 4), 200, {});
    }
    crowd_close(&crowd);
  }
  // Those who ask as it stops: it leaves in order, and whoever is answered is answered whole.
  std::vector<std::future<HttpReply>> last;
  for (int i = 0; i < 8; ++i) last.push_back(http_call_later(daemon_call(d, "/status")));
  daemon_stop(d);
  for (auto& one : last) {
    const HttpReply reply = one.get();
    if (reply.status == 200) check_moment(reply.body, 200, {});
  }
}

// ---- how long others wait for it

double ask(int fd, const char* path) {
  const std::string request = std::string("GET ") + path + " HTTP/1.1\r\nHost: x\r\n\r\n";
  const double begun = now_seconds();
  check_number(send(fd, request.data(), request.size(), MSG_NOSIGNAL), static_cast<long>(request.size()), "bytes sent");
  return begun;
}

// Until the first byte of the answer; all of it is taken when it is short.
double first_byte(int fd, char* bytes, size_t size) {
  pollfd one = {fd, POLLIN, 0};
  check_number(poll(&one, 1, 20000), 1, "an answer");
  check_at(recv(fd, bytes, size, 0) > 0, "no answer");
  return now_seconds();
}

void take_all(int fd, size_t size) {
  std::vector<char> bytes(size_t{64} << 10);
  while (size > 0) {
    const ssize_t got = recv(fd, bytes.data(), std::min(bytes.size(), size), 0);
    check_at(got > 0, "the answer is cut short");
    size -= static_cast<size_t>(got);
  }
}

// /health on one connection, asked for just after /status on another: what the loop does for the latter, the former waits for.
void figures(Scene* scene) {
  Daemon* d = scene->daemon;
  const int count = report_pick(300, 1000);
  many_sessions(scene, count - kPool, kPool);
  const HttpReply whole = daemon_get(d, "/status");
  const int status = tcp_connect(daemon_port(d)), health = tcp_connect(daemon_port(d));
  std::vector<double> alone, amid;
  char bytes[2048];
  for (int i = 0; i < 60; ++i) {
    const double begun = ask(health, "/health");
    alone.push_back((first_byte(health, bytes, sizeof bytes) - begun) * 1e3);
    ask(status, "/status");
    usleep(300);
    const double asked = ask(health, "/health");
    amid.push_back((first_byte(health, bytes, sizeof bytes) - asked) * 1e3);
    char first = 0;
    std::string head;
    while (head.size() < 4 || head.compare(head.size() - 4, 4, "\r\n\r\n") != 0) {
      first_byte(status, &first, 1);
      head += first;
    }
    take_all(status, whole.body.size());
  }
  tcp_close(status);
  tcp_close(health);
  std::sort(alone.begin(), alone.end());
  std::sort(amid.begin(), amid.end());
  char text[160];
  snprintf(text, sizeof text, "alone: median %.2f, 9 of 10 %.2f ms; just after it: median %.2f, 9 of 10 %.2f, most %.2f ms; %zu KiB", alone[30], alone[54],
           amid[30], amid[54], amid.back(), whole.body.size() / 1024);
  report_row("/health beside /status of " + std::to_string(count) + " sessions", text);
}

}  // namespace

int main() {
  return suite_main("status", {
                                  E2E_TEST(it_shows_one_moment_and_what_was_told_before),
                                  E2E_TEST(who_asks_and_leaves_spoils_it_for_nobody),
                                  E2E_TEST(figures),
                              });
}
