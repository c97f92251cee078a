// The thread that looks at who watches: what it is given to do, and the messages that come of it.
#include "daemon/eyes.h"

#include <utility>

#include "io/host.h"

namespace {

LookDone look_now(Lookout* lookout, LookFor purpose, std::vector<LookTarget> at) {
  LookDone done;
  done.purpose = static_cast<int>(purpose);
  done.seen = lookout_look(lookout, at, purpose != LookFor::Round, host_monotonic_ms());
  done.at = std::move(at);
  done.ended_ms = host_monotonic_ms();
  return done;
}

}  // namespace

Eyes eyes_open(int container_port, Mailbox* mailbox) { return Eyes{lookout_create(container_port), lane_create("look", 1, mailbox)}; }

void eyes_look(Eyes* eyes, const DoLook& look) {
  std::vector<LookTarget> at;
  for (const LookAt& one : look.at) at.push_back(LookTarget{one.container_id, one.port, one.generation});
  // Somebody waits for all but a round.
  const LaneOrder order = look.purpose == LookFor::Round ? LaneOrder::Normal : LaneOrder::Urgent;
  Lookout* lookout = eyes->lookout.get();
  lane_submit(eyes->lane.get(), order, [lookout, purpose = look.purpose, at = std::move(at)]() -> Message { return look_now(lookout, purpose, at); });
}

void eyes_meet(Eyes* eyes, std::vector<EyesProcess> processes, std::vector<LookTarget> at) {
  Lookout* lookout = eyes->lookout.get();
  lane_submit(eyes->lane.get(), LaneOrder::Urgent, [lookout, processes = std::move(processes), at = std::move(at)]() -> Message {
    for (const EyesProcess& one : processes) lookout_learn(lookout, one.container_id, one.pid, host_monotonic_ms());
    return look_now(lookout, LookFor::Met, at);
  });
}

void eyes_measure(Eyes* eyes) {
  const Lookout* lookout = eyes->lookout.get();
  lane_submit(eyes->lane.get(), LaneOrder::Normal, [lookout]() -> Message { return lookout_memory(lookout); });
}

Event event_of_look(const LookDone& done) {
  Looked looked{static_cast<LookFor>(done.purpose), done.ended_ms, {}, done.seen.blind};
  for (size_t i = 0; i < done.at.size(); i++) looked.watched.push_back(Watched{done.at[i].port, done.at[i].generation, done.seen.viewers[i]});
  return looked;
}
