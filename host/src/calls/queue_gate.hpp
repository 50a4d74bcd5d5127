// Who may still join the calls of one pool that wait: counted on the caller's thread, so that no producer can fill the
// host's memory faster than the loop refuses.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include <flame/config.hpp>
#include <flame/error.hpp>

namespace flame::pool {

/// Counts calls between submit() and their slot or their answer. It lets in what PoolPolicy may find room for:
/// `max_queue` waiting calls, and one for each slot that the pool can have. All functions: any thread.
class QueueGate {
 public:
  /// One call that was let in. It counts until release() or its end.
  class Ticket {
   public:
    Ticket() noexcept = default;
    Ticket(Ticket&& other) noexcept : gate_(std::move(other.gate_)), bytes_(other.bytes_) {}
    Ticket& operator=(Ticket&& other) noexcept {
      release();
      gate_ = std::move(other.gate_);
      bytes_ = other.bytes_;
      return *this;
    }
    ~Ticket() { release(); }
    /// Idempotent. One thread at a time.
    void release() noexcept {
      if (const auto gate = std::exchange(gate_, nullptr)) gate->leave(bytes_);
    }

   private:
    friend class QueueGate;
    std::shared_ptr<QueueGate> gate_;
    std::uint64_t bytes_ = 0;
  };

  explicit QueueGate(const PoolConfig& config) noexcept;

  /// Lets a call with so many bytes of arguments in and fills `ticket`, or says why not: queue_full, shutting_down.
  [[nodiscard]] static std::optional<Error> enter(const std::shared_ptr<QueueGate>& gate, std::uint64_t bytes,
                                                  Ticket& ticket);
  /// Nobody is let in any more: the pool ends.
  void close() noexcept { closed_.store(true); }
  /// The pool may have so many runners now.
  void set_runners(std::uint32_t max) noexcept;

  [[nodiscard]] std::uint64_t calls() const noexcept { return calls_.load(); }
  [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_.load(); }

 private:
  void leave(std::uint64_t bytes) noexcept;

  std::uint64_t max_queue_;
  std::uint64_t max_bytes_;
  std::uint32_t slots_per_runner_;
  std::atomic<std::uint64_t> calls_max_{0};
  std::atomic<std::uint64_t> calls_{0};
  std::atomic<std::uint64_t> bytes_{0};
  std::atomic<bool> closed_{false};
};

}  // namespace flame::pool
