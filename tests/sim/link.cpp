// Link: delays, order, and the ways to end.
#include "tests/sim/link.hpp"

#include <algorithm>

#include "plugin_sdk/wire/envelope.hpp"

namespace flame::sim {

using namespace std::chrono_literals;

namespace {

std::size_t index(Side side) {
  return static_cast<std::size_t>(side);
}
Side other(Side side) {
  return side == Side::host ? Side::runner : Side::host;
}

bool is_beat(const Packet& packet) {
  const auto envelope = wire::decode(packet.envelope);
  return envelope.has_value() && std::holds_alternative<wire::Beat>(envelope->body);
}

}  // namespace

void Link::send(Side from, Line line, Packet packet) {
  if (!open_[index(from)]) return;
  if (sim_.agenda.now() < no_beats_until_ && is_beat(packet)) return;
  push(other(from), line, std::move(packet));
}

void Link::heal() {
  if (!std::exchange(partitioned_, false)) return;
  for (const Side to : {Side::host, Side::runner})
    for (const Line line : {Line::control, Line::bulk}) arm(to, line);
}

void Link::close(Side by) {
  if (!std::exchange(open_[index(by)], false)) return;
  push(other(by), Line::control, std::nullopt);
}

void Link::sever() {
  open_ = {false, false};
  for (auto& lines : flows_)
    for (Flow& one : lines) one.queue.clear();
  for (const Side to : {Side::host, Side::runner})
    if (sim_.plan.local || sim_.chance.percent(80)) push(to, Line::control, std::nullopt);
}

void Link::vanish() {
  open_ = {false, false};
  for (auto& lines : flows_)
    for (Flow& one : lines) one.queue.clear();
}

Link::Flow& Link::flow(Side to, Line line) {
  return flows_[index(to)][static_cast<std::size_t>(line)];
}

Duration Link::delay() {
  if (sim_.chance.one_in(20)) return sim_.chance.between(sim_.plan.delay, sim_.plan.delay_max);
  return sim_.plan.delay + sim_.chance.between(0us, 200us);
}

void Link::push(Side to, Line line, std::optional<Packet> packet) {
  auto& queue = flow(to, line).queue;
  const Instant arrival = sim_.agenda.now() + delay();
  queue.emplace_back(queue.empty() ? arrival : std::max(arrival, queue.back().first), std::move(packet));
  arm(to, line);
}

void Link::arm(Side to, Line line) {
  Flow& one = flow(to, line);
  if (one.queue.empty() || partitioned_ || std::exchange(one.armed, true)) return;
  sim_.agenda.at(one.queue.front().first, [this, to, line] { deliver(to, line); });
}

void Link::deliver(Side to, Line line) {
  Flow& one = flow(to, line);
  one.armed = false;
  if (!partitioned_ && !one.queue.empty() && one.queue.front().first <= sim_.agenda.now()) {
    std::optional<Packet> packet = std::move(one.queue.front().second);
    one.queue.pop_front();
    LinkEnd& end = *ends_[index(to)];
    if (packet)
      end.on_packet(*this, line, std::move(*packet));
    else
      end.on_disconnected(*this);
  }
  arm(to, line);
}

}  // namespace flame::sim
