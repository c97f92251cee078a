// One job after the other: which engine calls it takes, and what it reports.
#include "io/jobs.h"

#include <time.h>

#include <unordered_set>

namespace {

constexpr long kProbeMs = 2000;

double monotonic() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

// Makes one call to the engine and notes it.
template <typename Make>
EngineError timed(JobResult* result, EngineCall call, Make make) {
  const double begun = monotonic();
  EngineError error = make();
  result->calls.push_back({call, error.fault, monotonic() - begun});
  return error;
}

// Before any session is on that network.
void guard_network(const Job& job, JobResult* result) {
  FirewallPlan plan = job.firewall;
  plan.bridge = result->network.bridge;
  result->firewall = firewall_ensure(plan, job.firewall_before);
}

void run_connect(const Engine& engine, const Job& job, JobResult* result) {
  result->error = timed(result, EngineCall::Version, [&] { return engine.ops->version(engine.self, &result->version); });
  if (!result->error) result->error = timed(result, EngineCall::Network, [&] { return engine.ops->ensure_network(engine.self, job.network, &result->network); });
  if (!result->error) guard_network(job, result);
}

void run_list(const Engine& engine, const Job& job, JobResult* result) {
  std::vector<ContainerInfo> listed;
  result->error = timed(result, EngineCall::List, [&] { return engine.ops->list(engine.self, &listed); });
  const std::unordered_set<std::string> known(job.known.begin(), job.known.end());
  for (ContainerInfo& info : listed) {
    if (result->error) return;
    if (known.count(info.id) == 0) {
      ContainerInfo whole;
      const EngineError error = timed(result, EngineCall::Inspect, [&] { return engine.ops->inspect(engine.self, info.id, &whole); });
      if (error.fault == EngineFault::NotFound) continue;  // vanished since the listing
      if (error) {
        // Half a listing would make what is missing look dead.
        result->error = error;
        result->list.clear();
        return;
      }
      info = whole;
    }
    result->list.push_back(std::move(info));
  }
  if (job.image.empty()) return;
  const EngineError error = timed(result, EngineCall::Image, [&] { return engine.ops->look_for_image(engine.self, job.image, &result->image_id); });
  result->image_missing = error.fault == EngineFault::ImageMissing;
}

void run_identify(const Engine& engine, const Job& job, JobResult* result) {
  for (const std::string& id : job.known) {
    ContainerInfo info;
    const EngineError error = timed(result, EngineCall::Inspect, [&] { return engine.ops->inspect(engine.self, id, &info); });
    if (!error) result->list.push_back(std::move(info));
    if (error && error.fault != EngineFault::NotFound) result->error = error;
    if (error.fault == EngineFault::Unreachable || error.fault == EngineFault::Unknown) return;  // the next would wait as long
  }
}

// True when the network is there again.
bool remake_network(const Engine& engine, const Job& job, JobResult* result) {
  const EngineError error = timed(result, EngineCall::Network, [&] { return engine.ops->ensure_network(engine.self, job.network, &result->network); });
  if (error) {
    result->error.text += "; " + error.text;
    return false;
  }
  result->network_remade = true;
  guard_network(job, result);
  return true;
}

void run_launch(const Engine& engine, const Job& job, JobResult* result) {
  LaunchSpec spec = job.spec;
  if (!job.certificate.path.empty()) {
    // Looked at each time: it may have been deleted, or have grown old since the start.
    result->certificate = certificate_ensure(job.certificate.path, job.certificate.host, &result->certificate_error);
    if (result->certificate != CertificateState::Failed) spec.mounts.push_back({job.certificate.path, kOwnCertificateInside});
  }
  result->error = timed(result, EngineCall::Create, [&] { return engine.ops->create(engine.self, spec, &result->container_id); });
  if (result->error && spec.mounts.size() > job.spec.mounts.size() && result->error.text.find(job.certificate.path) != std::string::npos) {
    // An engine that has files of its own (the daemon in a container, a socket from another machine) has no such file to mount.
    result->certificate = CertificateState::Failed;
    result->certificate_error = result->error.text;
    spec = job.spec;
    result->error = timed(result, EngineCall::Create, [&] { return engine.ops->create(engine.self, spec, &result->container_id); });
  }
  if (result->error.fault == EngineFault::NetworkMissing && remake_network(engine, job, result)) {
    result->error = timed(result, EngineCall::Create, [&] { return engine.ops->create(engine.self, spec, &result->container_id); });
  }
  if (result->error) return;
  result->error = timed(result, EngineCall::Start, [&] { return engine.ops->start(engine.self, result->container_id); });
  // Engine 20.10 takes a container for a network that is not there, and only its start fails; it names the network, not its id, so
  // the same container starts once the network is back.
  if (result->error.fault == EngineFault::NetworkMissing && !result->network_remade &&
      remake_network(engine, job, result)) {
    result->error = timed(result, EngineCall::Start, [&] { return engine.ops->start(engine.self, result->container_id); });
  }
}

void run_check(const Engine& engine, const Job& job, JobResult* result) {
  result->error = timed(result, EngineCall::Inspect, [&] { return engine.ops->inspect(engine.self, job.container_id, &result->info); });
  const ContainerInfo& info = result->info;
  if (result->error || info.state != ContainerState::Running) return;
  if (info.health != ContainerHealth::None || info.host_port == 0) return;
  result->answered = probe_http(job.probe_host, info.host_port, kProbeMs);
}

void run_remove(const Engine& engine, const Job& job, JobResult* result) {
  std::string id = job.container_id;
  result->container_id = id;
  if (id.empty()) {
    ContainerInfo info;
    result->error = timed(result, EngineCall::Inspect, [&] { return engine.ops->inspect(engine.self, job.name, &info); });
    if (result->error.fault == EngineFault::NotFound) {
      result->error = {};
      return;
    }
    // A name alone proves nothing: it may be another's by now.
    if (result->error || job.run.empty() || info.run != job.run || info.job != job.launch_job) return;
    id = info.id;
    result->container_id = id;
  }
  result->error = timed(result, EngineCall::Remove, [&] { return engine.ops->remove(engine.self, id); });
}

}  // namespace

JobResult job_run(const Engine& engine, const Job& job, const std::function<void(const std::string&)>& progress) {
  JobResult result;
  result.kind = job.kind;
  result.id = job.id;
  result.port = job.port;
  result.generation = job.generation;
  const double begun = monotonic();
  switch (job.kind) {
    case JobKind::Connect: run_connect(engine, job, &result); break;
    case JobKind::List: run_list(engine, job, &result); break;
    case JobKind::Identify: run_identify(engine, job, &result); break;
    case JobKind::Launch: run_launch(engine, job, &result); break;
    case JobKind::Check: run_check(engine, job, &result); break;
    case JobKind::Remove: run_remove(engine, job, &result); break;
    case JobKind::Rename:
      result.name = job.name;
      result.error = timed(&result, EngineCall::Rename, [&] { return engine.ops->rename(engine.self, job.container_id, job.name); });
      break;
    case JobKind::LookForImage: result.error = timed(&result, EngineCall::Image, [&] { return engine.ops->look_for_image(engine.self, job.image, &result.image_id); }); break;
    case JobKind::Firewall: result.firewall = firewall_ensure(job.firewall, job.firewall_before); break;
    case JobKind::Pull: result.error = timed(&result, EngineCall::Pull, [&] { return engine.ops->pull(engine.self, job.image, progress); }); break;
  }
  result.seconds = monotonic() - begun;
  return result;
}
