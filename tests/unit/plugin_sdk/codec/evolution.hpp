// One contract at two points in time.
#pragma once

#include <array>
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include <flame/contract.hpp>

namespace before {
struct Options {
  std::int32_t height = 480;
};
BOOST_DESCRIBE_STRUCT(Options, (), (height))
struct Job {
  std::string path;
  Options options;
};
BOOST_DESCRIBE_STRUCT(Job, (), (path, options))
std::vector<Job> run(Job job);
}  // namespace before

namespace after {
enum class Mode { slow = 3, fast = 4 };
BOOST_DESCRIBE_ENUM(Mode, slow, fast)
struct Extra {
  std::int32_t count = 9;
};
struct Options {
  std::int32_t height = 480;
  std::int32_t width = 640;
  std::array<std::int32_t, 2> size{1, 1};
};
BOOST_DESCRIBE_STRUCT(Options, (), (height, width, size))
struct Job {
  std::string path;
  Options options;
  std::optional<std::int32_t> priority;
  std::vector<std::string> tags;
  Extra extra;
  Mode mode = Mode::fast;
};
BOOST_DESCRIBE_STRUCT(Job, (), (path, options, priority, tags, extra, mode))
std::vector<Job> run(Job job);
}  // namespace after
