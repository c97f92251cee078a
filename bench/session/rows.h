// The rows of the benchmark: each measures both kinds in turn and writes down what it found.
#ifndef BENCH_SESSION_ROWS_H
#define BENCH_SESSION_ROWS_H

// Of the container: start.cc, idle.cc.
void start(void** state);
void size(void** state);
void idle(void** state);   // memory, and the processor with nobody and with somebody watching
void tenth(void** state);  // memory of one session more where nine are already

// As a viewer sees it: viewer.cc.
void connect_viewer(void** state);
void keystroke(void** state);
void scroll(void** state);

#endif
