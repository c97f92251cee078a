// From raw parameters to a client and a size.
#include "codec/identity.h"

#include <cstring>
#include <initializer_list>

#include "core/names.h"
#include "support/cmocka_cc.h"

static void assert_client(std::string_view raw, const char* wanted) {
  std::string client, error;
  if (!identity_parse(raw, &client, &error)) fail_msg("refused: %s: %s", std::string(raw).c_str(), error.c_str());
  assert_string_equal(client.c_str(), wanted);
  assert_true(error.empty());
}

static void test_both_spellings_are_one_client(void**) {
  assert_client("11122233344", "11122233344");
  assert_client("111.222.333-44", "11122233344");
  assert_client("  111.222.333-44\t", "11122233344");
  assert_client(" ana ", "ana");
}

static void test_only_the_exact_shape_is_a_cpf(void**) {
  for (const char* other : {"111.222.333.44", "111-222-333-44", "111.222.33344", "1111.222.333-44", "111.222.333-4",
                            "111.222.333-4a", "111.222.333-444", "11.1222.333-44"}) {
    assert_client(other, other);
  }
}

static void test_missing(void**) {
  for (const char* raw : {"", " ", "\t\r\n"}) {
    std::string client = "as it was", error;
    assert_false(identity_parse(raw, &client, &error));
    assert_string_equal(error.c_str(), "Missing required parameter: id");
    assert_string_equal(client.c_str(), "as it was");
  }
}

static void test_refused(void**) {
  for (const std::string& raw :
       std::initializer_list<std::string>{"pool_1", "__pool__", "a b", "a/b", "../x", "\xC3\xA9", "a\nb",
                                          std::string("a\0", 2), std::string(65, 'a'), "<script>"}) {
    std::string client = "as it was", error;
    assert_false(identity_parse(raw, &client, &error));
    assert_non_null(strstr(error.c_str(), "64"));
    assert_non_null(strstr(error.c_str(), "pool_"));
    assert_string_equal(client.c_str(), "as it was");
  }
}

// Whatever is accepted is a client by the core's rule, and asking with it again changes nothing.
static void test_any_bytes(void**) {
  unsigned state = 99;
  const std::string letters = "0123456789.-_ apol\n/\xC3";
  int accepted = 0;
  for (int round = 0; round < 30000; round++) {
    std::string raw;
    state = state * 1664525U + 1013904223U;
    for (unsigned n = (state >> 20U) % 18; n > 0; n--) {
      state = state * 1664525U + 1013904223U;
      raw += letters[(state >> 16U) % letters.size()];
    }
    std::string client, error, again;
    if (!identity_parse(raw, &client, &error)) {
      assert_false(error.empty());
      continue;
    }
    accepted++;
    assert_true(client_is_valid(client));
    assert_true(identity_parse(client, &again, &error));
    assert_string_equal(again.c_str(), client.c_str());
  }
  assert_in_range(accepted, 1000, 29000);
}

static bool parse_size(const char* width, const char* height, bool* given, Size* size, std::string* error) {
  const std::string wide = width != nullptr ? width : "";
  const std::string high = height != nullptr ? height : "";
  return identity_parse_size(width != nullptr ? &wide : nullptr, height != nullptr ? &high : nullptr, given, size,
                             error);
}

static void test_size_counts_only_together(void**) {
  struct {
    const char *width, *height;
  } cases[] = {{nullptr, nullptr}, {"1024", nullptr}, {nullptr, "768"}, {"", "768"},
               {"1024", ""},       {"junk", nullptr}, {nullptr, "-1"},  {" ", "5"}};
  for (const auto& one : cases) {
    bool given = true;
    Size size{1, 2};
    std::string error;
    assert_true(parse_size(one.width, one.height, &given, &size, &error));
    assert_false(given);
    assert_true((size == Size{1, 2}));
  }
}

static void test_size_given(void**) {
  bool given = false;
  Size size;
  std::string error;
  assert_true(parse_size("1024", "768", &given, &size, &error));
  assert_true(given && (size == Size{1024, 768}));
  assert_true(parse_size("64", "7680", &given, &size, &error));
  assert_true(given && (size == Size{64, 7680}));
  assert_true(parse_size("7680", "64", &given, &size, &error));
  assert_true(given && (size == Size{7680, 64}));
}

static void test_size_refused(void**) {
  for (const char* bad :
       {"63", "7681", "0", "-100", "10.5", "1e3", "0x400", "abc", "99999999999999999999", "1024px", "+100"}) {
    bool given = false;
    Size size{1, 2};
    std::string error;
    assert_false(parse_size(bad, "768", &given, &size, &error));
    assert_string_equal(error.c_str(), "Invalid parameter: width must be a whole number from 64 to 7680");
    assert_false(parse_size("768", bad, &given, &size, &error));
    assert_string_equal(error.c_str(), "Invalid parameter: height must be a whole number from 64 to 7680");
    assert_false(given);
    assert_true((size == Size{1, 2}));
  }
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(test_both_spellings_are_one_client),
      cmocka_unit_test(test_only_the_exact_shape_is_a_cpf),
      cmocka_unit_test(test_missing),
      cmocka_unit_test(test_refused),
      cmocka_unit_test(test_any_bytes),
      cmocka_unit_test(test_size_counts_only_together),
      cmocka_unit_test(test_size_given),
      cmocka_unit_test(test_size_refused),
  };
  return cmocka_run_group_tests_name("codec/identity", tests, nullptr, nullptr);
}
