// Who had which container, from birth to death, as told by the engine's own event stream and by every state file that was written:
// kept beside the daemon, so that a container that ever served two clients is noticed however briefly it did.
#ifndef SUPPORT_LEDGER_H
#define SUPPORT_LEDGER_H

#include <memory>
#include <string>
#include <vector>

struct Ledger;
struct LedgerDeleter {
  void operator()(Ledger* ledger) const;  // stops and joins its threads
};
using LedgerPtr = std::unique_ptr<Ledger, LedgerDeleter>;

struct LedgerEntry {
  std::string id;
  std::string born_as;               // its first name
  std::vector<std::string> clients;  // all that it was ever named after or written down for, each once
};

// Listens on the engine's socket to containers with that instance label. Ready when it returns: nothing from then on is missed.
LedgerPtr ledger_start(const std::string& socket, const std::string& instance);
// Look at this state file from now on (every few milliseconds), too.
void ledger_watch_file(Ledger* ledger, const std::string& path);
void ledger_note(Ledger* ledger, const std::string& container_id, const std::string& client);

size_t ledger_count(Ledger* ledger);  // containers created so far
// Entries from number `first` on, in the order of their creation.
std::vector<LedgerEntry> ledger_entries(Ledger* ledger, size_t first = 0);

#endif
