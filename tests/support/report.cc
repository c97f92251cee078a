// Rows of the table that `make faults` shows.
#include "support/report.h"

#include <cstdio>
#include <cstdlib>

namespace {

const char* report_path() {
  const char* path = getenv("FAULTS_REPORT");
  return path != nullptr && *path != 0 ? path : nullptr;
}

}  // namespace

bool report_at_length() { return report_path() != nullptr; }

int report_pick(int briefly, int at_length) { return report_at_length() ? at_length : briefly; }

void report_row(const std::string& what, const std::string& figures) {
  printf("             %s: %s\n", what.c_str(), figures.c_str());
  fflush(stdout);
  if (!report_at_length()) return;
  FILE* file = fopen(report_path(), "ae");
  if (file == nullptr) return;
  fprintf(file, "| %s | %s |\n", what.c_str(), figures.c_str());
  fclose(file);
}

std::string report_seconds(double seconds) {
  char text[32];
  snprintf(text, sizeof text, "%.1f s", seconds);
  return text;
}
