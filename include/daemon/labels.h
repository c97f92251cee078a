// The X-Request-Id of each request that is being taken in or waits, for the lines of the log that are about it.
#ifndef DAEMON_LABELS_H
#define DAEMON_LABELS_H

#include <cstdint>
#include <string>
#include <unordered_map>

#include "core/events.h"
#include "io/httpd.h"

// Most requests are answered while they are taken in, and never get into the map.
struct Labels {
  uint64_t now = 0;  // being taken in; 0: none
  std::string label;
  bool answered = false;
  std::unordered_map<uint64_t, std::string> waiting;
};

void labels_begin(Labels* labels, const HttpRequest& request);
void labels_end(Labels* labels);
void labels_answered(Labels* labels, uint64_t request);

// "a,b": whose a line is; empty when it is nobody's.
std::string labels_of(const Labels& labels, const Say& line);

#endif
