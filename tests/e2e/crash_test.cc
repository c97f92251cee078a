// The daemon is killed (SIGKILL) at random moments of mixed load, again and again, also on a disk that has just become full: after each
// start nothing is left over, nobody has moved, and no container that was somebody's is ever anybody else's. SEED= repeats the moments,
// ROUNDS= says how many.
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <mutex>
#include <random>
#include <set>
#include <sstream>
#include <thread>

#include "support/daemon.h"
#include "support/report.h"
#include "support/small_disk.h"

namespace {

constexpr int kSlots = 9;

// What a client was told last. `sure`: nothing has been asked for since that could have ended the session.
struct Told {
  bool sure = false;
  int port = 0;
  std::string id;
  std::string query;  // the size it has
};

struct World {
  Daemon* d = nullptr;
  std::string disk;  // of the state file, filled before some of the kills; empty: never
  std::atomic<bool> stop = false;
  std::atomic<int> removals_of_all = 0;  // begun so far
  std::atomic<int> redirects = 0;        // in this round
  std::atomic<int> cut_off = 0;          // requests that the killing left without an answer
  int kills = 0;
  int unmoved = 0;  // sessions held against what their clients had been told, after all starts together
  std::map<std::string, int> caught;  // in the middle of what the kills came
  std::vector<double> starts;         // seconds until the daemon had listed the engine
  double slowest = 0;                 // until all was at rest again
  std::mutex mutex;                   // guards what follows
  std::map<std::string, Told> told;
  std::map<std::string, std::string> owner;  // every container that was ever answered, or recorded for a client
  std::map<long, int> answers;
  std::vector<std::string> wrong;
};

// The four who must never move: two from the pool, two with sizes of their own, of whom one changes its mind.
bool is_sitter(const std::string& client) { return client.find("-sit") != std::string::npos; }

void note_owner(World* w, const std::string& id, const std::string& client) {
  std::lock_guard<std::mutex> guard(w->mutex);
  auto [it, fresh] = w->owner.try_emplace(id, client);
  if (it->second != client)
    w->wrong.push_back("container " + id.substr(0, 12) + " of " + it->second + " is now " + client + "'s");
}

// `removals`: how many removals of all had begun when it was asked; one that has begun since may have ended the session already.
void note_redirect(World* w, const std::string& client, const std::string& query, const Told& before,
                   const HttpReply& reply, int removals) {
  std::string location = http_reply_header(reply, "location");
  int port = atoi(location.substr(location.rfind(':') + 1).c_str());
  std::vector<Entry> state = daemon_state(w->d);
  const Entry* entry = entry_find(state, client);
  bool recorded = entry != nullptr && entry->port == port;
  if (recorded) note_owner(w, entry->id, client);
  std::lock_guard<std::mutex> guard(w->mutex);
  bool undisturbed = removals == w->removals_of_all;
  Told now;
  if (recorded)
    now = {undisturbed, port, entry->id, query};
  else if (undisturbed && is_sitter(client))
    w->wrong.push_back("302 to port " + std::to_string(port) + " for " + client + " without a record on disk");
  bool same = now.id == before.id && now.port == before.port;
  if (undisturbed && before.sure && before.query == query && is_sitter(client) && !same)
    w->wrong.push_back(client + " was moved from port " + std::to_string(before.port) + " " + before.id.substr(0, 12) +
                       " to " + std::to_string(now.port) + " " + now.id.substr(0, 12));
  w->told[client] = now;
}

long ask(World* w, const std::string& client, const std::string& query) {
  int removals = w->removals_of_all;
  Told before;
  {
    std::lock_guard<std::mutex> guard(w->mutex);
    Told& told = w->told[client];
    before = told;
    if (told.query != query) told.sure = false;  // until the answer comes it may have the one or the other
  }
  HttpCall call = daemon_call(w->d, access_path(client, query));
  call.timeout_ms = 90000;
  HttpReply reply = http_call(call);
  if (reply.status == 302) {
    note_redirect(w, client, query, before, reply, removals);
    ++w->redirects;
  }
  if (reply.status == 0) ++w->cut_off;
  std::lock_guard<std::mutex> guard(w->mutex);
  if (reply.status != 0) ++w->answers[reply.status];
  return reply.status;
}

void order(World* w, const std::string& path, const std::string& client) {
  {
    std::lock_guard<std::mutex> guard(w->mutex);
    if (client.empty()) ++w->removals_of_all;
    for (auto& [name, told] : w->told) {
      if (client.empty() || client == name) told.sure = false;
    }
  }
  HttpReply reply = http_call(daemon_call(w->d, path));
  if (client.empty()) ++w->removals_of_all;  // who was answered meanwhile may have been removed right after
  if (reply.status == 0) ++w->cut_off;
  std::lock_guard<std::mutex> guard(w->mutex);
  if (reply.status != 0) ++w->answers[reply.status];
}

using Dice = std::mt19937;
int roll(Dice* dice, int sides) { return static_cast<int>((*dice)() % static_cast<unsigned>(sides)); }
void rest_ms(int ms) { usleep(static_cast<useconds_t>(ms) * 1000); }

const char* const kSizes[] = {"", "&width=800&height=600", "&width=640&height=480"};

struct Cast {
  std::vector<std::string> sitters, known;
  std::string newcomer;  // the beginning of their names
};

std::string sitters_query(World* w, const Cast& cast, size_t i) {
  if (i < 2) return "";
  if (i == 2) return kSizes[1];
  std::lock_guard<std::mutex> guard(w->mutex);
  std::string query = w->told[cast.sitters[i]].query;
  return query.empty() ? kSizes[1] : query;
}

void sit(World* w, const Cast* cast, Dice dice) {
  while (!w->stop) {
    size_t i = static_cast<size_t>(roll(&dice, 4));
    std::string query = sitters_query(w, *cast, i);
    if (i == 3 && roll(&dice, 8) == 0) query = kSizes[1 + roll(&dice, 2)];
    ask(w, cast->sitters[i], query);
    rest_ms(roll(&dice, 60));
  }
}

void come_and_go(World* w, const Cast* cast, Dice dice) {
  while (!w->stop) {
    const std::string& client = cast->known[static_cast<size_t>(roll(&dice, 3))];
    if (roll(&dice, 4) == 0)
      order(w, "/remove?id=" + client, client);
    else
      ask(w, client, kSizes[roll(&dice, 3)]);
    rest_ms(roll(&dice, 100));
  }
}

void come_for_the_first_time(World* w, const Cast* cast, int round, Dice dice) {
  for (int i = 0; !w->stop; ++i) {
    ask(w, cast->newcomer + std::to_string(round) + "." + std::to_string(i), kSizes[roll(&dice, 3)]);
    rest_ms(roll(&dice, 600));
  }
}

void remove_everybody(World* w, Dice dice) {
  rest_ms(roll(&dice, 1500));
  if (!w->stop) order(w, "/remove-all", "");
}

void check_nothing_wrong(World* w, const std::string& when) {
  std::lock_guard<std::mutex> guard(w->mutex);
  for (const std::string& text : w->wrong) fprintf(stderr, "%s: %s\n", when.c_str(), text.c_str());
  check_at(w->wrong.empty(), when);
}

// Nobody's second-hand container, in whatever /status and the state file say.
void check_owners(World* w, const std::string& when) {
  Status status = daemon_status(w->d);
  std::vector<Entry> all = daemon_state(w->d);
  all.insert(all.end(), status.records.begin(), status.records.end());
  for (const Entry& entry : all) {
    std::unique_lock<std::mutex> guard(w->mutex);
    bool used = w->owner.count(entry.id) != 0;
    guard.unlock();
    if (entry.client != "__pool__") {
      note_owner(w, entry.id, entry.client);
    } else {
      check_at(!used, when + ": a used container in the pool: " + entry.id);
    }
  }
  check_nothing_wrong(w, when);
}

// Records read, engine listed: who was told something for sure has it still. Returns how many there were.
int check_nobody_moved(World* w, const Cast& cast, const std::string& when) {
  int checked = 0;
  std::vector<Entry> records = daemon_status(w->d).records;
  for (const std::string& client : cast.sitters) {
    Told told;
    {
      std::lock_guard<std::mutex> guard(w->mutex);
      told = w->told[client];
    }
    if (!told.sure) continue;
    const Entry* entry = entry_find(records, client);
    check_at(entry != nullptr, when + ": " + client + " has lost its session on port " + std::to_string(told.port));
    check_equal(entry->id, told.id, when + ": container of " + client);
    check_number(entry->port, told.port, when + ": port of " + client);
    ++checked;
  }
  // Others may have been recycled or cleaned up; who is there must be where it was.
  std::lock_guard<std::mutex> guard(w->mutex);
  for (const Entry& entry : records) {
    auto found = w->told.find(entry.client);
    if (found == w->told.end() || !found->second.sure || found->second.id != entry.id) continue;
    check_number(entry.port, found->second.port, when + ": port of " + entry.client);
    ++checked;
  }
  return checked;
}

bool is_sure(World* w, const std::string& client) {
  std::lock_guard<std::mutex> guard(w->mutex);
  return w->told[client].sure;
}

void keep_sitting(World* w, const Cast& cast, const std::string& when) {
  for (size_t i = 0; i < cast.sitters.size(); ++i) {
    // Who asked for another size a moment before the disk was full has given up one session, and waits for room as newcomers do.
    bool has_one = is_sure(w, cast.sitters[i]);
    long status = ask(w, cast.sitters[i], sitters_query(w, cast, i));
    check_at(status == 302 || (status == 503 && !has_one), when + ": " + cast.sitters[i] + " was answered " + std::to_string(status));
  }
  check_nothing_wrong(w, when);
}

// There is room again, and within a second or two the daemon has seen it.
void wait_for_room(World* w, const Cast& cast, const std::string& when) {
  small_disk_make_room(w->disk);
  for (size_t i = 0; i < cast.sitters.size(); ++i) {
    bool served = wait_until(30, [&] { return ask(w, cast.sitters[i], sitters_query(w, cast, i)) == 302; });
    check_at(served, when + ": there is room again, and " + cast.sitters[i] + " is not served");
  }
}

// What the dead left half-done, as disk and engine show it.
void note_what_it_was_doing(World* w) {
  Daemon* d = w->d;
  std::set<std::string> doing;
  if (access((daemon_state_path(d) + ".tmp").c_str(), F_OK) == 0) doing.insert("writing its state file");
  std::map<std::string, Entry> written;
  for (const Entry& entry : daemon_state(d)) written[entry.id] = entry;
  for (const SeenContainer& seen : daemon_containers(d)) {
    auto entry = written.find(seen.id);
    if (entry == written.end())
      doing.insert(seen.state == "running" ? "waiting for a started container" : "creating or starting");
    else if (seen.state != "running")
      doing.insert("removing");
    else if (entry->second.client != "__pool__" && seen.name.rfind("vnc_pool_", 0) == 0)
      doing.insert("about to rename");
    if (entry != written.end()) written.erase(entry);
  }
  if (!written.empty()) doing.insert("removing");
  if (doing.empty()) doing.insert("nothing that shows");
  for (const std::string& what : doing) ++w->caught[what];
}

void report(World* w, unsigned seed, int rounds, size_t created) {
  auto list = [](const auto& counts) {
    std::string text;
    for (const auto& [what, count] : counts) {
      std::ostringstream one;
      one << count << " x " << what;
      text += (text.empty() ? "" : ", ") + one.str();
    }
    return text;
  };
  long answered = 0;
  for (const auto& [status, count] : w->answers) answered += count;
  std::sort(w->starts.begin(), w->starts.end());
  FaultRow row;
  row.fault = std::string("daemon killed with -9 amid mixed load, ") + (w->disk.empty() ? "" : "often on a full disk, ") +
              std::to_string(rounds) + " rounds, SEED=" + std::to_string(seed);
  row.told = std::to_string(answered + w->cut_off) + " requests: " + list(w->answers) + ", " +
             std::to_string(w->cut_off) + " cut off";
  row.kept = std::to_string(w->unmoved) + " sessions found where they were, 0 moved";
  row.well = "listed after " + report_seconds(w->starts[w->starts.size() / 2]) + " (median), " +
             report_seconds(w->starts.back()) + " (most); at rest after " + report_seconds(w->slowest) + " at most";
  row.more = std::to_string(w->kills) + " kills, amid: " + list(w->caught) + "; " + std::to_string(created) +
             " containers made, " + std::to_string(w->owner.size()) +
             " given to clients, each to one; 0 left over, 0 used ones in the pool";
  report_fault(row);
}

// The logs of the last two rounds are enough to see what went wrong.
void turn_logs(const Daemon* d) {
  std::error_code ignored;
  std::filesystem::remove_all(d->folder + "/logs.before", ignored);
  std::filesystem::rename(d->folder + "/logs", d->folder + "/logs.before", ignored);
}

// Load until a random moment, or right behind a random 302; then the end comes without a word.
void load_and_kill(World* w, const Cast& cast, int round, Dice* dice) {
  w->stop = false;
  w->redirects = 0;
  std::vector<std::thread> threads;
  threads.emplace_back(sit, w, &cast, Dice((*dice)()));
  threads.emplace_back(come_and_go, w, &cast, Dice((*dice)()));
  threads.emplace_back(come_for_the_first_time, w, &cast, round, Dice((*dice)()));
  if (roll(dice, 8) == 0) threads.emplace_back(remove_everybody, w, Dice((*dice)()));
  if (roll(dice, 2) == 0) {
    rest_ms(roll(dice, 2500));
  } else {
    int target = 1 + roll(dice, 12);
    double end = now_seconds() + 3;
    while (w->redirects < target && now_seconds() < end) usleep(500);
  }
  if (!w->disk.empty() && roll(dice, 4) != 0) {
    small_disk_fill(w->disk, roll(dice, 2) == 0 ? DiskLacks::Blocks : DiskLacks::Inodes);
    ++w->caught["a full disk"];
    rest_ms(roll(dice, 700));
  }
  daemon_kill9(w->d);
  w->stop = true;
  for (std::thread& thread : threads) thread.join();
}

void kill_again_and_again(Scene* scene, const std::string& disk, int rounds) {
  const char* seed_text = getenv("SEED");
  unsigned seed = seed_text != nullptr ? static_cast<unsigned>(atol(seed_text)) : std::random_device()();
  printf("             SEED=%u ROUNDS=%d\n", seed, rounds);
  Dice dice(seed);
  World world;
  World* w = &world;
  Daemon* d = scene->daemon;
  w->d = d;
  w->disk = disk;
  Cast cast;
  for (int i = 0; i < 4; ++i) cast.sitters.push_back(suite_client(*scene->suite, "sit" + std::to_string(i)));
  for (int i = 0; i < 3; ++i) cast.known.push_back(suite_client(*scene->suite, "known" + std::to_string(i)));
  cast.newcomer = suite_client(*scene->suite, "new");
  daemon_set(d, "WARM_POOL_SIZE", "1");
  daemon_set(d, "IDLE_TIMEOUT_HOURS", "0.01");  // 36 s: those who come once are cleaned up some rounds later
  daemon_set(d, "CLEANUP_INTERVAL_MINUTES", "0.02");
  daemon_set(d, "LOG_LEVEL", "INFO");
  daemon_set_ports(d, 10, kSlots);
  size_t created = ledger_count(scene->suite->ledger.get());
  for (int round = 0; round <= rounds; ++round) {
    std::string when = "SEED=" + std::to_string(seed) + " round " + std::to_string(round);
    if (round > 0 && roll(&dice, 4) == 0) {  // killed while it starts, too
      daemon_start(d);
      rest_ms(roll(&dice, 300));
      daemon_kill9(d);
      ++w->kills;
      ++w->caught["its own start"];
    }
    turn_logs(d);
    double began = now_seconds();
    daemon_start(d);
    daemon_wait_reconciled(d);
    w->starts.push_back(now_seconds() - began);
    w->unmoved += check_nobody_moved(w, cast, when);
    check_owners(w, when);
    if (!disk.empty()) wait_for_room(w, cast, when);
    bool settled = wait_until(60, [&] {
      keep_sitting(w, cast, when);
      return daemon_status(d).pool == 1 && daemon_books_agree(d);
    });
    if (!settled) {
      for (const SeenContainer& seen : daemon_containers(d))
        fprintf(stderr, "container %s %s %s\n", seen.id.c_str(), seen.name.c_str(), seen.state.c_str());
      for (const Entry& entry : daemon_status(d).records)
        fprintf(stderr, "record %s %s\n", entry.id.c_str(), entry.client.c_str());
    }
    check_at(settled, when + ": containers, records and /status do not come together");
    w->slowest = std::max(w->slowest, now_seconds() - began);
    check_owners(w, when);
    if (round == rounds) break;
    load_and_kill(w, cast, round, &dice);
    note_what_it_was_doing(w);
    ++w->kills;
    check_nothing_wrong(w, when);
  }
  report(w, seed, rounds, ledger_count(scene->suite->ledger.get()) - created);
}

int rounds_of(int briefly, int at_length) {
  const char* text = getenv("ROUNDS");
  return text != nullptr ? atoi(text) : report_pick(briefly, at_length);
}

void killed_at_random_moments_of_mixed_load(Scene* scene) { kill_again_and_again(scene, "", rounds_of(5, 200)); }

// A tenth of the rounds: the disk is the same each time, and only its fullness new.
void killed_on_a_disk_that_has_just_become_full(Scene* scene) {
  Daemon* d = scene->daemon;
  std::string disk = d->folder + "/disk";
  small_disk_mount(scene, disk, DiskLacks::Inodes);
  daemon_set(d, "STATE_FILE", "disk/state.json");
  kill_again_and_again(scene, disk, (rounds_of(20, 200) + 9) / 10);
}

}  // namespace

int main() {
  const std::vector<CMUnitTest> tests = {
      E2E_TEST(killed_at_random_moments_of_mixed_load),
      E2E_TEST(killed_on_a_disk_that_has_just_become_full),
  };
  return suite_main("crash", tests);
}
