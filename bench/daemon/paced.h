// Many connections in one thread: asked at moments that are set beforehand, or all at once.
//
// wrk asks again when it has been answered, so a slow answer makes it ask less and hides what others would have waited; hey paces each worker, but
// by sleeping between its answers, which hides the same. Here a request is due at its moment whatever became of those before it, and its latency
// counts from that moment.
#ifndef BENCH_DAEMON_PACED_H
#define BENCH_DAEMON_PACED_H

#include <functional>
#include <string>
#include <vector>

struct Stream {
  int port = 0;
  std::function<std::string()> path;  // of the next request
  int connections = 1;
  double rate = 0;  // a second
  std::vector<double> ms = {};  // of each request, from when it was due to its whole answer
};
// GET on kept connections to 127.0.0.1, all streams beside each other, until `goes_on` (asked at each turn) says no. Every answer must be a 302;
// fails the row otherwise.
void paced_ask(std::vector<Stream>* streams, const std::function<bool()>& goes_on);
// One stream of one path, for so many seconds.
std::vector<double> paced_ask_for(int port, const std::string& path, int connections, double rate, double seconds);

struct Burst {
  double all_ms = 0;         // until the last had its answer
  std::vector<double> each;  // ms, in the order of the paths
};
// All at the same moment, each on a connection that is open already.
Burst burst_ask(int port, const std::vector<std::string>& paths);

#endif
