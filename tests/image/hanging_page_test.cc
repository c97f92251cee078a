// A session whose page's server takes the connection and never answers: it is shown to who is there, and it stays.
#include "image/stage.h"
#include "support/proc.h"

namespace {

// The engine's probes that have ended so far.
int probes_of(const Box& box) { return atoi(proc_output({"docker", "inspect", "--format", "{{len .State.Health.Log}}", box.name}).c_str()); }

// The pool replaced it every minute and a half: what was painted enough at first was not at the next look.
void a_server_that_never_answers_makes_no_session_ill(void** state) {
  Stage* stage = stage_of(state);
  Page page;
  page.delay_ms = -1;
  page_server_set(stage->pages.get(), "/", page);
  Box box = box_on_page(stage, "hanging", "/");
  box_wait_healthy(box);
  check_at(wait_until(150, [&] { return probes_of(box) > 1; }), "no second probe has ended");
  const std::string streak = proc_output({"docker", "inspect", "--format", "{{.State.Health.FailingStreak}} {{.State.Health.Status}}", box.name});
  check_at(streak == "0 healthy", "the second probe calls it ill: " + streak);
}

}  // namespace

int main() { return stage_main("hanging_page", {IMAGE_TEST(a_server_that_never_answers_makes_no_session_ill)}); }
