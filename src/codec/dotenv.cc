// .env files, read as python-dotenv 1.x reads them (load_dotenv with its defaults), since the same file served the first version.
// Its habits, kept because files out there rely on them: a quoted value may span lines; in double quotes \n and friends are
// decoded, in single quotes only \' and \\; an unquoted value ends at a blank followed by '#'; a name without '=' has no value;
// ${NAME} is expanded whatever the quotes, and there the environment wins over the file.
#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "codec/settings.h"
#include "codec/text.h"

namespace {

constexpr std::string_view kBlanksInLine = " \t\v\f";
constexpr std::string_view kBlanks = " \t\v\f\n";

// Twenty lines that each name the one before twice would make a million times the text of the first.
constexpr size_t kValueMost = 65536;

struct Reader {
  std::string_view text;
  size_t at = 0;
};

struct Binding {
  std::string name;
  std::optional<std::string> value;  // none: a name without '='
};

bool at_end(const Reader& reader) { return reader.at >= reader.text.size(); }
char peek(const Reader& reader) { return at_end(reader) ? '\0' : reader.text[reader.at]; }

// Moves over all that is (or is not) one of `set` and returns it.
std::string_view take_while(Reader* reader, std::string_view set) {
  const size_t begin = reader->at;
  const size_t end = reader->text.find_first_not_of(set, begin);
  reader->at = end == std::string_view::npos ? reader->text.size() : end;
  return reader->text.substr(begin, reader->at - begin);
}

std::string_view take_until(Reader* reader, std::string_view set) {
  const size_t begin = reader->at;
  const size_t end = reader->text.find_first_of(set, begin);
  reader->at = end == std::string_view::npos ? reader->text.size() : end;
  return reader->text.substr(begin, reader->at - begin);
}

// Line ends become \n, as Python's text mode makes them, inside quoted values too; a byte order mark is dropped.
std::string normalized(std::string_view text) {
  static constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  std::string out;
  for (size_t i = 0; i < text.size(); i++) {
    if (text[i] == '\r' && text.substr(i + 1).starts_with('\n')) continue;
    out += text[i] == '\r' ? '\n' : text[i];
  }
  return out;
}

std::string decode(std::string_view text, std::string_view known, std::string_view meaning) {
  std::string out;
  for (size_t i = 0; i < text.size(); i++) {
    const size_t which = text[i] == '\\' && i + 1 < text.size() ? known.find(text[i + 1]) : std::string_view::npos;
    if (which == std::string_view::npos) {
      out += text[i];
    } else {
      out += meaning[which];
      i++;
    }
  }
  return out;
}

// From an opening quote to its end, which may be lines away. A backslash keeps the next quote from ending the value; but when
// no other quote follows, the last of those ends it after all ("C:\dir\" is read as people mean it). False: never closed.
bool take_quoted(Reader* reader, std::string* out) {
  const char quote = peek(*reader);
  const std::string_view text = reader->text;
  const size_t begin = reader->at + 1;
  size_t end = begin;
  size_t last_kept = std::string_view::npos;
  while (end < text.size() && text[end] != quote) {
    if (text[end] == '\\' && end + 1 < text.size() && text[end + 1] == quote) last_kept = ++end;
    end++;
  }
  if (end >= text.size()) end = last_kept;
  if (end == std::string_view::npos) return false;
  const std::string_view raw = text.substr(begin, end - begin);
  reader->at = end + 1;
  *out = quote == '"' ? decode(raw, "\\'\"abfnrtv", "\\'\"\a\b\f\n\r\t\v") : decode(raw, "\\'", "\\'");
  return true;
}

std::string_view take_unquoted(Reader* reader) {
  std::string_view value = take_until(reader, "\n");
  for (size_t i = 1; i < value.size(); i++) {
    if (value[i] == '#' && kBlanksInLine.find(value[i - 1]) != std::string_view::npos) value = value.substr(0, i);
  }
  const size_t last = value.find_last_not_of(kBlanksInLine);
  return value.substr(0, last == std::string_view::npos ? 0 : last + 1);
}

// False: no name can be read here.
bool take_name(Reader* reader, std::string* out) {
  if (peek(*reader) != '\'') {
    *out = take_until(reader, "=# \t\v\f\n");
    return !out->empty();
  }
  const size_t end = reader->text.find('\'', reader->at + 1);
  if (end == std::string_view::npos || end == reader->at + 1) return false;
  *out = reader->text.substr(reader->at + 1, end - reader->at - 1);
  reader->at = end + 1;
  return true;
}

void skip_export(Reader* reader) {
  static constexpr std::string_view kExport = "export";
  if (!reader->text.substr(reader->at).starts_with(kExport)) return;
  Reader ahead = {reader->text, reader->at + kExport.size()};
  if (!take_while(&ahead, kBlanksInLine).empty()) *reader = ahead;
}

// One statement, up to the end of its line. False: it makes no sense; the reader then stands where the sense ended.
// A comment line is a statement without a name.
bool take_binding(Reader* reader, Binding* out) {
  skip_export(reader);
  if (peek(*reader) != '#' && !take_name(reader, &out->name)) return false;
  take_while(reader, kBlanksInLine);
  if (peek(*reader) == '=') {
    reader->at++;
    take_while(reader, kBlanksInLine);
    std::string value;
    if (peek(*reader) == '"' || peek(*reader) == '\'') {
      if (!take_quoted(reader, &value)) return false;
    } else {
      value = take_unquoted(reader);
    }
    out->value = std::move(value);
  }
  take_while(reader, kBlanksInLine);
  if (peek(*reader) == '#') take_until(reader, "\n");
  return at_end(*reader) || peek(*reader) == '\n';
}

const std::string* find(const NameValues& values, std::string_view name) {
  for (const auto& [known, value] : values) {
    if (known == name) return &value;
  }
  return nullptr;
}

std::string look_up(std::string_view name, std::string_view otherwise, const std::vector<Binding>& above,
                    const NameValues& environment) {
  if (const std::string* value = find(environment, name)) return *value;
  for (const Binding& binding : above) {
    if (binding.name == name) return binding.value.value_or("");
  }
  return std::string(otherwise);
}

// ${NAME} and ${NAME:-otherwise}; `otherwise` is for a name that nobody set, not for an empty one. All else stands as it is. More than
// kValueMost is not finished.
std::string expand(std::string_view text, const std::vector<Binding>& above, const NameValues& environment) {
  std::string out;
  while (!text.empty() && out.size() <= kValueMost) {
    const size_t begin = text.find("${");
    out += text.substr(0, begin);
    if (begin == std::string_view::npos) break;
    text.remove_prefix(begin);
    const size_t name_end = text.find_first_of("}:", 2);
    const bool has_otherwise = name_end != std::string_view::npos && text.substr(name_end).starts_with(":-");
    const size_t end = has_otherwise ? text.find('}', name_end) : name_end;
    if (end == std::string_view::npos || text[end] != '}') {
      out += text[0];
      text.remove_prefix(1);
      continue;
    }
    const std::string_view otherwise =
        has_otherwise ? text.substr(name_end + 2, end - name_end - 2) : std::string_view();
    out += look_up(text.substr(2, name_end - 2), otherwise, above, environment);
    text.remove_prefix(end + 1);
  }
  return out;
}

}  // namespace

NameValues dotenv_parse(std::string_view text, const NameValues& environment, std::vector<std::string>* warnings) {
  const std::string lines = normalized(text);
  std::vector<Binding> bindings;
  for (Reader reader = {lines}; take_while(&reader, kBlanks), !at_end(reader);) {
    const size_t begin = reader.at;
    Binding binding;
    const auto number = [&] {
      return std::to_string(1 + std::count(lines.begin(), lines.begin() + static_cast<std::ptrdiff_t>(begin), '\n'));
    };
    if (!take_binding(&reader, &binding)) {
      take_until(&reader, "\n");
      const std::string line = lines.substr(begin, lines.find('\n', begin) - begin);
      warnings->push_back("line " + number() +
                          " cannot be read and is passed over: " + text_one_line(text_without_password(line), 80));
      continue;
    }
    if (binding.name.empty()) continue;
    if (binding.value) binding.value = expand(*binding.value, bindings, environment);
    if (binding.value && binding.value->size() > kValueMost) {
      warnings->push_back("line " + number() + " is passed over: " + text_one_line(binding.name, 80) + " has more than " +
                          std::to_string(kValueMost) + " bytes");
      continue;
    }
    std::erase_if(bindings, [&](const Binding& earlier) { return earlier.name == binding.name; });
    bindings.push_back(std::move(binding));
  }
  NameValues out;
  for (Binding& binding : bindings) {
    if (binding.value) out.emplace_back(std::move(binding.name), std::move(*binding.value));
  }
  return out;
}
