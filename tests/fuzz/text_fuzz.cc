// Text from anywhere, on its way into log lines, error texts, JSON answers and URLs of the engine.
#include "codec/text.h"

#include <event2/http.h>
#include <jansson.h>

#include <cstdint>
#include <cstdlib>
#include <memory>

#include "codec/answers.h"
#include "fuzz/fuzz.h"
#include "io/docker_http.h"

namespace {

struct JsonUnref {
  void operator()(json_t* json) const { json_decref(json); }
};
using Json = std::unique_ptr<json_t, JsonUnref>;

void check_one_line(std::string_view text, size_t most) {
  const std::string line = text_one_line(text, most);
  HOLDS(line.size() <= most, text);
  HOLDS(is_harmless(line), text);
  HOLDS(text_one_line(line, most) == line, text);
  if (text.size() <= most && is_harmless(text)) HOLDS(line == text, text);
  const std::string whole = text_one_line(text, SIZE_MAX);
  HOLDS(whole.size() <= 4 * text.size(), text);
  HOLDS(whole.size() <= most ? line == whole : most < 3 || line.ends_with("..."), text);
}

// What a client reads out of our JSON is what was said.
void check_answer(std::string_view text) {
  const std::string answer = answer_error(text);
  HOLDS(answer.ends_with("}\n") && answer.find('\n') == answer.size() - 1, text);
  const Json json(json_loadb(answer.data(), answer.size(), JSON_ALLOW_NUL, nullptr));
  const json_t* error = json_object_get(json.get(), "error");
  HOLDS(json_object_size(json.get()) == 1 && json_is_string(error), text);
  const std::string_view back(json_string_value(error), json_string_length(error));
  HOLDS(back == text || back == text_one_line(text, SIZE_MAX), text);
}

void check_escape(std::string_view text) {
  const std::string escaped = docker_escape(text);
  HOLDS(escaped.find_first_of(" /?#&=+\"\r\n\\%") == std::string::npos || escaped.find('%') != std::string::npos, text);
  size_t size = 0;
  char* decoded = evhttp_uridecode(escaped.c_str(), 1, &size);
  HOLDS(decoded != nullptr && std::string_view(decoded, size) == text, text);
  free(decoded);
}

void check_numbers(std::string_view text) {
  long whole = 7;
  if (text_to_int(text, -1000000, 1000000, &whole)) {
    long again = 0;
    HOLDS(whole >= -1000000 && whole <= 1000000, text);
    HOLDS(text_to_int(std::to_string(whole), whole, whole, &again) && again == whole, text);
    HOLDS(whole == strtol(std::string(text).c_str(), nullptr, 10), text);
  } else {
    HOLDS(whole == 7, text);
  }
  double real = 7;
  if (text_to_double(text, &real)) HOLDS(real == strtod(std::string(text).c_str(), nullptr), text);
}

void check_list(std::string_view text) {
  const std::vector<std::string_view> parts = text_list(text);
  std::string joined;
  for (size_t i = 0; i < parts.size(); i++) {
    HOLDS(text_trim(parts[i]) == parts[i] && parts[i].find(',') == std::string_view::npos, text);
    joined.append(i > 0 ? "," : "").append(parts[i]);
  }
  HOLDS(text_list(joined) == parts, text);
}

}  // namespace

FUZZ_TARGET(text) {
  if (input.empty()) return;
  const auto most = static_cast<unsigned char>(input[0]);
  input.remove_prefix(1);
  check_one_line(input, most);
  check_answer(input);
  check_escape(input);
  check_numbers(input);
  check_list(input);
}
