// What the tasks of these plugins tell of themselves.
#pragma once

#include <unistd.h>

#include <chrono>
#include <cstdint>

#include <flame/contract.hpp>

namespace threads {

struct Report {
  double value = 0;
  std::int64_t process = 0;  ///< the slot that ran the task
  std::int64_t took_ns = 0;  ///< the work alone
};

/// Runs `work`, which returns a double.
template <class Work>
Report measured(Work work) {
  const auto begin = std::chrono::steady_clock::now();
  Report report;
  report.value = work();
  report.process = ::getpid();
  report.took_ns = std::chrono::nanoseconds(std::chrono::steady_clock::now() - begin).count();
  return report;
}

}  // namespace threads
