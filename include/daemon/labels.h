// What is remembered of each request that is being taken in or waits: its X-Request-Id, for the lines of the log that are about it, and its route and
// hour, for what is counted when it is answered.
#ifndef DAEMON_LABELS_H
#define DAEMON_LABELS_H

#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>

#include "core/events.h"
#include "io/httpd.h"

// Most requests are answered while they are taken in, and never get into the map.
struct Asker {
  std::string label;
  size_t row = 0;  // of the routes
  int64_t began_us = 0;  // CLOCK_MONOTONIC
};
struct Labels {
  uint64_t now = 0;  // being taken in; 0: none
  Asker asker;
  bool answered = false;
  std::unordered_map<uint64_t, Asker> waiting;
};

void labels_begin(Labels* labels, const HttpRequest& request, size_t row, int64_t now_us);
const Asker* labels_asker(const Labels& labels, uint64_t request);  // nullptr: it has had its answer
void labels_end(Labels* labels);
void labels_answered(Labels* labels, uint64_t request);

// "a,b": whose a line is; empty when it is nobody's.
std::string labels_of(const Labels& labels, const Say& line);

#endif
