// Rows of the table that `make faults` shows.
#include "support/report.h"

#include <cstdio>
#include <cstdlib>
#include <initializer_list>

namespace {

const char* report_path() {
  const char* path = getenv("FAULTS_REPORT");
  return path != nullptr && *path != 0 ? path : nullptr;
}

// Cells as a row of Markdown, or, for the eye alone, as a line.
void write_row(FILE* file, const char* before, std::initializer_list<std::string> cells, const char* after) {
  const char* between = before;
  for (const std::string& cell : cells) {
    fprintf(file, "%s%s", between, cell.empty() ? "-" : cell.c_str());
    between = " | ";
  }
  fprintf(file, "%s\n", after);
}

void report(std::initializer_list<std::string> cells) {
  write_row(stdout, "             ", cells, "");
  fflush(stdout);
  if (report_path() == nullptr) return;
  FILE* file = fopen(report_path(), "ae");
  if (file == nullptr) return;
  write_row(file, "| ", cells, " |");
  fclose(file);
}

}  // namespace

bool report_at_length() { return report_path() != nullptr; }

int report_pick(int briefly, int at_length) { return report_at_length() ? at_length : briefly; }

void report_row(const std::string& what, const std::string& figures) { report({what, figures}); }

void report_fault(const FaultRow& row) { report({row.fault, row.told, row.kept, row.well, row.more}); }

std::string report_seconds(double seconds) {
  char text[32];
  snprintf(text, sizeof text, "%.1f s", seconds);
  return text;
}
