// Both sessions on the bench: the image that is ours and the stock one beside it, their containers, what they use, who looks at them.
#ifndef BENCH_SESSION_RIG_H
#define BENCH_SESSION_RIG_H

#include <string>
#include <vector>

#include "bench/support/rounds.h"
#include "bench/support/table.h"
#include "bench/support/viewer.h"
#include "image/stage.h"

enum class Kind { Stock, Ours };

inline constexpr const char* kStockImage = "localhost/vnc-orchestrator-stock:latest";
inline constexpr const char* kResults = "bench/out/session.json";

// The two in the order of this round: now the one first, now the other.
std::vector<Kind> kinds_of_round(int round);
std::vector<double>* samples_of(Row* row, Kind kind);
void row_done(const Row& row);

// Containers of either kind on a page of ours, made and not yet started; every name once in a row.
std::string bench_create(Stage* stage, Kind kind, const std::string& name, const std::string& path);
// Starts it and waits until the colour covers half of what its X server shows. Seconds from the order to the pixels.
double bench_start(Stage* stage, const std::string& name, unsigned rgb, Box* out);
Box bench_run(Stage* stage, Kind kind, const std::string& name, const std::string& path, unsigned rgb);

// What the kernel counts for a container, all its processes and health checks together. MiB.
struct Memory {
  double anonymous = 0;
  double shared = 0;  // shm, tmpfs: pages of no file
  double mapped =
      0;  // pages of files that are mapped, each counted for the container that read it first; shm is among them
};
Memory box_memory(const Box& box);
double box_cpu_seconds(const Box& box);

// The address of the page that shows a session at once, over plain http.
std::string viewer_url(Kind kind, const Box& box);
// Goes there and waits for the colour near the lower left corner of the picture. Milliseconds from the start of the navigation to that frame.
double viewer_go(Browser* browser, const std::string& url, unsigned rgb);

#endif
