// Stops a task in the middle of its work.
#pragma once

#include <stop_token>
#include <thread>

#include <flame/testing.hpp>

namespace video_test {

/// While this lives, its thread waits for the first progress report and then requests the stop.
class StopsAtFirstReport {
 public:
  explicit StopsAtFirstReport(flame::testing::Runner& runner)
      : thread_([&runner](const std::stop_token& ended) {
          while (!ended.stop_requested() && runner.progress().empty()) std::this_thread::yield();
          runner.request_stop();
        }) {}

 private:
  std::jthread thread_;
};

}  // namespace video_test
