// The daemon as its users see it: started in a folder of its own, asked over HTTP, read in its log and state file, stopped or killed.
#ifndef SUPPORT_DAEMON_H
#define SUPPORT_DAEMON_H

#include <sys/types.h>

#include <map>
#include <string>
#include <vector>

#include "support/engine_client.h"
#include "support/http_client.h"
#include "support/suite.h"

struct Daemon {
  Scene* scene = nullptr;
  std::string folder;                              // its current folder: .env, state.json, logs/
  std::map<std::string, std::string> settings;     // written to .env at each start
  std::map<std::string, std::string> environment;  // of its process, beside PATH and what sanitizers read
  std::string socket;                              // of the engine it uses
  std::vector<std::string> launcher;               // a command that runs the program, which follows as its last words; empty: none
  pid_t pid = -1;                                  // -1: not running
  size_t log_start = 0;                            // how long the log was at the last start
  bool books = true;                               // compare records and containers after the test
};

// A record as /status and STATE_FILE show it.
struct Entry {
  std::string client, id, name, width, height, created, accessed;
  std::string seen;  // last_seen_at; empty: null
  int port = 0;
  int viewers = -1;  // -1: null
};

struct Status {
  int active = -1;
  int pool = -1;
  int max_slots = -1;
  std::vector<Entry> records;
};

struct Outcome {
  int status = -1;  // exit status; 128 + signal; -1: did not end in time (and was killed)
  std::string out, err;
};

// A further daemon for this scene, with the suite's settings: port first_port, session ports first_port+10 .. +13, no pool, tiny image,
// everything on 127.0.0.1.
Daemon* scene_add_daemon(Scene* scene, const std::string& name);
// Removed from .env when the value is empty.
void daemon_set(Daemon* daemon, const std::string& name, const std::string& value);
void daemon_set_ports(Daemon* daemon, int first, int count);  // first: offset in the suite's share
int daemon_port(const Daemon* daemon);                        // ORCHESTRATOR_PORT
int daemon_first_slot(const Daemon* daemon);                  // PORT_RANGE_MIN
std::string daemon_state_path(const Daemon* daemon);

void daemon_spawn(Daemon* daemon);                                          // and waits for nothing
void daemon_start(Daemon* daemon, const At& at = At::current());            // and waits for /health
void daemon_wait_reconciled(Daemon* daemon, const At& at = At::current());  // the log's "[RECONCILE] Done"
void daemon_wait_pool(Daemon* daemon, int count, const At& at = At::current());
void daemon_stop(Daemon* daemon, const At& at = At::current());  // SIGTERM; must end with 0 within 10 s
void daemon_reload(Daemon* daemon, const At& at = At::current());  // .env as the settings are now, SIGHUP; waits for the log to say what came of it
void daemon_kill9(Daemon* daemon);
int daemon_wait_exit(Daemon* daemon, double seconds);  // as Outcome::status, but not killed
// Starts it with these arguments in its folder and waits for its end.
Outcome daemon_run(Daemon* daemon, const std::vector<std::string>& arguments, double seconds = 20);

// The same with this .env, word for word, in place of its settings.
Outcome daemon_run_with_env(Daemon* daemon, const std::string& text, const std::vector<std::string>& arguments);

HttpCall daemon_call(const Daemon* daemon, const std::string& path, const std::string& method = "GET");
HttpReply daemon_get(const Daemon* daemon, const std::string& path);
std::string access_path(const std::string& client, const std::string& query = "");  // query: "&width=..&height=.."

// /access that must succeed: 302 to a container that the engine calls running and ready, whose record is on disk. Returns its record.
Entry daemon_access(Daemon* daemon, const std::string& client, const std::string& query = "",
                    const At& at = At::current());
// The same for an answer that is there already.
Entry daemon_check_302(Daemon* daemon, const HttpReply& reply, const std::string& client, const At& at = At::current());
// An answer with this status whose body is an object with `error`; returns that text.
std::string check_error(const HttpReply& reply, long status, const At& at = At::current());

Status daemon_status(Daemon* daemon, const At& at = At::current());
std::vector<Entry> daemon_state(const Daemon* daemon);
JsonPtr daemon_state_json(const Daemon* daemon);
const Entry* entry_find(const std::vector<Entry>& entries, const std::string& client);
Entry entry_of(const std::vector<Entry>& entries, const std::string& client,
               const At& at = At::current());                        // must be there
std::vector<SeenContainer> daemon_containers(const Daemon* daemon);  // of its instance, in any state

std::string daemon_log(const Daemon* daemon);  // of the last start, all files together
size_t daemon_log_count(const Daemon* daemon, const std::string& text);
std::string daemon_log_lines(const Daemon* daemon, const std::string& text);  // those that contain it
// Within a few seconds (the log is buffered for one) there is a line with all these words; loudly: of level WARNING or ERROR.
bool daemon_logs(const Daemon* daemon, const Texts& words);
bool daemon_logs_loudly(const Daemon* daemon, const Texts& words);
// Whatever was sent: every line begins as one of ours does and shows itself as it is, in UTF-8 and without a control character.
void daemon_check_log_lines(const Daemon* daemon, const At& at = At::current());
std::string daemon_log_path(const Daemon* daemon);  // today's file

// While it runs: the containers of its instance all run, and are exactly those of /status and of the state file, which may lag by a second.
bool daemon_books_agree(Daemon* daemon, const At& at = At::current());
// After it ended: every container of its instance runs and has a record, and every record a container of that name.
void daemon_check_books(Daemon* daemon, const At& at = At::current());
void daemon_print_tail(const Daemon* daemon);

#endif
