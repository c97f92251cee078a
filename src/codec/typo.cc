// How near a name is to those that are known.
#include "codec/typo.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "codec/settings.h"
#include "codec/text.h"

namespace {

// Slips of the fingers from one text to the other: a letter more, less, other, or two swapped.
size_t slips(std::string_view from, std::string_view to) {
  std::vector<size_t> two_above(to.size() + 1), above(to.size() + 1), row(to.size() + 1);
  for (size_t j = 0; j <= to.size(); j++) row[j] = j;
  for (size_t i = 1; i <= from.size(); i++) {
    std::swap(two_above, above);
    std::swap(above, row);
    row[0] = i;
    for (size_t j = 1; j <= to.size(); j++) {
      const bool same = from[i - 1] == to[j - 1];
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (same ? 0 : 1)});
      if (i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1])
        row[j] = std::min(row[j], two_above[j - 2] + 1);
    }
  }
  return row[to.size()];
}

bool has_prefix_of(std::string_view name, std::span<const SettingRow> rows) {
  return std::any_of(rows.begin(), rows.end(), [&](const SettingRow& row) {
    const std::string_view known = row.name;
    const size_t prefix = known.find('_') + 1;
    return prefix > 0 && name.starts_with(known.substr(0, prefix));
  });
}

}  // namespace

std::string typo_warning(const std::string& name, std::span<const SettingRow> known) {
  const auto is_its_name = [&](const SettingRow& row) { return name == row.name; };
  if (name.size() > 64 || std::any_of(known.begin(), known.end(), is_its_name)) return {};
  const std::string wanted = text_upper(name);
  const SettingRow* nearest = nullptr;
  size_t least = 0;
  for (const SettingRow& row : known) {
    const size_t length = std::string_view(row.name).size();
    const size_t allowed = std::min<size_t>(length / 4, 3);
    if (std::max(length, wanted.size()) - std::min(length, wanted.size()) > allowed) continue;  // so many slips at least
    const size_t distance = slips(wanted, row.name);
    if (distance <= allowed && (nearest == nullptr || distance < least)) nearest = &row, least = distance;
  }
  if (nearest != nullptr)
    return text_one_line(name) + " is not a setting and is ignored; did you mean " + nearest->name + "?";
  if (has_prefix_of(wanted, known))
    return text_one_line(name) + " is not a setting and is ignored; --help lists those that are";
  return {};
}
