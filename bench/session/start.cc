// How long until the page is on the screen, and how large the image is.
#include "bench/session/rig.h"
#include "bench/session/rows.h"
#include "support/proc.h"

void start(void** state) {
  Stage* stage = stage_of(state);
  page_server_set(stage->pages.get(), "/", page_of_color(kBlue));
  Row row = {
      .name = "container start to page painted", .unit = "s", .digits = 2, .aim = Aim::RatioAtMost, .limit = 0.6};
  row_wait_for_quiet(&row);
  // Round -1 only brings both from the disk into the page cache.
  for (int round = -1; round < bench_rounds(); round++) {
    for (Kind kind : kinds_of_round(round)) {
      std::string name = bench_create(stage, kind, "start", "/");
      Box box;
      double seconds = bench_start(stage, name, kBlue, &box);
      if (round >= 0) samples_of(&row, kind)->push_back(seconds);
      box_remove(box);
    }
  }
  row_done(row);
}

void size(void** state) {
  Row row = {.name = "image size, uncompressed", .unit = "MB", .digits = 0, .aim = Aim::OursAtMost, .limit = 800};
  for (Kind kind : kinds_of_round(0)) {
    const std::string& image = kind == Kind::Stock ? kStockImage : stage_of(state)->fixture->image;
    samples_of(&row, kind)
        ->push_back(atof(proc_output({"docker", "image", "inspect", "-f", "{{.Size}}", image}).c_str()) / 1e6);
  }
  row_done(row);
}
