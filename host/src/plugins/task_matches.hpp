// Which tasks of another signature take what a caller sends, compared once per caller's signature and plugin.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "host/src/policy/types.hpp"
#include "plugin_sdk/base/limits.hpp"
#include "plugin_sdk/manifest/manifest.hpp"

namespace flame::pool {

/// An entry may be null: no task of that name takes the caller's arguments. Any thread.
class TaskMatches {
 public:
  /// nullopt: not compared yet.
  [[nodiscard]] std::optional<const manifest::TaskEntry*> find(DigestId plugin, std::string_view task,
                                                               std::uint64_t fingerprint) {
    const std::lock_guard lock(mutex_);
    const auto known = known_.find(task);
    if (known == known_.end()) return std::nullopt;
    const auto found = known->second.find({plugin, fingerprint});
    return found == known->second.end() ? std::nullopt : std::optional(found->second);
  }
  /// A program has as many signatures as its sources call; of one that makes them up, the first ones are remembered.
  void remember(DigestId plugin, std::string_view task, std::uint64_t fingerprint, const manifest::TaskEntry* entry) {
    const std::lock_guard lock(mutex_);
    if (count_ == limits::kTaskMatchesMax) return;
    count_ += known_[std::string(task)].try_emplace({plugin, fingerprint}, entry).second ? 1 : 0;
  }
  [[nodiscard]] std::size_t size() {
    const std::lock_guard lock(mutex_);
    return count_;
  }

 private:
  using Signature = std::pair<DigestId, std::uint64_t>;  // plugin, fingerprint of the caller's
  std::mutex mutex_;
  std::map<std::string, std::map<Signature, const manifest::TaskEntry*>, std::less<>> known_;  // by task
  std::size_t count_ = 0;
};

}  // namespace flame::pool
