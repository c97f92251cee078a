// Between the core's words and those of others: settings become its config, actions become jobs, results and engine events become events.
#include "daemon/translate.h"

#include <algorithm>
#include <cstdlib>

#include "codec/accept.h"
#include "codec/shifts.h"

static Fault fault_of(EngineFault fault) {
  switch (fault) {
    case EngineFault::None: return Fault::None;
    case EngineFault::Unreachable: return Fault::Unreachable;
    case EngineFault::Unknown: return Fault::Unknown;
    case EngineFault::NotFound: return Fault::NotFound;
    case EngineFault::NameTaken: return Fault::NameTaken;
    case EngineFault::PortTaken: return Fault::PortTaken;
    case EngineFault::ImageMissing: return Fault::ImageMissing;
    case EngineFault::NetworkMissing: return Fault::NetworkMissing;
    case EngineFault::TooOld:
    case EngineFault::Refused:
    case EngineFault::Failed: return Fault::Refused;
  }
  return Fault::Refused;
}

static Failure failure_of(const EngineError& error) { return Failure{fault_of(error.fault), error.text}; }

static SeenState state_of(ContainerState state) {
  switch (state) {
    case ContainerState::Created: return SeenState::Created;
    case ContainerState::Running: return SeenState::Running;
    case ContainerState::Paused: return SeenState::Paused;
    case ContainerState::Restarting:
    case ContainerState::Removing:
    case ContainerState::Exited:
    case ContainerState::Dead: return SeenState::Ended;
  }
  return SeenState::Ended;
}

static SeenHealth health_of(ContainerHealth health) {
  switch (health) {
    case ContainerHealth::None: return SeenHealth::None;
    case ContainerHealth::Starting: return SeenHealth::Starting;
    case ContainerHealth::Healthy: return SeenHealth::Healthy;
    case ContainerHealth::Unhealthy: return SeenHealth::Unhealthy;
  }
  return SeenHealth::None;
}

static std::string why_of(const ContainerInfo& info) {
  bool ended = state_of(info.state) == SeenState::Ended;
  std::string why;
  if (ended) why = info.oom_killed ? "out of memory" : "exit code " + std::to_string(info.exit_code);
  for (const std::string& more : {info.state_error, info.health_output})
    if (!more.empty()) why += (why.empty() ? "" : ": ") + more;
  return why;
}

static Seen seen_of(const ContainerInfo& info) {
  Seen seen;
  seen.id = info.id;
  seen.name = info.name;
  seen.state = state_of(info.state);
  seen.health = health_of(info.health);
  seen.port = info.host_port;
  seen.on_network = info.on_network;
  seen.instance = info.instance;
  seen.run = info.run;
  seen.job = info.job;
  seen.fingerprint = info.fingerprint;
  seen.image = info.image_id;
  seen.size = Size{atoi(info.width.c_str()), atoi(info.height.c_str())};
  seen.created_us = info.created_us;
  seen.why = why_of(info);
  return seen;
}

// ---- Actions to jobs.

NetworkSpec network_spec(const Settings& settings) {
  return NetworkSpec{settings.docker_network_name, settings.docker_network_subnet, settings.docker_network_name};
}

FirewallPlan firewall_plan(const JobContext& context) {
  const Settings& settings = *context.settings;
  return FirewallPlan{settings.firewall == kOn, settings.docker_network_name, context.bridge, settings.session_allow};
}

Job job_firewall(const JobContext& context) {
  Job job;
  job.kind = JobKind::Firewall;
  job.firewall = firewall_plan(context);
  job.firewall_before = context.firewall;
  return job;
}

Job job_launch(const JobContext& context, const DoLaunch& action) {
  Job job;
  job.kind = JobKind::Launch;
  job.id = action.job;
  job.port = action.port;
  job.generation = action.generation;
  job.spec = settings_launch_spec(*context.settings, action.name, action.port, action.size, context.run, std::to_string(action.job));
  job.network = network_spec(*context.settings);
  job.certificate = context.certificate;
  job.firewall = firewall_plan(context);
  return job;
}

Job job_check(const JobContext& context, const DoCheck& action) {
  Job job;
  job.kind = JobKind::Check;
  job.port = action.port;
  job.generation = action.generation;
  job.container_id = action.container_id;
  job.probe_host = context.probe_host;
  return job;
}

Job job_remove(const JobContext& context, const DoRemove& action) {
  Job job;
  job.kind = JobKind::Remove;
  job.port = action.port;
  job.generation = action.generation;
  job.container_id = action.container_id;
  job.name = action.name;
  job.run = context.run;
  job.launch_job = std::to_string(action.launch_job);
  return job;
}

Job job_rename(const DoRename& action) {
  Job job;
  job.kind = JobKind::Rename;
  job.port = action.port;
  job.generation = action.generation;
  job.container_id = action.container_id;
  job.name = action.name;
  return job;
}

Job job_pull(const JobContext& context) {
  Job job;
  job.kind = JobKind::Pull;
  job.image = context.settings->vnc_image;
  return job;
}

Job job_look_for_image(const JobContext& context) {
  Job job;
  job.kind = JobKind::LookForImage;
  job.image = context.settings->vnc_image;
  return job;
}

Job job_connect(const JobContext& context) {
  Job job;
  job.kind = JobKind::Connect;
  job.network = network_spec(*context.settings);
  job.firewall = firewall_plan(context);
  job.firewall_before = context.firewall;
  return job;
}

Job job_list(const JobContext& context, const Table& table, const DoList& action) {
  Job job;
  job.image = context.settings->vnc_image;
  job.kind = JobKind::List;
  job.id = action.asked;
  for (const auto& [id, port] : table.by_container) job.known.push_back(id);
  return job;
}

Job job_identify(std::vector<std::string> container_ids) {
  Job job;
  job.kind = JobKind::Identify;
  job.known = std::move(container_ids);
  return job;
}

// ---- Settings to rules.

CoreConfig core_config(const Settings& settings, int connections, const std::string& run, const std::string& boot_id) {
  CoreConfig config;
  config.port_min = settings.port_range_min;
  config.port_max = settings.port_range_max;
  config.default_size = Size{settings.vnc_width, settings.vnc_height};
  config.most_waiting = static_cast<size_t>(std::min(settings.max_waiting, connections / 2));
  config.warm_pool_size = settings.warm_pool_size;
  config.pool_most = settings.warm_pool_max;
  config.pool_miss = settings.pool_miss_target / 100;
  shifts_parse(settings.warm_pool_schedule, &config.pool_shifts);
  config.fingerprint = settings_fingerprint(settings);
  config.instance = settings.docker_network_name;
  config.run = run;
  config.boot_id = boot_id;
  config.ready_timeout_ms = int64_t{settings.ready_timeout_seconds} * 1000;
  config.idle_timeout_ms = static_cast<int64_t>(settings.idle_timeout_hours * 3600e3);
  // The smallest of fractions must not become a loop without a pause.
  config.cleanup_interval_ms = std::max<int64_t>(static_cast<int64_t>(settings.cleanup_interval_minutes * 60e3), 100);
  config.recycle = settings.recycle == "oldest" ? RecycleRule::Oldest : settings.recycle == "never" ? RecycleRule::Never : RecycleRule::Unwatched;
  config.look_every_ms = int64_t{settings.viewer_check_seconds} * 1000;
  config.max_session_ms = static_cast<int64_t>(settings.max_session_hours * 3600e3);
  return config;
}

// ---- Results to events.

std::optional<Event> event_of_result(const JobResult& result) {
  Failure failure = failure_of(result.error);
  switch (result.kind) {
    case JobKind::Connect:
      // A session network that cannot be made is told by the launches that need it; what runs already can be served.
      if (!result.version.api.empty()) failure = Failure{};
      return ConnectDone{failure};
    case JobKind::List: {
      Listed listed{result.id, failure, {}, result.image_missing ? kNoImage : result.image_id};
      for (const ContainerInfo& info : result.list) listed.seen.push_back(seen_of(info));
      return listed;
    }
    case JobKind::Launch: return LaunchDone{result.port, result.generation, result.id, failure, result.container_id};
    case JobKind::Check: return CheckDone{result.port, result.generation, failure, seen_of(result.info), result.answered};
    case JobKind::Remove: return RemoveDone{result.port, result.generation, result.container_id, failure};
    case JobKind::Rename: return RenameDone{result.port, result.generation, result.name, failure};
    case JobKind::Pull: return PullDone{failure};
    case JobKind::Firewall:
    case JobKind::Identify:
    case JobKind::LookForImage: return std::nullopt;
  }
  return std::nullopt;
}

std::optional<Event> event_of_engine(const EngineEvent& event, const std::string& network) {
  ContainerChanged changed{ContainerChange::Created, event.id, event.name, event.exit_code, event.instance, event.run, event.job};
  switch (event.kind) {
    case EngineEventKind::Create: changed.change = ContainerChange::Created; break;
    case EngineEventKind::Die: changed.change = ContainerChange::Died; break;
    case EngineEventKind::Destroy: changed.change = ContainerChange::Destroyed; break;
    case EngineEventKind::Rename: changed.change = ContainerChange::Renamed; break;
    case EngineEventKind::Healthy: changed.change = ContainerChange::Healthy; break;
    case EngineEventKind::Unhealthy: changed.change = ContainerChange::Unhealthy; break;
    case EngineEventKind::Disconnect:
      if (event.name != network) return std::nullopt;
      changed.change = ContainerChange::Disturbed;
      break;
    case EngineEventKind::Pause: changed.change = ContainerChange::Disturbed; break;
    case EngineEventKind::Start:
    case EngineEventKind::Unpause: return std::nullopt;
  }
  return changed;
}
