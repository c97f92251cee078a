// Counting, and one moment of all that was counted.
#include "daemon/meters.h"

#include <algorithm>

#include "codec/text.h"
#include "daemon/routes.h"

// What asks whether something is there, or must be prepared for a name that is held for a moment longer, has been answered.
static bool is_answer(EngineFault fault) {
  return fault == EngineFault::None || fault == EngineFault::NotFound || fault == EngineFault::ImageMissing || fault == EngineFault::NameTaken;
}

void meters_job(Meters* meters, const JobResult& result) {
  for (const EngineCallMade& made : result.calls) {
    EngineCalls& calls = meters->engine[static_cast<size_t>(made.call)];
    durations_add(&calls.took, made.seconds);
    if (!is_answer(made.fault)) calls.errors++;
    if (result.kind != JobKind::Launch || made.fault != EngineFault::None) continue;
    if (made.call == EngineCall::Create) durations_add(&meters->phases.create, made.seconds);
    if (made.call == EngineCall::Start) durations_add(&meters->phases.start, made.seconds);
  }
  if (result.kind == JobKind::Launch && !result.calls.empty()) durations_add(&meters->phases.queue, result.queued_seconds);
}

void meters_written(Meters* meters, const StoreWritten& written) {
  durations_add(&meters->writes, written.seconds);
  if (!written.error.empty()) meters->write_errors++;
}

void meters_stream(Meters* meters, bool open, int64_t now_us) {
  meters->stream_since_us = open ? now_us : -1;
  if (open) meters->streams++;
}

static void read_slots(Metrics* metrics, const Table& table) {
  for (size_t state = 0; state < kSlotStates; ++state)
    metrics->slots.emplace_back(text_lower(slot_state_name(static_cast<SlotState>(state))), static_cast<uint64_t>(table.count[state]));
  metrics->slots_most = static_cast<uint64_t>(table_max_slots(table));
  for (const auto& [port, slot] : table.slots) {
    if (slot.state != SlotState::Assigned) continue;
    metrics->unseen += slot.viewers < 0;
    metrics->watched += slot.viewers > 0;
    if (slot.viewers > 0) metrics->viewers += static_cast<uint64_t>(slot.viewers);
  }
}

// What an alarm waits for is there from the start: of a counter that appears with its first event, Prometheus does not see that event.
static void add_access_answers(Metrics* metrics) {
  for (const int status : {302, 409, 500, 503}) {
    const auto is_it = [status](const Answered& one) { return one.route == "/access" && one.status == status; };
    if (std::none_of(metrics->answers.begin(), metrics->answers.end(), is_it)) metrics->answers.push_back({"/access", status, 0});
  }
}

static void read_answers(Metrics* metrics, const Entrances& entrances) {
  for (size_t row = 0; row < entrances.answered.size(); ++row)
    for (const StatusCount& one : entrances.answered[row])
      metrics->answers.push_back({row < route_count() ? route_path(row) : "other", one.status, one.count});
  add_access_answers(metrics);
}

Metrics meters_read(const Meters& meters, const Table& table, const Entrances& entrances, int64_t now_us) {
  Metrics metrics;
  metrics.version = VNC_ORCHESTRATOR_VERSION;
  read_slots(&metrics, table);
  read_answers(&metrics, entrances);
  metrics.accesses_waiting = table.waiting_for.size() + table.early.size();
  metrics.access = meters.access;
  metrics.tally = table.tally;
  metrics.pool_target = table.pool_target;
  metrics.pool_failing = table.pool_said;
  metrics.phases = meters.phases;
  metrics.engine = meters.engine;
  metrics.engine_up = table.engine_up;
  metrics.draining = table.draining_us != 0;
  metrics.stream_open = meters.stream_since_us >= 0;
  if (metrics.stream_open) metrics.stream_age_s = static_cast<double>(now_us - meters.stream_since_us) / 1e6;
  metrics.streams = meters.streams;
  metrics.writes = meters.writes;
  metrics.write_errors = meters.write_errors;
  return metrics;
}
