// The loop thread: something arrives, becomes one event, goes through step(), and the actions are carried out. Nobody else touches the
// table, libevent or the log.
#include "daemon/daemon.h"

#include <event2/event.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <deque>
#include <filesystem>
#include <memory>
#include <utility>

#include "codec/accept.h"
#include "codec/mask.h"
#include "codec/snapshot.h"
#include "codec/text.h"
#include "core/orchestrator.h"
#include "daemon/drain.h"
#include "daemon/entrances.h"
#include "daemon/eyes.h"
#include "daemon/guard.h"
#include "daemon/labels.h"
#include "daemon/learned.h"
#include "daemon/meters.h"
#include "daemon/ready.h"
#include "daemon/reload.h"
#include "daemon/routes.h"
#include "daemon/status.h"
#include "daemon/translate.h"
#include "io/host.h"
#include "io/httpd.h"
#include "io/log.h"
#include "io/mailbox.h"
#include "io/marker.h"
#include "io/pseudonym.h"
#include "io/store.h"
#include "io/watcher.h"
#include "io/workers.h"

namespace {

// Creating and starting is what the engine is slowest at, and half of these threads are never the pool's (core/rules.h, kPoolParallel).
constexpr size_t kLaunchThreads = 8;
constexpr size_t kGeneralThreads = 6;  // removals, renames, checks, listings: they never queue behind launches
constexpr size_t kActionsKept = 64;
constexpr int64_t kMeasureEveryMs = 10000;
constexpr int64_t kStopMs = 7000;      // for what is on its way at a stop; with the last write it stays below 10 s

template <auto Free>
struct Freer {
  template <class T>
  void operator()(T* handle) const {
    Free(handle);
  }
};
using BasePtr = std::unique_ptr<event_base, Freer<event_base_free>>;
using EventPtr = std::unique_ptr<event, Freer<event_free>>;

struct Daemon {
  Settings settings;
  NameValues environment;  // of the start
  int connections = 0;     // that clients may hold
  JobContext jobs;
  Doors doors;
  LogPtr log;
  StorePtr store;
  Learned learned;
  Naming naming;
  Guard guard;
  std::string certificate_said;  // why launches have to do without, as it was logged last
  BasePtr base;
  MailboxPtr mailbox;
  EnginePtr engine;
  Entrances entrances;
  LanePtr launches, general, pulls, writes;
  Meters meters;
  StatusDesk status;
  ReadyDesk ready;
  Eyes eyes;
  WatcherPtr watcher;
  EventPtr on_mail, on_timer, on_second, on_term, on_int, on_hup;

  Table table;
  std::deque<Event> arrived;  // taken in one after the other, also when taking one in makes another arrive
  std::vector<Action> actions;  // of the turn; what was room for one turn is for the next
  bool taking = false;
  bool ticking = false;  // on_second is due within a second
  int64_t armed_ms = kNever;
  int64_t stop_by_ms = kNever;
  int64_t measure_at_ms = 0;  // the memory there is for the pool
  std::shared_ptr<std::atomic<bool>> stopping = std::make_shared<std::atomic<bool>>(false);
  int exit_status = 0;
};

Now read_clocks() {
  const int64_t wall_us = host_wall_us();
  return Now{host_monotonic_ms(), wall_us, host_east_s(wall_us)};
}

LogLevel log_level_of(SayLevel level) {
  switch (level) {
    case SayLevel::Debug: return LogLevel::Debug;
    case SayLevel::Info: return LogLevel::Info;
    case SayLevel::Warning: return LogLevel::Warning;
    case SayLevel::Error: return LogLevel::Error;
  }
  return LogLevel::Info;
}

void tick_soon(Daemon& daemon) {
  if (daemon.ticking || !daemon.on_second) return;
  const timeval second{1, 0};
  daemon.ticking = event_add(daemon.on_second.get(), &second) == 0;
}

// Once a minute of local time, as it begins, when there is nothing to be done by the second: midnight is the beginning of one, too.
void tick_late(Daemon& daemon) {
  if (daemon.ticking) return;
  const int64_t wall_us = host_wall_us();
  const timeval wait{60 - (wall_us / 1'000'000 + host_east_s(wall_us)) % 60, 0};
  event_add(daemon.on_second.get(), &wait);
}

void write_log_at(Daemon& daemon, int64_t wall_us, LogLevel level, std::string_view tag, std::string_view text, std::string_view request = {}) {
  if (daemon.settings.mask_ids == kOn)
    log_line(daemon.log.get(), wall_us, level, tag, mask_line(text, daemon.settings.docker_network_name), request);
  else
    log_line(daemon.log.get(), wall_us, level, tag, text, request);
  tick_soon(daemon);
}

void write_log(Daemon& daemon, LogLevel level, std::string_view tag, std::string_view text, std::string_view request = {}) {
  write_log_at(daemon, host_wall_us(), level, tag, text, request);
}

void say_learned(Daemon& daemon, const LearnedWord& word) {
  if (!word.text.empty()) write_log(daemon, word.level, "POOL", word.text);
}

// ---- Actions.

void submit(Daemon& daemon, Lane* lane, LaneOrder order, Job job) {
  const Engine* engine = daemon.engine.get();
  Mailbox* mailbox = daemon.mailbox.get();
  lane_submit(lane, order, [engine, mailbox, job = std::move(job), stopping = daemon.stopping, submitted_us = host_monotonic_us()]() -> Message {
    const double queued_seconds = static_cast<double>(host_monotonic_us() - submitted_us) / 1e6;
    bool too_late = stopping->load() && (job.kind == JobKind::Launch || job.kind == JobKind::Pull);
    if (too_late) {
      JobResult result;
      result.kind = job.kind;
      result.id = job.id;
      result.port = job.port;
      result.generation = job.generation;
      result.error = EngineError{EngineFault::Unreachable, "the orchestrator is stopping"};
      return result;
    }
    JobResult result = job_run(*engine, job, [mailbox](const std::string& line) { mailbox_post(mailbox, PullProgress{line}); });
    result.queued_seconds = queued_seconds;
    return result;
  });
}

// One at a time; where the network is not known yet, whoever makes it makes its firewall.
void guard_look(Daemon& daemon) {
  if (daemon.guard.looking || daemon.jobs.bridge.empty()) return;
  daemon.guard.looking = true;
  submit(daemon, daemon.general.get(), LaneOrder::Normal, job_firewall(daemon.jobs));
}

// The text is made by the store's thread: for 1,000 sessions it takes 10 ms and more, and the loop has others to serve.
void save(Daemon& daemon, uint64_t version) {
  Store* store = daemon.store.get();
  lane_submit(daemon.writes.get(), LaneOrder::Normal, [store, version, records = table_records(daemon.table)]() -> Message {
    const int64_t began_us = host_monotonic_us();
    StoreWritten written;
    written.version = version;
    written.error = store_replace(store, snapshot_write(records));
    written.seconds = static_cast<double>(host_monotonic_us() - began_us) / 1e6;
    return written;
  });
}

struct Performer {
  Daemon& daemon;
  int64_t wall_us;  // of the turn

  void answer(uint64_t request, const HttpAnswer& text) const {
    entrances_answer(daemon.entrances, request, text);
  }

  void operator()(const AnswerRedirect& action) const {
    if (const Asker* asker = labels_asker(daemon.entrances.labels, action.request))
      meters_access(&daemon.meters, action.claim, host_monotonic_us() - asker->began_us);
    answer(action.request, route_redirect(daemon.settings, action.port));
  }
  void operator()(const AnswerRemoved& action) const { answer(action.request, route_removed(action)); }
  void operator()(const AnswerRemovedAll& action) const { answer(action.request, route_removed_all(action)); }
  void operator()(const AnswerError& action) const { answer(action.request, route_error(action)); }
  void operator()(const DoLaunch& action) const {
    submit(daemon, daemon.launches.get(), action.urgent ? LaneOrder::Urgent : LaneOrder::Normal, job_launch(daemon.jobs, action));
  }
  void operator()(const DoCheck& action) const { submit(daemon, daemon.general.get(), LaneOrder::Normal, job_check(daemon.jobs, action)); }
  void operator()(const DoRemove& action) const { submit(daemon, daemon.general.get(), LaneOrder::Urgent, job_remove(daemon.jobs, action)); }
  void operator()(const DoRename& action) const { submit(daemon, daemon.general.get(), LaneOrder::Normal, job_rename(action)); }
  void operator()(const DoPull&) const { submit(daemon, daemon.pulls.get(), LaneOrder::Normal, job_pull(daemon.jobs)); }
  void operator()(const DoConnect&) const { submit(daemon, daemon.general.get(), LaneOrder::Urgent, job_connect(daemon.jobs)); }
  void operator()(const DoList& action) const {
    submit(daemon, daemon.general.get(), LaneOrder::Urgent, job_list(daemon.jobs, daemon.table, action));
    guard_look(daemon);
  }
  void operator()(const DoSave& action) const { save(daemon, action.version); }
  void operator()(const DoLook& action) const { eyes_look(&daemon.eyes, action); }
  void operator()(const Say& action) const {
    const LogLevel level = log_level_of(action.level);
    if (log_wants(daemon.log.get(), level)) write_log_at(daemon, wall_us, level, action.tag, action.text, labels_of(daemon.entrances.labels, action));
  }
};

// ---- One event at a time.

void arm_timer(Daemon& daemon) {
  int64_t due = daemon.table.wake_ms < daemon.stop_by_ms ? daemon.table.wake_ms : daemon.stop_by_ms;
  if (due == daemon.armed_ms) return;
  daemon.armed_ms = due;
  if (due == kNever) {
    event_del(daemon.on_timer.get());
    return;
  }
  int64_t wait_ms = due - host_monotonic_ms();
  if (wait_ms < 0) wait_ms = 0;
  timeval wait{static_cast<time_t>(wait_ms / 1000), static_cast<suseconds_t>(wait_ms % 1000 * 1000)};
  event_add(daemon.on_timer.get(), &wait);
}

void leave_when_done(Daemon& daemon) {
  if (daemon.stop_by_ms == kNever) return;
  bool done = orchestrator_at_rest(daemon.table) && entrances_drained(daemon.entrances);
  bool late = host_monotonic_ms() >= daemon.stop_by_ms;
  if (!done && late) write_log(daemon, LogLevel::Warning, "", "Stopping although something is still on its way: the next start puts it in order");
  if (done || late) event_base_loopbreak(daemon.base.get());
}

void take(Daemon& daemon, Event event) {
  if (daemon.taking) {
    daemon.arrived.push_back(std::move(event));
    return;
  }
  daemon.taking = true;
  for (;;) {
    const Now now = read_clocks();
    daemon.actions.clear();
    step(daemon.table, event, now, &daemon.actions);
    for (const Action& action : daemon.actions) std::visit(Performer{daemon, now.wall_us}, action);
    if (daemon.arrived.empty()) break;
    event = std::move(daemon.arrived.front());
    daemon.arrived.pop_front();
  }
  if (daemon.actions.capacity() > kActionsKept) daemon.actions = {};
  daemon.taking = false;
  arm_timer(daemon);
  leave_when_done(daemon);
}

bool is_local_engine(const Settings& settings) { return settings.docker_host.starts_with("unix://"); }

// ---- What arrives.

// What goes on as it was is not said at each launch.
void log_certificate(Daemon& daemon, CertificateState state, const std::string& error) {
  const OwnCertificate& own = daemon.jobs.certificate;
  if (state == CertificateState::Made)
    write_log(daemon, LogLevel::Info, "CREATE",
              "New certificate for all sessions, made out to " + own.host + ": " + own.path + ". Browsers ask their users about it once, Firefox once for each port");
  if (state == CertificateState::Failed && error != daemon.certificate_said)
    write_log(daemon, LogLevel::Warning, "CREATE",
              "No certificate for all sessions (" + error + "): each makes its own, and browsers ask their users at each. Mend that, or set VNC_TLS_CERT and VNC_TLS_KEY");
  daemon.certificate_said = error;
}

std::string network_anew(const std::string& name) {
  return "To have it made anew, when its sessions may end: stop the orchestrator, docker rm -f $(docker ps -aq --filter network=" + name + "), docker network rm " +
         name + ", and start again";
}

void guard_seen(Daemon& daemon, const JobResult& result) {
  if (result.kind == JobKind::Firewall) daemon.guard.looking = false;
  if (result.firewall.state == FirewallState::Pending) return;
  if (result.kind != JobKind::Firewall) daemon.jobs.bridge = result.network.bridge;
  daemon.jobs.firewall = result.firewall.seen;
  const GuardWord word = guard_told(&daemon.guard, result.firewall);
  daemon.status.firewall = guard_shown(daemon.guard);
  if (!word.text.empty()) write_log(daemon, word.level, "NETWORK", word.text);
  // Jobs end in any order: what was made last may be of settings that are no longer so.
  if (result.firewall.plan != firewall_plan(daemon.jobs)) guard_look(daemon);
}

void log_job(Daemon& daemon, const JobResult& result) {
  if (result.network_remade) write_log(daemon, LogLevel::Warning, "NETWORK", "Network " + daemon.settings.docker_network_name + " had gone: made again");
  if (result.kind == JobKind::Launch) log_certificate(daemon, result.certificate, result.certificate_error);
  if (result.kind != JobKind::Connect || result.version.api.empty()) return;
  write_log(daemon, LogLevel::Info, "HEALTH CHECK",
            "Engine " + result.version.engine + " answers, API " + result.version.api + " (it offers " + result.version.api_minimum + " to " +
                result.version.api + ")");
  const std::string& name = daemon.settings.docker_network_name;
  if (result.error) {
    write_log(daemon, LogLevel::Error, "NETWORK", "Network " + name + " is not to be had, so no session can start: " + result.error.text);
    return;
  }
  std::string subnets;
  bool matches = false;
  for (const std::string& subnet : result.network.subnets) {
    subnets += (subnets.empty() ? "" : ", ") + subnet;
    matches = matches || subnet == daemon.settings.docker_network_subnet;
  }
  // Whoever is in DOCKER_NETWORK_SUBNET and not in a session's network is a client like any other.
  if (!result.network.subnets.empty()) daemon.doors.sessions = result.network.subnets;
  write_log(daemon, LogLevel::Info, "NETWORK", "Network " + name + (result.network.created ? " created: " : " reused: ") + subnets);
  if (!matches)
    write_log(daemon, LogLevel::Warning, "NETWORK",
              "Network " + name + " has subnet " + subnets + ", not DOCKER_NETWORK_SUBNET=" + daemon.settings.docker_network_subnet +
                  ". " + network_anew(name));
  if (!result.network.isolated)
    write_log(daemon, LogLevel::Warning, "NETWORK",
              "Network " + name + " lets sessions reach one another, as those do that earlier versions made. " + network_anew(name));
}

void identify(Daemon& daemon, std::vector<std::string> container_ids) {
  submit(daemon, daemon.general.get(), LaneOrder::Normal, job_identify(std::move(container_ids)));
}

// The engine tells whose process is whose: of what runs at the start and of what was launched before anybody needs to look, of the rest when
// somebody has looked in vain.
void meet(Daemon& daemon, const JobResult& result) {
  if (daemon.table.config.look_every_ms == 0 && !pool_thinks(daemon.table)) return;
  if (result.kind == JobKind::Launch && !result.error) identify(daemon, {result.container_id});
  const bool asked = result.kind == JobKind::Identify;
  std::vector<EyesProcess> processes;
  std::vector<LookTarget> at;
  for (const ContainerInfo& info : result.list) {
    const bool runs = info.state == ContainerState::Running || info.state == ContainerState::Paused;
    // A listing names the process of those alone that were inspected for it.
    if (!runs || (!asked && info.pid == 0)) continue;
    processes.push_back(EyesProcess{info.id, info.pid});
    const Slot* slot = slot_by_container(daemon.table, info.id);
    if (asked && slot != nullptr) at.push_back(LookTarget{info.id, slot->port, slot->generation});
  }
  if (!processes.empty()) eyes_meet(&daemon.eyes, std::move(processes), std::move(at));
}

struct Receiver {
  Daemon& daemon;

  void operator()(const JobResult& result) const {
    meters_job(&daemon.meters, result);
    log_job(daemon, result);
    guard_seen(daemon, result);
    meet(daemon, result);
    if (result.kind == JobKind::LookForImage) {
      ready_desk_told(&daemon.ready, orchestrator_ready(daemon.table, read_clocks()), result.error, daemon.entrances);
      leave_when_done(daemon);
    }
    if (std::optional<Event> event = event_of_result(result)) take(daemon, std::move(*event));
  }
  void operator()(const LookDone& done) const {
    if (!done.seen.unknown.empty()) identify(daemon, done.seen.unknown);
    take(daemon, event_of_look(done));
  }
  void operator()(const EngineEvent& happened) const {
    if (auto known = event_of_engine(happened, daemon.settings.docker_network_name)) take(daemon, std::move(*known));
  }
  void operator()(const StreamOpened&) const {
    meters_stream(&daemon.meters, true, host_monotonic_us());
    take(daemon, StreamUp{});
  }
  void operator()(const StreamClosed& closed) const {
    meters_stream(&daemon.meters, false, host_monotonic_us());
    take(daemon, StreamDown{closed.error.text});
  }
  void operator()(const StoreWritten& written) const {
    meters_written(&daemon.meters, written);
    take(daemon, Written{written.version, written.error});
  }
  void operator()(StatusMade& made) const {
    status_desk_made(&daemon.status, daemon.table, daemon.entrances, std::move(made));
    leave_when_done(daemon);
  }
  void operator()(const LookoutMemory& seen) const { take(daemon, RoomSeen{seen.total_kib, seen.available_kib, seen.session_kib}); }
  void operator()(const ForesightKept& kept) const { say_learned(daemon, learned_kept(&daemon.learned, kept.error)); }
  void operator()(const DrainKept& kept) const {
    if (kept.error.empty()) {
      take(daemon, DrainSet{kept.since_us, kept.request});
    } else {
      const Asker* asker = labels_asker(daemon.entrances.labels, kept.request);
      write_log(daemon, LogLevel::Error, "DRAIN", "Nothing has changed: " + kept.error, asker ? std::string_view(asker->label) : std::string_view());
    }
    entrances_answer(daemon.entrances, kept.request, route_drained(daemon.table, kept.error));
    leave_when_done(daemon);
  }
  void operator()(const PullProgress& progress) const { write_log(daemon, LogLevel::Info, "CREATE", "Pulling: " + progress.line); }
};

void on_mail(evutil_socket_t, short, void* context) {
  auto& daemon = *static_cast<Daemon*>(context);
  for (Message& message : mailbox_take(daemon.mailbox.get())) std::visit(Receiver{daemon}, message);
}

void on_timer(evutil_socket_t, short, void* context) {
  auto& daemon = *static_cast<Daemon*>(context);
  daemon.armed_ms = kNever;
  take(daemon, Tick{});
}

void on_second(evutil_socket_t, short, void* context) {
  auto& daemon = *static_cast<Daemon*>(context);
  daemon.ticking = false;
  log_tick(daemon.log.get(), host_wall_us());
  if (pool_thinks(daemon.table) && daemon.stop_by_ms == kNever) {
    // The memory of another machine's engine is not to be seen from here.
    if (is_local_engine(daemon.settings) && host_monotonic_ms() >= daemon.measure_at_ms) {
      daemon.measure_at_ms = host_monotonic_ms() + kMeasureEveryMs;
      eyes_measure(&daemon.eyes);
    }
    learned_keep(&daemon.learned, daemon.table.foresight, daemon.writes.get());
  }
  leave_when_done(daemon);
  if (pool_thinks(daemon.table) || daemon.stop_by_ms != kNever) tick_soon(daemon);
  tick_late(daemon);
}

// What is counted elsewhere than in the meters is asked for it here, once a scrape.
HttpAnswer metrics_answer(Daemon& daemon) {
  Metrics metrics = meters_read(daemon.meters, daemon.table, daemon.entrances, host_monotonic_us());
  metrics.started_s = static_cast<double>(daemon.status.since_us) / 1e6;
  for (const auto& [name, lane] : {std::pair{"launch", &daemon.launches}, {"engine", &daemon.general}, {"pull", &daemon.pulls}, {"store", &daemon.writes},
                                   {"status", &daemon.status.lane}, {"look", &daemon.eyes.lane}})
    metrics.lanes.emplace_back(name, lane_unfinished(lane->get()));
  metrics.log_lost = log_lost(daemon.log.get());
  HttpAnswer answer;
  answer.body = metrics_text(metrics);
  answer.content_type = kMetricsType;
  return answer;
}

void on_route(Daemon& daemon, const HttpRequest& request, Route route) {
  if (!route.refused.empty())
    write_log(daemon, LogLevel::Warning, "ACCESS",
              std::to_string(route.answer.status) + " to " + request.peer + " for " + text_one_line(request.method, 20) + " " +
                  text_one_line(request.path, 100) + ": " + route.refused, request.label);
  switch (route.kind) {
    case RouteKind::Answer: entrances_answer(daemon.entrances, request.id, route.answer); return;
    case RouteKind::Status:
      write_log(daemon, LogLevel::Info, "STATUS", std::to_string(table_status_size(daemon.table)) + " active containers", request.label);
      if (route.client.empty())
        status_desk_ask(&daemon.status, daemon.table, request.id);
      else
        entrances_answer(daemon.entrances, request.id, status_of_client(daemon.table, route.client));
      return;
    case RouteKind::Ready:
      if (ready_desk_ask(&daemon.ready, orchestrator_ready(daemon.table, read_clocks()), daemon.entrances, request.id))
        submit(daemon, daemon.general.get(), LaneOrder::Urgent, job_look_for_image(daemon.jobs));
      return;
    case RouteKind::Drain:
    case RouteKind::Undrain:
      drain_keep(drain_path(daemon.settings.state_file), route.kind == RouteKind::Drain, request.id, daemon.writes.get());
      return;
    case RouteKind::Metrics: entrances_answer(daemon.entrances, request.id, metrics_answer(daemon)); return;
    case RouteKind::Ask:
      take(daemon, std::move(route.event));
      return;
  }
}

void on_request(void* context, const HttpRequest& request) {
  auto& daemon = *static_cast<Daemon*>(context);
  Route route = route_request(request, daemon.doors, entrances_is_admin(request.id));
  labels_begin(&daemon.entrances.labels, request, route.row, host_monotonic_us());
  on_route(daemon, request, std::move(route));
  labels_end(&daemon.entrances.labels);
}

void on_notice(void* context, const std::string& text) { write_log(*static_cast<Daemon*>(context), LogLevel::Warning, "HTTP", text); }

void on_gone(void* context, uint64_t request) {
  auto& daemon = *static_cast<Daemon*>(context);
  take(daemon, RequesterGone{request});
  labels_answered(&daemon.entrances.labels, request);
}

void on_stop(evutil_socket_t signal, short, void* context) {
  auto& daemon = *static_cast<Daemon*>(context);
  if (daemon.stop_by_ms != kNever) return;
  write_log(daemon, LogLevel::Info, "", std::string("Stopping (") + (signal == SIGTERM ? "SIGTERM" : "SIGINT") + "): sessions run on");
  host_notify("STOPPING=1");
  daemon.stopping->store(true);
  daemon.stop_by_ms = host_monotonic_ms() + kStopMs;
  entrances_stop_accepting(daemon.entrances);
  take(daemon, Stop{});
}

// ---- Start.

std::string hours_text(double value) {
  char text[32];
  snprintf(text, sizeof text, "%g", value);
  return text;
}

void write_banner(Daemon& daemon, const std::vector<std::string>& warnings) {
  const Settings& settings = daemon.settings;
  write_log(daemon, LogLevel::Info, "", "========== STARTUP RECONCILIATION ==========");
  for (const std::string& line : settings_banner(settings)) write_log(daemon, LogLevel::Info, "", line);
  for (const std::string& warning : warnings) write_log(daemon, LogLevel::Warning, "", warning);
  std::vector<std::string> addresses = host_addresses();
  if (settings.vnc_host == "localhost" && !addresses.empty())
    write_log(daemon, LogLevel::Warning, "",
              "VNC_HOST=localhost: links work on this machine only. Others reach it as " + addresses.front() + ": set VNC_HOST to that or to its name");
  write_log(daemon, LogLevel::Info, "", "========== CLEANUP SCHEDULER ==========");
  write_log(daemon, LogLevel::Info, "CLEANUP", "IDLE_TIMEOUT_HOURS      = " + hours_text(settings.idle_timeout_hours));
  write_log(daemon, LogLevel::Info, "CLEANUP", "CLEANUP_INTERVAL_MINUTES = " + hours_text(settings.cleanup_interval_minutes));
  write_log(daemon, LogLevel::Info, "", "=======================================");
}

// Published ports are reached through the address they are bound to; on another host's engine, through that host.
std::string probe_host(const Settings& settings) {
  const std::string tcp = "tcp://";
  if (settings.docker_host.starts_with(tcp)) return settings.docker_host.substr(tcp.size(), settings.docker_host.rfind(':') - tcp.size());
  return settings.vnc_bind == "0.0.0.0" || settings.vnc_bind == "::" ? "127.0.0.1" : settings.vnc_bind;
}

// Beside STATE_FILE. An engine behind TCP is taken for another machine's, which cannot mount a file of this one.
OwnCertificate own_certificate(const Settings& settings) {
  if (!settings.vnc_tls_cert.empty() || !is_local_engine(settings)) return {};
  std::error_code error;
  const std::filesystem::path state = std::filesystem::absolute(settings.state_file, error);
  if (error) return {};
  std::string host = settings.vnc_host;
  if (host.starts_with('[')) host = host.substr(1, host.size() - 2);  // an IPv6 address, as links write it
  return OwnCertificate{state.string() + ".certificate.pem", host};
}

// What else is made of the settings, at the start and whenever they are read again.
void adopt_settings(Daemon& daemon) {
  const Settings& settings = daemon.settings;
  daemon.doors.own = origin_own_hosts(settings, host_name());
  daemon.doors.token = settings.admin_token;
  daemon.doors.admin_elsewhere = !settings.admin_listen.empty();
  daemon.jobs.settings = &settings;
  daemon.jobs.probe_host = probe_host(settings);
  daemon.jobs.certificate = own_certificate(settings);
}

CoreConfig core_config_now(const Daemon& daemon) {
  CoreConfig config = core_config(daemon.settings, daemon.connections, daemon.jobs.run, host_boot_id());
  config.naming = daemon.naming;
  return config;
}

// With MASK_IDS=off, too, what was named under it is known by its key.
bool choose_naming(Daemon& daemon, std::string* error) {
  const std::string path = daemon.settings.state_file + ".key";
  std::string key;
  bool remade = false;
  daemon.naming.masked = daemon.settings.mask_ids == kOn;
  if (!pseudonym_key(path, daemon.naming.masked, &key, &remade, error)) return false;
  if (remade)
    write_log(daemon, LogLevel::Warning, "STATE", path + " could not be understood, so it was made anew: containers that STATE_FILE does not know are nobody's");
  if (!key.empty()) daemon.naming.hash = [key](std::string_view client) { return pseudonym(key, client); };
  return true;
}

void remember_pool(Daemon& daemon) {
  if (pool_thinks(daemon.table) && daemon.learned.path.empty())
    say_learned(daemon, learned_load(&daemon.learned, daemon.settings.state_file, &daemon.table.foresight));
}

// ---- Settings read again. A bad file changes nothing.

void reload(Daemon& daemon) {
  Settings next;
  std::vector<std::string> errors, warnings;
  std::vector<ReloadWord> words;
  if (settings_load(daemon.environment, &next, &errors, &warnings)) {
    if (next.tz.empty()) next.tz = host_time_zone();
    words = reload_words(settings_adopt(daemon.settings, &next));
    daemon.settings = next;
    log_set_level(daemon.log.get(), next.log_level);
    adopt_settings(daemon);
    daemon.status.settings_us = host_wall_us();
  } else {
    words = reload_refused(errors);
  }
  for (const std::string& warning : warnings) write_log(daemon, LogLevel::Warning, "RELOAD", warning);
  for (const ReloadWord& word : words) write_log(daemon, word.level, "RELOAD", word.text);
  if (!errors.empty()) return;
  take(daemon, Reconfigured{core_config_now(daemon)});
  daemon.settings.port_range_min = daemon.table.config.port_min;  // it may have had to stay
  daemon.settings.port_range_max = daemon.table.config.port_max;
  remember_pool(daemon);
  guard_look(daemon);
}

void on_reload(evutil_socket_t, short, void* context) {
  auto& daemon = *static_cast<Daemon*>(context);
  log_flush(daemon.log.get());  // into a new file, should the old one have been moved
  if (daemon.stop_by_ms == kNever) reload(daemon);
}

// The records of an earlier run. A file that cannot be understood is set aside, never overwritten. One that cannot be made is no reason
// not to start: the table writes itself down once the engine has been listed, and tries again until it can.
bool load_records(Daemon& daemon, std::vector<Record>* records, std::string* error) {
  std::string text, problem, kept;
  switch (store_read(daemon.store.get(), &text, error)) {
    case StoreRead::Failed: return false;
    case StoreRead::Missing:
      problem = store_replace(daemon.store.get(), snapshot_write({}));
      write_log(daemon, problem.empty() ? LogLevel::Info : LogLevel::Error, "STATE",
                daemon.settings.state_file + (problem.empty() ? " made" : " is not there and could not be made: " + problem));
      return true;
    case StoreRead::Ok: break;
  }
  if (snapshot_parse(text, host_wall_us(), records, &problem)) {
    write_log(daemon, LogLevel::Info, "STATE", std::to_string(records->size()) + " records read from " + daemon.settings.state_file);
    return true;
  }
  *error = store_set_aside(daemon.store.get(), host_wall_us(), &kept);
  if (!error->empty()) return false;
  write_log(daemon, LogLevel::Error, "STATE",
            daemon.settings.state_file + " cannot be understood (" + problem + "): kept as " + kept +
                ". Sessions are recovered from the containers that run; those of the pool are made anew");
  return true;
}

bool add_events(Daemon& daemon) {
  event_base* base = daemon.base.get();
  daemon.on_mail.reset(event_new(base, mailbox_fd(daemon.mailbox.get()), EV_READ | EV_PERSIST, on_mail, &daemon));
  daemon.on_timer.reset(evtimer_new(base, on_timer, &daemon));
  daemon.on_second.reset(evtimer_new(base, on_second, &daemon));
  daemon.on_term.reset(evsignal_new(base, SIGTERM, on_stop, &daemon));
  daemon.on_int.reset(evsignal_new(base, SIGINT, on_stop, &daemon));
  daemon.on_hup.reset(evsignal_new(base, SIGHUP, on_reload, &daemon));
  if (!daemon.on_mail || !daemon.on_timer || !daemon.on_second || !daemon.on_term || !daemon.on_int || !daemon.on_hup) return false;
  tick_soon(daemon);
  return !event_add(daemon.on_mail.get(), nullptr) && daemon.ticking &&
         !event_add(daemon.on_term.get(), nullptr) && !event_add(daemon.on_int.get(), nullptr) && !event_add(daemon.on_hup.get(), nullptr);
}

BasePtr make_base() {
  std::unique_ptr<event_config, Freer<event_config_free>> config(event_config_new());
  if (!config) return nullptr;
  event_config_set_flag(config.get(), EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST);  // saves two system calls a reply
  return BasePtr(event_base_new_with_config(config.get()));
}

// Everything that can fail before the loop runs, in the order in which it is undone at the end.
bool set_up(Daemon& daemon, const HttpLimits& limits, const std::vector<std::string>& warnings, std::string* error) {
  const Settings& settings = daemon.settings;
  write_banner(daemon, warnings);
  daemon.store = store_open(settings.state_file, store_system_calls(), error);
  if (!daemon.store) return false;
  std::vector<Record> records;
  if (!choose_naming(daemon, error) || !load_records(daemon, &records, error)) return false;
  daemon.base = make_base();
  daemon.mailbox = mailbox_create(error);
  if (!daemon.base || !daemon.mailbox || !add_events(daemon)) {
    if (error->empty()) *error = "libevent could not be set up";
    return false;
  }
  DockerOptions docker;
  docker.host = settings.docker_host;
  if (!is_local_engine(settings) && !settings.docker_tls_verify.empty()) docker.tls_folder = settings.docker_cert_path;
  docker.network = settings.docker_network_name;
  docker.instance = settings.docker_network_name;
  docker.container_port = settings.vnc_container_port;
  daemon.engine = docker_create(docker, error);
  if (!daemon.engine) return false;
  daemon.doors.sessions = {settings.docker_network_subnet};
  daemon.jobs.run = host_random_id();
  adopt_settings(daemon);
  if (!entrances_open(&daemon.entrances, daemon.base.get(), settings, limits, HttpHooks{on_request, on_gone, on_notice, &daemon}, error)) return false;
  // Before the pool asks for it on several threads at once.
  if (const OwnCertificate& own = daemon.jobs.certificate; !own.path.empty()) {
    std::string why;
    const CertificateState state = certificate_ensure(own.path, own.host, &why);
    log_certificate(daemon, state, why);
  }
  daemon.launches = lane_create("launch", kLaunchThreads, daemon.mailbox.get());
  daemon.general = lane_create("engine", kGeneralThreads, daemon.mailbox.get());
  daemon.eyes = eyes_open(settings.vnc_container_port, daemon.mailbox.get());
  daemon.pulls = lane_create("pull", 1, daemon.mailbox.get());
  daemon.writes = lane_create("store", 1, daemon.mailbox.get());
  status_desk_open(&daemon.status, daemon.mailbox.get());
  std::vector<Action> said;
  daemon.table = orchestrator_create(core_config_now(daemon), records, read_clocks(), &said);
  for (const Action& action : said) std::visit(Performer{daemon, host_wall_us()}, action);
  if (const int64_t since_us = marker_since_us(drain_path(settings.state_file))) take(daemon, DrainSet{since_us, 0});
  remember_pool(daemon);
  daemon.watcher = watcher_start(daemon.engine.get(), daemon.mailbox.get());
  return true;
}

// What is on disk must be the last word; a write that the limit cut off is made up for here.
void last_write(Daemon& daemon) {
  const Table& table = daemon.table;
  if (!table.reconciled || table.on_disk == table.version || lane_unfinished(daemon.writes.get())) return;
  if (std::string error = store_replace(daemon.store.get(), snapshot_write(table_records(table))); !error.empty())
    write_log(daemon, LogLevel::Error, "STATE", "The last state could not be written: " + error);
}

// True when some thread is still in a call to the engine that may take long, or waits for a disk that hangs: the process then ends without waiting
// for it.
bool threads_are_busy(Daemon& daemon) {
  for (Lane* lane : {daemon.launches.get(), daemon.general.get(), daemon.pulls.get(), daemon.writes.get()})
    if (lane_unfinished(lane) > 0) return true;
  return false;
}

}  // namespace

int daemon_run(const Settings& settings, const NameValues& environment, const std::vector<std::string>& warnings) {
  signal(SIGPIPE, SIG_IGN);
  signal(SIGHUP, SIG_IGN);  // until the loop hears it; a terminal that closes must not end the service
  Daemon daemon;
  daemon.settings = settings;
  daemon.environment = environment;
  std::string error, few_files;
  const HttpLimits limits = entrances_limits(settings, &few_files);  // before the log's thread, see host_raise_file_limit
  daemon.connections = limits.max_connections;
  LogOptions options{settings.log_dir, settings.log_level};
  if (settings.log_format == kLogJson) options.format = LogFormat::Json;
  daemon.log = log_open(options, host_wall_us(), &error);
  if (!daemon.log) {
    fprintf(stderr, "vnc-orchestrator: %s\n", error.c_str());
    return 1;
  }
  if (!few_files.empty()) write_log(daemon, LogLevel::Warning, "HTTP", few_files);
  if (!set_up(daemon, limits, warnings, &error)) {
    write_log(daemon, LogLevel::Error, "", "Cannot start: " + error);
    return 1;
  }
  write_log(daemon, LogLevel::Info, "", "========== ORCHESTRATOR RUNNING on port " + std::to_string(settings.orchestrator_port) + " ==========");
  if (!settings.admin_listen.empty())
    write_log(daemon, LogLevel::Info, "HTTP", "On that port are /access, /health and /ready alone, all routes on " + settings.admin_listen);
  log_flush(daemon.log.get());
  host_notify("READY=1");
  arm_timer(daemon);
  event_base_dispatch(daemon.base.get());
  last_write(daemon);
  write_log(daemon, LogLevel::Info, "", "Stopped");
  log_flush(daemon.log.get());
  if (threads_are_busy(daemon)) _exit(daemon.exit_status);
  return daemon.exit_status;
}
