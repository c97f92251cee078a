// What must hold after every event, whatever has happened, and what the world must look like when it has come to rest.
#include <algorithm>
#include <map>

#include "core/names.h"
#include "core/rules.h"
#include "sim/world.h"

static void take_sights(World& world, const Event& event);

void rules_before(World& world, const Event& event) {
  take_sights(world, event);
  world.was.clear();
  for (const auto& [port, slot] : world.table.slots) {
    Was was{port,
            slot.generation,
            slot.state,
            slot.outside,
            slot.size_by_default,
            slot.client,
            slot.container_id,
            slot.fingerprint,
            slot.size,
            slot.last_access_ms,
            slot.last_seen_ms,
            slot.created_ms,
            slot.blocked_until_ms,
            slot.changed,
            rollout_is_old(world.table, slot)};
    if (slot.state == SlotState::Ready) world.was_ready.insert(slot.container_id);
    world.was.push_back(std::move(was));
  }
  world.before.reconciled = world.table.reconciled;
  world.before.store_broken = !world.table.store_text.empty();
  world.before.pulling = world.table.pulling;
  world.before.draining = world.table.draining_us != 0;
  world.before.moves = world.table.moves;
  world.before.endings = world.table.tally.endings;
  world.before.early.clear();
  for (const auto& [early, deadline] : world.table.early) world.before.early.push_back(early);
}

static bool was_named_by_hand(const World& world, const std::string& container, const std::string& client) {
  if (world.by_hand.empty()) return false;
  return world.by_hand.count(container + " " + client_container_name(client)) || world.by_hand.count(container + " " + client_container_name(world.config.naming, client));
}

// ---- Every answer and every job.

static void redirected(World& world, const AnswerRedirect& answer) {
  const std::string& client = world.requests[answer.request].client;
  const std::string whom = "the 302 for " + client + " to port " + std::to_string(answer.port);
  auto record = std::find_if(world.disk.begin(), world.disk.end(),
                             [&](const Record& one) { return one.port == answer.port && is_of(world, one.client_id, client); });
  if (record == world.disk.end()) return broken(world, whom + " leaves though no record on disk says so");
  const std::string& id = record->container_id;
  if (world.known_dead.count(id)) return broken(world, whom + " leads to " + id + ", known to be dead");
  if (const Box* box = box_by_id(world, id)) {
    // An earlier run's session that is unhealthy may be in use, or never have been ready: nobody can tell, and it is kept.
    const bool kept = box->seen.run != world.config.run && box->was_sick;
    if (box->foreign || box->seen.port != answer.port || (!box->was_healthy && !kept))
      return broken(world, whom + " leads to " + id + ", which is not ready there");
  }
  std::string& owner = world.told[id];
  // When its record has gone and a hand has given it somebody else's name, nobody could tell.
  const bool misled = was_named_by_hand(world, id, client);
  if (!owner.empty() && owner != client && !misled)
    return broken(world, id + ", the container of " + owner + ", is given to " + client);
  owner = client;
}

static void removal_of_no_slot(World& world, const Event& event, const DoRemove& job) {
  const Box* box = box_by_id(world, job.container_id);
  auto told = world.told.find(job.container_id);
  if (!box || told == world.told.end() || box->seen.state != SeenState::Running) return;
  if (const auto* listed = std::get_if<Listed>(&event))  // it looked otherwise when it was listed
    for (const Seen& seen : listed->seen)
      if (seen.id == job.container_id && (seen.state != SeenState::Running || seen.name != box->seen.name)) return;
  if (box->seen.name != client_container_name(world.config.naming, told->second) || world.table.deaths.count(job.container_id)) return;
  if (world.may_still_go.count(job.container_id)) return;
  const bool had =
      std::any_of(world.was.begin(), world.was.end(), [&](const Was& was) { return is_of(world, was.client, told->second); });
  const bool another = had || world.table.by_client.count(told->second) || world.table.by_client.count(client_stand_in(world.config.naming, told->second)) || world.table.heirs.count(told->second);
  if (!another)
    broken(world, "the running session of " + told->second + " (" + job.container_id + ") is removed as nobody's");
}

void rules_action(World& world, const Event& event, const Action& action) {
  if (const auto* redirect = std::get_if<AnswerRedirect>(&action)) return redirected(world, *redirect);
  if (std::get_if<DoSave>(&action) && !world.table.reconciled)
    broken(world, "the state file is replaced before the engine has been asked");
  if (const auto* removal = std::get_if<DoRemove>(&action)) {
    if (removal->port == 0) return removal_of_no_slot(world, event, *removal);
    const Slot* slot = slot_of(world.table, removal->port, removal->generation);
    if (!slot || slot->state != SlotState::Removing)
      broken(world, "a removal is asked for that no REMOVING slot knows");
  } else if (const auto* renaming = std::get_if<DoRename>(&action)) {
    const Slot* slot = slot_of(world.table, renaming->port, renaming->generation);
    const std::string& client = slot && slot->state == SlotState::Removing ? slot->held_for : slot ? slot->client : "";
    std::string whose;
    const bool fits = container_name_kind(renaming->name, &whose) == NameKind::Client && is_of(world, whose, client);
    if (client.empty() || !fits)
      broken(world, renaming->container_id + " is renamed to " + renaming->name + " without need");
  }
}

// ---- Sessions end for a reason.

static bool fits(const World& world, const Was& was, const AccessAsked& asked) {
  if (world.table.draining_us) return true;
  if (asked.size_given) return was.size == asked.size;
  return was.size_by_default || was.size == world.config.default_size;
}

static bool seen_ended(const Was& was, const Listed& listed) {
  if (listed.failure.fault != Fault::None) return false;
  for (const Seen& seen : listed.seen)
    if (seen.id == was.container)
      return seen.state == SeenState::Ended || seen.state == SeenState::Created || (seen.port && seen.port != was.port) ||
             (!seen.instance.empty() && seen.instance != kInstance);
  return true;
}

// By the last look, which ended less than a second ago; or nobody can tell at all.
static bool is_unwatched(const World& world, const Was& was) {
  auto sight = world.sights.find(was.container);
  if (sight == world.sights.end() || world.now.mono_ms - sight->second.ended_ms >= 1000) return false;
  return sight->second.viewers == 0 || (sight->second.viewers < 0 && !world.table.blind.empty());
}

static int64_t idle_ms(const World& world, const Was& was) {
  return world.now.mono_ms - std::max(was.last_access_ms, was.last_seen_ms);
}

static bool may_end_by_itself(const World& world, const Was& was) {
  if (world.config.look_every_ms) {
    auto sight = world.sights.find(was.container);
    if (sight == world.sights.end() || world.now.mono_ms - sight->second.ended_ms >= 1000 || sight->second.viewers > 0) return false;
  }
  const bool old = world.config.max_session_ms && world.now.mono_ms - was.created_ms > world.config.max_session_ms;
  return idle_ms(world, was) > world.config.idle_timeout_ms || (old && idle_ms(world, was) >= kOnTheirWayMs);
}

// It was removed, or resized, or is dead, or idle, as far as this event goes.
static bool may_end(const World& world, const Was& was, const Event& event) {
  if (const auto* removal = std::get_if<RemoveAsked>(&event)) return is_of(world, was.client, removal->client);
  if (std::get_if<RemoveAllAsked>(&event)) return true;
  if (const auto* asked = std::get_if<AccessAsked>(&event))
    return is_of(world, was.client, asked->client) && !fits(world, was, *asked);
  if (const auto* listed = std::get_if<Listed>(&event)) return seen_ended(was, *listed);
  if (std::get_if<Tick>(&event)) return !world.config.look_every_ms && may_end_by_itself(world, was);
  if (const auto* looked = std::get_if<Looked>(&event))
    return looked->purpose != LookFor::Recycle && may_end_by_itself(world, was);
  if (const auto* changed = std::get_if<ContainerChanged>(&event))
    return changed->id == was.container &&
           (changed->change == ContainerChange::Died || changed->change == ContainerChange::Destroyed);
  return false;
}

// Something on its way to a client is given up only by what concerns it.
static bool may_be_given_up(const World& world, const Was& was, const Event& event) {
  if (const auto* launched = std::get_if<LaunchDone>(&event)) return launched->port == was.port;
  if (const auto* checked = std::get_if<CheckDone>(&event)) return checked->port == was.port;
  if (const auto* changed = std::get_if<ContainerChanged>(&event)) return changed->id == was.container;
  if (const auto* removal = std::get_if<RemoveAsked>(&event)) return is_of(world, was.client, removal->client);
  if (const auto* written = std::get_if<Written>(&event))
    return was.state == SlotState::Claiming || (was.state == SlotState::Waiting && !written->error.empty());
  if (const auto* looked = std::get_if<Looked>(&event)) {
    for (const Watched& watched : looked->watched)
      if (watched.port == was.port && watched.generation == was.generation)
        return was.state == SlotState::Claiming;
    return false;
  }
  return std::get_if<PullDone>(&event) || std::get_if<Listed>(&event) || std::get_if<Tick>(&event) ||
         std::get_if<RemoveAllAsked>(&event) || std::get_if<Stop>(&event);
}

// Its port goes to another client, who found nothing better: nothing free, nothing of the pool, and no older session.
static void was_recycled(World& world, const Was& was) {
  const bool by_look = world.config.look_every_ms && world.config.recycle == RecycleRule::Unwatched;
  if (world.table.draining_us) broken(world, "the session of " + was.client + " is recycled while draining");
  if (world.config.recycle == RecycleRule::Never) broken(world, "the session of " + was.client + " is recycled under RECYCLE=never");
  if (by_look && !is_unwatched(world, was))
    broken(world, "the session of " + was.client + " is recycled, and no look of this second has found that nobody watches it");
  for (const Was& other : world.was) {
    const Slot* now = slot_at(world.table, other.port);
    if (other.outside || !now || now->outside) continue;
    const std::string which = " although port " + std::to_string(other.port);
    if (other.state == SlotState::Free && now->state == SlotState::Free && other.blocked_until_ms <= world.now.mono_ms)
      broken(world, "the session of " + was.client + " is recycled" + which + " is free");
    if (other.state == SlotState::Free && now->state == SlotState::Free && now->leftover && now->blocked_until_ms > world.now.mono_ms)
      broken(world, "the session of " + was.client + " is recycled" + which + " is held by leftovers only");
    if (other.state == SlotState::Ready && now->state == SlotState::Ready)
      broken(world, "the session of " + was.client + " is recycled" + which + " is READY");
    const bool both = other.state == SlotState::Assigned && now->state == SlotState::Assigned;
    if (both && !by_look && now->last_access_ms < was.last_access_ms)
      broken(world, "the session of " + was.client + " is recycled" + which + " was not accessed for longer");
    const bool on_the_way = world.now.mono_ms - was.last_access_ms < kOnTheirWayMs;
    const bool other_on_the_way = world.now.mono_ms - now->last_access_ms < kOnTheirWayMs;
    if (both && by_look && is_unwatched(world, other) && on_the_way == other_on_the_way && idle_ms(world, other) > idle_ms(world, was))
      broken(world, "the session of " + was.client + " is recycled" + which + " was not watched or accessed for longer");
    if (both && by_look && is_unwatched(world, other) && on_the_way && !other_on_the_way)
      broken(world, "the session of " + was.client + ", on its way there, is recycled" + which + " is not watched either");
  }
  if (was.outside) broken(world, "the session of " + was.client + " is recycled, and its port is not of our range");
}

static void ended(World& world, const Was& was, const Event& event) {
  if (was.state == SlotState::Assigned) {
    if (may_end(world, was, event)) return;
    if (!world.before.reconciled &&
        world.table.reconciled)  // the first listing lets in the requests that have waited for it
      for (const Event& early : world.before.early)
        if (may_end(world, was, early)) return;
    const Slot* slot = slot_of(world.table, was.port, was.generation);
    if (slot && !slot->heir.empty() && slot->heir != was.client) return was_recycled(world, was);
    broken(world,
           "the session of " + was.client + " on port " + std::to_string(was.port) + " is ended without a cause");
  } else if (!may_be_given_up(world, was, event)) {
    broken(world, "what was on its way to " + was.client + " on port " + std::to_string(was.port) +
                      " is given up without a cause");
  }
}

static void check_ends(World& world, const Event& event) {
  for (const Was& was : world.was) {
    if (was.client.empty()) continue;
    const Slot* slot = slot_of(world.table, was.port, was.generation);
    if (!slot || slot->state == SlotState::Removing)
      ended(world, was, event);
    else if (slot->client != was.client && !is_of(world, was.client, slot->client) && was.state != SlotState::Claiming)
      broken(world, "port " + std::to_string(was.port) + " goes from " + was.client + " to " + slot->client);
  }
}

// ---- What the engine or the disk must not hold up, and what they must.

static const Was* session_of(const World& world, const std::string& client) {
  for (const Was& was : world.was)
    if (is_of(world, was.client, client)) return &was;
  return nullptr;
}

static bool redirects(const World& world, uint64_t request) {
  return std::any_of(world.actions.begin(), world.actions.end(), [&](const Action& action) {
    const auto* answer = std::get_if<AnswerRedirect>(&action);
    return answer && answer->request == request;
  });
}

static void check_access(World& world, const AccessAsked& asked) {
  if (world.stopping || !world.before.reconciled) return;
  const Was* own = session_of(world, asked.client);
  if (own && own->state == SlotState::Assigned) {
    if (fits(world, *own, asked) && !redirects(world, asked.request))
      broken(world, asked.client + " has a session and is not sent there at once");
    return;
  }
  const bool too_many_wait =
      world.table.waiting_for.size() >= world.config.most_waiting && !world.table.waiting_for.count(asked.request);
  if (own || asked.size_given || world.before.store_broken || world.table.heirs.count(asked.client) || too_many_wait)
    return;
  if (world.table.draining_us) return;
  const Was* ready = nullptr;  // of today's image rather than old, then the one for longest
  auto is_old = [&](const Was& was) { return was.old; };
  for (const Was& was : world.was) {
    const Slot* slot = slot_at(world.table, was.port);
    if (was.state != SlotState::Ready || !slot || slot->outside || was.fingerprint != world.config.fingerprint) continue;
    if (!ready || std::pair(is_old(was), was.changed) < std::pair(is_old(*ready), ready->changed)) ready = &was;
  }
  if (!ready) return;
  const Slot* given = slot_by_client(world.table, asked.client);
  if (!given || given->port != ready->port || given->state != SlotState::Claiming)
    broken(world, asked.client + " does not get the container that has been READY for longest");
}

// Who is of use stays until a newer one has taken its place, or another is there to serve meanwhile.
static void check_rollout(World& world) {
  auto endings = world.before.endings;
  endings[static_cast<size_t>(Ending::Stale)] = world.table.tally.endings[static_cast<size_t>(Ending::Stale)];
  if (endings == world.before.endings || endings != world.table.tally.endings) return;  // none went for that, or one for another reason
  if (world.table.count[static_cast<size_t>(SlotState::Ready)] > 0 || world.table.pool_target == 0) return;
  for (const Was& was : world.was) {
    const Slot* slot = slot_of(world.table, was.port, was.generation);
    if (was.state == SlotState::Ready && slot && slot->state == SlotState::Removing && rollout_serves(world.table, *slot))
      broken(world, "another image leaves nobody READY, though port " + std::to_string(was.port) + " could serve");
  }
}

static void check_broken_store(World& world, const Event& event) {
  if (!world.before.store_broken || world.table.store_text.empty() || std::get_if<Written>(&event)) return;
  auto more = [&](SlotState from, SlotState to) {
    const auto f = static_cast<size_t>(from), t = static_cast<size_t>(to);
    return world.table.moves[f][t] != world.before.moves[f][t];
  };
  const bool by_name = std::get_if<Listed>(&event) || std::get_if<ContainerChanged>(&event);
  if (more(SlotState::Free, SlotState::Creating)) broken(world, "a launch is begun though nothing can be written down");
  if (more(SlotState::Ready, SlotState::Claiming) && !by_name)
    broken(world, "a claim is begun though nothing can be written down");
}

static void check_pulling(World& world) {
  if (!world.before.pulling || !world.table.pulling) return;
  for (const Was& was : world.was) {
    const Slot* slot = slot_at(world.table, was.port);
    if (was.state == SlotState::Free && slot && slot->state == SlotState::Creating && slot->client.empty())
      broken(world, "the pool takes port " + std::to_string(was.port) + " though there is no image yet");
  }
}

static void check_ready(World& world) {
  if (!world.table.reconciled) return;  // nothing is given out before the names have been looked at
  int ready = 0;
  for (const auto& [port, slot] : world.table.slots) {
    if (slot.state != SlotState::Ready) continue;
    ready++;
    auto told = world.told.find(slot.container_id);
    if (told != world.told.end())
      broken(world, "port " + std::to_string(port) + " is READY with the container of " + told->second);
    const bool on_disk = std::any_of(world.disk.begin(), world.disk.end(),
                                     [&own = slot](const Record& one) { return one.container_id == own.container_id; });
    if (!on_disk) broken(world, "port " + std::to_string(port) + " is READY and no record on disk knows it");
  }
  const Table& table = world.table;
  const bool may_trim =
      table.reconciled && table.engine_up && !table.stopping && !table.pulling && table.store_text.empty();
  if (may_trim && !pool_thinks(table) && ready > table.config.warm_pool_size) broken(world, "more slots are READY than WARM_POOL_SIZE");
}

// From the pool to a client: somebody may have tried the ports, and would watch. (One that bears its client's name, or that she was once sent to
// and a hand has renamed since, was hers before.)
static void check_claims(World& world) {
  if (!world.config.look_every_ms) return;
  for (const Was& was : world.was) {
    const Slot* slot = slot_of(world.table, was.port, was.generation);
    const bool given = was.state == SlotState::Claiming && slot && slot->state == SlotState::Assigned;
    if (!given || !world.was_ready.count(was.container) || slot->container_name != pool_container_name(was.port)) continue;
    if (world.by_hand.count(was.container + " " + slot->container_name)) continue;
    if (was_named_by_hand(world, was.container, was.client)) continue;  // so it did once
    if (auto owner = world.told.find(was.container); owner != world.told.end() && owner->second == was.client) continue;
    auto sight = world.sights.find(was.container);
    if (sight == world.sights.end() || sight->second.viewers > 0 || world.now.mono_ms - sight->second.ended_ms >= 1000)
      broken(world, was.container + " of the pool is given to " + was.client + ", and no look has just found that nobody watches it");
  }
}

static void check_status(World& world) {
  const std::vector<Record> shown = table_status(world.table);
  if (static_cast<int>(shown.size()) != table_status_size(world.table)) broken(world, "/status is said to have more or fewer records than it has");
  for (const Record& one : shown) {
    const SlotState state = world.table.slots.at(one.port).state;
    if (state != SlotState::Ready && state != SlotState::Claiming && state != SlotState::Assigned)
      broken(world, "/status shows port " + std::to_string(one.port) + ", which serves nobody yet");
  }
}

// Every waiting request gives up by itself. (Stopping answers all.)
static void check_patience(World& world) {
  const int64_t most = kStartWaitMs + world.config.ready_timeout_ms + kAnswerSlackMs;
  for (uint64_t request : world.open)
    if (world.now.mono_ms - world.requests[request].asked_ms > most)
      broken(world,
             "request " + std::to_string(request) + " of " + world.requests[request].client + " has waited too long");
}

// Before a step: what it hears is what it may act on.
static void take_sights(World& world, const Event& event) {
  const auto* looked = std::get_if<Looked>(&event);
  if (!looked) return;
  for (const Watched& watched : looked->watched) {
    const Slot* slot = slot_of(world.table, watched.port, watched.generation);
    if (!slot) continue;
    Sight& sight = world.sights[slot->container_id];
    if (looked->ended_ms >= sight.ended_ms) sight = Sight{watched.viewers, looked->ended_ms};
  }
}

// While it is being drained nobody gets a session who had none on its way, and the pool makes none; only a change of size that had begun before
// goes on.
static void check_drain(World& world) {
  if (!world.before.draining || !world.table.draining_us) return;
  for (const auto& [port, slot] : world.table.slots) {
    const auto was = std::find_if(world.was.begin(), world.was.end(),
                                  [&](const Was& one) { return one.port == port && one.generation == slot.generation; });
    const bool fresh = was == world.was.end();
    if (slot.claim == Claim::Resize) continue;
    if (fresh && slot.state == SlotState::Creating)
      broken(world, "a session begins on port " + std::to_string(port) + " while draining");
    const bool by_name = slot.container_name == client_container_name(slot.client) || slot.container_name == client_container_name(world.config.naming, slot.client);  // a hand has given it that
    if (!fresh && !by_name && was->client.empty() && !slot.client.empty() && was->state != SlotState::Removing)
      broken(world, "port " + std::to_string(port) + " goes from the pool to " + slot.client + " while draining");
  }
}

void rules_after(World& world, const Event& event) {
  if (const auto* removed = std::get_if<RemoveDone>(&event))
    if (removed->port == 0 && removed->failure.fault == Fault::Unknown)
      world.may_still_go.insert(removed->container_id);
  std::string wrong = table_check(world.table);
  if (!wrong.empty()) broken(world, wrong);
  check_ready(world);
  check_ends(world, event);
  check_claims(world);
  check_drain(world);
  if (const auto* asked = std::get_if<AccessAsked>(&event)) check_access(world, *asked);
  if (world.table.waiting_for.size() > world.config.most_waiting) broken(world, "more wait for a session than may");
  check_rollout(world);
  check_broken_store(world, event);
  check_pulling(world);
  if (world.table.engine_up && !world.table.stream_open)
    broken(world, "the engine counts as there though nothing tells of deaths");
  if (std::get_if<Tick>(&event)) check_patience(world);
  if (std::get_if<Tick>(&event)) check_status(world);
}

// ---- At rest.

static std::string row(const Record& one) {
  return one.client_id + " on port " + std::to_string(one.port) + " as " + one.container_name;
}

static const Box* named(const World& world, const std::string& name) {
  for (const Box& box : world.boxes)
    if (box.seen.name == name) return &box;
  return nullptr;
}

// A port in vain: somebody else's container holds it; or a session that a hand gave its pool name keeps that name, since somebody
// else's holds the one of its client.
static bool is_of_no_use(const World& world, int port) {
  for (const Box& box : world.boxes)
    if (box.seen.port == port && !box_is_ours(world, box)) return true;
  const Box* holder = named(world, pool_container_name(port));
  auto own = holder ? world.table.by_container.find(holder->seen.id) : world.table.by_container.end();
  if (own == world.table.by_container.end() || own->second == port) return false;
  const Box* other = named(world, client_container_name(world.config.naming, world.table.slots.at(own->second).client));
  return other && other->foreign;
}

static bool a_port_is_free(const World& world) {
  for (const auto& [port, slot] : world.table.slots)
    if (slot.state == SlotState::Free && !slot.outside && !is_of_no_use(world, port)) return true;
  return false;
}

static void check_slots_rest(World& world) {
  const Table& table = world.table;
  int assigned = 0, ready = 0;
  for (const auto& [port, slot] : table.slots) {
    assigned += slot.state == SlotState::Assigned && !slot.outside;
    ready += slot.state == SlotState::Ready;
    const bool rests =
        slot.state == SlotState::Free || slot.state == SlotState::Ready || slot.state == SlotState::Assigned;
    if (!rests) broken(world, "port " + std::to_string(port) + " is left " + slot_state_name(slot.state));
    if (slot.renaming) broken(world, "port " + std::to_string(port) + " is being renamed for ever");
  }
  int usable = table_max_slots(table) - assigned;
  for (const auto& [port, slot] : table.slots) usable -= slot.state == SlotState::Free && is_of_no_use(world, port);
  const int want = std::min(pool_thinks(table) ? table.pool_target : table.config.warm_pool_size, usable);
  // More than foresight asks for stay a while.
  const bool may_stay = pool_thinks(table) && ready > want && table.pool_surplus_ms != kNever;
  const int old = rollout_left(table);
  if (old > 1 || (old == 1 && a_port_is_free(world)))
    broken(world, std::to_string(old) + " pool containers of another image are left");
  if (ready != want && !may_stay)
    broken(world, std::to_string(ready) + " are READY beside " + std::to_string(assigned) + " sessions, not " +
                      std::to_string(want));
}

static void check_records_rest(World& world) {
  std::map<std::string, std::string> in_engine, on_disk, in_status;
  for (const Record& one : world.disk) on_disk[one.container_id] = row(one);
  for (const Record& one : table_status(world.table)) in_status[one.container_id] = row(one);
  for (const Box& box : world.boxes) {
    const bool known = world.table.by_container.count(box.seen.id) != 0;
    if (!known && !box_is_ours(world, box)) continue;
    if (box.seen.state != SeenState::Running)
      return broken(world, box.seen.name + " (" + box.seen.id + ") is left there, not running");
    if (!known) return broken(world, box.seen.name + " (" + box.seen.id + ") runs without a slot");
    const Slot& slot = *slot_by_container(world.table, box.seen.id);
    in_engine[box.seen.id] = (slot.client.empty() ? std::string(kPoolClient) : slot.client) + " on port " +
                             std::to_string(box.seen.port) + " as " + box.seen.name;
  }
  for (const auto& [id, is] : in_engine)
    if (on_disk[id] != is || in_status[id] != is)
      return broken(world,
                    id + ": engine \"" + is + "\", disk \"" + on_disk[id] + "\", status \"" + in_status[id] + "\"");
  if (on_disk.size() != in_engine.size()) broken(world, "a record is left of a container that is gone");
  if (in_status.size() != in_engine.size()) broken(world, "/status shows a container that is gone");
}

void rules_at_rest(World& world) {
  if (!world.open.empty())
    broken(world, "request " + std::to_string(world.open.front()) + " of " + world.requests[world.open.front()].client +
                      " is never answered");
  if (!world.work.empty() || !world.answers.empty()) broken(world, "something is still under way");
  int foreign = 0;
  for (const Box& box : world.boxes) foreign += box.foreign;
  if (foreign != world.foreigners) broken(world, "a container that is somebody else's is gone");
  check_slots_rest(world);
  if (world.failure.empty()) check_records_rest(world);
}
