// Who asks, and for which screen.
#include "codec/identity.h"

#include "codec/text.h"
#include "core/names.h"

namespace {

constexpr std::string_view kCpfShape = "ddd.ddd.ddd-dd";

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool has_cpf_shape(std::string_view text) {
  if (text.size() != kCpfShape.size()) return false;
  for (size_t i = 0; i < text.size(); i++) {
    if (kCpfShape[i] == 'd' ? !is_digit(text[i]) : text[i] != kCpfShape[i]) return false;
  }
  return true;
}

bool parse_side(const char* name, std::string_view text, int* out, std::string* error) {
  long value = 0;
  if (!text_to_int(text, kSizeMin, kSizeMax, &value)) {
    *error = std::string("Invalid parameter: ") + name + " must be a whole number from " + std::to_string(kSizeMin) +
             " to " + std::to_string(kSizeMax);
    return false;
  }
  *out = static_cast<int>(value);
  return true;
}

}  // namespace

bool identity_parse(std::string_view raw, std::string* client, std::string* error) {
  std::string text(text_trim(raw));
  if (text.empty()) {
    *error = "Missing required parameter: id";
    return false;
  }
  if (has_cpf_shape(text)) std::erase_if(text, [](char c) { return !is_digit(c); });
  if (!client_is_valid(text)) {
    *error =
        "Invalid parameter: id must be a CPF, or 1 to 64 letters, digits, '.', '_' and '-' that begin with a letter or "
        "digit "
        "and not with pool_";
    return false;
  }
  *client = std::move(text);
  return true;
}

bool identity_parse_size(const std::string* width, const std::string* height, bool* given, Size* size,
                         std::string* error) {
  const std::string_view wide = width != nullptr ? text_trim(*width) : std::string_view();
  const std::string_view high = height != nullptr ? text_trim(*height) : std::string_view();
  if (wide.empty() || high.empty()) {
    *given = false;
    return true;
  }
  Size asked;
  if (!parse_side("width", wide, &asked.width, error) || !parse_side("height", high, &asked.height, error))
    return false;
  *given = true;
  *size = asked;
  return true;
}
