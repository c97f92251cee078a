// What befalls containers in the modelled world, by themselves and by other people's hands.
#include <algorithm>

#include "core/names.h"
#include "sim/world.h"

static Box* pick(World& world, uint16_t who) {
  if (world.boxes.empty()) return nullptr;
  Box& box = world.boxes[who % world.boxes.size()];
  return box.foreign ? nullptr : &box;
}

static void hand_renames(World& world, Box& box, int32_t amount) {
  if (box.seen.instance.empty()) return;
  const auto n = static_cast<uint32_t>(amount);
  const std::string names[] = {client_container_name(kClients[n / 4 % std::size(kClients)]),
                               pool_container_name(world.config.port_min + static_cast<int>(n / 4 % 4)), "web",
                               client_container_name(world.config.naming, kClients[n / 4 % std::size(kClients)])};
  const std::string strange[] = {"web", "vnc_.x", "vnc_" + std::string(70, 'x')};
  const std::string& name = n % 4 == 2 ? strange[n / 4 % 3] : names[n % 4];
  for (const Box& one : world.boxes)
    if (one.seen.name == name) return;
  const std::string was = box.seen.name;
  box.seen.name = name;
  if (nobody_could_tell(world, world.disk)) return void(box.seen.name = was);
  tell(world, "somebody renames " + box.seen.id + " (" + was + ") to " + name);
  world.by_hand.insert(box.seen.id + " " + name);
  box_says(world, ContainerChange::Renamed, box);
}

// Containers that no daemon of ours has made: another installation's, which are not to be touched, and what the first version left.
static void hand_makes(World& world, const Choice& choice) {
  const std::string client = kClients[choice.who % std::size(kClients)];
  const auto n = static_cast<uint32_t>(choice.amount);
  Box box;
  box.seen.id = "h" + std::to_string(++world.ids);
  box.seen.state = SeenState::Running;
  box.seen.health = world.health_checks ? SeenHealth::Healthy : SeenHealth::None;
  box.seen.on_network = true;
  box.was_healthy = box.page = true;
  const int in_range =
      world.config.port_min + static_cast<int>(n % static_cast<uint32_t>(table_max_slots(world.table)));
  switch (choice.how % 6) {
    case 0:  // another installation's
      if (world.foreigners >= 3) return;
      box.foreign = true;
      box.seen.name = client_container_name(client);
      box.seen.instance = "another_network";
      box.seen.port = n % 3 ? 9000 + world.ids : in_range;
      break;
    case 1:  // nobody's
      if (world.foreigners >= 3) return;
      box.foreign = true;
      box.seen.name = n % 2 ? "web" : "vnc_.x";
      box.seen.port = 9000 + world.ids;
      break;
    case 2:
      box.seen.name = client_container_name(client);
      box.seen.port = in_range;
      break;
    case 3:
      box.seen.name = pool_container_name(in_range);
      box.seen.port = in_range;
      break;
    case 4:  // of ours by its label, and of no use
      box.seen.name = client_container_name(client);
      box.seen.instance = kInstance;
      box.seen.run = "run0";
      break;
    case 5:  // not ours by its port
      if (world.foreigners >= 3) return;
      box.foreign = true;
      box.seen.name = client_container_name(client);
      box.seen.port = n % 2 ? 4000 + world.ids : 9000 + world.ids;
      break;
  }
  if (box.seen.port == world.port_of_another) return;
  for (const Box& one : world.boxes)
    if (one.seen.name == box.seen.name ||
        (one.seen.port == box.seen.port && one.seen.state != SeenState::Created && one.seen.state != SeenState::Ended))
      return;
  tell(world, std::string("a container ") + (box.foreign ? "of somebody else" : "of the first version") +
                  " is there: " + box.seen.id + " " + box.seen.name + " on port " + std::to_string(box.seen.port));
  world.foreigners += box.foreign;
  world.boxes.push_back(box);
  box_says(world, ContainerChange::Created, box);
}

static void starts_again(World& world, Box& box) {
  box.seen.state = SeenState::Running;
  box.seen.health = world.health_checks ? SeenHealth::Starting : SeenHealth::None;
  box.seen.on_network = true;
  world.known_dead.erase(box.seen.id);
}

void hands_act(World& world, const Choice& choice) {
  if (choice.what == What::HandMakes) return hand_makes(world, choice);
  Box* box = pick(world, choice.who);
  if (!box) return;
  const std::string who = box->seen.id + " (" + box->seen.name + ")";
  const bool running = box->seen.state == SeenState::Running, paused = box->seen.state == SeenState::Paused;
  switch (choice.what) {
    case What::Health:
      if (running) tell(world, "the next probe of " + who + (box->stuck ? " fails" : " passes"));
      return box_probed(world, *box);
    case What::Sicken:
      if (!running || box->seen.health != SeenHealth::Healthy) return;
      tell(world, who + " becomes unhealthy");
      box->seen.health = SeenHealth::Unhealthy;
      box->was_sick = true;
      return box_says(world, ContainerChange::Unhealthy, *box);
    case What::Die:
      if (running || paused) tell(world, who + " dies");
      return box_ends(world, *box);
    case What::HandRemoves: tell(world, "somebody removes " + who); return box_goes(world, std::string(box->seen.id));
    case What::HandRenames: return hand_renames(world, *box, choice.amount);
    case What::HandPauses:
      if (!running && !paused) return;
      tell(world, std::string("somebody ") + (running ? "pauses " : "unpauses ") + who);
      box->seen.state = running ? SeenState::Paused : SeenState::Running;
      return running ? box_says(world, ContainerChange::Disturbed, *box) : void();
    case What::HandDisconnects:
      if (!box->seen.on_network) return;
      tell(world, who + " loses its network");
      box->seen.on_network = false;
      return box_says(world, ContainerChange::Disturbed, *box);
    case What::HandStarts:
      if (running || paused || box->being_removed) return;
      for (const Box& one : world.boxes)
        if (one.seen.port == box->seen.port &&
            (one.seen.state == SeenState::Running || one.seen.state == SeenState::Paused))
          return;
      tell(world, "somebody starts " + who + " again");
      return starts_again(world, *box);
    case What::Watch:
      if (!running && !paused) return;
      box->viewers = choice.how % 3;
      return tell(world, std::to_string(box->viewers) + " watch " + who);
    case What::HandRestarts:
      if (!running) return;
      tell(world, "somebody restarts " + who);
      box_ends(world, *box);
      return starts_again(world, *box);
    default: return;
  }
}
