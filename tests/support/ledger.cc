// Two threads that write down who had which container: one on the engine's event stream, one on the state files.
#include "support/ledger.h"

#include <curl/curl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <map>
#include <mutex>
#include <sstream>
#include <thread>

#include "support/engine_client.h"

struct WatchedFile {
  std::string path;
  ino_t inode = 0;
  timespec modified = {};
};

struct Ledger {
  std::string socket;
  std::string instance;
  std::atomic<bool> stop = false;
  std::atomic<bool> listening = false;
  std::mutex mutex;  // guards what follows
  std::vector<LedgerEntry> entries;
  std::map<std::string, size_t> by_id;
  std::vector<WatchedFile> files;
  std::string partial;  // event thread only: a line that has not ended
  std::thread events;
  std::thread poller;
};

namespace {

LedgerEntry* entry_of(Ledger* ledger, const std::string& id) {
  auto [it, fresh] = ledger->by_id.try_emplace(id, ledger->entries.size());
  if (fresh) ledger->entries.push_back({id, "", {}});
  return &ledger->entries[it->second];
}

void add_client(LedgerEntry* entry, const std::string& client) {
  if (client.rfind('_', 0) == 0) return;  // a hash (MASK_IDS): whose, the answers tell
  if (std::find(entry->clients.begin(), entry->clients.end(), client) == entry->clients.end())
    entry->clients.push_back(client);
}

void take_event(Ledger* ledger, const std::string& line) {
  JsonPtr json = json_from(line);
  json_t* actor = json_object_get(json.get(), "Actor");
  std::string id = json_text(actor, "ID");
  std::string name = json_text(json_object_get(actor, "Attributes"), "name");
  if (!name.empty() && name[0] == '/') name.erase(0, 1);
  if (id.empty() || name.empty()) return;
  std::lock_guard<std::mutex> guard(ledger->mutex);
  LedgerEntry* entry = entry_of(ledger, id);
  if (json_text(json.get(), "Action") == "create" && entry->born_as.empty()) entry->born_as = name;
  if (name.rfind("vnc_", 0) == 0 && name.rfind("vnc_pool_", 0) != 0) add_client(entry, name.substr(4));
}

size_t take_bytes(char* bytes, size_t size, size_t count, void* context) {
  Ledger* ledger = static_cast<Ledger*>(context);
  ledger->partial.append(bytes, size * count);
  size_t end = 0;
  while ((end = ledger->partial.find('\n')) != std::string::npos) {
    take_event(ledger, ledger->partial.substr(0, end));
    ledger->partial.erase(0, end + 1);
  }
  return size * count;
}

size_t take_status_line(char*, size_t size, size_t count, void* context) {
  static_cast<Ledger*>(context)->listening = true;
  return size * count;
}

int stop_asked(void* context, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<Ledger*>(context)->stop ? 1 : 0;
}

// An engine that is stopped and started is listened to again.
void listen(Ledger* ledger) {
  std::string filter = R"({"type":["container"],"event":["create","rename"],"label":[")" + std::string(kInstanceLabel) +
                       "=" + ledger->instance + R"("]})";
  std::string url = "http://engine/v1.41/events?filters=" + url_encode(filter);
  while (!ledger->stop) {
    CURL* easy = curl_easy_init();
    curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
    curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, ledger->socket.c_str());
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_bytes);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, ledger);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_status_line);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, ledger);
    curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, stop_asked);
    curl_easy_setopt(easy, CURLOPT_XFERINFODATA, ledger);
    curl_easy_perform(easy);
    curl_easy_cleanup(easy);
    ledger->partial.clear();
    for (int i = 0; i < 10 && !ledger->stop; ++i) usleep(20000);
  }
}

void read_file(Ledger* ledger, const std::string& path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  JsonPtr list = json_from(text.str());
  std::lock_guard<std::mutex> guard(ledger->mutex);
  size_t i = 0;
  json_t* record = nullptr;
  json_array_foreach(list.get(), i, record) {
    std::string id = json_text(record, "container_id");
    std::string client = json_text(record, "client_id");
    auto known = ledger->by_id.find(id);
    if (known != ledger->by_id.end() && !client.empty() && client != "__pool__") {
      add_client(&ledger->entries[known->second], client);
    }
  }
}

void poll_files(Ledger* ledger) {
  while (!ledger->stop) {
    std::vector<std::string> changed;
    {
      std::lock_guard<std::mutex> guard(ledger->mutex);
      for (WatchedFile& file : ledger->files) {
        struct stat now;
        if (stat(file.path.c_str(), &now) != 0) continue;
        if (now.st_ino == file.inode && now.st_mtim.tv_sec == file.modified.tv_sec &&
            now.st_mtim.tv_nsec == file.modified.tv_nsec) {
          continue;
        }
        file.inode = now.st_ino;
        file.modified = now.st_mtim;
        changed.push_back(file.path);
      }
    }
    for (const std::string& path : changed) read_file(ledger, path);
    usleep(5000);
  }
}

}  // namespace

LedgerPtr ledger_start(const std::string& socket, const std::string& instance) {
  LedgerPtr ledger(new Ledger);
  ledger->socket = socket;
  ledger->instance = instance;
  Ledger* self = ledger.get();
  ledger->events = std::thread([self] { listen(self); });
  ledger->poller = std::thread([self] { poll_files(self); });
  for (int i = 0; i < 500 && !ledger->listening; ++i) usleep(10000);
  return ledger;
}

void LedgerDeleter::operator()(Ledger* ledger) const {
  ledger->stop = true;
  ledger->events.join();
  ledger->poller.join();
  delete ledger;
}

void ledger_watch_file(Ledger* ledger, const std::string& path) {
  std::lock_guard<std::mutex> guard(ledger->mutex);
  ledger->files.push_back({path, 0, {}});
}

void ledger_note(Ledger* ledger, const std::string& container_id, const std::string& client) {
  std::lock_guard<std::mutex> guard(ledger->mutex);
  add_client(entry_of(ledger, container_id), client);
}

size_t ledger_count(Ledger* ledger) {
  std::lock_guard<std::mutex> guard(ledger->mutex);
  return ledger->entries.size();
}

std::vector<LedgerEntry> ledger_entries(Ledger* ledger, size_t first) {
  std::lock_guard<std::mutex> guard(ledger->mutex);
  if (first >= ledger->entries.size()) return {};
  return {ledger->entries.begin() + static_cast<long>(first), ledger->entries.end()};
}
