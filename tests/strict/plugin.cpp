// All that FLAME_PLUGIN, the registrations and Context put into a user's source.
#include "contract.hpp"

#include <chrono>
#include <utility>

#include <flame/plugin.hpp>

namespace strict {

std::vector<std::int64_t> Index::query(std::string key) const {
  return {static_cast<std::int64_t>(key.size() + path_.size())};
}
flame::Bytes Transcoder::push(flame::Bytes frame) {
  ++frames_;
  return frame;
}
std::int64_t Transcoder::frames() const noexcept {
  return frames_;
}
Resized resize(flame::Context& context, Video video) {
  context.log(flame::LogLevel::info, "resizes");
  context.progress(0.5, "half");
  Resized resized;
  if (!context.stop_requested() && context.attempt() == 1) resized.path = std::move(video.path);
  return resized;
}
flame::Tracked<Index> open_index(flame::Context& context, std::string path) {
  return context.track(std::make_unique<Index>(std::move(path)));
}
std::unique_ptr<Transcoder> transcoder(std::string) {
  return std::make_unique<Transcoder>();
}
std::tuple<char, signed char, unsigned char, long, unsigned long, long long> numbers(std::variant<int, std::string>,
                                                                                     std::pair<short, double>) {
  return {};
}
int area(int side) {
  return side * side;
}
double area(double side) {
  return side * side;
}

namespace {
void load(const flame::Parent&) {}
void begin() {}
void goodbye() {}
bool may_go() {
  return true;
}
}  // namespace

}  // namespace strict

FLAME_PLUGIN("strict", "1.0.0", p) {
  p.task<strict::resize>({.timeout = std::chrono::seconds(60), .retries = 2, .idempotent = true});
  p.task<strict::open_index>().methods<&strict::Index::query>();
  p.child<strict::transcoder>().methods<&strict::Transcoder::push, &strict::Transcoder::frames>();
  p.task<strict::numbers>();
  p.task<flame::overload<int(int)>(strict::area)>();
  p.task<flame::overload<double(double)>(strict::area)>();
  p.start<strict::load>();
  p.start_slot<strict::begin>();
  p.stop_slot<strict::goodbye>();
  p.idle_check<strict::may_go>();
  p.exec_slots();
}
