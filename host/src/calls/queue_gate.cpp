// Two counters that never pass their limits, not even for a moment.
#include "host/src/calls/queue_gate.hpp"

#include <limits>
#include <string>

#include "plugin_sdk/base/limits.hpp"
#include "plugin_sdk/base/make_error.hpp"
#include "plugin_sdk/base/units.hpp"

namespace flame::pool {
namespace {

// Adds `amount` if the sum is at most `max`.
bool add(std::atomic<std::uint64_t>& counter, std::uint64_t amount, std::uint64_t max) noexcept {
  std::uint64_t now = counter.load(std::memory_order_relaxed);
  do {
    if (amount > max || now > max - amount) return false;
  } while (!counter.compare_exchange_weak(now, now + amount, std::memory_order_relaxed));
  return true;
}

Error queue_full(const std::string& what) {
  return base::make_error(ErrorCode::queue_full, what + "; shed load, retry later or raise max");
}

}  // namespace

QueueGate::QueueGate(const PoolConfig& config) noexcept
    : max_queue_(config.max_queue),
      max_bytes_(config.max_queue_bytes),
      slots_per_runner_(config.single_use ? 1 : config.max_concurrency) {
  set_runners(config.max);
}

void QueueGate::set_runners(std::uint32_t max) noexcept {
  const std::uint64_t slots = std::uint64_t{max} * slots_per_runner_;
  const std::uint64_t room = std::numeric_limits<std::uint64_t>::max() - max_queue_;
  calls_max_.store(slots > room ? std::numeric_limits<std::uint64_t>::max() : max_queue_ + slots);
}

std::optional<Error> QueueGate::enter(const std::shared_ptr<QueueGate>& gate, std::uint64_t bytes, Ticket& ticket) {
  if (gate->closed_.load()) {
    return base::make_error(ErrorCode::shutting_down, "the pool is shutting down; stop calling it");
  }
  bytes += limits::kQueuedCallBytes;
  if (!add(gate->calls_, 1, gate->calls_max_.load())) {
    return queue_full(std::to_string(gate->max_queue_) + " calls wait already (max_queue)");
  }
  // One that is too large for the queue waits in it alone.
  std::uint64_t none = 0;
  if (!add(gate->bytes_, bytes, gate->max_bytes_) && !gate->bytes_.compare_exchange_strong(none, bytes)) {
    gate->calls_.fetch_sub(1);
    return queue_full(base::format_size(gate->max_bytes_) + " of calls wait already (max_queue_bytes)");
  }
  ticket.release();
  ticket.gate_ = gate;
  ticket.bytes_ = bytes;
  return std::nullopt;
}

void QueueGate::leave(std::uint64_t bytes) noexcept {
  bytes_.fetch_sub(bytes);
  calls_.fetch_sub(1);
}

}  // namespace flame::pool
