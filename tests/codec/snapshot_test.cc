// STATE_FILE: our files, the first version's, and everything that is neither.
// Zones are given as POSIX rules, so that no machine lacks them.
#include "codec/snapshot.h"

#include <cstdlib>
#include <cstring>
#include <ctime>

#include "support/cmocka_cc.h"

static constexpr int64_t kFallback = 1234567890000000;

// As Python's json.dump(indent=2) and datetime.isoformat() of the first version wrote it.
static const char* const kFirstVersion =
    "[\n"
    "  {\n"
    "    \"client_id\": \"06798162320\",\n"
    "    \"container_id\": \"b4dd386af519a1b2c3d4e5f6\",\n"
    "    \"container_name\": \"vnc_06798162320\",\n"
    "    \"port\": 5001,\n"
    "    \"width\": \"1024\",\n"
    "    \"height\": \"768\",\n"
    "    \"created_at\": \"2026-02-08T14:30:00.000000\",\n"
    "    \"last_accessed_at\": \"2026-02-08T16:45:00.500000\"\n"
    "  },\n"
    "  {\n"
    "    \"client_id\": \"__pool__\",\n"
    "    \"container_id\": \"c5ee497bf620a1b2c3d4e5f6\",\n"
    "    \"container_name\": \"vnc_pool_5002\",\n"
    "    \"port\": 5002,\n"
    "    \"width\": \"410\",\n"
    "    \"height\": \"900\",\n"
    "    \"created_at\": \"2026-02-08T14:30:00\",\n"
    "    \"last_accessed_at\": \"2026-02-08T14:30:00.000001\"\n"
    "  }\n"
    "]";

static int in_sao_paulo(void**) { return setenv("TZ", "BRT3", 1); }
static int in_no_zone(void**) { return unsetenv("TZ"); }

static std::vector<Record> parsed(const std::string& text) {
  std::vector<Record> records;
  std::string error;
  if (!snapshot_parse(text, kFallback, &records, &error)) fail_msg("refused: %s: %s", error.c_str(), text.c_str());
  return records;
}

static void assert_refused(const std::string& text, const char* word) {
  std::vector<Record> records(3);
  std::string error;
  if (snapshot_parse(text, kFallback, &records, &error)) fail_msg("accepted: %s", text.c_str());
  if (strstr(error.c_str(), word) == nullptr) fail_msg("'%s' does not speak of '%s'", error.c_str(), word);
  assert_int_equal(records.size(), 3);
}

static bool same(const Record& a, const Record& b) {
  return a.client_id == b.client_id && a.container_id == b.container_id && a.container_name == b.container_name &&
         a.port == b.port && a.width == b.width && a.height == b.height && a.created_us == b.created_us &&
         a.last_accessed_us == b.last_accessed_us && a.size_by_default == b.size_by_default &&
         a.fingerprint == b.fingerprint && a.boot_id == b.boot_id &&
         a.last_accessed_mono_ms == b.last_accessed_mono_ms && a.viewers == b.viewers && a.last_seen_us == b.last_seen_us &&
         a.last_seen_mono_ms == b.last_seen_mono_ms && a.extra == b.extra;
}

static void test_first_version(void**) {
  const std::vector<Record> records = parsed(kFirstVersion);
  assert_int_equal(records.size(), 2);
  const Record& client = records[0];
  assert_string_equal(client.client_id.c_str(), "06798162320");
  assert_string_equal(client.container_id.c_str(), "b4dd386af519a1b2c3d4e5f6");
  assert_string_equal(client.container_name.c_str(), "vnc_06798162320");
  assert_int_equal(client.port, 5001);
  assert_string_equal(client.width.c_str(), "1024");
  assert_string_equal(client.height.c_str(), "768");
  assert_true(client.created_us == 1770571800000000);
  assert_true(client.last_accessed_us == 1770579900500000);
  assert_false(client.size_by_default);
  assert_true(client.fingerprint.empty() && client.boot_id.empty() && client.extra.empty());
  assert_true(client.last_accessed_mono_ms == -1);
  assert_true(client.viewers == -1 && client.last_seen_us == 0 && client.last_seen_mono_ms == -1);
  assert_true(records[1].client_id == kPoolClient);
  assert_true(records[1].created_us == 1770571800000000);
  assert_true(records[1].last_accessed_us == 1770571800000001);
}

static void test_written_as_the_document_shows_it(void**) {
  Record record;
  record.client_id = "06798162320";
  record.container_id = "b4dd";
  record.container_name = "vnc_06798162320";
  record.port = 5001;
  record.width = "1024";
  record.height = "768";
  record.created_us = 1770571800000000;
  record.last_accessed_us = 1770579900500000;
  record.size_by_default = true;
  record.fingerprint = "00ff";
  record.boot_id = "b-1";
  record.last_accessed_mono_ms = 42;
  record.viewers = 2;
  record.last_seen_us = 1770579901000000;
  record.last_seen_mono_ms = 43;
  record.extra = "{\"note\":\"kept\",\"rate\":0.1}";
  assert_string_equal(snapshot_write({record}).c_str(),
                      "[\n"
                      "  {\n"
                      "    \"client_id\": \"06798162320\",\n"
                      "    \"container_id\": \"b4dd\",\n"
                      "    \"container_name\": \"vnc_06798162320\",\n"
                      "    \"port\": 5001,\n"
                      "    \"width\": \"1024\",\n"
                      "    \"height\": \"768\",\n"
                      "    \"created_at\": \"2026-02-08T14:30:00.000000\",\n"
                      "    \"last_accessed_at\": \"2026-02-08T16:45:00.500000\",\n"
                      "    \"size_by_default\": true,\n"
                      "    \"fingerprint\": \"00ff\",\n"
                      "    \"boot_id\": \"b-1\",\n"
                      "    \"last_accessed_mono_ms\": 42,\n"
                      "    \"viewers\": 2,\n"
                      "    \"last_seen_at\": \"2026-02-08T16:45:01.000000\",\n"
                      "    \"last_seen_mono_ms\": 43,\n"
                      "    \"note\": \"kept\",\n"
                      "    \"rate\": 0.1\n"
                      "  }\n"
                      "]\n");
  assert_string_equal(snapshot_write({}).c_str(), "[]\n");
}

static void test_nothing_is_an_empty_list(void**) {
  for (const char* text : {"", " ", "\n", "\r\n\t ", "[]", " [ ]\n"}) {
    std::vector<Record> records(2);
    std::string error;
    assert_true(snapshot_parse(text, kFallback, &records, &error));
    assert_true(records.empty());
  }
}

static void test_torn_or_not_ours(void**) {
  assert_refused("[", "not JSON");
  assert_refused("[] []", "not JSON");
  assert_refused("{}", "list");
  assert_refused("null", "not JSON");
  assert_refused("\"x\"", "not JSON");
  assert_refused("{\"client_id\": \"1\"}", "list");
  assert_refused("[1]", "record 1");
  assert_refused("[null]", "record 1");
  assert_refused("[[]]", "record 1");
  assert_refused(std::string("[\0]", 3), "not JSON");
  assert_refused("[{}]", "client_id");
  assert_refused("[{\"client_id\":\"1\",\"container_id\":\"a\",\"port\":5000},{}]", "record 2");
  assert_refused("[{\"client_id\":\"\",\"container_id\":\"a\",\"port\":5000}]", "client_id");
  assert_refused("[{\"client_id\":1,\"container_id\":\"a\",\"port\":5000}]", "client_id");
  assert_refused("[{\"client_id\":\"1\",\"port\":5000}]", "container_id");
  assert_refused("[{\"client_id\":\"1\",\"container_id\":null,\"port\":5000}]", "container_id");
  for (const char* port :
       {"0", "-1", "65536", "5000.5", "null", "[]", "true", "\"\"", "\"x\"", "\"5000 \"", "\"65536\""}) {
    assert_refused(std::string("[{\"client_id\":\"1\",\"container_id\":\"a\",\"port\":") + port + "}]", "port");
  }
  assert_refused("[{\"client_id\":\"1\",\"container_id\":\"a\"}]", "port");
}

static void test_text_and_numbers(void**) {
  const Record record =
      parsed("[{\"client_id\":\"1\",\"container_id\":\"a\",\"port\":\"5000\",\"width\":1024,\"height\":768}]").at(0);
  assert_int_equal(record.port, 5000);
  assert_string_equal(record.width.c_str(), "1024");
  assert_string_equal(record.height.c_str(), "768");
}

static void test_what_is_missing_takes_its_default(void**) {
  const Record bare = parsed("[{\"client_id\":\"1\",\"container_id\":\"a\",\"port\":5000}]").at(0);
  assert_true(bare.container_name.empty() && bare.width.empty() && bare.height.empty());
  assert_true(bare.created_us == kFallback && bare.last_accessed_us == kFallback);
  const Record odd =
      parsed(
          "[{\"client_id\":\"1\",\"container_id\":\"a\",\"port\":5000,\"container_name\":7,\"width\":[],"
          "\"height\":null,\"created_at\":\"yesterday\",\"last_accessed_at\":17,\"size_by_default\":\"yes\","
          "\"fingerprint\":1,\"boot_id\":{},\"last_accessed_mono_ms\":-7}]")
          .at(0);
  assert_true(odd.container_name.empty() && odd.width.empty() && odd.height.empty());
  assert_true(odd.created_us == kFallback && odd.last_accessed_us == kFallback);
  assert_false(odd.size_by_default);
  assert_true(odd.fingerprint.empty() && odd.boot_id.empty() && odd.extra.empty());
  assert_true(odd.last_accessed_mono_ms == -1);
}

// Unknown fields come back with the same text, in the same order, of the same record; ours are never doubled.
static void test_unknown_fields_are_kept(void**) {
  const std::string text =
      "[{\"zeta\":1.5,\"client_id\":\"1\",\"container_id\":\"a\",\"alpha\":{\"b\":[1,2.25,null,true],\"a\":\"\\u00e3\"}"
      ","
      "\"port\":5000,\"tenth\":0.1,\"third\":0.3333333333333333,\"big\":1e300,\"int\":9007199254740993},"
      "{\"client_id\":\"2\",\"container_id\":\"b\",\"port\":5001}]";
  const std::vector<Record> records = parsed(text);
  assert_string_equal(records[0].extra.c_str(),
                      "{\"zeta\":1.5,\"alpha\":{\"b\":[1,2.25,null,true],\"a\":\"\xC3\xA3\"},\"tenth\":0.1,"
                      "\"third\":0.3333333333333333,\"big\":1e300,\"int\":9007199254740993}");
  assert_true(records[1].extra.empty());
  const std::string written = snapshot_write(records);
  const std::vector<Record> again = parsed(written);
  assert_true(same(again[0], records[0]) && same(again[1], records[1]));
  assert_non_null(strstr(written.c_str(), "\"tenth\": 0.1,"));
  assert_non_null(strstr(written.c_str(), "\"third\": 0.3333333333333333,"));
  assert_non_null(strstr(written.c_str(), "\"int\": 9007199254740993\n"));
  assert_string_equal(snapshot_write(again).c_str(), written.c_str());

  Record sly;
  sly.client_id = "1";
  sly.container_id = "a";
  sly.port = 5000;
  sly.extra = "{\"port\":1,\"client_id\":\"2\",\"ok\":1}";
  const Record back = parsed(snapshot_write({sly})).at(0);
  assert_int_equal(back.port, 5000);
  assert_string_equal(back.client_id.c_str(), "1");
  assert_string_equal(back.extra.c_str(), "{\"ok\":1}");
  sly.extra = "not json";
  assert_true(parsed(snapshot_write({sly})).at(0).extra.empty());
}

static unsigned next(unsigned* state) {
  *state = *state * 1664525U + 1013904223U;
  return *state >> 8U;
}

static std::string some_text(unsigned* state) {
  static const char* const kPieces[] = {"a", "Z9", "\"", "\\", "/",   "\n", "\t", "\xC3\xA3", "\xF0\x9F\xA6\x8A",
                                        "{", "]",  ",",  " ",  "\x01"};
  std::string text;
  for (unsigned n = next(state) % 6; n > 0; n--) text += kPieces[next(state) % 14];
  return text;
}

static std::vector<Record> some_records(unsigned* state) {
  std::vector<Record> records(next(state) % 5);
  for (Record& record : records) {
    record.client_id = "c" + some_text(state);
    record.container_id = "d" + some_text(state);
    record.container_name = some_text(state);
    record.port = static_cast<int>(next(state) % 65535) + 1;
    record.width = some_text(state);
    record.height = some_text(state);
    // Within 2026, whose naive hours are all told apart in this zone.
    record.created_us = 1767236400000000 + static_cast<int64_t>(next(state)) * 1000000 + next(state) % 1000000;
    record.last_accessed_us = record.created_us + next(state);
    record.size_by_default = next(state) % 2 == 1;
    record.fingerprint = some_text(state);
    record.boot_id = some_text(state);
    record.last_accessed_mono_ms = static_cast<int64_t>(next(state)) * next(state) - 1;
    if (record.last_accessed_mono_ms < 0) record.last_accessed_mono_ms = -1;
    if (next(state) % 3 == 0) record.extra = "{\"x\":" + std::to_string(next(state)) + ",\"y\":[0.25]}";
  }
  return records;
}

static void test_round_trip(void**) {
  unsigned state = 20260208;
  for (int round = 0; round < 2000; round++) {
    const std::vector<Record> records = some_records(&state);
    const std::string text = snapshot_write(records);
    for (char c : text) assert_true(c == '\n' || (c >= ' ' && c <= '~'));
    const std::vector<Record> back = parsed(text);
    assert_int_equal(back.size(), records.size());
    for (size_t i = 0; i < records.size(); i++) assert_true(same(back[i], records[i]));
    assert_string_equal(snapshot_write(back).c_str(), text.c_str());
  }
}

static void test_bytes_that_are_not_utf8_do_not_lose_the_record(void**) {
  Record record;
  record.client_id = "1";
  record.container_id = "a";
  record.port = 5000;
  record.container_name = "x\xFFy";
  assert_string_equal(parsed(snapshot_write({record})).at(0).container_name.c_str(), "x\\xFFy");
}

// A file that was cut anywhere is not taken for a shorter one.
static void test_every_truncation_is_refused(void**) {
  unsigned state = 3;
  std::vector<std::string> files = {kFirstVersion};
  while (files.size() < 6) {
    std::string file = snapshot_write(some_records(&state));
    file.pop_back();  // without the last line end it is whole
    files.push_back(file);
  }
  for (const std::string& file : files) {
    for (size_t length = 1; length < file.size(); length++) assert_refused(file.substr(0, length), "not JSON");
  }
}

static void test_damaged_bytes_never_crash(void**) {
  unsigned state = 11;
  int accepted = 0;
  const std::string whole = kFirstVersion;
  for (int round = 0; round < 20000; round++) {
    std::string text = whole;
    if (round % 4 == 0) {
      text.clear();
      for (unsigned n = next(&state) % 60; n > 0; n--) text += static_cast<char>(next(&state));
    } else {
      for (unsigned n = 1 + next(&state) % 3; n > 0; n--)
        text[next(&state) % text.size()] = static_cast<char>(next(&state));
    }
    std::vector<Record> records;
    std::string error;
    if (snapshot_parse(text, kFallback, &records, &error)) {
      accepted++;
      for (const Record& record : records) {
        assert_in_range(record.port, 1, 65535);
        assert_false(record.client_id.empty() || record.container_id.empty());
      }
      parsed(snapshot_write(records));
    } else {
      assert_false(error.empty());
      assert_true(error.find('\n') == std::string::npos);
    }
  }
  assert_in_range(accepted, 100, 19000);
}

static void assert_time(const char* text, int64_t wanted_us) {
  int64_t wall_us = 5;
  if (!snapshot_parse_time(text, &wall_us)) fail_msg("refused: %s", text);
  if (wall_us != wanted_us)
    fail_msg("%s: %lld, wanted %lld", text, static_cast<long long>(wall_us), static_cast<long long>(wanted_us));
}

static void test_times_read(void**) {
  const int64_t moment = 1770571800000000;  // 2026-02-08 17:30 UTC, 14:30 in Sao Paulo
  assert_time("2026-02-08T14:30:00.000000", moment);
  assert_time("2026-02-08T14:30:00", moment);
  assert_time("2026-02-08 14:30:00", moment);
  assert_time("2026-02-08T14:30", moment);
  assert_time("2026-02-08T17:30:00Z", moment);
  assert_time("2026-02-08T17:30Z", moment);
  assert_time("2026-02-08T17:30:00.000000+00:00", moment);
  assert_time("2026-02-08T12:30:00-05:00", moment);
  assert_time("2026-02-08T23:00:00+0530", moment);
  assert_time("2026-02-08T20:30:00+03", moment);
  assert_time(" 2026-02-08T14:30:00\n", moment);
  assert_time("2026-02-08T14:30:00.5", moment + 500000);
  assert_time("2026-02-08T14:30:00.000001", moment + 1);
  assert_time("2026-02-08T14:30:00.123456789", moment + 123456);
  assert_time("2024-02-29T00:00:00Z", 1709164800000000);
  assert_time("1970-01-01T00:00:00Z", 0);
  assert_time("1969-12-31T23:59:59.5Z", -500000);
  assert_time("2016-12-31T23:59:60Z", 1483228800000000);  // a leap second
}

static void test_times_refused(void**) {
  for (const char* text : {"",
                           "2026",
                           "2026-02-08",
                           "2026-02-08T",
                           "2026-02-08T14",
                           "2026-02-08T14:",
                           "2026-02-08T14:30:",
                           "2026-02-08T14:30:00.",
                           "2026-02-30T14:30:00",
                           "2025-02-29T00:00:00",
                           "2100-02-29T00:00:00",
                           "2026-13-01T00:00:00",
                           "2026-00-01T00:00:00",
                           "2026-01-00T00:00:00",
                           "2026-04-31T00:00:00",
                           "2026-02-08T24:00:00",
                           "2026-02-08T14:60:00",
                           "2026-02-08T14:30:61",
                           "2026-02-08T14:30:00x",
                           "2026-02-08T14:30:00Zx",
                           "2026-02-08T14:30:00+",
                           "2026-02-08T14:30:00+3",
                           "2026-02-08T14:30:00+03:",
                           "2026-02-08T14:30:00+03:0",
                           "2026-02-08T14:30:00+24:00",
                           "2026-2-8T14:30:00",
                           "0000-01-01T00:00:00",
                           "0000-01-02T00:00:00+23:59",
                           "9999-12-31T23:59:59-23:59",
                           "-026-02-08T14:30:00",
                           "2026/02/08 14:30:00",
                           "2026-02-08t14:30:00",
                           "1770571800",
                           "2026-02-08T14:30:00,5"}) {
    int64_t wall_us = 5;
    if (snapshot_parse_time(text, &wall_us)) fail_msg("accepted: %s", text);
    assert_true(wall_us == 5);
  }
}

static void test_times_written(void**) {
  assert_string_equal(snapshot_time(1770571800000000).c_str(), "2026-02-08T14:30:00.000000");
  assert_string_equal(snapshot_time(1770571800000001).c_str(), "2026-02-08T14:30:00.000001");
  assert_string_equal(snapshot_time(-1).c_str(), "1969-12-31T20:59:59.999999");
  setenv("TZ", "UTC", 1);
  assert_string_equal(snapshot_time(1770571800999999).c_str(), "2026-02-08T17:30:00.999999");
}

// The engine's own "never" and its like, in whatever zone: what is shown has a year of four digits, and is read again.
static void test_times_at_the_edges_are_read_as_they_are_shown(void**) {
  for (const char* zone : {"UTC", "America/Sao_Paulo", "XXX+12", "XXX-14"}) {
    setenv("TZ", zone, 1);
    for (const char* text : {"0001-01-01T00:00:00Z", "0000-01-02T00:00:00Z", "9999-12-30T23:59:59Z"}) {
      int64_t once = 0, again = 0;
      assert_true(snapshot_parse_time(text, &once));
      assert_int_equal(snapshot_time(once).size(), strlen("2026-02-08T14:30:00.000000"));
      assert_true(snapshot_parse_time(snapshot_time(once), &again));
      assert_string_equal(snapshot_time(again).c_str(), snapshot_time(once).c_str());
    }
  }
}

// Across a year, in a zone with summer time: what is read back is the moment written, but for the hour that comes twice,
// where it may be the other one.
static void test_times_round_trip_over_clock_changes(void**) {
  setenv("TZ", "WET0WEST,M3.5.0/1,M10.5.0", 1);
  int other_hour = 0;
  for (int64_t second = 1767225600; second < 1767225600 + 366L * 86400; second += 1801) {
    int64_t back = 0;
    assert_true(snapshot_parse_time(snapshot_time(second * 1000000 + 7), &back));
    const int64_t off = back - (second * 1000000 + 7);
    if (off != 0) {
      assert_true(off == 3600000000 || off == -3600000000);
      other_hour++;
    }
  }
  assert_in_range(other_hour, 0, 2);
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_first_version, in_sao_paulo, in_no_zone),
      cmocka_unit_test_setup_teardown(test_written_as_the_document_shows_it, in_sao_paulo, in_no_zone),
      cmocka_unit_test(test_nothing_is_an_empty_list),
      cmocka_unit_test(test_torn_or_not_ours),
      cmocka_unit_test(test_text_and_numbers),
      cmocka_unit_test(test_what_is_missing_takes_its_default),
      cmocka_unit_test(test_unknown_fields_are_kept),
      cmocka_unit_test_setup_teardown(test_round_trip, in_sao_paulo, in_no_zone),
      cmocka_unit_test(test_bytes_that_are_not_utf8_do_not_lose_the_record),
      cmocka_unit_test(test_every_truncation_is_refused),
      cmocka_unit_test(test_damaged_bytes_never_crash),
      cmocka_unit_test_setup_teardown(test_times_read, in_sao_paulo, in_no_zone),
      cmocka_unit_test(test_times_refused),
      cmocka_unit_test_setup_teardown(test_times_written, in_sao_paulo, in_no_zone),
      cmocka_unit_test_setup_teardown(test_times_at_the_edges_are_read_as_they_are_shown, in_sao_paulo, in_no_zone),
      cmocka_unit_test_setup_teardown(test_times_round_trip_over_clock_changes, in_sao_paulo, in_no_zone),
  };
  return cmocka_run_group_tests_name("codec/snapshot", tests, nullptr, nullptr);
}
