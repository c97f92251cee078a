// Labels by the numbers of requests.
#include "daemon/labels.h"

void labels_begin(Labels* labels, const HttpRequest& request, size_t row, int64_t now_us) {
  labels->now = request.id;
  labels->asker.label = request.label;
  labels->asker.row = row;
  labels->asker.began_us = now_us;
  labels->answered = false;
}

void labels_end(Labels* labels) {
  if (!labels->answered) labels->waiting.emplace(labels->now, labels->asker);
  labels->now = 0;
}

void labels_answered(Labels* labels, uint64_t request) {
  if (request == labels->now)
    labels->answered = true;
  else
    labels->waiting.erase(request);
}

const Asker* labels_asker(const Labels& labels, uint64_t request) {
  if (request == labels.now) return &labels.asker;
  const auto found = labels.waiting.find(request);
  return found == labels.waiting.end() ? nullptr : &found->second;
}

static void add(const Labels& labels, uint64_t request, std::string* out) {
  const Asker* asker = labels_asker(labels, request);
  if (asker == nullptr) return;
  if (!out->empty()) *out += ',';
  *out += asker->label;
}

std::string labels_of(const Labels& labels, const Say& line) {
  std::string out;
  if (line.request == 0) return out;
  add(labels, line.request, &out);
  for (const uint64_t request : line.more) add(labels, request, &out);
  return out;
}
