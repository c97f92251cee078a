// One visitor's day, as requests.
#include "soak/visitors.h"

#include <unistd.h>

#include <algorithm>

namespace {

void sleep_until(double when) {
  const double seconds = when - now_seconds();
  if (seconds > 0) usleep(static_cast<useconds_t>(seconds * 1e6));
}

bool is_full(const HttpReply& reply) {
  return reply.status == 503 && reply.body.find("No available ports") != std::string::npos;
}

HttpReply ask(const Visitor& visitor, const Daemon* daemon, Meeting* meeting, const std::string& path, long wanted) {
  HttpCall call = daemon_call(daemon, path);
  call.timeout_ms = 90'000;  // longer than the daemon's own patience, so that it is the one to say why
  HttpReply reply = http_call(call);
  std::lock_guard<std::mutex> guard(meeting->mutex);
  meeting->statuses[reply.status]++;
  if (is_full(reply))
    meeting->full++;
  else if (reply.status != wanted)
    meeting->surprises.push_back({now_seconds(), visitor.client, path, reply.error + reply.body, reply.status});
  return reply;
}

// With the patience of somebody who was told to try again.
void enter(const Visitor& visitor, const Daemon* daemon, Meeting* meeting, const std::string& size) {
  for (int tries = 0; tries < 20; tries++) {
    HttpReply reply = ask(visitor, daemon, meeting, access_path(visitor.client, size), 302);
    if (reply.status == 302) return;
    sleep(1);
  }
}

}  // namespace

void visitor_live(const Visitor& visitor, const Daemon* daemon, Meeting* meeting) {
  sleep_until(visitor.arrives);
  if (visitor.hangs_up) {
    HttpCall call = daemon_call(daemon, access_path(visitor.client, visitor.size));
    call.timeout_ms = 40;
    http_call(call);
    std::lock_guard<std::mutex> guard(meeting->mutex);
    meeting->hung_up++;
  }
  enter(visitor, daemon, meeting, visitor.size);
  std::string size = visitor.size;
  constexpr int kBursts = 5;
  for (int burst = 0; burst < kBursts; burst++) {
    sleep_until(visitor.arrives + (visitor.leaves - visitor.arrives) * (burst + 1) / (kBursts + 1));
    if (visitor.resizes && burst == kBursts / 2) size = "&width=1024&height=768";
    // Who has lost the session meanwhile, to somebody else's need of a port, comes back for a new one.
    enter(visitor, daemon, meeting, size);
    for (int i = 0; i < visitor.reloads / kBursts; i++)
      ask(visitor, daemon, meeting, access_path(visitor.client, size), 302);
  }
  sleep_until(visitor.leaves);
  if (!visitor.removes) return;
  // A visit too late: it was recycled.
  HttpReply reply = http_call(daemon_call(daemon, "/remove?id=" + url_encode(visitor.client)));
  std::lock_guard<std::mutex> guard(meeting->mutex);
  meeting->statuses[reply.status]++;
  if (reply.status != 200 && reply.status != 404)
    meeting->surprises.push_back({now_seconds(), visitor.client, "/remove", reply.error + reply.body, reply.status});
}
