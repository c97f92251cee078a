// Figures of fault tests: each run says in one row what it did and measured. `make faults` asks for them at full length and keeps the table.
#ifndef SUPPORT_REPORT_H
#define SUPPORT_REPORT_H

#include <string>

// True when FAULTS_REPORT names a file: the runs take their full length then, and a short one otherwise.
bool report_at_length();
int report_pick(int briefly, int at_length);
// One line of that table; shown on stdout in any case.
void report_row(const std::string& what, const std::string& figures);
std::string report_seconds(double seconds);  // "1.3 s"

#endif
