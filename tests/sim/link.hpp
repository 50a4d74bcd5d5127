// The two connections between one runner and its host, with what networks do to them. Messages of one connection and
// direction keep their order; connections and directions know nothing of each other.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

#include <flame/bytes.hpp>

#include "plugin_sdk/wire/line.hpp"
#include "tests/sim/context.hpp"

namespace flame::sim {

using wire::Line;
enum class Side : std::uint8_t { host = 0, runner };

/// One message, as bytes.
struct Packet {
  std::vector<std::byte> envelope;
  Bytes payload;
};

class Link;

class LinkEnd {
 public:
  virtual ~LinkEnd() = default;
  virtual void on_packet(Link& link, Line line, Packet&& packet) = 0;
  virtual void on_disconnected(Link& link) = 0;
};

class Link {
 public:
  Link(Context& sim, RunnerId runner, LinkEnd& host_end, LinkEnd& runner_end)
      : sim_(sim), runner_(runner), ends_{&host_end, &runner_end} {}

  [[nodiscard]] RunnerId runner() const noexcept { return runner_; }
  void send(Side from, Line line, Packet packet);

  /// Nothing gets through until heal(); then everything does, in order.
  void partition() noexcept { partitioned_ = true; }
  void heal();
  /// Beats of both sides are lost until then.
  void lose_beats(Instant until) noexcept { no_beats_until_ = until; }
  /// `by` has closed its sockets: what it sent before still arrives, then the other side is told.
  void close(Side by);
  /// The connections break: what is on its way is lost, and each side is told when it notices.
  void sever();
  /// A side is gone and nobody is told.
  void vanish();

 private:
  // nullopt: the connection was closed.
  struct Flow {
    std::deque<std::pair<Instant, std::optional<Packet>>> queue;
    bool armed = false;
  };

  [[nodiscard]] Flow& flow(Side to, Line line);
  void push(Side to, Line line, std::optional<Packet> packet);
  void arm(Side to, Line line);
  void deliver(Side to, Line line);
  [[nodiscard]] Duration delay();

  Context& sim_;
  RunnerId runner_;
  std::array<LinkEnd*, 2> ends_;
  std::array<std::array<Flow, 2>, 2> flows_;
  std::array<bool, 2> open_{true, true};  // what this side sends still goes out
  bool partitioned_ = false;
  Instant no_beats_until_{};
};

}  // namespace flame::sim
