// Names of containers: what may be a client, and whose a container is.
#include "core/names.h"

#include "support/cmocka_cc.h"

static void test_client_rule(void**) {
  for (const char* good :
       {"1", "06798162320", "a", "Z9", "a_b.c-d", "pool", "pool-1", "Pool_1", "poo_l", "xpool_1", "0.", "a--"}) {
    if (!client_is_valid(good)) fail_msg("refused: %s", good);
  }
  for (const char* bad :
       {"",    "_a",  ".a",       "-a",   "pool_", "pool_1", "pool_5002", "a b", "a/b", "a:b", "á",
        "a\n", "a\t", "__pool__", "a%20", "a+b",   "a,b",    "a@b",       "a[",  "a`",  "a{",  "a~"}) {
    if (client_is_valid(bad)) fail_msg("accepted: %s", bad);
  }
  assert_false(client_is_valid(std::string_view("a\0b", 3)));
}

static void test_client_length(void**) {
  assert_true(client_is_valid(std::string(64, 'x')));
  assert_false(client_is_valid(std::string(65, 'x')));
}

// Every byte value in both positions, against the sentence of the header spelled as a list.
static void test_client_every_byte(void**) {
  const std::string first = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  const std::string later = first + "_.-";
  for (int byte = 0; byte < 256; byte++) {
    const char c = static_cast<char>(byte);
    const bool at_first = client_is_valid(std::string(1, c));
    const bool at_later = client_is_valid(std::string("a") + c);
    if (at_first != (first.find(c) != std::string::npos)) fail_msg("first byte %d", byte);
    if (at_later != (later.find(c) != std::string::npos)) fail_msg("later byte %d", byte);
  }
}

static void test_names(void**) {
  assert_string_equal(client_container_name("06798162320").c_str(), "vnc_06798162320");
  assert_string_equal(pool_container_name(5002).c_str(), "vnc_pool_5002");
}

static void test_kinds(void**) {
  std::string client = "untouched";
  for (const char* name : {"vnc_pool_5002", "vnc_pool_", "vnc_pool_x/y", "vnc_pool_5002_old", "vnc_pool_ "}) {
    if (container_name_kind(name, &client) != NameKind::Pool) fail_msg("not pool: %s", name);
  }
  for (const char* name :
       {"", "vnc", "vnc_", "vnc-1", "VNC_1", "xvnc_1", "/vnc_1", "vnc_-1", "vnc__pool__", "vnc_a b", "web", " vnc_1"}) {
    if (container_name_kind(name, &client) != NameKind::Foreign) fail_msg("not foreign: %s", name);
  }
  assert_string_equal(client.c_str(), "untouched");
  assert_true(container_name_kind("vnc_06798162320", &client) == NameKind::Client);
  assert_string_equal(client.c_str(), "06798162320");
  assert_true(container_name_kind("vnc_pool", &client) == NameKind::Client);
  assert_string_equal(client.c_str(), "pool");
}

// What a client is called can never be taken for the pool's, and comes back from the name.
static void test_round_trip(void**) {
  unsigned state = 20260213;
  const std::string letters = "abzABZ019_.-pol";
  int valid = 0;
  for (int i = 0; i < 20000; i++) {
    std::string client = i % 3 == 0 ? "pool" : "";
    state = state * 1664525U + 1013904223U;
    for (unsigned n = (state >> 8U) % 8; n > 0; n--) {
      state = state * 1664525U + 1013904223U;
      client += letters[(state >> 16U) % letters.size()];
    }
    std::string back;
    const NameKind kind = container_name_kind(client_container_name(client), &back);
    if (client_is_valid(client)) {
      valid++;
      assert_true(kind == NameKind::Client);
      assert_string_equal(back.c_str(), client.c_str());
    } else {
      assert_true(kind != NameKind::Client);
    }
  }
  assert_in_range(valid, 5000, 19000);
  for (int port = 1; port <= 65535; port += 7) {
    std::string back;
    assert_true(container_name_kind(pool_container_name(port), &back) == NameKind::Pool);
  }
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(test_client_rule),
      cmocka_unit_test(test_client_length),
      cmocka_unit_test(test_client_every_byte),
      cmocka_unit_test(test_names),
      cmocka_unit_test(test_kinds),
      cmocka_unit_test(test_round_trip),
  };
  return cmocka_run_group_tests_name("core/names", tests, nullptr, nullptr);
}
