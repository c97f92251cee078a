// All that can happen to the orchestrator, and all that it can want done: the two alphabets of step().
#ifndef CORE_EVENTS_H
#define CORE_EVENTS_H

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "core/config.h"
#include "core/tally.h"
#include "core/types.h"

// ---- Why a call to the engine failed, as far as a rule must know. The text is for people.
enum class Fault { None, Unreachable, Unknown, NotFound, NameTaken, PortTaken, ImageMissing, NetworkMissing, Refused };

struct Failure {
  Fault fault = Fault::None;
  std::string text;
};

// ---- A container as a listing or an inspect shows it.
enum class SeenState { Created, Running, Paused, Ended };
enum class SeenHealth { None, Starting, Healthy, Unhealthy };

struct Seen {
  std::string id;
  std::string name;
  SeenState state = SeenState::Created;
  SeenHealth health = SeenHealth::None;
  int port = 0;  // host port of the session; 0: none
  bool on_network = false;
  std::string instance, run, job, fingerprint;
  std::string image;  // the id of what it was made of
  Size size;  // 0 x 0 when its environment does not tell
  int64_t created_us = 0;
  std::string why;  // Ended or Unhealthy: exit code, out of memory, output of the probe, in words
};

// ---- Events.
struct AccessAsked {
  uint64_t request = 0;
  std::string client;
  bool size_given = false;
  Size size;
};
struct RemoveAsked {
  uint64_t request = 0;
  std::string client;
};
struct RemoveAllAsked {
  uint64_t request = 0;
};
struct RequesterGone {  // hung up: no answer is owed
  uint64_t request = 0;
};
struct LaunchDone {
  int port = 0;
  uint64_t generation = 0;
  uint64_t job = 0;
  Failure failure;
  std::string container_id;  // also of a container that was created and did not start
};
struct CheckDone {
  int port = 0;
  uint64_t generation = 0;
  Failure failure;
  Seen seen;
  bool answered = false;  // no health check, but its page was served
};
struct RemoveDone {
  int port = 0;  // 0: of an orphan
  uint64_t generation = 0;
  std::string container_id;
  Failure failure;
};
struct RenameDone {
  int port = 0;
  uint64_t generation = 0;
  std::string name;
  Failure failure;
};
struct PullDone {
  Failure failure;
};
struct ConnectDone {
  Failure failure;
};
inline constexpr const char* kNoImage = "none";  // VNC_IMAGE names nothing that is on this host
struct Listed {
  uint64_t asked = 0;  // the table's change number when the listing was asked for
  Failure failure;
  std::vector<Seen> seen;
  std::string image = {};  // the id that VNC_IMAGE stands for now, or kNoImage; empty: not known
};
// Disturbed: it left a network or was paused; only a look tells what that means for it.
enum class ContainerChange { Created, Died, Destroyed, Renamed, Healthy, Unhealthy, Disturbed };
struct ContainerChanged {
  ContainerChange change = ContainerChange::Created;
  std::string id;
  std::string name;  // Created, Renamed: the container's
  int exit_code = 0;
  std::string instance, run, job;
};
struct StreamUp {};
struct StreamDown {
  std::string text;
};
struct Written {
  uint64_t version = 0;
  std::string error;  // empty: on disk
};
// What a look at who watches is for. The answer carries it back, so that nobody needs to remember having asked.
enum class LookFor {
  Round,    // all sessions and the pool, now and then
  Recycle,  // sessions that a newcomer may get the port of
  Claim,    // a pool container that is being given to a client
  Cleanup,  // sessions that look idle
  Met,      // asked for by no rule: those who have just become visible
};
struct Watched {
  int port = 0;
  uint64_t generation = 0;
  int viewers = -1;  // established connections to the session port from outside the container; -1: nobody can tell
};
struct Looked {
  LookFor purpose = LookFor::Round;
  int64_t ended_ms = 0;  // CLOCK_MONOTONIC when the look had ended: what it says is as old as that
  std::vector<Watched> watched;
  std::string blind;  // why nothing can be seen on this machine; empty when something can
};
// Of this machine's memory, in KiB: all of it, what is to be had without swapping, and what one of our sessions uses on average (0: unknown).
struct RoomSeen {
  int64_t total = 0;
  int64_t available = 0;
  int64_t session = 0;
};
// The settings have been read again. Instance, run and boot are as they were.
struct Reconfigured {
  CoreConfig config;
};
struct DrainSet {
  int64_t since_us = 0;  // wall clock: no session begins from then on; 0: they begin again
  uint64_t request = 0;  // whose order it is, for the log; it is answered elsewhere. 0: known from the last run
};
struct Tick {};
struct Stop {};

using Event = std::variant<AccessAsked, RemoveAsked, RemoveAllAsked, RequesterGone, LaunchDone, CheckDone, RemoveDone, RenameDone, PullDone,
                           ConnectDone, Listed, ContainerChanged, StreamUp, StreamDown, Written, Looked, RoomSeen, Reconfigured, DrainSet, Tick, Stop>;

// ---- Actions.
struct AnswerRedirect {
  uint64_t request = 0;
  int port = 0;
  Claim claim = Claim::Reuse;
};
struct AnswerRemoved {
  uint64_t request = 0;
  std::string client;
  std::string container_id;
  int port = 0;
};
struct AnswerRemovedAll {
  uint64_t request = 0;
  int removed = 0;
};
struct AnswerError {
  uint64_t request = 0;
  int status = 500;
  std::string text;
  int retry_after_seconds = 0;  // 0: waiting does not help
  int max_slots = 0;            // shown when not 0
};
struct DoLaunch {
  int port = 0;
  uint64_t generation = 0;
  uint64_t job = 0;
  std::string name;
  Size size;
  bool urgent = false;  // somebody waits for it
};
struct DoCheck {
  int port = 0;
  uint64_t generation = 0;
  std::string container_id;
};
struct DoRemove {
  int port = 0;  // 0: an orphan
  uint64_t generation = 0;
  std::string container_id;  // empty: look by `name`, and only if it was born of `launch_job`
  std::string name;
  uint64_t launch_job = 0;
};
struct DoRename {
  int port = 0;
  uint64_t generation = 0;
  std::string container_id;
  std::string name;
};
struct DoPull {};
struct DoConnect {};
struct DoList {
  uint64_t asked = 0;
};
struct DoSave {
  uint64_t version = 0;
};
struct LookAt {
  int port = 0;
  uint64_t generation = 0;
  std::string container_id;
};
struct DoLook {  // answered by one Looked of the same purpose, with each of these, whatever happens
  LookFor purpose = LookFor::Round;
  std::vector<LookAt> at;
};
enum class SayLevel { Debug, Info, Warning, Error };
struct Say {
  SayLevel level = SayLevel::Info;
  const char* tag = "";  // one of the document's, without brackets
  std::string text;
  uint64_t request = 0;        // whose line it is: one that asked or waits for this; 0: nobody's
  std::vector<uint64_t> more;  // others who wait for the same
};

using Action = std::variant<AnswerRedirect, AnswerRemoved, AnswerRemovedAll, AnswerError, DoLaunch, DoCheck, DoRemove, DoRename, DoPull,
                            DoConnect, DoList, DoSave, DoLook, Say>;

#endif
