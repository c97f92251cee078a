// Every input that is kept in corpus/ goes through its target: what was found once stays mended. Needs no libFuzzer.
#include <dirent.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "support/cmocka_cc.h"

#define EACH_TARGET(row)                                                                                                         \
  row(text) row(identity) row(shape) row(target) row(dotenv) row(state) row(engine_events) row(engine_containers) row(engine_answers)

#define DECLARE(name) void fuzz_##name(std::string_view input);
EACH_TARGET(DECLARE)

// The tests run in the root of the tree.
static const std::string kHere = "tests/fuzz";

static std::vector<std::string> names_in(const std::string& folder, std::string_view end) {
  std::vector<std::string> names;
  DIR* dir = opendir(folder.c_str());
  assert_non_null(dir);
  while (const dirent* entry = readdir(dir)) {
    const std::string_view name = entry->d_name;
    if (name[0] != '.' && name.ends_with(end)) names.emplace_back(name.substr(0, name.size() - end.size()));
  }
  closedir(dir);
  std::sort(names.begin(), names.end());
  return names;
}

static void replay(const char* name, void (*target)(std::string_view input)) {
  const std::string folder = kHere + "/corpus/" + name;
  const std::vector<std::string> inputs = names_in(folder, "");
  assert_true(inputs.size() >= 10);
  target("");
  for (const std::string& one : inputs) {
    std::ifstream file(folder + "/" + one, std::ios::binary);
    assert_true(file.is_open());
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    target(text);
    // Cut short, as a torn file or a broken connection would have it.
    target(std::string_view(text).substr(0, text.size() / 2));
  }
  print_message("%zu inputs of %s\n", inputs.size(), name);
}

#define TEST(name) \
  static void replayed_##name(void**) { replay(#name, fuzz_##name); }
EACH_TARGET(TEST)

static void every_target_is_replayed(void**) {
  std::vector<std::string> known;
#define KNOW(name) known.push_back(#name);
  EACH_TARGET(KNOW)
  std::sort(known.begin(), known.end());
  assert_true(names_in(kHere, "_fuzz.cc") == known);
  assert_true(names_in(kHere + "/corpus", "") == known);
}

int main() {
#define ROW(name) cmocka_unit_test(replayed_##name),
  const CMUnitTest tests[] = {EACH_TARGET(ROW) cmocka_unit_test(every_target_is_replayed)};
  return cmocka_run_group_tests_name("fuzz/replay", tests, nullptr, nullptr);
}
