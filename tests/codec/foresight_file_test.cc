// What the pool has learnt goes into a file and comes back the same; what is no such file is refused and changes nothing.
#include "codec/foresight_file.h"

#include <memory>

#include "support/cmocka_cc.h"

namespace {

std::unique_ptr<Foresight> learned() {
  auto foresight = std::make_unique<Foresight>();
  constexpr int64_t kDay = 86'400'000;
  for (int64_t day = 4; day < 18; ++day) {
    for (int64_t at = day * kDay; at < (day + 1) * kDay; at += 600'000) foresight_pass(foresight.get(), at);
    for (int person = 0; person < 20; ++person) foresight_asked(foresight.get(), (day + 1) * kDay + person * 1000);
    foresight_launched(foresight.get(), 7);
  }
  return foresight;
}

void test_it_comes_back_as_it_was(void**) {
  auto before = learned(), after = std::make_unique<Foresight>();
  std::string problem;
  const std::string text = foresight_write(*before);
  assert_true(foresight_parse(text, after.get(), &problem));
  assert_string_equal(foresight_write(*after).c_str(), text.c_str());
  assert_int_equal(after->quarter, -1);
  for (int64_t hour = 0; hour < 7 * 24; ++hour) {
    const int64_t at = (int64_t{18} * 24 + hour) * 3'600'000;
    before->quarter = after->quarter;  // the one under way is not kept
    assert_int_equal(foresight_target(*after, at, 0.01), foresight_target(*before, at, 0.01));
  }
  assert_true(text.size() < 100'000);
}

void test_nonsense_changes_nothing(void**) {
  const std::string good = foresight_write(*learned());
  auto foresight = learned();
  const std::string before = foresight_write(*foresight);
  auto without = [&good](const std::string& from, const std::string& to) {
    std::string text = good;
    const size_t at = text.find(from);
    if (at == text.npos) fail_msg("no %s in it", from.c_str());
    return text.replace(at, from.size(), to);
  };
  for (const std::string& text :
       {std::string(), std::string("{}"), std::string("[]"), good.substr(0, good.size() / 2), without("\"version\":1", "\"version\":2"), without("\"trust\":[", "\"trust\":[1,"),
        without("\"day\":[[", "\"day\":[[0,"), without("\"day\":[[", "\"day\":[[0,0,0,0],["), without("\"hour\":[", "\"hour\":[-"), without("\"lead_s\":", "\"lead_s\":1e300,\"x\":"),
        without("\"week\":[", "\"week\":[null,")}) {
    std::string problem;
    assert_false(foresight_parse(text, foresight.get(), &problem));
    assert_true(!problem.empty());
    assert_string_equal(foresight_write(*foresight).c_str(), before.c_str());
  }
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {cmocka_unit_test(test_it_comes_back_as_it_was), cmocka_unit_test(test_nonsense_changes_nothing)};
  return cmocka_run_group_tests_name("foresight_file", tests, nullptr, nullptr);
}
