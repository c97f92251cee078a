// Between the core's words and those of others: settings become its config, actions become jobs, results and engine events become events.
#ifndef DAEMON_TRANSLATE_H
#define DAEMON_TRANSLATE_H

#include <optional>
#include <string>
#include <vector>

#include "codec/settings.h"
#include "core/events.h"
#include "core/slots.h"
#include "io/jobs.h"

// What every job is made from.
struct JobContext {
  const Settings* settings = nullptr;
  std::string run;
  std::string probe_host;  // where published ports are reached from here
  OwnCertificate certificate;
  std::string bridge;     // of the sessions' network; empty: not known yet
  FirewallSeen firewall;  // as the last job that looked has left it
};

// What the rules need of the settings, of this machine and of this run; `connections` are those that clients may really hold.
CoreConfig core_config(const Settings& settings, int connections, const std::string& run, const std::string& boot_id);
NetworkSpec network_spec(const Settings& settings);
Job job_launch(const JobContext& context, const DoLaunch& action);
Job job_check(const JobContext& context, const DoCheck& action);
Job job_remove(const JobContext& context, const DoRemove& action);
Job job_rename(const DoRename& action);
Job job_pull(const JobContext& context);
Job job_look_for_image(const JobContext& context);
Job job_connect(const JobContext& context);
Job job_list(const JobContext& context, const Table& table, const DoList& action);
FirewallPlan firewall_plan(const JobContext& context);
Job job_firewall(const JobContext& context);
Job job_identify(std::vector<std::string> container_ids);

// Nothing when no rule needs it.
std::optional<Event> event_of_result(const JobResult& result);
// The same; `network` is ours.
std::optional<Event> event_of_engine(const EngineEvent& event, const std::string& network);

#endif
