// What the fuzz targets share. A target is a function over bytes from outside; a property that does not hold ends the process, whoever runs it:
// libFuzzer (make fuzz), or replay_test with the inputs that are kept in corpus/.
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "support/harmless.h"

// Says which property, and of what, then aborts.
[[noreturn]] void fuzz_fail(const char* file, int line, const char* property, std::string_view of);
#define HOLDS(property, of) ((property) ? void() : fuzz_fail(__FILE__, __LINE__, #property, of))

// The part before the next `separator`, which is taken off *rest; everything when there is none.
std::string_view fuzz_take(std::string_view* rest, char separator);

// FUZZ_TARGET(name) { ... input ... } in name_fuzz.cc.
#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
#define FUZZ_ENTRY(target)                                                          \
  extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);          \
  extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {         \
    target(std::string_view(reinterpret_cast<const char*>(data), size)); \
    return 0;                                                                       \
  }
#else
#define FUZZ_ENTRY(target)
#endif
#define FUZZ_TARGET(name)                   \
  void fuzz_##name(std::string_view input); \
  FUZZ_ENTRY(fuzz_##name)                   \
  void fuzz_##name(std::string_view input)

#endif
