// .env files, as python-dotenv reads them. The expectations were compared with python-dotenv 1.2 itself.
#include <map>

#include "codec/settings.h"
#include "support/cmocka_cc.h"

using Values = std::map<std::string, std::string>;

static const NameValues kEnvironment = {{"FROM_ENV", "env"}, {"BOTH", "env"}, {"EMPTY", ""}};

static Values parsed(const std::string& text, std::vector<std::string>* warnings) {
  const NameValues list = dotenv_parse(text, kEnvironment, warnings);
  Values values(list.begin(), list.end());
  assert_int_equal(values.size(), list.size());  // each name once
  return values;
}

// One setting, no warning, this value.
static void assert_value(const std::string& text, const char* name, const std::string& wanted) {
  std::vector<std::string> warnings;
  const Values values = parsed(text, &warnings);
  if (!warnings.empty()) fail_msg("%s: %s", text.c_str(), warnings[0].c_str());
  if (values.count(name) == 0) fail_msg("%s: no %s", text.c_str(), name);
  if (values.at(name) != wanted)
    fail_msg("%s: '%s', wanted '%s'", text.c_str(), values.at(name).c_str(), wanted.c_str());
}

static void assert_nothing(const std::string& text) {
  std::vector<std::string> warnings;
  const Values values = parsed(text, &warnings);
  if (!values.empty() || !warnings.empty())
    fail_msg("%s: %zu values, %zu warnings", text.c_str(), values.size(), warnings.size());
}

static void test_plain(void**) {
  assert_value("A=b", "A", "b");
  assert_value("A=b\n", "A", "b");
  assert_value("  A  =  b c  \n", "A", "b c");
  assert_value("\n\n\tA=b", "A", "b");
  assert_value("A=", "A", "");
  assert_value("A=\nB=1", "A", "");
  assert_value("A=b=c", "A", "b=c");
  assert_value("VNC_APPNAME=firefox-kiosk https://meu-site.com/", "VNC_APPNAME", "firefox-kiosk https://meu-site.com/");
  assert_value("a.b-c=1", "a.b-c", "1");
  assert_value("'A b'=1", "A b", "1");
  assert_value("A=b\\nc", "A", "b\\nc");
  assert_value("A=it's", "A", "it's");
}

static void test_export(void**) {
  assert_value("export A=b", "A", "b");
  assert_value("export \t A=b", "A", "b");
  assert_value("export=b", "export", "b");
  assert_value("exported=b", "exported", "b");
}

static void test_comments(void**) {
  assert_nothing("# A=b");
  assert_nothing("   # A=b\n#\n");
  assert_nothing("");
  assert_nothing("\n \n\t\n");
  assert_value("A=b # comment", "A", "b");
  assert_value("A=b\t# comment", "A", "b");
  assert_value("A=b #", "A", "b");
  assert_value("A=b#c", "A", "b#c");
  assert_value("A=http://x/#/y", "A", "http://x/#/y");
  assert_value("A=b #c #d", "A", "b");
  assert_value("A=#c", "A", "#c");
  assert_value("A= #c", "A", "#c");  // the blanks belong to the '=': python-dotenv's habit
  assert_value("A='b' # comment", "A", "b");
  assert_value("A=\"b\"# comment", "A", "b");
  assert_value("A='b # c'", "A", "b # c");
}

static void test_single_quotes(void**) {
  assert_value("A='b c'", "A", "b c");
  assert_value("A=''", "A", "");
  assert_value("A='\"'", "A", "\"");
  assert_value("A='it\\'s'", "A", "it's");
  assert_value("A='b\\\\c'", "A", "b\\c");
  assert_value("A='b\\nc'", "A", "b\\nc");
  assert_value("A='two\nlines'\nB=1", "A", "two\nlines");
  assert_value("A='C:\\dir\\'", "A", "C:\\dir\\");
}

static void test_double_quotes(void**) {
  assert_value("A=\"b c\"", "A", "b c");
  assert_value("A=\"\"", "A", "");
  assert_value("A=\"it's\"", "A", "it's");
  assert_value("A=\"say \\\"no\\\"\"", "A", "say \"no\"");
  assert_value("A=\"a\\nb\\tc\\rd\\\\e\\'f\\ag\\bh\\fi\\vj\"", "A", "a\nb\tc\rd\\e'f\ag\bh\fi\vj");
  assert_value("A=\"\\d\\x41\\$\"", "A", "\\d\\x41\\$");
  assert_value("A=\"two\nlines\"\nB=1", "A", "two\nlines");
  assert_value("A=\"C:\\dir\\\"", "A", "C:\\dir\\");
  assert_value("A=\"#\"", "A", "#");
}

static void test_line_ends_and_byte_order_mark(void**) {
  assert_value("A=b\r\nB=c\r\n", "A", "b");
  assert_value("A=b\r\nB=c\r\n", "B", "c");
  assert_value("A=b\rB=c", "B", "c");
  assert_value("A='two\r\nlines'\r\n", "A", "two\nlines");
  assert_value(
      "\xEF\xBB\xBF"
      "A=b",
      "A", "b");
  assert_value("A=\r\n", "A", "");
}

static void test_name_without_a_value(void**) {
  assert_nothing("A");
  assert_nothing("A # comment\nexport B\n");
  assert_nothing("A=1\nA\n");
  std::vector<std::string> warnings;
  const Values values = parsed("A\nB=\"${A:-otherwise}\"", &warnings);
  assert_string_equal(values.at("B").c_str(), "");
}

static void test_later_lines_win(void**) {
  assert_value("A=1\nB=2\nA=3", "A", "3");
  assert_value("A=1\nA=${A}2\nA=${A}3", "A", "123");
}

static void test_expansion(void**) {
  assert_value("A=1\nB=<${A}>", "B", "<1>");
  assert_value("A=1\nB=\"<${A}>\"", "B", "<1>");
  assert_value("A=1\nB='<${A}>'", "B", "<1>");
  assert_value("B=${A}\nA=1", "B", "");
  assert_value("B=<${A:-a b}>", "B", "<a b>");
  assert_value("B=<${A:-}>", "B", "<>");
  assert_value("B=${FROM_ENV}", "B", "env");
  assert_value("BOTH=file\nB=${BOTH}", "B", "env");
  assert_value("BOTH=file\nB=1", "BOTH", "file");
  assert_value("B=<${EMPTY:-x}>", "B", "<>");
  assert_value("A=1\nB=$A", "B", "$A");
  assert_value("A=1\nB=$${A}", "B", "$1");
  assert_value("B=${A", "B", "${A");
  assert_value("B=${A:x}", "B", "${A:x}");
  assert_value("B=${A:-x", "B", "${A:-x");
  assert_value("B=${A:-${FROM_ENV}}", "B", "${FROM_ENV}");
  assert_value("A=1\nB=${x:${A}", "B", "${x:1");
  assert_value("B=${}", "B", "");
  assert_value("A='${FROM_ENV}'\nB=${A}", "B", "env");
}

static void assert_warned(const std::string& text, const char* warning, size_t values_left) {
  std::vector<std::string> warnings;
  const Values values = parsed(text, &warnings);
  assert_int_equal(warnings.size(), 1);
  assert_string_equal(warnings[0].c_str(), warning);
  assert_int_equal(values.size(), values_left);
}

static void test_unreadable_lines(void**) {
  assert_warned("A B=1\nC=2", "line 1 cannot be read and is passed over: A B=1", 1);
  assert_warned("C=2\r\n\r\n=1\r\nD=3", "line 3 cannot be read and is passed over: =1", 2);
  assert_warned("A='x' y\nC=2", "line 1 cannot be read and is passed over: A='x' y", 1);
  assert_warned("C=2\nA=\"never closed\nB=1", "line 2 cannot be read and is passed over: A=\"never closed", 2);
  assert_warned("'A=1\nB=2", "line 1 cannot be read and is passed over: 'A=1", 1);
  assert_warned("''=1\nB=2", "line 1 cannot be read and is passed over: ''=1", 1);
  assert_warned("export =1\nB=2", "line 1 cannot be read and is passed over: export =1", 1);
  assert_warned("A='two\nlines' x\nC=2", "line 1 cannot be read and is passed over: A='two", 1);
  assert_warned("VNC_PROXY http://u:secret@p:1", "line 1 cannot be read and is passed over: VNC_PROXY http://u:***@p:1", 0);
  assert_warned("bad \x1b[31m line", "line 1 cannot be read and is passed over: bad \\x1B[31m line", 0);
}

static void test_lines_that_double_each_other_end(void**) {
  std::string text = "A0=0123456789\n";
  for (int i = 1; i < 60; i++) {
    const std::string above = "${A" + std::to_string(i - 1) + "}";
    text += "A" + std::to_string(i) + "=" + above + above + "\n";
  }
  std::vector<std::string> warnings;
  const auto values = parsed(text, &warnings);
  assert_int_equal(values.at("A12").size(), 40960);
  assert_int_equal(values.count("A13"), 0);
  assert_string_equal(warnings.at(0).c_str(), "line 14 is passed over: A13 has more than 65536 bytes");
  assert_int_equal(values.at("A14").size(), 0);
}

// Whatever the bytes: it ends, and every name is there once.
static void test_any_bytes(void**) {
  static const char* const kPieces[] = {"A", "=",       "\"", "'", "\\", "\n", "\r\n",     " ",
                                        "#", "export ", "${", "}", ":-", "x",  "\xC3\xA9", "\xFF"};
  unsigned state = 1;
  size_t values = 0;
  size_t warned = 0;
  for (int round = 0; round < 20000; round++) {
    std::string text;
    state = state * 1664525U + 1013904223U;
    for (unsigned n = (state >> 20U) % 24; n > 0; n--) {
      state = state * 1664525U + 1013904223U;
      text += kPieces[(state >> 20U) % std::size(kPieces)];
    }
    std::vector<std::string> warnings;
    values += parsed(text, &warnings).size();
    warned += warnings.size();
  }
  assert_in_range(values, 1000, 20000);
  assert_in_range(warned, 1000, 40000);
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(test_plain),
      cmocka_unit_test(test_export),
      cmocka_unit_test(test_comments),
      cmocka_unit_test(test_single_quotes),
      cmocka_unit_test(test_double_quotes),
      cmocka_unit_test(test_line_ends_and_byte_order_mark),
      cmocka_unit_test(test_name_without_a_value),
      cmocka_unit_test(test_later_lines_win),
      cmocka_unit_test(test_expansion),
      cmocka_unit_test(test_unreadable_lines),
      cmocka_unit_test(test_lines_that_double_each_other_end),
      cmocka_unit_test(test_any_bytes),
  };
  return cmocka_run_group_tests_name("codec/dotenv", tests, nullptr, nullptr);
}
