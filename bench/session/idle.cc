// What sessions use that nobody touches: memory after a minute, the processor, and what one more costs where nine are.
#include <unistd.h>

#include "bench/session/rig.h"
#include "bench/session/rows.h"

namespace {

constexpr int kMinute = 60;

// A still page with something on it: text, a form, a table. The middle of it is plain.
Page still_page() {
  Page page;
  page.body =
      "<!doctype html><meta charset=utf-8><title>still</title><style>html{background:#1e90ff}body{margin:0;font:15px "
      "sans-serif}"
      "main{height:300px;overflow:hidden;background:#fff}td{border:1px solid #ccc;padding:4px}</style>"
      "<main><h1>Agenda</h1><p><input value='Ana'> <button>Buscar</button><table id=t></table></main>"
      "<script>for (let i = 0; i < 40; i++) t.insertRow().innerHTML = `<td>${i}<td>Paciente "
      "${i}<td>confirmado`</script>";
  return page;
}

struct Pair {
  Box stock, ours;
};

const Box& box_of(const Pair& pair, Kind kind) { return kind == Kind::Stock ? pair.stock : pair.ours; }

std::vector<Pair> pairs_run(Stage* stage, int count) {
  std::vector<Pair> pairs(static_cast<size_t>(count));
  for (int i = 0; i < count; i++) {
    for (Kind kind : kinds_of_round(i)) {
      const char* name = kind == Kind::Stock ? "stock" : "ours";
      (kind == Kind::Stock ? pairs[static_cast<size_t>(i)].stock : pairs[static_cast<size_t>(i)].ours) =
          bench_run(stage, kind, name + std::to_string(i), "/", kBlue);
    }
  }
  return pairs;
}

// Percent of one core that each container used during a minute.
void cpu_of_a_minute(const std::vector<Pair>& pairs, Row* row) {
  std::vector<double> before;
  double begin = now_seconds();
  for (const Pair& pair : pairs) {
    for (Kind kind : kinds_of_round(0)) before.push_back(box_cpu_seconds(box_of(pair, kind)));
  }
  sleep(kMinute);
  size_t at = 0;
  double seconds = now_seconds() - begin;
  for (const Pair& pair : pairs) {
    for (Kind kind : kinds_of_round(0))
      samples_of(row, kind)->push_back((box_cpu_seconds(box_of(pair, kind)) - before[at++]) / seconds * 100);
  }
}

// Memory is charged to who asks first: mapped files that all share count once, wherever that is.
double memory_of_all(const std::vector<Box>& boxes) {
  double all = 0;
  for (const Box& box : boxes) {
    Memory memory = box_memory(box);
    all += memory.anonymous + (memory.mapped > memory.shared ? memory.mapped : memory.shared);
  }
  return all;
}

}  // namespace

// All pairs at once: their figures are the kernel's, container by container, so a minute serves for all.
void idle(void** state) {
  Stage* stage = stage_of(state);
  page_server_set(stage->pages.get(), "/", still_page());
  Row memory = {.name = "memory after a minute, anonymous + shared",
                .unit = "MiB",
                .digits = 0,
                .aim = Aim::RatioAtMost,
                .limit = 0.5};
  Row alone = {
      .name = "processor, nobody watching", .unit = "% of a core", .digits = 2, .aim = Aim::OursAtMost, .limit = 1};
  Row watched = {
      .name = "processor, one viewer watching", .unit = "% of a core", .digits = 2, .aim = Aim::OursAtMost, .limit = 2};
  row_wait_for_quiet(&memory);
  alone.busy = watched.busy = memory.busy;
  std::vector<Pair> pairs = pairs_run(stage, bench_rounds());
  sleep(kMinute);
  for (const Pair& pair : pairs) {
    for (Kind kind : kinds_of_round(0)) {
      Memory used = box_memory(box_of(pair, kind));
      samples_of(&memory, kind)->push_back(used.anonymous + used.shared);
    }
  }
  row_done(memory);
  cpu_of_a_minute(pairs, &alone);
  row_done(alone);

  std::vector<BrowserPtr> viewers;
  for (const Pair& pair : pairs) {
    for (Kind kind : kinds_of_round(0)) {
      viewers.push_back(viewer_open());
      viewer_go(viewers.back().get(), viewer_url(kind, box_of(pair, kind)), kBlue);
    }
  }
  sleep(10);
  cpu_of_a_minute(pairs, &watched);
  row_done(watched);
}

void tenth(void** state) {
  Stage* stage = stage_of(state);
  page_server_set(stage->pages.get(), "/", still_page());
  Row row = {
      .name = "the tenth session on top of nine", .unit = "MiB", .digits = 0, .aim = Aim::RatioAtMost, .limit = 0.5};
  row_wait_for_quiet(&row);
  const int kNine = 9;
  std::vector<Pair> pairs = pairs_run(stage, kNine);
  sleep(kMinute);
  for (int round = 0; round < bench_rounds(); round++) {
    double before[2];
    std::vector<Box> boxes[2];
    Box last[2];
    for (Kind kind : kinds_of_round(round)) {
      int i = kind == Kind::Stock ? 0 : 1;
      for (const Pair& pair : pairs) boxes[i].push_back(box_of(pair, kind));
      before[i] = memory_of_all(boxes[i]);
      last[i] = bench_run(stage, kind, i == 0 ? "last-stock" : "last-ours", "/", kBlue);
      boxes[i].push_back(last[i]);
    }
    sleep(kMinute);
    for (Kind kind : kinds_of_round(round)) {
      int i = kind == Kind::Stock ? 0 : 1;
      samples_of(&row, kind)->push_back(memory_of_all(boxes[i]) - before[i]);
      box_remove(last[i]);
    }
  }
  row_done(row);
}
