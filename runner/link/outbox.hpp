// What one turn of the loop says to the host: neighbours that fit into one batch go as one message.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "plugin_sdk/base/limits.hpp"
#include "plugin_sdk/wire/batch.hpp"
#include "runner/link/dealer.hpp"

namespace flame::runner {

/// Keeps the order. Used by one thread.
class Outbox {
 public:
  void add(std::vector<std::byte> envelope, Frame payload) {
    pending_.push_back({std::move(envelope), std::move(payload)});
  }
  [[nodiscard]] bool empty() const noexcept { return pending_.empty(); }
  /// flush() it: one batch holds no more.
  [[nodiscard]] bool full() const noexcept { return pending_.size() == limits::kBatchCountMax; }
  /// Hands all to `send`, which must not add() meanwhile. `session`: of the batches.
  void flush(std::uint64_t session, const std::function<void(std::span<const std::byte>, Frame)>& send);

 private:
  struct Pending {
    std::vector<std::byte> envelope;
    Frame payload;
  };
  std::vector<Pending> pending_;
  wire::BatchWriter batch_;
};

}  // namespace flame::runner
