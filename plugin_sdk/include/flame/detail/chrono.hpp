// std::chrono without the locale headers, which cost half a second of compile time (see plugin_sdk/README.md).
#pragma once

#if defined(__GLIBCXX__) && __has_include(<bits/chrono.h>)
#include <bits/chrono.h>
#else
#include <chrono>
#endif
