// Schedules from seeds: which mix of events, faults and pauses a seed stands for; and schedules as text.
#include "sim/schedule.h"

#include <setjmp.h>
#include <signal.h>

#include <algorithm>
#include <cstdio>
#include <sstream>

// How often each group of choices comes, in parts of their sum, and how often a call goes wrong, in percent.
struct Profile {
  const char* name;
  int time, clients, prompt, work, answers, events, health, hands, stream, engine, store, lives, clock;
  int faults, shuffle;
};

static constexpr Profile kProfiles[] = {
    //               time cli pro wrk ans evt hea han str eng sto liv clk  faults shuffle
    {"calm", 8, 14, 40, 6, 8, 12, 10, 1, 2, 1, 1, 1, 1, 2, 5},
    {"storm", 5, 40, 24, 6, 8, 8, 8, 0, 2, 0, 1, 1, 0, 3, 20},
    {"faulty engine", 8, 14, 12, 22, 16, 12, 8, 2, 5, 4, 1, 2, 1, 35, 40},
    {"faulty store", 8, 22, 26, 14, 10, 6, 8, 0, 2, 1, 12, 4, 0, 15, 20},
    {"crashes", 6, 20, 24, 12, 10, 8, 8, 1, 4, 1, 1, 10, 0, 8, 25},
    {"clock", 20, 20, 26, 6, 8, 8, 8, 1, 2, 1, 1, 4, 6, 5, 20},
    {"other hands", 8, 16, 24, 8, 10, 14, 8, 14, 4, 1, 1, 3, 0, 5, 30},
    {"hands and disk", 10, 24, 16, 12, 10, 10, 8, 8, 3, 1, 5, 3, 0, 15, 30},
    {"no image", 8, 20, 24, 12, 12, 6, 8, 0, 2, 10, 1, 2, 0, 12, 30},
    {"all at once", 8, 18, 14, 14, 12, 12, 8, 4, 4, 2, 2, 3, 1, 20, 50},
};

namespace {
struct Maker {
  uint64_t dice = 0;
  const Profile* profile = nullptr;
  int clients = 1;  // how many come
};
}  // namespace

static int below(Maker& maker, int most) { return static_cast<int>(mix(&maker.dice) % static_cast<uint64_t>(most)); }
static bool percent(Maker& maker, int of) { return below(maker, 100) < of; }
static uint8_t how(int value) { return static_cast<uint8_t>(value); }

static uint16_t who(Maker& maker, size_t of) {
  if (of < 2 || !percent(maker, maker.profile->shuffle)) return 0;
  return static_cast<uint16_t>(below(maker, static_cast<int>(of)));
}

static Choice make_time(Maker& maker) {
  static constexpr int kWaits[] = {300, 1100, 1100, 2500, 6000, 12'000, 21'000, 35'000, 65'000, 130'000, 400'000};
  Choice choice;
  choice.what = percent(maker, 85) ? What::Wait : What::Sleep;
  choice.amount = kWaits[below(maker, std::size(kWaits))];
  return choice;
}

static Choice make_client(Maker& maker, const World& world) {
  Choice choice;
  if (world.config.look_every_ms && !world.boxes.empty() && percent(maker, 30)) {
    choice.what = What::Watch;
    choice.who = static_cast<uint16_t>(below(maker, static_cast<int>(world.boxes.size())));
    choice.how = how(percent(maker, 50) ? 1 : 2 * below(maker, 2));
    return choice;
  }
  choice.who = static_cast<uint16_t>(below(maker, maker.clients));
  const int die = below(maker, 40);
  choice.what = die < 29 ? What::Ask : die < 33 ? What::HangUp : die < 39 ? What::RemoveOne : percent(maker, 50) ? What::RemoveAll : What::Drain;
  if (choice.what == What::Ask && percent(maker, 35)) choice.how = how(1 + below(maker, 2));
  return choice;
}

static Outcome make_outcome(Maker& maker) {
  if (!percent(maker, maker.profile->faults)) return percent(maker, 10) ? Outcome::Slow : Outcome::Well;
  return static_cast<Outcome>(1 + below(maker, static_cast<int>(kOutcomes) - 1));
}

static Choice make_hand(Maker& maker, const World& world) {
  static constexpr What kHands[] = {What::HandRemoves,     What::HandRenames, What::HandRenames,  What::HandPauses,
                                    What::HandDisconnects, What::HandStarts,  What::HandRestarts, What::HandMakes,
                                    What::HandMakes,       What::Die,         What::Sicken};
  Choice choice;
  choice.what = kHands[below(maker, std::size(kHands))];
  choice.how = how(below(maker, 6));
  choice.who = static_cast<uint16_t>(
      below(maker, choice.what == What::HandMakes ? 6 : static_cast<int>(world.boxes.size()) + 1));
  choice.amount = below(maker, 1000);
  if (choice.what == What::HandRenames && !world.open.empty() && percent(maker, 40))  // the name of one who waits
    for (int i = 0; i < static_cast<int>(std::size(kClients)); i++)
      if (world.requests[world.open.back()].client == kClients[i]) choice.amount = 4 * i;
  return choice;
}

static Choice make_life(Maker& maker) {
  const int die = below(maker, 20);
  Choice choice;
  choice.what = die < 9 ? What::Kill : die < 14 ? What::Stop : die < 19 ? What::Exit : What::Reboot;
  if (choice.what != What::Exit && percent(maker, 50)) choice.how = how(below(maker, 5));
  choice.amount = percent(maker, 20) ? 0 : 1 + below(maker, 1'000'000);
  return choice;
}

static Choice make_engine(Maker& maker, const World& world) {
  Choice choice;
  const int die = below(maker, 10);
  if (!world.engine_up)
    choice.what = What::EngineStarts;
  else
    choice.what = die < 4 ? What::EngineStops : die < 7 ? What::ImageGoes : What::PortHeld;
  choice.who = static_cast<uint16_t>(below(maker, 4));
  choice.how = how(below(maker, 2));
  return choice;
}

// What is broken is mended before long: else most of a schedule would pass with nothing going on.
static bool mend(Maker& maker, const World& world, Choice* choice) {
  const bool down = !world.engine_up && percent(maker, 10);
  const bool dark = world.engine_up && !world.stream_up && percent(maker, 30);
  const bool stopped = world.stopping && percent(maker, 20);
  const bool full = world.disk_full && percent(maker, 15);
  const bool drained = world.draining_us && percent(maker, 10);
  *choice = Choice{};
  choice->what = stopped ? What::Exit : down ? What::EngineStarts : dark ? What::StreamOpens : full ? What::DiskFull : What::Drain;
  if (stopped) choice->amount = below(maker, 1'000'000);
  if (down || dark || stopped || full || drained) return true;
  // What happens to containers while nobody looks is found out by the first listing.
  if (world.stream_up || world.boxes.empty() || !percent(maker, 10)) return false;
  choice->what = percent(maker, 70) ? What::HandRestarts : What::Sicken;
  choice->who = static_cast<uint16_t>(below(maker, static_cast<int>(world.boxes.size())));
  return true;
}

// An empty group is left alone: true when there was something to choose.
static bool make(Maker& maker, const World& world, Choice* choice) {
  const Profile& p = *maker.profile;
  if (mend(maker, world, choice)) return true;
  const int weights[] = {p.time,  p.clients, p.prompt, p.work,  p.answers, p.events, p.health,
                         p.hands, p.stream,  p.engine, p.store, p.lives,   p.clock};
  int sum = 0;
  for (int weight : weights) sum += weight;
  int die = below(maker, sum), group = 0;
  while (die >= weights[group]) die -= weights[group++];
  Choice made;
  switch (group) {
    case 0: made = make_time(maker); break;
    case 1: made = make_client(maker, world); break;
    case 2:
    case 3:
      if (world.work.empty()) return false;
      made.what = group == 2 ? What::Prompt : What::Call;
      made.who = who(maker, world.work.size());
      if (group == 3) made.how = how(static_cast<int>(make_outcome(maker)));
      break;
    case 4:
      if (world.answers.empty()) return false;
      made.what = What::Answer;
      made.who = who(maker, world.answers.size());
      made.how = percent(maker, p.faults / 4);
      break;
    case 5:
      if (world.stream.empty()) return false;
      made.what = What::Happen;
      made.who = who(maker, 3);
      if (percent(maker, p.faults / 2)) made.how = how(1 + below(maker, 2));
      break;
    case 6:
      if (world.boxes.empty()) return false;
      made.what = percent(maker, 97) ? What::Health : What::Sicken;
      made.who = static_cast<uint16_t>(below(maker, static_cast<int>(world.boxes.size())));
      break;
    case 7: made = make_hand(maker, world); break;
    case 8:
      if (world.stream_up && !percent(maker, 30)) return false;
      made.what = world.stream_up ? What::StreamBreaks : What::StreamOpens;
      break;
    case 9: made = make_engine(maker, world); break;
    case 10: made.what = What::DiskFull; break;
    case 11: made = make_life(maker); break;
    case 12:
      if (percent(maker, 40)) {
        made.what = What::Reload;
        made.amount = below(maker, 1 << 24);
        break;
      }
      made.what = pool_thinks(world.table) && percent(maker, 60) ? What::Memory : What::WallClock;
      made.amount = made.what == What::Memory ? below(maker, 5) : (below(maker, 2) ? 1 : -1) * (1 << below(maker, 24));
      break;
  }
  made.ms = percent(maker, 60) ? below(maker, 120) : 0;
  *choice = made;
  return true;
}

static void finish(World& world, Run* run) {
  world_settle(world);
  if (world.failure.empty()) rules_at_rest(world);
  if (world.telling && !world.line.empty()) world.story.push_back(world.line);
  run->failure = world.failure;
  run->tally = world.tally;
  for (size_t from = 0; from < kSlotStates; from++)
    for (size_t to = 0; to < kSlotStates; to++) run->tally.moves[from][to] += world.table.moves[from][to];
  run->story = std::move(world.story);
}

static void begin(World& world) {
  if (world.seed % 3) world_warm_up(world);
  world.story.clear();
  world.line.clear();
}

static void apply(World& world, const Choice& choice) {
  if (world.telling) {
    char when[32];
    snprintf(when, sizeof when, "%12.3f s  ",
             static_cast<double>(world.now.mono_ms + choice.ms - 1'000'000'000) / 1000);
    world.line = when;
    const size_t empty = world.line.size();
    world_apply(world, choice);
    if (world.line.size() > empty) world.story.push_back(world.line);
    world.line.clear();
  } else {
    world_apply(world, choice);
  }
}

// ---- A defect may also stop the program, by an assert. Then its seed and story are told all the same. (What the steps cut short had
// allocated is lost: by then nobody cares.)

static sigjmp_buf on_abort;

static void aborted(int) { siglongjmp(on_abort, 1); }

template <class Do>
static void guarded(World& world, Run* run, Do live) {
  const auto old = signal(SIGABRT, aborted);
  if (sigsetjmp(on_abort, 1) == 0) {
    live();
  } else {
    run->failure = "an assert stops the program";
    if (world.telling) world.story.push_back(world.line);
    run->story = world.story;
  }
  signal(SIGABRT, old);
}

static void live_by_chance(World& world, Run* run) {
  begin(world);
  Maker maker;
  maker.dice = world.seed;
  maker.profile = &kProfiles[mix(&maker.dice) % std::size(kProfiles)];
  maker.clients = 1 + below(maker, static_cast<int>(std::size(kClients)));
  const size_t length = 40 + static_cast<size_t>(below(maker, below(maker, 4) ? 160 : 400));
  for (int tries = 0; world.failure.empty() && run->choices.size() < length && tries < 2000; tries++) {
    Choice choice;
    if (!make(maker, world, &choice)) continue;
    run->choices.push_back(choice);
    apply(world, choice);
  }
  finish(world, run);
}

Run schedule_run(uint64_t seed) {
  Run run;
  World world = world_create(seed, false);
  guarded(world, &run, [&] { live_by_chance(world, &run); });
  return run;
}

Run schedule_replay(uint64_t seed, const std::vector<Choice>& choices, bool telling) {
  Run run;
  run.choices = choices;
  World world = world_create(seed, telling);
  guarded(world, &run, [&] {
    begin(world);
    for (size_t i = 0; i < choices.size() && world.failure.empty(); i++) apply(world, choices[i]);
    if (telling && world.failure.empty()) world.line = "                ";
    finish(world, &run);
  });
  return run;
}

void tally_add(Tally& sum, const Tally& more) {
  for (size_t i = 0; i < kWhats; i++) sum.whats[i] += more.whats[i];
  for (size_t i = 0; i < kSlotStates; i++)
    for (size_t j = 0; j < kSlotStates; j++) sum.moves[i][j] += more.moves[i][j];
  for (size_t i = 0; i < sum.errors.size(); i++) sum.errors[i] += more.errors[i];
  sum.redirects += more.redirects;
  sum.removed += more.removed;
  sum.removed_all += more.removed_all;
  sum.steps += more.steps;
}

std::string schedule_text(const std::vector<Choice>& choices) {
  std::ostringstream text;
  for (size_t i = 0; i < choices.size(); i++) {
    const Choice& one = choices[i];
    text << (i ? "; " : "") << what_name(one.what) << ' ' << one.who << ' ' << int{one.how} << ' ' << one.amount << ' '
         << one.ms;
  }
  return text.str();
}

bool schedule_parse(const std::string& text, std::vector<Choice>* choices) {
  std::istringstream in(text);
  std::string part;
  choices->clear();
  while (std::getline(in, part, ';')) {
    std::istringstream words(part);
    std::string name;
    Choice one;
    int how_number = 0;
    words >> name >> one.who >> how_number >> one.amount >> one.ms;
    size_t what = 0;
    while (what < kWhats && name != what_name(static_cast<What>(what))) what++;
    if (!words || what == kWhats) return false;
    one.what = static_cast<What>(what);
    one.how = how(how_number);
    choices->push_back(one);
  }
  return true;
}
