// Containers of the pool that were started from another image than VNC_IMAGE stands for today: they serve on until newer ones are there, and go one by one, so that
// a new image leaves nobody without a pool, and one that does not start leaves what there was. Those of other settings serve nobody any more.
#include "core/rules.h"

bool rollout_is_old(const Table& table, const Slot& slot) {
  const bool other_image = !slot.image.empty() && !table.image.empty() && slot.image != table.image;
  return other_image || slot.fingerprint != table.config.fingerprint;
}

void rollout_image_seen(Turn& turn, const std::string& image) {
  Table& table = turn.table;
  if (image.empty() || image == table.image) return;
  const std::string before = table.image.empty() ? table.image_before : table.image;
  if (!before.empty() && before != image) {
    say(turn, SayLevel::Info, "POOL", "VNC_IMAGE stands for another image now: " + image + ", not " + before);
    table.pool_at_ms = table.pool_backoff_ms = 0;  // what failed may be mended
  }
  table.image = image;
}

// What we have launched is told by what the name stood for then, not by what the engine calls the container's image: should an engine have two
// ids for one image, the pool would be replaced for ever. What an earlier run has left is asked that once.
void rollout_container_seen(Turn& turn, Slot& slot, const Seen& seen) {
  if (slot.image.empty() && turn.table.image != kNoImage) slot.image = slot.adopted ? seen.image : turn.table.image;
}

bool rollout_serves(const Table& table, const Slot& slot) {
  return !slot.outside && slot.fingerprint == table.config.fingerprint;
}

int rollout_left(const Table& table) {
  int old = 0;
  if (table.count[static_cast<size_t>(SlotState::Ready)])
    for (const auto& [port, slot] : table.slots) old += slot.state == SlotState::Ready && rollout_is_old(table, slot);
  return old;
}

static bool remove_longest(Turn& turn) {
  Slot* longest = nullptr;
  for (auto& [port, slot] : turn.table.slots)
    if (slot.state == SlotState::Ready && rollout_is_old(turn.table, slot) && (!longest || slot.changed < longest->changed)) longest = &slot;
  if (longest) removal_begin(turn, *longest, Ending::Stale, "it was started from another image than today's");
  return longest != nullptr;
}

void rollout_trim(Turn& turn, int surplus) {
  while (surplus > 0 && remove_longest(turn)) surplus--;
}

void rollout_make_room(Turn& turn) {
  const bool one_comes_free = turn.table.count[static_cast<size_t>(SlotState::Removing)] > 0;
  if (!one_comes_free && turn.table.count[static_cast<size_t>(SlotState::Ready)] > 1) remove_longest(turn);
}
