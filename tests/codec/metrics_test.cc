// The text of /metrics: its lines as Prometheus reads them.
#include "codec/metrics.h"

#include <set>

#include "support/cmocka_cc.h"

static bool has_line(const std::string& text, const std::string& line) { return ("\n" + text).find("\n" + line + "\n") != std::string::npos; }

static void assert_line(const std::string& text, const std::string& line) {
  if (!has_line(text, line)) print_error("no line: %s\n", line.c_str());
  assert_true(has_line(text, line));
}

static void buckets_count_all_that_took_no_longer(void**) {
  Metrics metrics;
  Durations& reuse = metrics.access[static_cast<size_t>(Claim::Reuse)];
  for (const double seconds : {0.00005, 0.0001, 0.0002, 70.0}) durations_add(&reuse, seconds);
  const std::string text = metrics_text(metrics), name = "vnc_orchestrator_access_duration_seconds";
  assert_line(text, "# TYPE " + name + " histogram");
  assert_line(text, name + "_bucket{kind=\"reuse\",le=\"0.0001\"} 2");  // a bound belongs to its bucket
  assert_line(text, name + "_bucket{kind=\"reuse\",le=\"0.00025\"} 3");
  assert_line(text, name + "_bucket{kind=\"reuse\",le=\"60\"} 3");
  assert_line(text, name + "_bucket{kind=\"reuse\",le=\"+Inf\"} 4");
  assert_line(text, name + "_count{kind=\"reuse\"} 4");
  assert_true(text.find(name + "_sum{kind=\"reuse\"} 70.00035") != std::string::npos);
  assert_line(text, name + "_count{kind=\"cold\"} 0");
  // Without a label of its own.
  assert_line(text, "vnc_orchestrator_launch_duration_seconds_bucket{le=\"0.0001\"} 0");
  assert_line(text, "vnc_orchestrator_launch_duration_seconds_count 0");
}

static void bounds_grow(void**) {
  for (size_t i = 1; i < kDurationBounds.size(); ++i) assert_true(kDurationBounds[i - 1] < kDurationBounds[i]);
}

static void values_stand_under_their_labels(void**) {
  Metrics metrics;
  metrics.version = "1.2.3";
  metrics.slots = {{"free", 3}, {"assigned", 2}};
  metrics.lanes = {{"launch", 7}};
  metrics.answers = {{"/access", 302, 11}, {"other", 404, 1}};
  metrics.tally.claims[static_cast<size_t>(Claim::Resize)] = 5;
  metrics.tally.endings[static_cast<size_t>(Ending::Recycled)] = 6;
  metrics.tally.endings[static_cast<size_t>(Ending::Orphan)] = 8;
  metrics.engine[static_cast<size_t>(EngineCall::Pull)].errors = 9;
  metrics.stream_age_s = 1.5;
  metrics.started_s = 1764255600.25;
  metrics.pool_failing = true;
  const std::string text = metrics_text(metrics);
  for (const char* line : {"slots{state=\"free\"} 3", "slots{state=\"assigned\"} 2", "lane_jobs{lane=\"launch\"} 7", "http_answers_total{route=\"/access\",status=\"302\"} 11",
                           "http_answers_total{route=\"other\",status=\"404\"} 1", "claims_total{kind=\"resize\"} 5", "removals_total{reason=\"recycled\"} 6",
                           "removals_total{reason=\"orphan\"} 8", "engine_call_errors_total{operation=\"pull\"} 9", "engine_event_stream_age_seconds 1.5",
                           "start_time_seconds 1764255600.25", "pool_failing 1", "build_info{version=\"1.2.3\"} 1"})
    assert_line(text, std::string("vnc_orchestrator_") + line);
}

static void what_has_a_meaning_in_a_label_is_escaped(void**) {
  Metrics metrics;
  metrics.version = "a\"b\\c\nd";
  assert_line(metrics_text(metrics), "vnc_orchestrator_build_info{version=\"a\\\"b\\\\c\\nd\"} 1");
}

// A family told twice, or a sample twice, makes Prometheus refuse the whole page.
static void nothing_is_there_twice(void**) {
  const std::string text = metrics_text({});
  std::set<std::string> seen;
  for (size_t at = 0; at < text.size();) {
    const size_t end = text.find('\n', at);
    const std::string line = text.substr(at, end - at);
    const std::string key = line[0] == '#' ? line.substr(0, line.find(' ', 7)) : line.substr(0, line.rfind(' '));
    const bool is_new = seen.insert(key).second;
    if (!is_new) print_error("twice: %s\n", key.c_str());
    assert_true(is_new);
    at = end + 1;
  }
  assert_true(seen.size() > 300);
  assert_int_equal(text.back(), '\n');
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(buckets_count_all_that_took_no_longer), cmocka_unit_test(bounds_grow),
      cmocka_unit_test(values_stand_under_their_labels),       cmocka_unit_test(what_has_a_meaning_in_a_label_is_escaped),
      cmocka_unit_test(nothing_is_there_twice),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
