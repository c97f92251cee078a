// The engine's vocabulary in plain values: what we ask of an engine and what it tells us, free of JSON and HTTP.
#ifndef CODEC_CONTAINER_H
#define CODEC_CONTAINER_H

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

// Labels say what a container was born as, never whose it is, since labels cannot change.
inline constexpr const char* kLabelInstance = "io.vnc-orchestrator.instance";        // DOCKER_NETWORK_NAME
inline constexpr const char* kLabelRun = "io.vnc-orchestrator.run";                  // one start of the daemon
inline constexpr const char* kLabelJob = "io.vnc-orchestrator.job";                  // the launch within that run
inline constexpr const char* kLabelFingerprint = "io.vnc-orchestrator.fingerprint";  // of the settings

// What went wrong, as far as a rule must know; the text is for people.
enum class EngineFault {
  None,
  Unreachable,     // nothing was sent: no socket, connection refused
  Unknown,         // sent, but no whole answer (time-out, broken connection): the engine may still do it
  NotFound,        // no such container
  NameTaken,       // 409 on create or rename
  PortTaken,       // another container or program holds the host port
  ImageMissing,    // no such image on the host
  NetworkMissing,  // the session network is gone
  TooOld,          // no API version in common
  Refused,         // any other 4xx
  Failed,          // 5xx, or an answer that is not what the API promises
};

struct EngineError {
  EngineFault fault = EngineFault::None;
  std::string text;  // what failed, what the engine said, what to do; one line, no control characters
  explicit operator bool() const { return fault != EngineFault::None; }
};

// Where a session finds the certificate of the installation, which it may show where the operator has given none; key and certificate in
// one file, so that they are always of one pair.
inline constexpr const char* kOwnCertificateInside = "/run/session-tls.pem";

struct BindMount {
  std::string host_path;
  std::string container_path;  // always read-only
};

struct LaunchSpec {
  std::string image;
  std::string name;
  std::string network;
  std::string bind_address;  // host address the session port is published on
  int host_port = 0;
  int container_port = 0;
  std::vector<std::pair<std::string, std::string>> env;
  std::vector<std::pair<std::string, std::string>> labels;
  std::vector<BindMount> mounts;
  std::vector<std::string> dns;  // addresses of name servers; none: the engine's own
  int64_t memory_bytes = 0;      // with no swap beside it; 0: as much as there is
  int cpu_percent = 0;           // of one processor, 100 is a whole one; 0: all there are
  int processes = 0;             // at once, each thread counted; 0: any number
  bool confined = false;         // to these capabilities, and no program gains one; false: what the engine gives by itself
  std::vector<std::string> capabilities;
};

struct NetworkSpec {
  std::string name;
  std::string subnet;  // CIDR
  std::string instance;
};

enum class ContainerState { Created, Running, Paused, Restarting, Removing, Exited, Dead };
enum class ContainerHealth { None, Starting, Healthy, Unhealthy };  // None: the image has no health check

struct ContainerInfo {
  std::string id;  // 64 hex digits
  std::string name;  // without the leading slash
  std::string image;
  ContainerState state = ContainerState::Created;
  ContainerHealth health = ContainerHealth::None;
  int host_port = 0;  // where the session port is published; 0 when it is not
  bool on_network = false;  // attached to the session network
  std::string instance, run, job, fingerprint;  // labels; empty when absent
  std::string image_id;                         // "sha256:..."
  // Only an inspect knows these:
  int exit_code = 0;
  bool oom_killed = false;
  std::string state_error;    // the engine's own words when a start failed
  std::string health_output;  // last line of the last failed probe
  std::string width, height;  // WIDTH and HEIGHT of its environment; empty when absent
  int64_t created_us = 0;     // UTC microseconds
  int pid = 0;                // of its first process, in the engine's process namespace; 0 when it does not run
};

enum class EngineEventKind {
  Create,
  Start,
  Die,
  Destroy,
  Rename,
  Healthy,
  Unhealthy,
  Pause,
  Unpause,
  Disconnect,  // left a network; `name` is then the network's
};

struct EngineEvent {
  EngineEventKind kind = EngineEventKind::Create;
  std::string id;
  std::string name;      // of the container (of the network for Disconnect), without the slash; the new name for Rename
  int exit_code = 0;     // Die
  std::string instance;  // label; empty when absent
  std::string run, job;
};

// What was asked of an engine, how long that took, and what came of it.
enum class EngineCall { Version, Network, Create, Start, Inspect, List, Remove, Rename, Image, Pull };
inline constexpr size_t kEngineCalls = 10;
struct EngineCallMade {
  EngineCall call = EngineCall::Version;
  EngineFault fault = EngineFault::None;
  double seconds = 0;
};

struct EngineVersion {
  std::string engine;       // "20.10.24+dfsg1"
  std::string api;          // newest it speaks, "1.41"
  std::string api_minimum;  // oldest it speaks, "1.12"
};

#endif
