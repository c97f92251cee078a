// Labels by the numbers of requests.
#include "daemon/labels.h"

void labels_begin(Labels* labels, const HttpRequest& request) {
  labels->now = request.id;
  labels->label = request.label;
  labels->answered = false;
}

void labels_end(Labels* labels) {
  if (!labels->answered) labels->waiting.emplace(labels->now, labels->label);
  labels->now = 0;
}

void labels_answered(Labels* labels, uint64_t request) {
  if (request == labels->now)
    labels->answered = true;
  else
    labels->waiting.erase(request);
}

static void add(const Labels& labels, uint64_t request, std::string* out) {
  const std::string* label = request == labels.now ? &labels.label : nullptr;
  if (label == nullptr) {
    const auto found = labels.waiting.find(request);
    if (found == labels.waiting.end()) return;  // it has had its answer
    label = &found->second;
  }
  if (!out->empty()) *out += ',';
  *out += *label;
}

std::string labels_of(const Labels& labels, const Say& line) {
  std::string out;
  if (line.request == 0) return out;
  add(labels, line.request, &out);
  for (const uint64_t request : line.more) add(labels, request, &out);
  return out;
}
