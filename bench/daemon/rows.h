// The rows of the benchmark: each measures both sides in turn and writes down what it found.
#ifndef BENCH_DAEMON_ROWS_H
#define BENCH_DAEMON_ROWS_H

struct Scene;

// On a stand-in engine, since what is measured is ours alone.
void reuse(Scene* scene);           // reuse.cc
void reuse_connect(Scene* scene);
void reuse_late(Scene* scene);
void price(Scene* scene);
void claim(Scene* scene);           // claim.cc
void claim_together(Scene* scene);
void claim_scale(Scene* scene);
void restart(Scene* scene);         // scale.cc
void status_hold(Scene* scene);
void memory(Scene* scene);          // memory.cc

// On the engine of this machine.
void cold(Scene* scene);            // cold.cc
void cold_together(Scene* scene);
void refill(Scene* scene);
void phases(Scene* scene);
void picture(Scene* scene);         // picture.cc
void picture_crowded(Scene* scene);
void storm(Scene* scene);           // storm.cc

#endif
