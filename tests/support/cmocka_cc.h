// cmocka 1.1 for C++: its header has no C++ guard and wants these four before it.
#ifndef SUPPORT_CMOCKA_CC_H
#define SUPPORT_CMOCKA_CC_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

extern "C" {
#include <cmocka.h>
}

#endif
