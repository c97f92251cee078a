// Whether a series of readings goes up or down: the least-squares line through it, and how far that line is from level.
#ifndef SOAK_SLOPE_H
#define SOAK_SLOPE_H

#include <utility>
#include <vector>

struct Slope {
  double per_hour = 0;
  double error = 0;   // standard error of per_hour; 0 when all points lie on the line
  double change = 0;  // of the line, from the first reading to the last
};

// (hours, value). Fewer than three readings have no slope: all zero.
Slope slope_of(const std::vector<std::pair<double, double>>& readings);

// Level within noise: nearer to zero than four standard errors (which chance passes once in a thousand runs of twenty readings), or
// a change below `least`, the smallest that there can be of such a thing: half a descriptor is none.
bool slope_is_level(const Slope& slope, double least);

#endif
