// The way from any thread to the loop: a queue and a pipe whose read end the loop watches.
#ifndef IO_MAILBOX_H
#define IO_MAILBOX_H

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "codec/container.h"
#include "io/jobs.h"
#include "io/lookout.h"

struct StreamOpened {};
struct StreamClosed {
  EngineError error;
};
struct StoreWritten {
  uint64_t version = 0;
  std::string error;  // empty: on disk, whole
  double seconds = 0;
};
struct StatusMade {
  std::string body;  // of the answer to /status
};
struct LookDone {
  int purpose = 0;  // the caller's
  std::vector<LookTarget> at;
  LookoutSeen seen;
  int64_t ended_ms = 0;  // CLOCK_MONOTONIC
};
struct ForesightKept {
  std::string error;  // empty: on disk
};
struct DrainKept {
  uint64_t request = 0;  // who asked for it
  int64_t since_us = 0;  // as a restart would find it
  std::string error;     // empty: on disk
};
struct PullProgress {
  std::string line;
};
using Message = std::variant<JobResult, EngineEvent, StreamOpened, StreamClosed, StoreWritten, StatusMade, LookDone, LookoutMemory, ForesightKept, DrainKept, PullProgress>;

struct Mailbox;
struct MailboxDeleter {
  void operator()(Mailbox* mailbox) const;
};
using MailboxPtr = std::unique_ptr<Mailbox, MailboxDeleter>;

MailboxPtr mailbox_create(std::string* error);  // nullptr when no pipe could be had
int mailbox_fd(const Mailbox* mailbox);         // readable while something waits; owned by the mailbox
void mailbox_post(Mailbox* mailbox, Message message);  // any thread; one wake byte only when the queue was empty
std::vector<Message> mailbox_take(Mailbox* mailbox);   // loop thread; everything posted so far, in order

#endif
