// One client of the control socket, from connect to the last byte of its answer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <flame/result.hpp>

#include "host/src/control/request.hpp"
#include "host/src/policy/types.hpp"

namespace flame::control {

/// Bytes in, one request out; the answer's bytes out. Has until `deadline` for all of it. Pure; not thread-safe.
class ControlClient {
 public:
  enum class State : std::uint8_t { asks, waits, listens, done };

  ControlClient(std::uint64_t id, pool::Instant deadline) : id_(id), deadline_(deadline) {}

  [[nodiscard]] std::uint64_t id() const noexcept { return id_; }
  [[nodiscard]] State state() const noexcept { return state_; }
  [[nodiscard]] pool::Instant deadline() const noexcept { return deadline_; }

  /// Bytes arrived. The request once its line is complete; an error once it cannot become one: both once, and the
  /// client waits for answer() then. What comes after the line is not read.
  std::optional<Result<Request>> received(std::string_view bytes);
  /// The line to send.
  void answer(std::string line);
  /// What is left to send.
  [[nodiscard]] std::string_view pending() const noexcept { return std::string_view(buffer_).substr(sent_); }
  void sent(std::size_t bytes) noexcept;

 private:
  std::uint64_t id_;
  pool::Instant deadline_;
  State state_ = State::asks;
  std::string buffer_;
  std::size_t sent_ = 0;
};

}  // namespace flame::control
