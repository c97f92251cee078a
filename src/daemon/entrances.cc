// The listeners, their limits, and which of them a request came by.
#include "daemon/entrances.h"

#include <algorithm>

#include "io/host.h"

namespace {

// Engine calls (a thread's takes four descriptors), the store, the log and libevent never want for a file descriptor because of clients.
constexpr int kFilesOfOurs = 128;
constexpr int kConnectionsLeast = 16;
constexpr int kAdminConnections = 64;
constexpr uint64_t kAdminRequests = uint64_t{1} << 63;  // more than will ever come by the other

HttpPlace admin_place(const std::string& listen) {
  HttpPlace place;
  place.port_setting = place.address_setting = "ADMIN_LISTEN";
  static constexpr std::string_view kUnix = "unix:";
  if (listen.starts_with(kUnix)) {
    place.socket = listen.substr(kUnix.size());
    return place;
  }
  const size_t colon = listen.rfind(':');
  place.address = listen.substr(0, colon);
  place.port = std::stoi(listen.substr(colon + 1));
  return place;
}

}  // namespace

HttpLimits entrances_limits(const Settings& settings, std::string* warning) {
  HttpLimits limits;
  limits.max_connections = settings.max_connections;
  // The lookout holds one for each session.
  const int admin = settings.admin_listen.empty() ? 0 : kAdminConnections;
  const int ours = kFilesOfOurs + admin + settings.port_range_max - settings.port_range_min + 1;
  const int files = host_raise_file_limit(limits.max_connections + ours);
  if (files >= limits.max_connections + ours) return limits;
  limits.max_connections = std::max(files - ours, kConnectionsLeast);
  *warning = "Only " + std::to_string(limits.max_connections) + " connections, not MAX_CONNECTIONS=" + std::to_string(settings.max_connections) +
             ": the system allows this process " + std::to_string(files) + " open files. Raise that (ulimit -Hn, LimitNOFILE=)";
  return limits;
}

bool entrances_open(Entrances* entrances, event_base* base, const Settings& settings, const HttpLimits& limits, const HttpHooks& hooks,
                    std::string* error) {
  HttpPlace place;
  place.address = settings.orchestrator_host;
  place.port = settings.orchestrator_port;
  entrances->main = httpd_create(base, place, limits, hooks, error);
  if (!entrances->main) return false;
  if (settings.admin_listen.empty()) return true;
  HttpLimits few = limits;
  few.max_connections = kAdminConnections;
  HttpHooks numbered = hooks;
  numbered.ids_after = kAdminRequests;
  entrances->admin = httpd_create(base, admin_place(settings.admin_listen), few, numbered, error);
  return entrances->admin != nullptr;
}

bool entrances_is_admin(uint64_t request) { return request > kAdminRequests; }

// Who has hung up has no asker any more, and counts as answered by nobody.
static void count(Entrances& entrances, uint64_t request, int status) {
  const Asker* asker = labels_asker(entrances.labels, request);
  if (asker == nullptr) return;
  if (entrances.answered.size() <= asker->row) entrances.answered.resize(asker->row + 1);
  for (StatusCount& one : entrances.answered[asker->row]) {
    if (one.status != status) continue;
    one.count++;
    return;
  }
  entrances.answered[asker->row].push_back({status, 1});
}

void entrances_answer(Entrances& entrances, uint64_t request, const HttpAnswer& answer) {
  count(entrances, request, answer.status);
  labels_answered(&entrances.labels, request);
  httpd_answer(entrances_is_admin(request) ? entrances.admin.get() : entrances.main.get(), request, answer);
}

void entrances_stop_accepting(const Entrances& entrances) {
  httpd_stop_accepting(entrances.main.get());
  if (entrances.admin) httpd_stop_accepting(entrances.admin.get());
}

bool entrances_drained(const Entrances& entrances) {
  return httpd_drained(entrances.main.get()) && (!entrances.admin || httpd_drained(entrances.admin.get()));
}
