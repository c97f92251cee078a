// Which Authorization headers hold the token.
#include "codec/bearer.h"

#include <string>

#include "support/cmocka_cc.h"

static constexpr const char* kToken = "0123456789abcdef";

static void test_the_token_and_nothing_else(void**) {
  for (const char* fine : {"Bearer 0123456789abcdef", "bearer 0123456789abcdef", "BEARER   0123456789abcdef "}) {
    if (!bearer_holds(fine, kToken)) fail_msg("refused: %s", fine);
  }
  for (const char* wrong :
       {"", "Bearer", "Bearer ", "0123456789abcdef", "Basic 0123456789abcdef", "Bearer0123456789abcdef", "Bearer 0123456789abcdeF",
        "Bearer 1123456789abcdef", "Bearer 0123456789abcde", "Bearer 0123456789abcdef0", "Bearer 0123456789abcdef0123456789abcdef",
        "Bearer 0", "Bearer 0123456789abcdef, Bearer x", "Bearer x 0123456789abcdef", "Bearer \"0123456789abcdef\""}) {
    if (bearer_holds(wrong, kToken)) fail_msg("let in: %s", wrong);
  }
}

static void test_no_token_is_held_by_nobody(void**) {
  for (const char* any : {"", "Bearer", "Bearer ", "Bearer x"}) assert_false(bearer_holds(any, ""));
}

static void test_each_character_counts(void**) {
  for (size_t i = 0; i < 16; i++) {
    std::string given = kToken;
    given[i] = '#';
    assert_false(bearer_holds("Bearer " + given, kToken));
  }
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(test_the_token_and_nothing_else),
      cmocka_unit_test(test_no_token_is_held_by_nobody),
      cmocka_unit_test(test_each_character_counts),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
