// Children and tracked resources for the host's tests: the plugin.
#include "tests/integration/host/objects.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <stdexcept>
#include <thread>

#include <flame/plugin.hpp>

namespace objects {
namespace {

void pause_ms(int milliseconds) {
  ::poll(nullptr, 0, milliseconds);
}
bool pause_until_stopped(flame::Context& context, std::int32_t milliseconds) {
  for (std::int32_t waited = 0; waited < milliseconds; ++waited) {
    if (context.stop_requested()) return true;
    pause_ms(1);
  }
  return false;
}
void append_line(const std::string& file, const std::string& line) {
  const int fd = ::open(file.c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
  const std::string text = line + "\n";
  if (::write(fd, text.data(), text.size()) < 0) std::perror("write");
  ::close(fd);
}
[[noreturn]] void die_of(int signal) {
  ::signal(signal, SIG_DFL);
  ::raise(signal);
  for (;;) pause_ms(1000);
}

}  // namespace

Base::~Base() {
  if (!file_.empty()) append_line(file_, "gone");
}
std::int64_t Base::add(std::int64_t n) {
  return value_ += n;
}
std::int32_t Base::pid() const {
  return ::getpid();
}
void Base::fail(std::string message) {
  throw std::runtime_error(message);
}
void Base::die(std::int32_t signal) {
  die_of(signal);
}
bool Base::linger(flame::Context& context, std::int32_t milliseconds) {
  if (!file_.empty()) append_line(file_, "lingers");
  return pause_until_stopped(context, milliseconds);
}
void Base::deaf() {
  if (!file_.empty()) append_line(file_, "deaf");
  for (;;) pause_ms(1000);
}
flame::Bytes Base::echo(flame::Bytes bytes) {
  return bytes;
}
void Base::leave_thread() {
  static std::jthread thread([](std::stop_token) {
    for (;;) pause_ms(1000);
  });
}
void Base::print(std::string line) {
  std::printf("%s\n", line.c_str());
}

flame::Tracked<Counter> Counter::sibling(flame::Context& context, std::int64_t value) {
  auto made = std::make_unique<Counter>(file_);
  made->add(value);
  return context.track(std::move(made));
}
Sticky::~Sticky() {
  for (;;) pause_ms(1000);
}
Leisurely::~Leisurely() {
  append_line(file_, "going");
  pause_ms(100);
}
std::int32_t Sticky::pid() const {
  return ::getpid();
}

flame::Tracked<Counter> counter(flame::Context& context, std::int64_t value, std::string file) {
  auto made = std::make_unique<Counter>(std::move(file));
  made->add(value);
  return context.track(std::move(made));
}
std::vector<flame::Tracked<Counter>> counters(flame::Context& context, std::int32_t count, std::string file) {
  std::vector<flame::Tracked<Counter>> made;
  for (std::int32_t i = 0; i < count; ++i) made.push_back(counter(context, i, file));
  return made;
}
std::map<std::string, std::optional<Pair>> nested(flame::Context& context) {
  return {{"both", Pair{counter(context, 1, ""), counter(context, 2, "")}},
          {"one", Pair{counter(context, 3, ""), {}}},
          {"none", std::nullopt}};
}
flame::Tracked<Sticky> sticky(flame::Context& context) {
  return context.track(std::make_unique<Sticky>());
}
flame::Tracked<Leisurely> leisurely(flame::Context& context, std::string file) {
  return context.track(std::make_unique<Leisurely>(std::move(file)));
}
flame::Tracked<Counter> half(flame::Context& context, std::string file) {
  const auto kept = counter(context, 1, std::move(file));
  throw std::runtime_error("half way");
}
flame::Tracked<Counter> late(flame::Context& context, std::int32_t milliseconds, std::string file) {
  pause_until_stopped(context, milliseconds);
  return counter(context, 1, std::move(file));
}
std::int64_t sum(std::vector<flame::Tracked<Counter>> counters) {
  std::int64_t sum = 0;
  for (const auto& one : counters) sum += one->value();
  return sum;
}
std::int64_t difference(flame::Tracked<Counter> a, flame::Tracked<Counter> b) {
  return a->value() - b->value();
}
flame::Tracked<Counter> same(flame::Tracked<Counter> counter) {
  return counter;
}
std::int32_t where(std::optional<flame::Tracked<Counter>>) {
  return ::getpid();
}
bool linger_with(flame::Context& context, flame::Tracked<Counter> counter, std::int32_t milliseconds) {
  return counter->linger(context, milliseconds);
}

void Journal::append(std::int64_t n) {
  const std::int64_t last = entries_.empty() ? 0 : entries_.back();
  if (n != last + 1) throw std::logic_error(std::to_string(n) + " after " + std::to_string(last));
  entries_.push_back(n);
}
flame::Tracked<Counter> Journal::page(flame::Context& context) {
  return counter(context, static_cast<std::int64_t>(entries_.size()), file_);
}

void Worker::run(std::stop_token stop) {
  std::printf("run() speaks\n");
  std::fflush(stdout);
  while (!stop.stop_requested() && order_ == Order::work) {
    ++rounds_;
    pause_ms(1);
  }
  if (order_ == Order::explode) std::printf("run() explodes\n");
  if (order_ == Order::explode) throw std::runtime_error("run() exploded");
  if (order_ == Order::crash) die_of(SIGSEGV);
  if (!file_.empty()) append_line(file_, stop.stop_requested() ? "stopped" : "finished");
}
void Deaf::run(std::stop_token) {
  for (;;) pause_ms(1000);
}
std::int32_t Deaf::pid() const {
  return ::getpid();
}
void Brief::run(std::stop_token) {}

std::unique_ptr<Journal> journal(std::string file) {
  return std::make_unique<Journal>(std::move(file));
}
std::unique_ptr<Worker> worker(std::string file) {
  return std::make_unique<Worker>(std::move(file));
}
std::unique_ptr<Deaf> deaf_child() {
  return std::make_unique<Deaf>();
}
std::unique_ptr<Brief> brief() {
  return std::make_unique<Brief>();
}
std::unique_ptr<Journal> broken(std::string message) {
  throw std::runtime_error(message);
}
std::unique_ptr<Journal> none() {
  return nullptr;
}
std::unique_ptr<Journal> dying() {
  die_of(SIGSEGV);
}

std::int32_t add(std::int32_t a, std::int32_t b) {
  return a + b;
}
std::int32_t pid() {
  return ::getpid();
}
bool linger(flame::Context& context, std::int32_t milliseconds) {
  return pause_until_stopped(context, milliseconds);
}

}  // namespace objects

FLAME_PLUGIN("host_objects", "1.0.0", p) {
  using namespace objects;
  p.task<counter>()
      .methods<&Counter::add, &Counter::value, &Counter::pid, &Counter::fail, &Counter::die, &Counter::linger,
               &Counter::deaf, &Counter::echo, &Counter::leave_thread, &Counter::print, &Counter::sibling>();
  p.task<counters>();
  p.task<nested>();
  p.task<sticky>().methods<&Sticky::pid>();
  p.task<leisurely>().methods<&Leisurely::pid>();
  p.task<half>();
  p.task<late>();
  p.task<sum>();
  p.task<difference>();
  p.task<same>();
  p.task<where>();
  p.task<linger_with>();
  p.child<journal>()
      .methods<&Journal::append, &Journal::all, &Journal::add, &Journal::value, &Journal::pid, &Journal::fail,
               &Journal::die, &Journal::linger, &Journal::deaf, &Journal::echo, &Journal::leave_thread,
               &Journal::page>();
  p.child<worker>()
      .methods<&Worker::rounds, &Worker::order, &Worker::add, &Worker::pid, &Worker::linger, &Worker::deaf,
               &Worker::print>();
  p.child<deaf_child>().methods<&Deaf::pid>();
  p.child<brief>().methods<&Brief::ping>();
  p.child<broken>();
  p.child<none>();
  p.child<dying>();
  p.task<add>();
  p.task<objects::pid>();
  p.task<linger>();
}
