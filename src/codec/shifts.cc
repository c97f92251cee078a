// Hours of the week at which the pool has a least size.
#include "codec/shifts.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "codec/text.h"

namespace {

constexpr std::array<std::string_view, 7> kDays = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
constexpr unsigned kEveryDay = 0x7f;
constexpr long kSizeMost = 1000;

std::string_view take(std::string_view* rest, std::string_view separators) {
  const size_t end = std::min(rest->find_first_of(separators), rest->size());
  const std::string_view part = rest->substr(0, end);
  rest->remove_prefix(std::min(end + 1, rest->size()));
  return part;
}

int day_of(std::string_view text) {
  const auto found = std::find(kDays.begin(), kDays.end(), text);
  return found == kDays.end() ? -1 : static_cast<int>(found - kDays.begin());
}

// "mon", "fri-mon".
bool parse_days(std::string_view text, unsigned* out) {
  if (text.ends_with('-')) return false;
  const int first = day_of(take(&text, "-"));
  const int last = text.empty() ? first : day_of(text);
  if (first < 0 || last < 0) return false;
  for (int day = first;; day = (day + 1) % 7) {
    *out |= 1U << day;
    if (day == last) return true;
  }
}

// "07:30", "24:00" for the end of a day.
bool parse_minute(std::string_view text, int* out) {
  long hour = 0, minute = 0;
  const std::string_view hours = take(&text, ":");
  if (hours.size() != 2 || text.size() != 2 || !text_to_int(hours, 0, 24, &hour) || !text_to_int(text, 0, 59, &minute)) return false;
  *out = static_cast<int>(hour * 60 + minute);
  return *out <= 24 * 60;
}

bool parse_shift(std::string_view text, PoolShift* out) {
  std::vector<std::string_view> words;
  for (std::string_view rest = text; !rest.empty();) {
    const std::string_view word = take(&rest, " \t");
    if (!word.empty()) words.push_back(word);
  }
  if (words.size() < 2 || words.size() > 3) return false;
  if (words.size() == 2) out->days = kEveryDay;
  if (words.size() == 3) {
    if (words[0].ends_with(',')) return false;
    for (std::string_view days = words[0]; !days.empty();) {
      if (!parse_days(take(&days, ","), &out->days)) return false;
    }
    words.erase(words.begin());
  }
  std::string_view hours = words[0];
  long size = 0;
  if (!parse_minute(take(&hours, "-"), &out->from_minute) || !parse_minute(hours, &out->to_minute)) return false;
  if (out->from_minute == 24 * 60 || !text_to_int(words[1], 0, kSizeMost, &size)) return false;
  out->size = static_cast<int>(size);
  return true;
}

}  // namespace

bool shifts_parse(std::string_view text, std::vector<PoolShift>* out) {
  std::vector<PoolShift> shifts;
  while (!text.empty()) {
    const std::string_view part = text_trim(take(&text, ";"));
    PoolShift shift;
    if (part.empty() && text_trim(text).empty() && !shifts.empty()) break;  // semicolons may stand at the end
    if (!parse_shift(part, &shift)) return false;
    shifts.push_back(shift);
  }
  *out = std::move(shifts);
  return true;
}

std::string shifts_text(const std::vector<PoolShift>& shifts) {
  std::string text;
  for (const PoolShift& shift : shifts) {
    if (!text.empty()) text += "; ";
    if (shift.days != kEveryDay) {
      std::string days;
      for (unsigned day = 0; day < kDays.size(); ++day) {
        if ((shift.days >> day & 1) != 0) days += (days.empty() ? "" : ",") + std::string(kDays[day]);
      }
      text += days + " ";
    }
    char hours[48];
    snprintf(hours, sizeof hours, "%02d:%02d-%02d:%02d %d", shift.from_minute / 60, shift.from_minute % 60, shift.to_minute / 60, shift.to_minute % 60,
             shift.size);
    text += hours;
  }
  return text;
}
