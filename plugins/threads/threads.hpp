// The contracts of the plugins in this folder, a namespace each.
#pragma once

#include <cstdint>

#include "plugins/threads/report.hpp"

namespace threads_openmp {
/// 1 + 2 + … + n.
threads::Report sum(std::int64_t n);
}  // namespace threads_openmp

namespace threads_tbb {
/// 1 + 2 + … + n.
threads::Report sum(std::int64_t n);
}  // namespace threads_tbb

namespace threads_blas {
/// The first element of the product of two n x n matrices of ones: n.
threads::Report multiply(std::int32_t n);
}  // namespace threads_blas

namespace threads_own_pool {
/// 1 + 2 + … + n, by the workers of a pool that the first call makes.
threads::Report sum(std::int64_t n);
}  // namespace threads_own_pool

namespace threads_signals {
/// Writes to n pages that are protected until a write to them is caught: how many were.
threads::Report touch_protected_pages(std::int32_t n);
}  // namespace threads_signals

namespace threads_helper {
/// n, by way of the process that each slot keeps beside it.
threads::Report ask_helper(std::int64_t n);
}  // namespace threads_helper

namespace threads_jvm {
/// Sorts n numbers in Java, with the threads of its common pool: the smallest of them, which is 1.
threads::Report sort(std::int32_t n);
/// Catches a NullPointerException in Java, which the JVM makes of a SIGSEGV: 1.
threads::Report catch_null(std::int32_t times);
}  // namespace threads_jvm
