// Which transfers a peer sends: announced by their envelope or not yet, under way or over. What happens to the bytes is
// the matter of a Store.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <unordered_set>
#include <utility>

#include <flame/result.hpp>

#include "plugin_sdk/base/limits.hpp"
#include "plugin_sdk/wire/transfer.hpp"

namespace flame::wire {

/// One Store (default constructible) per transfer under way. Envelope and chunks come on two connections, so either may
/// be first. Used by one thread.
template <typename Store>
class IncomingTransfers {
 public:
  explicit IncomingTransfers(Side peer) : odd_(peer == Side::runner) {}

  /// The envelope that names `transfer` has come. incompatible: it was announced before, has ended, or is no id that
  /// the peer may give.
  [[nodiscard]] flame::Result<Store*> announce(std::uint64_t transfer) {
    if (!is_the_peers(transfer)) return broken("is no id that this peer may give");
    if (closed_.contains(transfer)) return broken("has ended already");
    const auto [found, is_new] = transfers_.try_emplace(transfer);
    if (found->second.announced) return broken("was announced twice");
    if (!is_new) forget_unannounced(found->second);
    found->second.announced = true;
    return &found->second.store;
  }

  /// A chunk of so many bytes has come. nullptr: it is late news of a transfer that has ended, drop it. incompatible:
  /// no id that the peer may give, or too many transfers, or bytes of them, without an envelope.
  [[nodiscard]] flame::Result<Store*> on_chunk(std::uint64_t transfer, std::size_t bytes) {
    if (closed_.contains(transfer)) return nullptr;
    auto found = transfers_.find(transfer);
    if (found == transfers_.end()) {
      if (!is_the_peers(transfer)) return broken("is no id that this peer may give");
      if (unannounced_ >= limits::kUnannouncedMax) return broken("is one too many without an envelope");
      found = transfers_.try_emplace(transfer).first;
      ++unannounced_;
    }
    if (!found->second.announced) {
      if (bytes > limits::kUnannouncedBytesMax - unannounced_bytes_)
        return broken("has more bytes than may wait for their envelopes");
      unannounced_bytes_ += bytes;
      found->second.early_bytes += bytes;
    }
    return &found->second.store;
  }

  /// nullptr when it is not under way.
  [[nodiscard]] Store* find(std::uint64_t transfer) {
    const auto found = transfers_.find(transfer);
    return found == transfers_.end() ? nullptr : &found->second.store;
  }
  [[nodiscard]] const Store* find(std::uint64_t transfer) const {
    return const_cast<IncomingTransfers*>(this)->find(transfer);
  }

  /// Complete or given up: the Store is gone, and chunks that still come are dropped; also those of an id that is
  /// unknown yet. True if it was under way and announced.
  bool close(std::uint64_t transfer) {
    bool announced = false;
    if (const auto found = transfers_.find(transfer); found != transfers_.end()) {
      announced = found->second.announced;
      if (!announced) forget_unannounced(found->second);
      transfers_.erase(found);
    }
    remember(transfer);
    return announced;
  }

  [[nodiscard]] std::size_t size() const noexcept { return transfers_.size(); }

 private:
  struct Entry {
    Store store;
    bool announced = false;
    std::size_t early_bytes = 0;  // before it was announced
  };

  void forget_unannounced(const Entry& entry) {
    --unannounced_;
    unannounced_bytes_ -= entry.early_bytes;
  }

  [[nodiscard]] bool is_the_peers(std::uint64_t transfer) const { return transfer != 0 && transfer % 2 == odd_; }

  [[nodiscard]] static Error broken(const char* what) {
    Error error;
    error.code = ErrorCode::incompatible;
    error.message = std::string("transfer: it ") + what;
    return error;
  }

  void remember(std::uint64_t transfer) {
    if (!closed_.insert(transfer).second) return;
    closed_order_.push_back(transfer);
    if (closed_order_.size() <= limits::kClosedTransfersMax) return;
    closed_.erase(closed_order_.front());
    closed_order_.pop_front();
  }

  std::uint64_t odd_;
  std::map<std::uint64_t, Entry> transfers_;
  std::size_t unannounced_ = 0;
  std::size_t unannounced_bytes_ = 0;
  // Ids that ended a short while ago: their late chunks must not look like new transfers.
  std::deque<std::uint64_t> closed_order_;
  std::unordered_set<std::uint64_t> closed_;
};

}  // namespace flame::wire
