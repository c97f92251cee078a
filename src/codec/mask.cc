// Finds clients in text.
#include "codec/mask.h"

#include <algorithm>

namespace {

constexpr size_t kDigits = 11;  // of a CPF

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_of_id(char c) { return is_digit(c) || is_letter(c) || c == '.' || c == '_' || c == '-'; }

// How many characters of the beginning are a CPF: 111.222.333-44, each mark there or not. 0: none.
size_t cpf_at(std::string_view text, std::string* digits) {
  digits->clear();
  size_t at = 0;
  while (digits->size() < kDigits) {
    const size_t count = digits->size();
    const bool may_mark = count == 3 || count == 6 || count == 9;
    if (may_mark && at < text.size() && text[at] == (count == 9 ? '-' : '.')) at++;
    if (at == text.size() || !is_digit(text[at])) return 0;
    *digits += text[at++];
  }
  const bool ends = at == text.size() || !(is_digit(text[at]) || is_letter(text[at]));
  return ends ? at : 0;
}

std::string mask_digits(const std::string& digits) { return "***." + digits.substr(3, 3) + "." + digits.substr(6, 3) + "-**"; }

// The id at the beginning; a full stop at its end is the sentence's.
size_t id_at(std::string_view text) {
  size_t size = 0;
  while (size < text.size() && is_of_id(text[size])) size++;
  while (size > 0 && text[size - 1] == '.') size--;
  return size;
}

// 32 hex digits behind a '_': whose container it is, told by a hash.
bool is_stand_in(std::string_view id) {
  return id.size() == 33 && id.front() == '_' && id.find_first_not_of("0123456789abcdef", 1) == std::string_view::npos;
}

bool begins_with_word(std::string_view text, std::string_view word) {
  return text.starts_with(word) && (text.size() == word.size() || !is_of_id(text[word.size()]));
}

}  // namespace

std::string mask_client(std::string_view client) {
  std::string digits;
  if (const size_t size = cpf_at(client, &digits); size != 0 && size == client.size()) return mask_digits(digits);
  if (is_stand_in(client)) return std::string(client);
  return client.size() <= 4 ? "***" : std::string(client.substr(0, 2)) + "***";
}

std::string mask_line(std::string_view line, std::string_view network) {
  constexpr std::string_view kClient = "CPF=", kName = "vnc_", kPool = "pool_";
  std::string out, digits;
  out.reserve(line.size());
  for (size_t at = 0; at < line.size();) {
    const std::string_view rest = line.substr(at);
    const bool inside = at > 0 && (is_digit(line[at - 1]) || is_letter(line[at - 1]));
    size_t before = 0, size = 0;
    if (!inside && rest.starts_with(kClient)) {
      before = kClient.size();
      size = id_at(rest.substr(before));
    } else if (!inside && rest.starts_with(kName) && !begins_with_word(rest, network) && !rest.substr(kName.size()).starts_with(kPool)) {
      before = kName.size();
      size = id_at(rest.substr(before));
    } else if (!inside) {
      size = cpf_at(rest, &digits);
    }
    if (size == 0) {
      out += line[at++];
      continue;
    }
    out.append(rest.substr(0, before)).append(mask_client(rest.substr(before, size)));
    at += before + size;
  }
  return out;
}
