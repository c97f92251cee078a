// A container engine of a test's own, which may be stopped, killed, frozen and started again while the machine's engine serves others.
#ifndef SUPPORT_PRIVATE_ENGINE_H
#define SUPPORT_PRIVATE_ENGINE_H

#include <sys/types.h>

#include <string>

#include "support/daemon.h"
#include "support/suite.h"

struct PrivateEngine {
  const Suite* suite = nullptr;
  std::string folder;  // all of it: sockets, images, containers
  std::string socket;
  std::string bridge;    // its default one: dockerd would take docker0, and with none at all it deletes docker0
  std::string kept_log;  // where its log is copied to at the end; may be empty
  Texts extra;           // further arguments of dockerd
  pid_t pid = -1;        // -1: not running
};

// Not started yet. The scene's end starts it if need be, empties it (containers, networks, bridges), stops and removes it.
PrivateEngine* private_engine_make(Scene* scene);
// What a test program that was killed left of one; nothing when there is none.
void private_engine_clear_left(const Suite& suite);
// dockerd on `socket` alone: a bridge of its own, no iptables and no kernel settings of its own, so that the machine's engine is left in peace.
// Puts the tiny images into it, the first time.
void private_engine_start(PrivateEngine* engine, const At& at = At::current());
void private_engine_stop(PrivateEngine* engine, const At& at = At::current());  // SIGTERM, and waits
void private_engine_kill9(PrivateEngine* engine);   // dockerd alone: containerd and the containers live on
void private_engine_freeze(PrivateEngine* engine);  // SIGSTOP
void private_engine_thaw(PrivateEngine* engine);
// The daemon uses this engine from its next start on.
void daemon_use_engine(Daemon* daemon, const PrivateEngine* engine);

#endif
