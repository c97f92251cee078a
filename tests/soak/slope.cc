// The least-squares line through readings, and its standard error.
#include "soak/slope.h"

#include <cmath>

Slope slope_of(const std::vector<std::pair<double, double>>& readings) {
  Slope slope;
  const auto n = static_cast<double>(readings.size());
  if (readings.size() < 3) return slope;
  double mean_x = 0, mean_y = 0;
  for (const auto& [x, y] : readings) mean_x += x / n, mean_y += y / n;
  double xx = 0, xy = 0;
  for (const auto& [x, y] : readings) xx += (x - mean_x) * (x - mean_x), xy += (x - mean_x) * (y - mean_y);
  if (xx <= 0) return slope;
  slope.per_hour = xy / xx;
  double off = 0;
  for (const auto& [x, y] : readings) {
    const double miss = y - mean_y - slope.per_hour * (x - mean_x);
    off += miss * miss;
  }
  slope.error = std::sqrt(off / (n - 2) / xx);
  slope.change = slope.per_hour * (readings.back().first - readings.front().first);
  return slope;
}

bool slope_is_level(const Slope& slope, double least) {
  return std::fabs(slope.per_hour) <= 4 * slope.error || std::fabs(slope.change) < least;
}
