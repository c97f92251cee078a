// Many at once: nobody shares a port, nobody has two containers, and what cannot be served is said so.
#include <atomic>
#include <map>
#include <set>
#include <thread>

#include "support/daemon.h"

namespace {

std::vector<std::string> clients_of(Scene* scene, const std::string& prefix, int count) {
  std::vector<std::string> out;
  for (int i = 0; i < count; ++i) out.push_back(suite_client(*scene->suite, prefix + std::to_string(i)));
  return out;
}

std::vector<HttpReply> access_at_once(Daemon* d, const std::vector<std::string>& clients) {
  std::vector<HttpCall> calls;
  for (const std::string& client : clients) calls.push_back(daemon_call(d, access_path(client)));
  return http_calls_at_once(calls);
}

void n_clients_on_n_free_slots_are_all_served(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_set_ports(d, 10, 6);
  daemon_start(d);
  std::vector<std::string> clients = clients_of(scene, "n", 6);
  std::vector<HttpReply> replies = access_at_once(d, clients);
  std::set<int> ports;
  std::set<std::string> ids;
  for (size_t i = 0; i < clients.size(); ++i) {
    Entry entry = daemon_check_302(d, replies[i], clients[i]);
    check_at(ports.insert(entry.port).second, "port " + std::to_string(entry.port) + " twice");
    check_at(ids.insert(entry.id).second, "a container twice");
    check_at(entry.port >= daemon_first_slot(d) && entry.port < daemon_first_slot(d) + 6, "a port out of range");
    HttpCall link;
    link.url = http_reply_header(replies[i], "location");
    check_number(http_call(link).status, 200, "the link of " + clients[i]);
  }
  check_number(static_cast<long>(daemon_containers(d).size()), 6, "containers");
}

void one_client_forty_times_at_once_is_one_session(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_start(d);
  std::string client = suite_client(*scene->suite, "forty");
  size_t created = ledger_count(scene->suite->ledger.get());
  std::vector<HttpReply> replies = access_at_once(d, std::vector<std::string>(40, client));
  std::string location = http_reply_header(replies[0], "location");
  for (const HttpReply& reply : replies) {
    daemon_check_302(d, reply, client);
    check_equal(http_reply_header(reply, "location"), location, "Location");
  }
  check_number(static_cast<long>(ledger_count(scene->suite->ledger.get()) - created), 1, "containers created");
}

// Requests of one client are one queue: the first is served, then, as the last one wants another size, that.
void two_sizes_of_one_client_are_served_one_after_the_other(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_set(d, "VNC_APPNAME", "slow 2");
  daemon_start(d);
  daemon_wait_reconciled(d);
  std::string client = suite_client(*scene->suite, "sizes");
  std::future<HttpReply> one = http_call_later(daemon_call(d, access_path(client, "&width=800&height=600")));
  check_at(wait_until(20, [&] { return !daemon_containers(d).empty(); }), "no launch");
  std::future<HttpReply> two = http_call_later(daemon_call(d, access_path(client, "&width=1024&height=768")));
  check_number(one.get().status, 302, "the first size");
  Entry last = daemon_check_302(d, two.get(), client);
  check_equal(last.width + "x" + last.height, "1024x768", "the size that is left");
  check_at(wait_until(20, [&] { return daemon_containers(d).size() == 1; }), "one client, one container");
}

void two_sizes_at_once_ten_times_each_end_in_one_session(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_start(d);
  daemon_wait_reconciled(d);
  std::string client = suite_client(*scene->suite, "mixed");
  std::vector<HttpCall> calls;
  for (int i = 0; i < 20; ++i) {
    calls.push_back(
        daemon_call(d, access_path(client, i % 2 == 0 ? "&width=800&height=600" : "&width=1024&height=768")));
  }
  for (const HttpReply& reply : http_calls_at_once(calls)) check_number(reply.status, 302, "status");
  std::vector<SeenContainer> left;
  check_at(wait_until(20, [&] { return (left = daemon_containers(d)).size() == 1; }), "one client, one container");
  std::vector<Entry> records = daemon_status(d).records;
  check_number(static_cast<long>(records.size()), 1, "records");
  check_equal(records[0].id, left[0].id, "container");
  check_equal(left[0].env["WIDTH"], records[0].width, "width");
}

void overload_brings_302_and_503_only_and_health_answers_throughout(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_start(d);
  daemon_wait_reconciled(d);
  std::atomic<bool> over = false;
  std::atomic<int> answered = 0;
  std::atomic<int> refused = 0;
  HttpCall health = daemon_call(d, "/health");
  health.timeout_ms = 5000;
  std::thread watcher([&over, &answered, &refused, health] {
    while (!over) {
      ++(http_call(health).status == 200 ? answered : refused);
      usleep(20000);
    }
  });
  std::vector<std::string> clients = clients_of(scene, "over", 30);
  std::vector<HttpReply> replies = access_at_once(d, clients);
  over = true;
  watcher.join();
  std::map<long, int> count;
  for (const HttpReply& reply : replies) {
    ++count[reply.status];
    if (reply.status == 302) continue;
    std::string text = check_error(reply, 503);
    check_at(text.rfind("No available ports", 0) == 0, text);
    check_number(json_integer_value(json_object_get(json_from(reply.body).get(), "max_slots")), 4, "max_slots");
    check_at(atoi(http_reply_header(reply, "retry-after").c_str()) > 0, "no Retry-After");
  }
  check_at(count[302] >= 4, "only " + std::to_string(count[302]) + " of 30 served on 4 slots");
  check_number(refused, 0, "/health not answered");
  check_at(answered > 10, "/health was asked " + std::to_string(answered) + " times");
  check_at(wait_until(20, [&] { return daemon_containers(d).size() <= 4; }), "more containers than slots");
  check_at(daemon_status(d).active <= 4, "more records than slots");
}

// While the port that is being freed for it is on the way, a newcomer who asks again does not cost another session.
void a_newcomer_asking_ten_times_costs_one_session(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_set_ports(d, 10, 2);
  daemon_start(d);
  std::string oldest = suite_client(*scene->suite, "cost-a");
  std::string other = suite_client(*scene->suite, "cost-b");
  std::string newcomer = suite_client(*scene->suite, "cost-c");
  Entry first = daemon_access(d, oldest);
  Entry second = daemon_access(d, other);
  for (const HttpReply& reply : access_at_once(d, std::vector<std::string>(10, newcomer)))
    daemon_check_302(d, reply, newcomer);
  std::vector<Entry> records = daemon_status(d).records;
  check_number(static_cast<long>(records.size()), 2, "records");
  const Entry* kept = entry_find(records, other);
  check_at(kept != nullptr && kept->id == second.id, "two sessions were ended for one newcomer");
  check_number(entry_of(records, newcomer).port, first.port, "port");
}

void a_storm_on_the_pool_serves_each_client_once(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_set(d, "WARM_POOL_SIZE", "2");
  daemon_set_ports(d, 10, 5);
  daemon_start(d);
  daemon_wait_pool(d, 2);
  std::set<std::string> pool;
  for (const Entry& entry : daemon_status(d).records) pool.insert(entry.id);
  std::vector<std::string> clients = clients_of(scene, "storm", 5);
  std::vector<HttpReply> replies = access_at_once(d, clients);
  std::set<std::string> ids;
  size_t from_pool = 0;
  for (size_t i = 0; i < clients.size(); ++i) {
    Entry entry = daemon_check_302(d, replies[i], clients[i]);
    check_at(ids.insert(entry.id).second, "a container twice");
    from_pool += pool.count(entry.id);
  }
  check_number(static_cast<long>(from_pool), 2, "pool containers claimed");
  check_number(static_cast<long>(daemon_containers(d).size()), 5, "containers");
}

void claims_of_many_at_once_share_the_pool_without_sharing_a_container(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_set(d, "WARM_POOL_SIZE", "4");
  daemon_start(d);
  daemon_wait_pool(d, 4);
  std::vector<std::string> clients = clients_of(scene, "quick", 4);
  std::vector<std::string> asking;
  for (int i = 0; i < 40; ++i) asking.push_back(clients[static_cast<size_t>(i) % 4]);
  std::vector<HttpReply> replies = access_at_once(d, asking);
  std::map<std::string, std::set<std::string>> locations;
  std::set<std::string> all;
  for (size_t i = 0; i < asking.size(); ++i) {
    daemon_check_302(d, replies[i], asking[i]);
    locations[asking[i]].insert(http_reply_header(replies[i], "location"));
    all.insert(http_reply_header(replies[i], "location"));
  }
  for (const auto& [client, seen] : locations) check_number(static_cast<long>(seen.size()), 1, "links of " + client);
  check_number(static_cast<long>(all.size()), 4, "links");
}

void removals_amid_accesses_leave_the_books_right(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_set(d, "WARM_POOL_SIZE", "1");
  daemon_start(d);
  daemon_wait_pool(d, 1);
  std::vector<std::string> clients = clients_of(scene, "churn", 5);
  std::vector<HttpCall> calls;
  for (int round = 0; round < 6; ++round) {
    for (const std::string& client : clients) {
      calls.push_back(daemon_call(d, access_path(client, round % 3 == 2 ? "&width=800&height=600" : "")));
      calls.push_back(daemon_call(d, "/remove?id=" + client));
    }
  }
  calls.push_back(daemon_call(d, "/remove-all"));
  for (size_t i = 0; i < calls.size(); i += 10) {  // ten by ten, so that they meet each other at different stages
    std::vector<HttpCall> some(calls.begin() + static_cast<long>(i),
                               calls.begin() + static_cast<long>(std::min(i + 10, calls.size())));
    for (const HttpReply& reply : http_calls_at_once(some)) {
      bool expected = reply.status == 200 || reply.status == 302 || reply.status == 404 || reply.status == 409 ||
                      reply.status == 503;
      check_at(expected, std::to_string(reply.status) + " " + reply.error + reply.body);
    }
  }
  daemon_wait_pool(d, 1);
  auto settled = [&] { return daemon_containers(d).size() == daemon_status(d).records.size(); };
  check_at(wait_until(20, settled), "containers and records do not come together");
}

void remove_all_amid_accesses_leaves_the_books_right(Scene* scene) {
  Daemon* d = scene->daemon;
  daemon_set(d, "VNC_APPNAME", "slow 1");
  daemon_start(d);
  daemon_wait_reconciled(d);
  std::vector<std::string> clients = clients_of(scene, "all", 4);
  std::vector<std::future<HttpReply>> waiting;
  for (const std::string& client : clients) waiting.push_back(http_call_later(daemon_call(d, access_path(client))));
  check_at(wait_until(20, [&] { return daemon_containers(d).size() >= 2; }), "no launches");
  HttpReply reply = daemon_get(d, "/remove-all");
  check_number(reply.status, 200, "/remove-all");
  for (std::future<HttpReply>& one : waiting) {
    HttpReply answer = one.get();
    check_at(answer.status == 409 || answer.status == 302, std::to_string(answer.status) + " " + answer.body);
  }
  auto settled = [&] { return daemon_containers(d).size() == daemon_status(d).records.size(); };
  check_at(wait_until(20, settled), "containers and records do not come together");
  daemon_access(d, clients[0]);
}

}  // namespace

int main() {
  const std::vector<CMUnitTest> tests = {
      E2E_TEST(n_clients_on_n_free_slots_are_all_served),
      E2E_TEST(one_client_forty_times_at_once_is_one_session),
      E2E_TEST(two_sizes_of_one_client_are_served_one_after_the_other),
      E2E_TEST(two_sizes_at_once_ten_times_each_end_in_one_session),
      E2E_TEST(overload_brings_302_and_503_only_and_health_answers_throughout),
      E2E_TEST(a_newcomer_asking_ten_times_costs_one_session),
      E2E_TEST(a_storm_on_the_pool_serves_each_client_once),
      E2E_TEST(claims_of_many_at_once_share_the_pool_without_sharing_a_container),
      E2E_TEST(removals_amid_accesses_leave_the_books_right),
      E2E_TEST(remove_all_amid_accesses_leaves_the_books_right),
  };
  return suite_main("concurrency", tests);
}
