// The world by hand: how each part answers, and what every step is held against.
#include "core/drive.h"

#include <algorithm>

Naming drive_naming(bool masked) {
  return Naming{masked, [](std::string_view client) {
                  std::string hash;
                  for (const char c : client) hash += "0123456789abcdef"[static_cast<unsigned char>(c) % 16];
                  hash.resize(32, '0');
                  return hash;
                }};
}

CoreConfig drive_config(int ports, int pool) {
  CoreConfig config;
  config.port_min = kPort;
  config.port_max = kPort + ports - 1;
  config.default_size = kSize;
  config.warm_pool_size = pool;
  config.fingerprint = kPrint;
  config.instance = kInstance;
  config.run = kRun;
  config.boot_id = "boot-now";
  config.idle_timeout_ms = 8 * 3'600'000;
  config.cleanup_interval_ms = 30 * 60'000;
  return config;
}

static void take(Drive& drive, std::vector<Action>& actions);

Drive drive_create(const CoreConfig& config, const std::vector<Record>& records) {
  Drive drive;
  drive.now = Now{100'000'000, 1'770'000'000'000'000};
  std::vector<Action> actions;
  drive.table = orchestrator_create(config, records, drive.now, &actions);
  drive.disk = records;
  take(drive, actions);
  std::string broken = table_check(drive.table);
  if (!broken.empty()) fail_msg("at start: %s", broken.c_str());
  return drive;
}

Drive drive_start(int ports, int pool) {
  Drive drive = drive_create(drive_config(ports, pool));
  drive_engine_up(drive, {});
  drive_written(drive);
  return drive;
}

static void answered(Drive& drive, uint64_t request, Outcome now) {
  Outcome& outcome = drive.asked[request];
  if (outcome.status) fail_msg("request %d was answered twice", static_cast<int>(request));
  now.client = outcome.client;
  outcome = now;
}

static void redirected(Drive& drive, const AnswerRedirect& answer) {
  const std::string& client = drive.asked[answer.request].client;
  const std::string stand_in = client_stand_in(drive.table.config.naming, client);  // as good: a restart would lead to the same
  auto is_it = [&](const Record& record) { return record.port == answer.port && (record.client_id == client || record.client_id == stand_in); };
  auto record = std::find_if(drive.disk.begin(), drive.disk.end(), is_it);
  if (record == drive.disk.end())
    fail_msg("302 to port %d for %s: no record on disk says so", answer.port, client.c_str());
  std::string& owner = drive.told[record->container_id];
  if (!owner.empty() && owner != client) fail_msg("the container of %s was given to %s", owner.c_str(), client.c_str());
  owner = client;
  answered(drive, answer.request, Outcome{"", 302, answer.port, 0, 0, 0, "", record->container_id});
}

static void take(Drive& drive, std::vector<Action>& actions) {
  for (const Action& action : actions) {
    if (const auto* redirect = std::get_if<AnswerRedirect>(&action))
      redirected(drive, *redirect);
    else if (const auto* error = std::get_if<AnswerError>(&action))
      answered(drive, error->request,
               Outcome{"", error->status, 0, error->retry_after_seconds, error->max_slots, 0, error->text, ""});
    else if (const auto* gone = std::get_if<AnswerRemoved>(&action))
      answered(drive, gone->request, Outcome{"", 200, gone->port, 0, 0, 1, "", gone->container_id});
    else if (const auto* all = std::get_if<AnswerRemovedAll>(&action))
      answered(drive, all->request, Outcome{"", 200, 0, 0, 0, all->removed, "", ""});
    else if (const auto* line = std::get_if<Say>(&action))
      drive.said.push_back(*line);
    else
      drive.jobs.push_back(action);
    if (std::get_if<DoSave>(&action)) drive.writing = table_records(drive.table);
  }
}

// What /ready tells is what somebody new would come to at this moment.
static void check_ready(const Drive& drive) {
  const Readiness ready = orchestrator_ready(drive.table, drive.now);
  assert_true((ready.answer == Readiness::No) == !ready.why.empty());
  constexpr uint64_t kRequest = UINT64_MAX;
  const std::string client = "somebody-new";
  Table table = drive.table;
  std::vector<Action> actions;
  step(table, AccessAsked{kRequest, client, false, {}}, drive.now, &actions);
  std::string refusal;
  for (const Action& action : actions)
    if (const auto* error = std::get_if<AnswerError>(&action); error && error->request == kRequest) refusal = error->text;
  if (ready.answer != Readiness::No) {
    if (!refusal.empty()) fail_msg("ready, and somebody new is refused: %s", refusal.c_str());
    const Slot* slot = slot_by_client(table, client);
    assert_true(ready.answer != Readiness::Yes || (slot && slot->state == SlotState::Claiming));
    return;
  }
  // Nobody is refused before the first listing, before a look has told whose port may be taken, or since the pool fails: then a launch of its own tells why.
  const bool to_be_seen = (!table.reconciled && !table.stopping) || client_seeks(table, client) || table.pool_said;
  if (refusal.empty() && !to_be_seen) fail_msg("not ready (%s), and somebody new is served", ready.why.c_str());
}

void drive_step(Drive& drive, const Event& event) {
  std::vector<Action> actions;
  step(drive.table, event, drive.now, &actions);
  take(drive, actions);
  std::string broken = table_check(drive.table);
  if (!broken.empty()) fail_msg("after event %d: %s", static_cast<int>(event.index()), broken.c_str());
  assert_int_equal(drive.table.defects, 0);
  check_ready(drive);
  for (const auto& [port, it] : drive.table.slots) {
    if (it.state != SlotState::Ready) continue;
    if (drive.told.count(it.container_id))
      fail_msg("port %d is READY with the container of %s", port, drive.told[it.container_id].c_str());
    auto is_it = [&own = it](const Record& record) {
      return record.container_id == own.container_id && record.client_id == kPoolClient;
    };
    if (std::none_of(drive.disk.begin(), drive.disk.end(), is_it))
      fail_msg("port %d is READY and no record on disk says __pool__", port);
  }
  if (std::get_if<Tick>(&event) && drive.table.wake_ms <= drive.now.mono_ms)
    fail_msg("a Tick asks for another one at once: the loop would spin");
}

void drive_wait(Drive& drive, int64_t ms) {
  const int64_t end = drive.now.mono_ms + ms;
  const int64_t ahead_us = drive.now.wall_us - drive.now.mono_ms * 1000;
  while (drive.now.mono_ms < end) {
    drive.now.mono_ms = std::clamp(drive.table.wake_ms, drive.now.mono_ms, end);
    drive.now.wall_us = drive.now.mono_ms * 1000 + ahead_us;
    if (drive.table.wake_ms <= drive.now.mono_ms) drive_step(drive, Tick{});
  }
}

static uint64_t ask(Drive& drive, const std::string& client) {
  drive.asked[++drive.requests].client = client;
  return drive.requests;
}

uint64_t drive_access(Drive& drive, const std::string& client) {
  const uint64_t request = ask(drive, client);
  drive_step(drive, AccessAsked{request, client, false, {}});
  return request;
}

uint64_t drive_access(Drive& drive, const std::string& client, Size size) {
  const uint64_t request = ask(drive, client);
  drive_step(drive, AccessAsked{request, client, true, size});
  return request;
}

uint64_t drive_remove(Drive& drive, const std::string& client) {
  const uint64_t request = ask(drive, client);
  drive_step(drive, RemoveAsked{request, client});
  return request;
}

uint64_t drive_remove_all(Drive& drive) {
  const uint64_t request = ask(drive, "");
  drive_step(drive, RemoveAllAsked{request});
  return request;
}

// ---- The engine's and the disk's part.

// Takes the oldest job of this kind for the port off the list. port -1: of any.
template <class Job>
static Job pick(Drive& drive, int port, const char* what) {
  for (size_t i = 0; i < drive.jobs.size(); i++) {
    const auto* job = std::get_if<Job>(&drive.jobs[i]);
    if (!job) continue;
    if constexpr (requires { job->port; }) {
      if (port != -1 && job->port != port) continue;
    }
    Job picked = *job;
    drive.jobs.erase(drive.jobs.begin() + static_cast<std::ptrdiff_t>(i));
    return picked;
  }
  fail_msg("no %s was asked for (port %d)", what, port);
  return {};
}

static Failure failure(Fault fault) { return Failure{fault, fault == Fault::None ? "" : "the engine said no"}; }

std::string drive_launched(Drive& drive, int port) {
  const DoLaunch job = pick<DoLaunch>(drive, port, "launch");
  std::string id = "container-" + std::to_string(++drive.containers);
  drive_step(drive, LaunchDone{job.port, job.generation, job.job, {}, id});
  return id;
}

void drive_launch_failed(Drive& drive, int port, Fault fault, const std::string& text, const std::string& id) {
  const DoLaunch job = pick<DoLaunch>(drive, port, "launch");
  drive_step(drive, LaunchDone{job.port, job.generation, job.job, Failure{fault, text}, id});
}

void drive_checked(Drive& drive, int port, Fault fault, const Seen& seen, bool page) {
  const DoCheck job = pick<DoCheck>(drive, port, "check");
  drive_step(drive, CheckDone{job.port, job.generation, failure(fault), seen, page});
}

void drive_removed(Drive& drive, int port, Fault fault) {
  const DoRemove job = pick<DoRemove>(drive, port, "removal");
  drive_step(drive, RemoveDone{job.port, job.generation, job.container_id, failure(fault)});
}

void drive_renamed(Drive& drive, int port, Fault fault) {
  const DoRename job = pick<DoRename>(drive, port, "rename");
  drive_step(drive, RenameDone{job.port, job.generation, job.name, failure(fault)});
}

void drive_pulled(Drive& drive, Fault fault) {
  pick<DoPull>(drive, -1, "pull");
  drive_step(drive, PullDone{failure(fault)});
}

void drive_connected(Drive& drive, Fault fault) {
  pick<DoConnect>(drive, -1, "connect");
  drive_step(drive, ConnectDone{failure(fault)});
}

void drive_listed(Drive& drive, const std::vector<Seen>& seen, Fault fault) {
  const DoList job = pick<DoList>(drive, -1, "listing");
  drive_step(drive, Listed{job.asked, failure(fault), seen});
}

void drive_written(Drive& drive, const std::string& error) {
  const DoSave job = pick<DoSave>(drive, -1, "write");
  if (error.empty()) drive.disk = drive.writing;
  drive_step(drive, Written{job.version, error});
}

static Looked look(const Drive& drive, const DoLook& job, int64_t late_ms) {
  Looked looked{job.purpose, drive.now.mono_ms - late_ms, {}, drive.blind};
  for (const LookAt& at : job.at) {
    const auto found = drive.watching.find(at.port);
    const int viewers = !drive.blind.empty() ? -1 : found == drive.watching.end() ? 0 : found->second;
    looked.watched.push_back(Watched{at.port, at.generation, viewers});
  }
  return looked;
}

void drive_looked(Drive& drive, LookFor purpose, int64_t late_ms) {
  for (size_t i = 0; i < drive.jobs.size(); i++) {
    const auto* job = std::get_if<DoLook>(&drive.jobs[i]);
    if (!job || job->purpose != purpose) continue;
    const Looked looked = look(drive, *job, late_ms);
    drive.jobs.erase(drive.jobs.begin() + static_cast<std::ptrdiff_t>(i));
    drive_step(drive, looked);
    return;
  }
  fail_msg("no look of purpose %d was asked for", static_cast<int>(purpose));
}

void drive_engine_up(Drive& drive, const std::vector<Seen>& seen) {
  drive_step(drive, StreamUp{});
  drive_connected(drive);
  drive_listed(drive, seen);
}

void drive_says(Drive& drive, ContainerChange change, const std::string& id, const std::string& name) {
  ContainerChanged event;
  event.change = change;
  event.id = id;
  event.name = name;
  event.exit_code = change == ContainerChange::Died ? 137 : 0;
  event.instance = kInstance;
  drive_step(drive, event);
}

// ---- Whole stories.

// Until a write that was asked for after now's changes has been done.
static void write_all(Drive& drive) {
  while (!jobs<DoSave>(drive).empty()) drive_written(drive);
}

int drive_healthy(Drive& drive, const std::string& client) {
  const int port = slot_for(drive, client).port;
  drive_says(drive, ContainerChange::Healthy, drive_launched(drive, port));
  write_all(drive);
  expect_state(drive, port, SlotState::Assigned);
  return port;
}

int drive_session(Drive& drive, const std::string& client) {
  const uint64_t request = drive_access(drive, client);
  const int port = drive_healthy(drive, client);
  expect_answer(drive, request, 302);
  return port;
}

int drive_session(Drive& drive, const std::string& client, Size size) {
  const uint64_t request = drive_access(drive, client, size);
  const int port = drive_healthy(drive, client);
  expect_answer(drive, request, 302);
  return port;
}

int drive_pool(Drive& drive) {
  for (const DoLaunch& job : jobs<DoLaunch>(drive)) {
    if (!slot(drive, job.port).client.empty()) continue;
    drive_says(drive, ContainerChange::Healthy, drive_launched(drive, job.port));
    write_all(drive);
    expect_state(drive, job.port, SlotState::Ready);
    return job.port;
  }
  fail_msg("no launch of the pool is on its way");
  return 0;
}

static void do_first(Drive& drive) {
  const Action job = drive.jobs.front();
  if (const auto* launch = std::get_if<DoLaunch>(&job))
    drive_launched(drive, launch->port);
  else if (const auto* check = std::get_if<DoCheck>(&job))
    drive_checked(drive, check->port, Fault::None, seen_of(drive, check->port));
  else if (const auto* removal = std::get_if<DoRemove>(&job))
    drive_removed(drive, removal->port);
  else if (const auto* rename = std::get_if<DoRename>(&job))
    drive_renamed(drive, rename->port);
  else if (const auto* looks = std::get_if<DoLook>(&job))
    drive_looked(drive, looks->purpose);
  else if (std::get_if<DoPull>(&job))
    drive_pulled(drive);
  else if (std::get_if<DoConnect>(&job))
    drive_connected(drive);
  else if (std::get_if<DoList>(&job))
    drive_listed(drive, seen_all(drive));
  else
    drive_written(drive);
}

void drive_calm(Drive& drive) {
  for (int turn = 0; turn < 1000; turn++) {
    if (!drive.jobs.empty()) {
      do_first(drive);
      continue;
    }
    const int64_t held_ms = drive.table.pool_held_until_ms;
    const bool held = held_ms != kNever && held_ms > drive.now.mono_ms;
    const bool on_the_way = count_of(drive, SlotState::Waiting) + count_of(drive, SlotState::Removing) > 0;
    if (!on_the_way && !held) return;
    drive_wait(drive, 500);
  }
  fail_msg("the table does not come to rest");
}

// ---- Looking.

const Slot& slot(const Drive& drive, int port) {
  auto found = drive.table.slots.find(port);
  if (found == drive.table.slots.end()) fail_msg("there is no port %d", port);
  return found->second;
}

bool has_slot(const Drive& drive, const std::string& client) { return drive.table.by_client.count(client) != 0; }

const Slot& slot_for(const Drive& drive, const std::string& client) {
  if (!has_slot(drive, client)) fail_msg("%s has no slot", client.c_str());
  return slot(drive, drive.table.by_client.at(client));
}

int count_of(const Drive& drive, SlotState state) { return drive.table.count[static_cast<size_t>(state)]; }

const Outcome& outcome(const Drive& drive, uint64_t request) { return drive.asked.at(request); }

Seen seen_of(const Drive& drive, int port) {
  const Slot& it = slot(drive, port);
  Seen seen = seen_named(it.container_name, it.container_id, port);
  seen.run = kRun;
  seen.job = std::to_string(it.launch_job);
  seen.size = it.size;
  return seen;
}

std::vector<Seen> seen_all(const Drive& drive) {
  std::vector<Seen> all;
  for (const auto& [port, it] : drive.table.slots)
    if (!it.container_id.empty()) all.push_back(seen_of(drive, port));
  return all;
}

Record record_of(const std::string& client, const std::string& id, int port) {
  Record record;
  record.client_id = client;
  record.container_id = id;
  record.container_name = client == kPoolClient ? pool_container_name(port) : client_container_name(client);
  record.port = port;
  record.width = std::to_string(kSize.width);
  record.height = std::to_string(kSize.height);
  record.created_us = record.last_accessed_us = 1'769'999'000'000'000;
  record.fingerprint = kPrint;
  record.boot_id = "boot-now";
  record.last_accessed_mono_ms = 99'000'000;
  return record;
}

Seen seen_named(const std::string& name, const std::string& id, int port) {
  Seen seen;
  seen.id = id;
  seen.name = name;
  seen.state = SeenState::Running;
  seen.health = SeenHealth::Healthy;
  seen.port = port;
  seen.on_network = true;
  seen.instance = kInstance;
  seen.run = "run-before";
  seen.job = "1";
  seen.fingerprint = kPrint;
  seen.size = kSize;
  return seen;
}

Seen seen_client(const std::string& client, const std::string& id, int port) {
  return seen_named(client_container_name(client), id, port);
}

Seen seen_unlabelled(Seen seen) {
  seen.instance = seen.run = seen.job = seen.fingerprint = "";
  return seen;
}

Drive drive_found(const std::vector<Record>& records, const std::vector<Seen>& seen, int ports, int pool) {
  Drive drive = drive_create(drive_config(ports, pool), records);
  drive_engine_up(drive, seen);
  return drive;
}

int said(const Drive& drive, SayLevel level, const std::string& piece) {
  return static_cast<int>(std::count_if(drive.said.begin(), drive.said.end(), [&](const Say& line) {
    return line.level >= level && ("[" + std::string(line.tag) + "] " + line.text).find(piece) != std::string::npos;
  }));
}

void expect_state(const Drive& drive, int port, SlotState state) {
  const SlotState is = slot(drive, port).state;
  if (is != state) fail_msg("port %d is %s, not %s", port, slot_state_name(is), slot_state_name(state));
}

void expect_answer(const Drive& drive, uint64_t request, int status, const std::string& piece) {
  const Outcome& is = outcome(drive, request);
  if (is.status != status || is.text.find(piece) == std::string::npos)
    fail_msg("request %d of %s: %d \"%s\", not %d \"%s\"", static_cast<int>(request), is.client.c_str(), is.status,
             is.text.c_str(), status, piece.c_str());
}

void expect_waits(const Drive& drive, uint64_t request) { expect_answer(drive, request, 0); }
