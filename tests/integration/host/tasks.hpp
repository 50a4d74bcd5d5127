// Tasks for the host's tests: the contract.
#pragma once

#include <flame/contract.hpp>

namespace tasks {

struct Video {
  std::string path;
  std::int32_t height = 0;
};
struct Resized {
  std::string path;
  std::int64_t bytes = 0;
  double seconds = 0;
};
BOOST_DESCRIBE_STRUCT(Video, (), (path, height))
BOOST_DESCRIBE_STRUCT(Resized, (), (path, bytes, seconds))

struct Index {
  std::vector<std::int64_t> query(std::string key) const;
};
struct Transcoder {
  std::int64_t frames() const;
};

Resized resize_quality(flame::Context&, Video);
std::int32_t add(std::int32_t a, std::int32_t b);
void nothing();
flame::Bytes echo(flame::Bytes bytes);
std::string reverse(std::string text);
std::int32_t fail(std::string message);
std::int32_t die(std::int32_t signal);
/// Runs until it is stopped or `milliseconds` have passed; true if it was stopped.
bool linger(flame::Context&, std::int32_t milliseconds);
/// Never looks at its stop token.
void deaf();
std::int32_t chatty(flame::Context&, std::int32_t lines);
std::int32_t pid();
/// Creates `file` when it begins and `file`.done when it ends after `milliseconds`.
void mark(std::string file, std::int32_t milliseconds);

/// Not in the plugin.
std::int32_t missing(std::int32_t);

flame::Tracked<Index> open_index(flame::Context&, std::string path);
std::unique_ptr<Transcoder> transcoder(std::string codec);

}  // namespace tasks
