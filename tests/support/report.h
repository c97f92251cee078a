// Figures of fault tests: each run says in one row what it did and measured. `make faults` asks for them at full length and keeps the table.
#ifndef SUPPORT_REPORT_H
#define SUPPORT_REPORT_H

#include <string>

struct FaultRow {
  std::string fault;
  std::string told;  // those who asked for something meanwhile: which status, after how long
  std::string kept;  // /health, /status and reuse meanwhile
  std::string well;  // how long after its end until all was well
  std::string more;
};

// True when FAULTS_REPORT names a file: the runs take their full length then, and a short one otherwise.
bool report_at_length();
int report_pick(int briefly, int at_length);
// One line of that table, in two cells or in five; shown on stdout in any case.
void report_row(const std::string& what, const std::string& figures);
void report_fault(const FaultRow& row);
std::string report_seconds(double seconds);  // "1.3 s"

#endif
