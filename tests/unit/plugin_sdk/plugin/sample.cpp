// The functions of sample.hpp.
#include "sample.hpp"

#include <poll.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stdexcept>

#include <flame/plugin.hpp>

namespace sample {

int Index::alive = 0;
Index::Index(std::string key_in) : key(std::move(key_in)) {
  ++alive;
}
Index::~Index() {
  --alive;
}
int Base::base_value() const {
  return before;
}
std::vector<std::int64_t> Index::query(std::string wanted) const {
  return {wanted == key ? 1 : 0, before};
}
flame::Bytes Transcoder::push(flame::Bytes frame) {
  ++count;
  return frame;
}
std::int64_t Transcoder::frames() const noexcept {
  return count;
}

Resized resize_quality(flame::Context&, Video video) {
  return {video.path + ".out", video.height, 0.5};
}
flame::Tracked<Index> open_index(flame::Context& context, std::string path) {
  return context.track(std::make_unique<Index>(path));
}
flame::Tracked<Index> open_index_again(flame::Context& context, std::string path) {
  return context.track(std::make_unique<Index>(path));
}
std::vector<flame::Tracked<Index>> open_many(flame::Context& context, std::int32_t count) {
  std::vector<flame::Tracked<Index>> indexes;
  for (std::int32_t i = 0; i < count; ++i) indexes.push_back(context.track(std::make_unique<Index>(std::to_string(i))));
  return indexes;
}
std::string key_of(flame::Tracked<Index> index) {
  return index->key;
}
std::unique_ptr<Transcoder> transcoder(std::string codec) {
  return std::make_unique<Transcoder>(std::move(codec));
}
std::unique_ptr<Transcoder> no_transcoder() {
  return nullptr;
}
std::unique_ptr<Transcoder> failing_transcoder() {
  throw std::runtime_error("no such codec");
}

int area(int side) {
  return side * side;
}
double area(double radius) {
  return 3.0 * radius * radius;
}
void nothing() {}
flame::Bytes reversed(flame::Bytes bytes) {
  std::reverse(bytes.data(), bytes.data() + bytes.size());
  return bytes;
}

std::string wait_for_stop(flame::Context& context) {
  std::mutex mutex;
  std::condition_variable_any changed;
  std::unique_lock lock(mutex);
  changed.wait(lock, context.stop_token(), [] { return false; });
  return "stopped";
}
std::string poll_for_stop(flame::Context& context) {
  while (!context.stop_requested()) ::poll(nullptr, 0, 1);
  return "stopped";
}
std::int64_t remaining_ms(flame::Context& context) {
  using std::chrono::milliseconds;
  const auto deadline = context.deadline();
  return deadline ? std::chrono::duration_cast<milliseconds>(*deadline - std::chrono::steady_clock::now()).count() : -1;
}
std::uint32_t attempt(flame::Context& context) {
  return context.attempt();
}
void talk(flame::Context& context) {
  context.log("plain");
  context.log(flame::LogLevel::error, "bad");
  context.progress(0.25, "quarter");
  context.progress(7);
  context.progress(0.0 / 0.0, "dropped");
}
std::string whose(flame::Context& context) {
  const auto parent = context.parent();
  const auto same = flame::Parent::get();
  return parent && same && same->runner == parent->runner ? parent->pool + "/" + parent->runner : "nobody";
}

void throw_standard() {
  throw std::out_of_range("the message");
}
void throw_nested() {
  try {
    try {
      throw std::logic_error("innermost");
    } catch (...) {
      std::throw_with_nested(std::runtime_error("middle"));
    }
  } catch (...) {
    std::throw_with_nested(std::invalid_argument("outer"));
  }
}
void throw_int() {
  throw 42;
}
void throw_no_memory() {
  throw std::bad_alloc();
}
void throw_unprintable() {
  struct Unprintable : std::exception {
    [[nodiscard]] const char* what() const noexcept override { return nullptr; }
  };
  throw Unprintable();
}

}  // namespace sample
