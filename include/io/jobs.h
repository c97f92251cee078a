// What a worker does for the loop, and what it reports: values only, never a pointer into anybody's table.
#ifndef IO_JOBS_H
#define IO_JOBS_H

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "codec/container.h"
#include "io/certificate.h"
#include "io/engine.h"
#include "io/firewall.h"

enum class JobKind {
  Connect,  // version + session network + firewall: done once each time the event stream opens
  List,     // all containers of ours; those whose id is not in `known` are inspected too
  Launch,   // create + start
  Identify,  // the processes of the containers in `known`; those that are gone are left out
  Check,    // inspect; an image without a health check is probed over HTTP
  Remove,   // by id; or, with an empty id, by name and only if its job label is ours (after an unknown outcome)
  Rename,
  Pull,
  LookForImage,
  Firewall,  // looks whether its rules are still there
};

// Where the installation has its certificate and whose name is on it; an empty path: sessions get none of us.
struct OwnCertificate {
  std::string path;  // absolute
  std::string host;
};

struct Job {
  JobKind kind = JobKind::Connect;
  uint64_t id = 0;  // the caller's, comes back in the result; Launch carries it as its label too
  int port = 0;     // with `generation`, whose it is; 0 when nobody's
  uint64_t generation = 0;
  LaunchSpec spec;           // Launch
  NetworkSpec network;       // Connect, and Launch when the network has to be made again
  OwnCertificate certificate;  // Launch
  FirewallPlan firewall;       // Firewall, and Connect and Launch, which know the bridge themselves
  FirewallSeen firewall_before;  // Firewall, Connect
  std::string container_id;  // Check, Remove, Rename
  std::string name;          // Rename: the new one. Remove without an id: the one to look for
  std::string run;           // Remove without an id: its run label must be this
  std::string launch_job;    // Remove without an id: its job label must be this
  std::string image;         // Pull, LookForImage, List
  std::string probe_host;    // Check
  std::vector<std::string> known;  // List, Identify
};

struct JobResult {
  JobKind kind = JobKind::Connect;
  uint64_t id = 0;
  int port = 0;
  uint64_t generation = 0;
  EngineError error;
  std::string container_id;  // Launch: set as soon as the container exists, also when the start failed. Remove: what was asked for, or found by name
  std::string name;          // Rename: the new name, as asked for
  ContainerInfo info;        // Check
  bool answered = false;     // Check: the HTTP probe was answered (only for images without a health check)
  std::vector<ContainerInfo> list;  // List, Identify
  std::string image_id;             // List, LookForImage: what the image's name stands for; empty: not known
  bool image_missing = false;  // List: it stands for nothing that is here
  EngineVersion version;            // Connect
  EngineNetwork network;            // Connect, and Launch when it was made again
  FirewallDone firewall;            // Firewall; Connect and Launch when there is a network, else still pending
  bool network_remade = false;      // Launch: the session network had gone and was made again
  CertificateState certificate = CertificateState::Kept;  // Launch
  std::string certificate_error;    // Launch: why the session has to do without the installation's certificate
  double seconds = 0;               // how long it took
  double queued_seconds = 0;        // how long it had waited for a thread, where the caller measures that
  std::vector<EngineCallMade> calls;  // in order
};

// Runs one job to its end on the calling thread. A Launch whose start failed leaves the container to the caller: its id is in the result.
// `progress` is called for a Pull, at most once in a few seconds.
JobResult job_run(const Engine& engine, const Job& job, const std::function<void(const std::string&)>& progress);

#endif
