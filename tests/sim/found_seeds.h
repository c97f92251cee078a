// Every schedule that ever found something, named for what it found, as the shrinker left it: the world of `seed` and these choices.
#ifndef TESTS_SIM_FOUND_SEEDS_H
#define TESTS_SIM_FOUND_SEEDS_H

#include <cstdint>

struct Found {
  const char* what;
  uint64_t seed;
  const char* choices;
};

inline constexpr Found kFound[] = {
    {"an access that waits for the first listing, and was removed meanwhile, cost another client its session", 1015,
     "Ask 1 0 0 0; Prompt 0 0 0 0; Stop 0 0 0 0; Answer 0 0 0 0; Exit 0 0 0 0; Ask 4 0 0 0; Ask 3 0 0 0; RemoveOne 3 0 "
     "0 0"},
    {"a container whose removal took longer than a minute was adopted while it was being removed", 1,
     "Kill 0 0 6 0; StreamOpens 0 0 0 0; Prompt 0 0 0 0; Prompt 0 0 0 0; HandRenames 2 0 4 0; Wait 0 0 61000 0; Prompt "
     "2 0 0 0; "
     "Wait 0 0 1000 0; Wait 0 0 61000 0; Prompt 2 0 0 0"},
    {"a listing that took longer than a minute brought back a session that had died meanwhile", 120737,
     "Ask 4 2 0 0; Prompt 0 0 0 0; Kill 0 3 260850 0; StreamOpens 0 0 0 0; Prompt 0 0 0 0; Call 0 0 0 0; HandRemoves 0 "
     "0 0 0; "
     "Happen 0 0 0 0; Happen 0 0 0 0; Wait 0 0 130000 0; Ask 0 0 0 0"},
    {"a record whose container was renamed during the first listing was served without having been held against the "
     "engine",
     47489,
     "Kill 0 4 327562 0; StreamOpens 0 0 0 0; HandRenames 0 0 414 0; Prompt 0 0 0 0; Ask 0 0 0 0; Happen 0 0 0 0"},
    {"a container that the engine was still going to remove was adopted as a session, its client having no other any "
     "more",
     1679391,
     "StreamOpens 0 0 0 0; DiskFull 0 0 0 0; DiskFull 0 0 0 0; Prompt 0 0 0 0; Prompt 0 0 0 0; Prompt 0 0 0 0; Prompt "
     "0 0 0 0; "
     "Prompt 0 0 0 0; Wait 0 0 400000 0; Prompt 0 0 0 0; Prompt 0 0 0 0; Call 0 0 0 0; Call 0 0 0 0; Prompt 0 0 0 0; "
     "StreamBreaks 0 0 0 0; StreamOpens 0 0 0 0; Prompt 0 0 0 0; Answer 0 0 0 0; Answer 0 0 0 0; Prompt 0 0 0 0; "
     "Answer 0 0 0 0; "
     "HandMakes 1 2 0 0; HandMakes 0 2 449 0; Ask 1 0 0 0; Prompt 0 0 0 0; Call 0 0 0 0; Happen 0 0 0 0; Happen 0 0 0 "
     "0; "
     "Prompt 0 0 0 0; Happen 0 0 0 0; Prompt 0 0 0 0; Prompt 0 0 0 0; Prompt 1 0 0 0; Call 0 4 0 0; Prompt 0 0 0 0; "
     "Answer 0 0 0 0; Prompt 0 0 0 0"},
    {"a port was sought for a client who had given up waiting", 4484,
     "Ask 2 0 0 0; RemoveOne 0 0 0 0; Prompt 0 0 0 0; Prompt 0 0 0 0; Prompt 0 0 0 0; Kill 0 0 119313 0; PortHeld 0 0 0 0; Kill 0 0 "
     "146388 0; StreamOpens 0 0 0 0; Prompt 0 0 0 0; Prompt 0 0 0 0; Prompt 0 0 0 0; Prompt 0 0 0 0; ImageGoes 0 0 0 0; Prompt 0 0 0 "
     "0; Kill 0 0 816895 0; StreamOpens 0 0 0 0; Prompt 0 0 0 0; Prompt 0 0 0 0; Ask 0 0 0 0; Prompt 0 0 0 0; Prompt 0 0 0 0; Prompt "
     "0 0 0 0; Prompt 0 0 0 0; Prompt 0 0 0 0; Sleep 0 0 65000 0; Prompt 0 0 0 0"},
    {"a pool container that a slow disk held up was given out on a look of two minutes ago", 122,
     "Ask 3 0 0 0; Prompt 0 0 0 0; Wait 0 0 130000 0; Ask 3 0 0 0"},
    {"a pool container found not healthy at a restart was given out without a look", 9710,
     "HandRemoves 0 0 0 0; Kill 0 0 474026 0; HandRestarts 0 0 0 0; Stop 0 0 0 0; Exit 0 0 436580 0; StreamOpens 0 0 0 0; Prompt 0 0 "
     "0 0; Ask 0 0 0 0"},
    {"a claim went on though a round had seen somebody watch meanwhile", 40006,
     "EngineStops 0 0 0 0; EngineStarts 0 0 0 0; StreamOpens 0 0 0 0; Ask 0 0 0 0; Wait 0 0 21000 0; Ask 5 0 0 0; Prompt 0 0 0 0; "
     "Prompt 2 0 0 0; Watch 1 1 0 0; Prompt 0 0 0 0; Prompt 0 0 0 0"},
    {"a session was found for a client who was seeking a port", 43258,
     "Ask 2 0 0 0; Prompt 1 0 0 0; Call 0 0 0 0; Ask 1 0 0 0; Prompt 0 0 0 0; Wait 0 0 2500 0; Call 0 0 0 0; "
     "Answer 0 0 0 0; Watch 0 2 0 0; Answer 0 0 0 0; Prompt 0 0 0 0; Prompt 0 0 0 0; Call 0 0 0 0; Answer 0 0 0 0; "
     "Prompt 0 0 0 0; Kill 0 0 0 0; StreamOpens 0 0 0 0; Health 0 0 0 0; Prompt 0 0 0 0; Prompt 0 0 0 0; Prompt 0 0 0 0; "
     "HandMakes 0 2 575 0; Ask 0 0 0 0"},
    {"a pool container outside of a range that a reload moved before the first listing was kept", 20362535,
     "RemoveOne 0 0 0 0; Stop 0 0 0 0; Prompt 0 0 0 0; Prompt 0 0 0 0; Answer 0 0 0 0; Exit 0 0 0 0; Reload 0 0 668514 0"},
    {"a renaming that ended while its session was waited for anew was under way for ever", 5578494,
     "StreamOpens 0 0 0 0; Prompt 0 0 0 0; Prompt 0 0 0 0; Prompt 0 0 0 0; Ask 0 0 0 0; Prompt 0 0 0 0; Health 0 0 0 0; Prompt 0 0 0 0; Ask 2 1 0 98; Watch 0 1 0 0; Prompt 0 0 0 0; Health 1 0 0 26; HangUp 0 0 0 0; Prompt 0 0 0 89; Prompt 0 0 0 0; Prompt 0 0 0 0; Prompt 0 0 0 0; Answer 0 0 0 0; Health 1 0 0 0; Prompt 0 0 0 0; Answer 0 0 0 104; Prompt 0 0 0 0; Prompt 0 0 0 0; HandRestarts 1 0 0 0; Ask 0 0 0 0; Watch 1 1 0 0; Answer 0 0 0 0; Kill 0 0 0 0; StreamOpens 0 0 0 0; HandRenames 1 0 0 0; Happen 0 0 0 0; Prompt 0 0 0 0"},
    {"a pool container got the name of a client who was seeking a port", 5795006,
     "Ask 3 0 0 0; Kill 0 0 0 0; StreamOpens 0 0 0 0; Prompt 0 0 0 0; Die 0 0 0 0; Prompt 0 0 0 0; Prompt 0 0 0 0; DiskFull 0 0 0 0; Prompt 0 0 0 0; Happen 0 0 0 0; Prompt 1 0 0 0; HandRenames 1 0 184 0; Happen 0 0 0 0; Ask 0 0 0 0; Ask 5 0 0 0; Happen 0 0 0 0; Ask 4 0 0 0; Answer 0 0 0 0; Happen 0 0 0 0"},
    {"a renaming planned amid the first listing was under way for ever", 7008834,
     "StreamOpens 0 0 0 0; Prompt 0 0 0 0; Ask 0 0 0 0; Prompt 0 0 0 0; Prompt 0 0 0 0; Prompt 0 0 0 0; DiskFull 0 0 0 87; Health 0 0 "
     "0 38; Ask 0 0 0 82; Prompt 0 0 0 0; Answer 0 0 0 0; DiskFull 0 0 0 0; HandRestarts 0 0 0 0; Kill 0 0 0 0; HandRenames 0 0 667 "
     "0; StreamOpens 0 0 0 0; Prompt 0 0 0 0"},
    {"another installation's container was taken for a session, its record having been copied", 1397,
     "HandMakes 4 0 197 0; StreamBreaks 0 0 0 0; StreamOpens 0 0 0 0; Kill 0 4 889313 0"},
};

#endif
