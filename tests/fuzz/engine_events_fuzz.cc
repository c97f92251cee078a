// The engine's event stream and the progress of a pull: lines in JSON, in pieces that the network cuts as it likes.
#include "codec/docker_json.h"
#include "codec/lines.h"
#include "daemon/translate.h"
#include "fuzz/fuzz.h"

namespace {

constexpr size_t kMostLine = 400;

struct Taken {
  std::vector<std::string> lines;
  LinesEnd end = LinesEnd::More;
  bool operator==(const Taken&) const = default;
};

// Cut into pieces of 1 to `longest` bytes; 0: in one.
Taken take_all(std::string_view bytes, uint32_t longest) {
  Taken taken;
  Lines lines = {kMostLine, {}};
  uint32_t state = longest;
  while (!bytes.empty() && taken.end == LinesEnd::More) {
    state = state * 1664525U + 1013904223U;
    const std::string_view piece = bytes.substr(0, longest == 0 ? bytes.npos : 1 + (state >> 16U) % longest);
    bytes.remove_prefix(piece.size());
    taken.end = lines_take(&lines, piece, [&](std::string_view line) {
      taken.lines.emplace_back(line);
      return taken.lines.size() < 50;
    });
    HOLDS(lines.partial.size() <= kMostLine, piece);
  }
  return taken;
}

// Lines as anybody would cut them who has all bytes at once.
void check_cutting(std::string_view bytes, const Taken& taken) {
  size_t next = 0;
  while (!bytes.empty() && next < taken.lines.size()) {
    const std::string_view line = fuzz_take(&bytes, '\n');
    if (line.find_first_not_of(" \t\r") != line.npos) HOLDS(line == taken.lines[next++], line);
  }
  HOLDS(next == taken.lines.size(), bytes);
}

void check_event(const std::string& line) {
  EngineEvent event;
  event.name = "untouched";
  std::string error;
  if (!docker_parse_event(line, &event, &error)) {
    HOLDS(event.name == "untouched" && is_harmless(error), line);
    return;
  }
  HOLDS(error.empty() && event.id.size() == 64 && event.id.find_first_not_of("0123456789abcdef") == event.id.npos, line);
  const auto known = event_of_engine(event, "vnc_network");
  if (known) HOLDS(std::get<ContainerChanged>(*known).id == event.id, line);
}

void check_progress(const std::string& line) {
  std::string progress = "untouched", error;
  if (docker_parse_pull_line(line, &progress, &error)) {
    HOLDS(error.empty() && is_harmless(progress), line);
  } else {
    HOLDS(progress == "untouched" && !error.empty() && is_harmless(error), line);
  }
}

}  // namespace

FUZZ_TARGET(engine_events) {
  const Taken whole = take_all(input, 0);
  check_cutting(input, whole);
  for (const uint32_t longest : {1U, 7U, 100U}) HOLDS(take_all(input, longest) == whole, input);
  for (const std::string& line : whole.lines) {
    check_event(line);
    check_progress(line);
  }
}
