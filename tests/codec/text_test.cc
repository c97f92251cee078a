// Small words about text: trimming, numbers, and one harmless line.
#include "codec/text.h"

#include <climits>
#include <clocale>
#include <cstdlib>

#include "support/cmocka_cc.h"

static void assert_line(std::string_view text, const char* wanted) {
  assert_string_equal(text_one_line(text).c_str(), wanted);
}

static void test_trim(void**) {
  assert_true(text_trim("").empty());
  assert_true(text_trim(" \t\r\n\v\f ").empty());
  assert_true(text_trim("a") == "a");
  assert_true(text_trim("  a b\t\n") == "a b");
  assert_true(text_trim("\r\na") == "a");
  assert_true(text_trim("a \r\n") == "a");
  assert_true(text_trim("\xC2\xA0x") == "\xC2\xA0x");
}

static void test_list(void**) {
  const auto list = [](std::string_view text) { return text_list(text); };
  using Parts = std::vector<std::string_view>;
  assert_true(list("") == Parts{});
  assert_true(list(" \t") == Parts{});
  assert_true((list("a") == Parts{"a"}));
  assert_true((list(" a , b c,d") == Parts{"a", "b c", "d"}));
  assert_true((list("a,,b,") == Parts{"a", "", "b", ""}));
  assert_true((list(",") == Parts{"", ""}));
}

static void test_int(void**) {
  long out = 77;
  for (const char* bad : {"", "-", "+1", " 1", "1 ", "1.0", "1e2", "0x10", "a", "1a", "--1", "101", "-6",
                          "99999999999999999999", "\xD9\xA1", "1\n"}) {
    if (text_to_int(bad, -5, 100, &out)) fail_msg("accepted: '%s'", bad);
  }
  assert_false(text_to_int(std::string_view("1\0", 2), -5, 100, &out));
  assert_int_equal(out, 77);
  assert_true(text_to_int("-5", -5, 100, &out));
  assert_int_equal(out, -5);
  assert_true(text_to_int("100", -5, 100, &out));
  assert_int_equal(out, 100);
  assert_true(text_to_int("007", -5, 100, &out));
  assert_int_equal(out, 7);
  assert_true(text_to_int("9223372036854775807", LONG_MIN, LONG_MAX, &out));
  assert_true(out == LONG_MAX);
  // A view into longer text: only the view counts.
  assert_true(text_to_int(std::string_view("1234", 2), 0, 100, &out));
  assert_int_equal(out, 12);
}

static void test_double(void**) {
  double out = 77;
  for (const char* bad :
       {"", "-", "+1", " 1", "1 ", "1,5", "nan", "inf", "-inf", "infinity", "1e999", "0x1p3", "1.5h", "."}) {
    if (text_to_double(bad, &out)) fail_msg("accepted: '%s'", bad);
  }
  assert_true(out == 77);
  assert_true(text_to_double("0.5", &out) && out == 0.5);
  assert_true(text_to_double("8", &out) && out == 8);
  assert_true(text_to_double("-1.25", &out) && out == -1.25);
  assert_true(text_to_double(".5", &out) && out == 0.5);
  assert_true(text_to_double("1e2", &out) && out == 100);
}

static void test_double_in_a_locale_with_comma(void**) {
  const std::string before = setlocale(LC_NUMERIC, nullptr);
  const char* there = nullptr;
  for (const char* name : {"pt_BR.UTF-8", "pt_BR.utf8", "de_DE.UTF-8", "fr_FR.UTF-8"}) {
    if (there == nullptr) there = setlocale(LC_NUMERIC, name);
  }
  double out = 0;
  const bool point = text_to_double("1.5", &out);
  const bool comma = text_to_double("1,5", &out);
  setlocale(LC_NUMERIC, before.c_str());
  assert_true(point && out == 1.5);
  assert_false(comma);
}

static void test_one_line_keeps_people_s_text(void**) {
  assert_line("", "");
  assert_line("plain \"quoted\" 'text' /path:1", "plain \"quoted\" 'text' /path:1");
  assert_line("S\xC3\xA3o Paulo \xE2\x82\xAC \xF0\x9F\xA6\x8A", "S\xC3\xA3o Paulo \xE2\x82\xAC \xF0\x9F\xA6\x8A");
}

static void test_one_line_escapes(void**) {
  assert_line("a\nb\r\nc", "a\\nb\\r\\nc");
  assert_line("tab\there", "tab\\x09here");
  assert_line("\x1b[31mred", "\\x1B[31mred");
  assert_line("\x7f", "\\x7F");
  assert_line(std::string_view("a\0b", 3), "a\\x00b");
  assert_line("csi \xC2\x9B", "csi \\xC2\\x9B");
  assert_line("line \xE2\x80\xA8 end", "line \\xE2\\x80\\xA8 end");
  assert_line("turned \xE2\x80\xAE", "turned \\xE2\\x80\\xAE");
  assert_line("mark \xD8\x9C", "mark \\xD8\\x9C");
}

// An engine's words are cleaned where they are read, in the error made of them, and in the log.
static void test_one_line_leaves_alone_what_was_cleaned_before(void**) {
  assert_line("back\\slash \\n \\x1B[31m", "back\\slash \\n \\x1B[31m");
  const std::string once = text_one_line("\x1b[31m\n\\", 8);
  assert_string_equal(once.c_str(), "\\x1B[...");
  assert_line(once, once.c_str());
}

static void test_one_line_bytes_that_are_not_utf8(void**) {
  assert_line("\xFF\xFE", "\\xFF\\xFE");
  assert_line("\xC3", "\\xC3");                    // cut
  assert_line("\xE2\x82", "\\xE2\\x82");           // cut
  assert_line("\xE2\x82z", "\\xE2\\x82z");         // broken off
  assert_line("\xC0\xAF", "\\xC0\\xAF");           // overlong '/'
  assert_line("\xC1\xBF", "\\xC1\\xBF");           // overlong
  assert_line("\xE0\x80\x8A", "\\xE0\\x80\\x8A");  // overlong line end
  assert_line("\xF0\x80\x80\x8A", "\\xF0\\x80\\x80\\x8A");
  assert_line("\xED\xA0\x80", "\\xED\\xA0\\x80");           // surrogate
  assert_line("\xF4\x90\x80\x80", "\\xF4\\x90\\x80\\x80");  // beyond the last
  assert_line("\xF4\x8F\xBF\xBF", "\xF4\x8F\xBF\xBF");      // the last
  assert_line("\x80", "\\x80");
}

static void test_one_line_cut(void**) {
  assert_string_equal(text_one_line("1234567890", 10).c_str(), "1234567890");
  assert_string_equal(text_one_line("12345678901", 10).c_str(), "1234567...");
  assert_string_equal(text_one_line("123456\n8901", 10).c_str(), "123456...");  // no half escape
  assert_string_equal(text_one_line("12345\xE2\x82\xAC"
                                    "8901",
                                    10)
                          .c_str(),
                      "12345...");  // no half character
  assert_string_equal(text_one_line("1234\xE2\x82\xAC"
                                    "8901",
                                    10)
                          .c_str(),
                      "1234\xE2\x82\xAC...");
  assert_string_equal(text_one_line("abcdef", 3).c_str(), "...");
  assert_string_equal(text_one_line("abcdef", 1).c_str(), ".");
  assert_string_equal(text_one_line("abcdef", 0).c_str(), "");
  assert_int_equal(text_one_line(std::string(1000, 'x')).size(), 300);
}

// Any bytes, any limit: one line of printable text, never longer than the limit, and no door changes it again.
static void test_one_line_any_bytes(void**) {
  unsigned state = 7;
  for (int round = 0; round < 20000; round++) {
    std::string text;
    state = state * 1664525U + 1013904223U;
    for (unsigned n = (state >> 20U) % 24; n > 0; n--) {
      state = state * 1664525U + 1013904223U;
      text += static_cast<char>(state >> 24U);
    }
    const size_t most = (state >> 8U) % 64;
    const std::string line = text_one_line(text, most);
    assert_true(line.size() <= most);
    for (char c : line) assert_true(static_cast<unsigned char>(c) >= 0x20 && c != 0x7F);
    assert_true(text_one_line(line, most) == line);
    assert_true(text_one_line(line, 1000) == line);
  }
}

static void test_short_id(void**) {
  assert_true(text_short_id("b4dd386af519a1b2c3d4e5f6") == "b4dd386af519");
  assert_true(text_short_id("b4dd") == "b4dd");
  assert_true(text_short_id("").empty());
}

static void test_upper_and_lower_leave_the_rest_alone(void**) {
  assert_string_equal(text_upper("a-z @[`{ \xc3\xa3").c_str(), "A-Z @[`{ \xc3\xa3");
  assert_string_equal(text_lower("A-Z @[`{ \xc3\x83").c_str(), "a-z @[`{ \xc3\x83");
}

static void test_what_may_stand_for_a_request(void**) {
  for (const char* fine : {"a", "0", "f81d4fae-7dec-11d0-a765-00a0c91e6bf6", "A.b_c-9", "...."}) assert_true(text_is_request_id(fine));
  assert_true(text_is_request_id(std::string(64, 'x')));
  for (const char* wrong : {"", "a b", "a=b", "a,b", "a\nb", "\x1b[31m", "\xc3\xa3", "a/b", "a:b", "\"a\""}) assert_false(text_is_request_id(wrong));
  assert_false(text_is_request_id(std::string(65, 'x')));
  assert_false(text_is_request_id(std::string_view("a\0b", 3)));
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(test_what_may_stand_for_a_request),
      cmocka_unit_test(test_upper_and_lower_leave_the_rest_alone),
      cmocka_unit_test(test_trim),
      cmocka_unit_test(test_list),
      cmocka_unit_test(test_int),
      cmocka_unit_test(test_double),
      cmocka_unit_test(test_double_in_a_locale_with_comma),
      cmocka_unit_test(test_one_line_keeps_people_s_text),
      cmocka_unit_test(test_one_line_escapes),
      cmocka_unit_test(test_one_line_leaves_alone_what_was_cleaned_before),
      cmocka_unit_test(test_one_line_bytes_that_are_not_utf8),
      cmocka_unit_test(test_one_line_cut),
      cmocka_unit_test(test_one_line_any_bytes),
      cmocka_unit_test(test_short_id),
  };
  return cmocka_run_group_tests_name("codec/text", tests, nullptr, nullptr);
}
