// Bodies of our HTTP answers, byte for byte as the document shows them.
#include "codec/answers.h"

#include <jansson.h>

#include <cstdlib>

#include "support/cmocka_cc.h"

static void assert_text(const std::string& body, const char* wanted) { assert_string_equal(body.c_str(), wanted); }

static void test_small_ones(void**) {
  assert_text(answer_health(), "{\"status\": \"ok\"}\n");
  assert_text(answer_ready(), "{\"status\": \"ready\"}\n");
  assert_text(answer_error("Missing required parameter: id"), "{\"error\": \"Missing required parameter: id\"}\n");
  assert_text(answer_error_slots("No available ports", 20), "{\"error\": \"No available ports\", \"max_slots\": 20}\n");
  assert_text(answer_removed("06798162320", "b4dd386af519", 5000),
              "{\"status\": \"removed\", \"client_id\": \"06798162320\", \"container_id\": \"b4dd386af519\", \"port\": "
              "5000}\n");
  assert_text(answer_removed_all(4), "{\"status\": \"removed_all\", \"removed\": 4}\n");
  assert_text(answer_removed_all(0), "{\"status\": \"empty\", \"removed\": 0}\n");
}

static void test_foreign_text_is_escaped(void**) {
  assert_text(answer_error("say \"no\"\nand \\ go"), "{\"error\": \"say \\\"no\\\"\\nand \\\\ go\"}\n");
  assert_text(answer_error("S\xC3\xA3o"), "{\"error\": \"S\xC3\xA3o\"}\n");
  assert_text(answer_error("bad \xFF byte"), "{\"error\": \"bad \\\\xFF byte\"}\n");
  assert_text(answer_error(std::string_view("a\0b", 3)), "{\"error\": \"a\\u0000b\"}\n");
  assert_text(answer_error(""), "{\"error\": \"\"}\n");
}

static void test_status_as_the_document_shows_it(void**) {
  setenv("TZ", "BRT3", 1);
  Record client;
  client.client_id = "06798162320";
  client.container_id = "b4dd386af519a1b2";
  client.container_name = "vnc_06798162320";
  client.port = 5001;
  client.width = "1024";
  client.height = "768";
  client.created_us = 1770571800000000;        // 2026-02-08 17:30 UTC
  client.last_accessed_us = 1770579900000123;  // 2026-02-08 19:45 UTC
  client.size_by_default = true;
  client.fingerprint = "0123456789abcdef";
  client.boot_id = "boot";
  client.extra = "{\"note\":1}";
  client.viewers = 1;
  client.last_seen_us = 1770579901000000;
  Record pool;
  pool.client_id = kPoolClient;
  pool.container_id = "c5ee497bf620";
  pool.container_name = "vnc_pool_5002";
  pool.port = 5002;
  pool.width = "410";
  pool.height = "900";
  pool.created_us = pool.last_accessed_us = 1770571800000000;
  const std::string body = answer_status({client, pool}, {20, 2, true, "on", "1.2.3", 1770571800000000, 1770575400000000, 1770575400000000});
  unsetenv("TZ");
  assert_text(body,
              "{\n"
              "  \"active_containers\": 2,\n"
              "  \"pool_containers\": 1,\n"
              "  \"max_slots\": 20,\n"
              "  \"pool_target\": 2,\n"
              "  \"engine\": \"up\",\n"
              "  \"firewall\": \"on\",\n"
              "  \"version\": \"1.2.3\",\n"
              "  \"running_since\": \"2026-02-08T14:30:00.000000\",\n"
              "  \"settings_read_at\": \"2026-02-08T15:30:00.000000\",\n"
              "  \"draining_since\": \"2026-02-08T15:30:00.000000\",\n"
              "  \"records\": [\n"
              "    {\n"
              "      \"client_id\": \"06798162320\",\n"
              "      \"container_id\": \"b4dd386af519a1b2\",\n"
              "      \"container_name\": \"vnc_06798162320\",\n"
              "      \"port\": 5001,\n"
              "      \"width\": \"1024\",\n"
              "      \"height\": \"768\",\n"
              "      \"created_at\": \"2026-02-08T14:30:00.000000\",\n"
              "      \"last_accessed_at\": \"2026-02-08T16:45:00.000123\",\n"
              "      \"viewers\": 1,\n"
              "      \"last_seen_at\": \"2026-02-08T16:45:01.000000\"\n"
              "    },\n"
              "    {\n"
              "      \"client_id\": \"__pool__\",\n"
              "      \"container_id\": \"c5ee497bf620\",\n"
              "      \"container_name\": \"vnc_pool_5002\",\n"
              "      \"port\": 5002,\n"
              "      \"width\": \"410\",\n"
              "      \"height\": \"900\",\n"
              "      \"created_at\": \"2026-02-08T14:30:00.000000\",\n"
              "      \"last_accessed_at\": \"2026-02-08T14:30:00.000000\",\n"
              "      \"viewers\": null,\n"
              "      \"last_seen_at\": null\n"
              "    }\n"
              "  ]\n"
              "}\n");
}

static void test_status_with_nothing(void**) {
  setenv("TZ", "UTC", 1);
  const std::string body = answer_status({}, {4, 0, false, "pending", "1"});
  unsetenv("TZ");
  assert_text(body,
              "{\n  \"active_containers\": 0,\n  \"pool_containers\": 0,\n  \"max_slots\": 4,\n  \"pool_target\": 0,\n  \"engine\": \"away\",\n"
              "  \"firewall\": \"pending\",\n  \"version\": \"1\",\n  \"running_since\": \"1970-01-01T00:00:00.000000\",\n  \"settings_read_at\": \"1970-01-01T00:00:00.000000\",\n"
              "  \"draining_since\": null,\n"
              "  \"records\": []\n}\n");
}

// A reader other than us takes it, whatever the text.
static void test_any_text_is_json(void**) {
  unsigned state = 5;
  for (int round = 0; round < 5000; round++) {
    std::string text;
    state = state * 1664525U + 1013904223U;
    for (unsigned n = (state >> 20U) % 20; n > 0; n--) {
      state = state * 1664525U + 1013904223U;
      text += static_cast<char>(state >> 24U);
    }
    const std::string body = answer_error(text);
    json_t* json = json_loads(body.c_str(), JSON_ALLOW_NUL, nullptr);
    if (json == nullptr) fail_msg("not JSON: %s", body.c_str());
    assert_true(json_is_string(json_object_get(json, "error")));
    assert_int_equal(body.find('\n'), body.size() - 1);
    json_decref(json);
  }
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(test_small_ones),
      cmocka_unit_test(test_foreign_text_is_escaped),
      cmocka_unit_test(test_status_as_the_document_shows_it),
      cmocka_unit_test(test_status_with_nothing),
      cmocka_unit_test(test_any_text_is_json),
  };
  return cmocka_run_group_tests_name("codec/answers", tests, nullptr, nullptr);
}
