// Rows on the real engine: the session image on a page of ours, newcomers, and sessions made without the daemon beside.
#ifndef BENCH_DAEMON_HALL_H
#define BENCH_DAEMON_HALL_H

#include <future>
#include <memory>
#include <string>
#include <vector>

#include "bench/daemon/bare_engine.h"
#include "bench/daemon/stand.h"
#include "support/page_server.h"

inline constexpr unsigned kPageColor = 0x1e90ff;

struct Hall {
  Scene* scene = nullptr;
  Daemon* daemon = nullptr;
  PageServerPtr pages;
  BareEnginePtr bare;
  int come = 0;
};
// The daemon with so many ports and such a pool, started, its pool full. `image` is one of suite.h's, or kSessionImage.
std::shared_ptr<Hall> hall_open(Scene* scene, const std::string& image, int ports, int pool);
std::string hall_client(Hall* hall);  // a new one
Texts hall_clients(Hall* hall, int count);
void hall_remove(Hall* hall, const Texts& clients);  // all at once; back when they have gone and the pool is full

// What the daemon would launch, on its ports from `first` on, under names and labels that are not its own.
std::vector<LaunchSpec> hall_specs(Hall* hall, int count);

// 302 to each of them, at once, while the caller does something else.
struct Storm {
  std::vector<std::future<HttpReply>> replies;
};
Storm storm_begin(Hall* hall, const Texts& clients, const std::string& query = "");
bool storm_goes_on(Storm* storm);
void storm_end(Storm* storm);  // waits; each must be a 302

// How many at a time make `count` sessions by the bare engine soonest; tried on this machine now.
int hall_best_parallel(Hall* hall, int count);

#endif
