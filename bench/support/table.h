// What a benchmark found, row by row: samples of both sides, the aim, the verdict; kept in a JSON file, shown as a table.
#ifndef BENCH_SUPPORT_TABLE_H
#define BENCH_SUPPORT_TABLE_H

#include <string>
#include <vector>

enum class Aim {
  RatioAtMost,   // ours / base
  RatioAtLeast,  // ours / base
  OursAtMost,    // whatever stands beside it
  MoreAtMost,    // ours - base
  None           // told, not judged
};

struct Row {
  std::string name;
  std::string unit;
  int digits = 1;  // behind the point, when shown
  Aim aim = Aim::None;
  double limit = 0;
  std::vector<double> base = {}, ours = {};  // one sample a round; base: of what ours is compared with
  double busy = 0;                           // share of this machine's processors that others used just before, 0 to 1
};

double samples_median(std::vector<double> samples);                  // 0 when there is none
double samples_quantile(std::vector<double> samples, double share);  // share 0.95: 95 % are not above it
// Begins the file anew: no rows. `base_name` heads the column of what ours is compared with.
void table_begin(const std::string& path, int rounds, const std::string& base_name);
// Adds the row to the file; false when it cannot be written.
bool table_add(const std::string& path, const Row& row);
// Adds one point of a series that is plotted; false when it cannot be written.
bool table_point(const std::string& path, const std::string& series, const std::string& x, double y);
// Each series as a file of its own beside it, SERIES.dat, a point a line.
bool table_write_series(const std::string& path);
// Prints what the file holds. True when every aim is met. A row that was measured on a machine too busy to compare anything is never met.
bool table_print(const std::string& path);

#endif
