// One family of lines after the other: # HELP, # TYPE, samples.
#include "codec/metrics.h"

#include <charconv>
#include <iterator>
#include <string_view>

namespace {

// In the order of their enums.
constexpr const char* kClaimNames[] = {"reuse", "pool", "cold", "resize"};
constexpr const char* kEndingNames[] = {"remove",    "remove_all",    "resized",      "recycled", "idle",    "too_old", "died",        "launch_failed", "port_held",
                                        "not_recorded", "stale", "surplus", "yielded",  "watched", "misrecorded", "stopping", "orphan"};
constexpr const char* kCallNames[] = {"version", "network", "create", "start", "inspect", "list", "remove", "rename", "image", "pull"};
static_assert(std::size(kClaimNames) == kClaims && std::size(kEndingNames) == kEndings && std::size(kCallNames) == kEngineCalls);

std::string number(double value) {
  char text[400];  // of the largest there is
  const auto [end, fault] = std::to_chars(text, text + sizeof text, value, std::chars_format::fixed);
  return fault == std::errc() ? std::string(text, end) : std::string("NaN");
}
std::string number(uint64_t value) { return std::to_string(value); }

// label="value", with what the format gives a meaning escaped.
std::string label(std::string_view name, std::string_view value) {
  std::string out(name);
  out += "=\"";
  for (const char c : value) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n')
      out += "\\n";
    else
      out += c;
  }
  return out + '"';
}

// The family being written.
struct Page {
  std::string text;
  std::string name;
};

void family(Page* page, std::string_view name, std::string_view type, std::string_view help) {
  page->name = std::string("vnc_orchestrator_") += name;
  page->text += "# HELP " + page->name + " ";
  page->text += help;
  page->text += "\n# TYPE " + page->name + " ";
  page->text += type;
  page->text += "\n";
}

void sample(Page* page, std::string_view suffix, const std::string& labels, const std::string& value) {
  page->text += page->name;
  page->text += suffix;
  if (!labels.empty()) page->text += "{" + labels + "}";
  page->text += " " + value + "\n";
}

void single(Page* page, std::string_view name, std::string_view type, std::string_view help, const std::string& value) {
  family(page, name, type, help);
  sample(page, "", "", value);
}

void histogram(Page* page, const std::string& labels, const Durations& durations) {
  const std::string before = labels.empty() ? "" : labels + ",";
  uint64_t count = 0;
  for (size_t i = 0; i < durations.counts.size(); ++i) {
    count += durations.counts[i];
    sample(page, "_bucket", before + label("le", i < kDurationBounds.size() ? number(kDurationBounds[i]) : "+Inf"), number(count));
  }
  sample(page, "_sum", labels, number(durations.seconds));
  sample(page, "_count", labels, number(count));
}

void labelled(Page* page, std::string_view name, const Labelled& values) {
  for (const auto& [which, value] : values) sample(page, "", label(name, which), number(value));
}

template <size_t N>
void counted(Page* page, std::string_view name, const char* const (&names)[N], const std::array<uint64_t, N>& values) {
  for (size_t i = 0; i < N; ++i) sample(page, "", label(name, names[i]), number(values[i]));
}

void add_sessions(Page* page, const Metrics& metrics) {
  family(page, "slots", "gauge", "Ports of sessions by the state of what is on them.");
  labelled(page, "state", metrics.slots);
  single(page, "draining", "gauge", "1 while no session begins (/drain).", number(uint64_t{metrics.draining}));
  single(page, "slots_max", "gauge", "Ports from PORT_RANGE_MIN to PORT_RANGE_MAX.", number(metrics.slots_most));
  single(page, "viewers", "gauge", "Connections to the clients' sessions, as of the last look at each.", number(metrics.viewers));
  single(page, "watched_sessions", "gauge", "Sessions of clients that somebody watches.", number(metrics.watched));
  single(page, "unseen_sessions", "gauge", "Sessions of clients of which nobody can tell who watches them.", number(metrics.unseen));
  family(page, "claims_total", "counter", "Sessions that clients came to, by how.");
  counted(page, "kind", kClaimNames, metrics.tally.claims);
  family(page, "removals_total", "counter", "Containers whose removal was begun, by why.");
  counted(page, "reason", kEndingNames, metrics.tally.endings);
}

void add_answers(Page* page, const Metrics& metrics) {
  family(page, "http_answers_total", "counter", "Answers by route and status.");
  for (const Answered& one : metrics.answers)
    sample(page, "", label("route", one.route) + "," + label("status", std::to_string(one.status)), number(one.count));
  family(page, "access_duration_seconds", "histogram", "From a request of /access to its 302, by how the client came to its session.");
  for (size_t i = 0; i < kClaims; ++i) histogram(page, label("kind", kClaimNames[i]), metrics.access[i]);
  single(page, "accesses_waiting", "gauge", "Requests of /access that wait for a session.", number(metrics.accesses_waiting));
}

void add_launches(Page* page, const Metrics& metrics) {
  family(page, "launch_phase_duration_seconds", "histogram", "Parts of launches: waiting for a thread, the engine's create and start, from started to healthy.");
  histogram(page, label("phase", "queue"), metrics.phases.queue);
  histogram(page, label("phase", "create"), metrics.phases.create);
  histogram(page, label("phase", "start"), metrics.phases.start);
  histogram(page, label("phase", "healthy"), metrics.tally.healthy);
  family(page, "launch_duration_seconds", "histogram", "Whole launches, from taking a port to a healthy container; without those that had to pull the image.");
  histogram(page, "", metrics.tally.launch);
  single(page, "pool_target", "gauge", "Containers that the pool should have ready now.", std::to_string(metrics.pool_target));
  single(page, "pool_misses_total", "counter", "New clients without a size of their own for whom no container was ready.", number(metrics.tally.pool_misses));
  single(page, "pool_failing", "gauge", "1 while the launches of the pool fail.", number(uint64_t{metrics.pool_failing}));
}

void add_engine(Page* page, const Metrics& metrics) {
  single(page, "engine_up", "gauge", "1 while the container engine answers.", number(uint64_t{metrics.engine_up}));
  family(page, "engine_call_duration_seconds", "histogram", "Calls to the container engine by operation, failed ones among them.");
  for (size_t i = 0; i < kEngineCalls; ++i) histogram(page, label("operation", kCallNames[i]), metrics.engine[i].took);
  family(page, "engine_call_errors_total", "counter", "Calls to the container engine that failed; that something is not there, or a name still held, is an answer.");
  for (size_t i = 0; i < kEngineCalls; ++i) sample(page, "", label("operation", kCallNames[i]), number(metrics.engine[i].errors));
  single(page, "engine_event_stream_open", "gauge", "1 while the engine tells of its containers' events.", number(uint64_t{metrics.stream_open}));
  single(page, "engine_event_stream_age_seconds", "gauge", "How long it has been doing so; 0 while it does not.", number(metrics.stream_age_s));
  single(page, "engine_event_stream_opens_total", "counter", "How often it began to.", number(metrics.streams));
}

void add_house(Page* page, const Metrics& metrics) {
  family(page, "state_write_duration_seconds", "histogram", "Writes of STATE_FILE, failed ones among them.");
  histogram(page, "", metrics.writes);
  single(page, "state_write_errors_total", "counter", "Writes of STATE_FILE that failed.", number(metrics.write_errors));
  family(page, "lane_jobs", "gauge", "Work that waits for a thread of a lane or is being done by one.");
  labelled(page, "lane", metrics.lanes);
  single(page, "log_lines_lost_total", "counter", "Lines of the log that found no room.", number(metrics.log_lost));
  single(page, "start_time_seconds", "gauge", "When the daemon started, in seconds since 1970.", number(metrics.started_s));
  family(page, "build_info", "gauge", "1; its label is the daemon's version.");
  sample(page, "", label("version", metrics.version), "1");
}

}  // namespace

std::string metrics_text(const Metrics& metrics) {
  Page page;
  page.text.reserve(size_t{48} << 10);
  add_sessions(&page, metrics);
  add_answers(&page, metrics);
  add_launches(&page, metrics);
  add_engine(&page, metrics);
  add_house(&page, metrics);
  return page.text;
}
