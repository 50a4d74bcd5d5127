// Tasks for the host's tests: the plugin.
#include "tests/integration/host/tasks.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <stdexcept>

#include <flame/plugin.hpp>

namespace tasks {
namespace {
void pause_ms(int milliseconds) {
  ::poll(nullptr, 0, milliseconds);
}
void touch(const std::string& file) {
  ::close(::open(file.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
}
}  // namespace

Resized resize_quality(flame::Context& context, Video video) {
  context.progress(0.5, "half way");
  return {video.path + "." + std::to_string(video.height), 42, 0.25};
}
std::int32_t add(std::int32_t a, std::int32_t b) {
  return a + b;
}
void nothing() {}
flame::Bytes echo(flame::Bytes bytes) {
  return bytes;
}
std::string reverse(std::string text) {
  std::reverse(text.begin(), text.end());
  return text;
}
std::int32_t fail(std::string message) {
  throw std::runtime_error(message);
}
std::int32_t die(std::int32_t signal) {
  ::signal(signal, SIG_DFL);
  ::raise(signal);
  return 0;
}
bool linger(flame::Context& context, std::int32_t milliseconds) {
  for (std::int32_t waited = 0; waited < milliseconds; ++waited) {
    if (context.stop_requested()) return true;
    pause_ms(1);
  }
  return false;
}
void deaf() {
  for (;;) pause_ms(1000);
}
std::int32_t chatty(flame::Context& context, std::int32_t lines) {
  for (std::int32_t line = 0; line < lines; ++line) {
    std::printf("line %d\n", line);
  }
  std::fprintf(stderr, "to stderr\n");
  context.log(flame::LogLevel::warning, "to the log");
  context.progress(1.0, "done");
  return lines;
}
std::int32_t pid() {
  return ::getpid();
}
void mark(std::string file, std::int32_t milliseconds) {
  touch(file);
  pause_ms(milliseconds);
  touch(file + ".done");
}
std::vector<std::int64_t> Index::query(std::string key) const {
  return {static_cast<std::int64_t>(key.size())};
}
std::int64_t Transcoder::frames() const {
  return 0;
}
flame::Tracked<Index> open_index(flame::Context& context, std::string) {
  return context.track(std::make_unique<Index>());
}
std::unique_ptr<Transcoder> transcoder(std::string) {
  return std::make_unique<Transcoder>();
}

}  // namespace tasks

using namespace std::chrono_literals;

FLAME_PLUGIN("host_tasks", "1.4.0", p) {
  p.task<tasks::resize_quality>({.timeout = 60s, .retries = 2, .idempotent = true});
  p.task<tasks::add>();
  p.task<tasks::nothing>();
  p.task<tasks::echo>();
  p.task<tasks::reverse>();
  p.task<tasks::fail>();
  p.task<tasks::die>();
  p.task<tasks::linger>();
  p.task<tasks::deaf>();
  p.task<tasks::chatty>();
  p.task<tasks::pid>();
  p.task<tasks::mark>();
  p.task<tasks::open_index>().methods<&tasks::Index::query>();
  p.child<tasks::transcoder>().methods<&tasks::Transcoder::frames>();
}
