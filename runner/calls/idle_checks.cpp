// See idle_checks.hpp.
#include "runner/calls/idle_checks.hpp"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "plugin_sdk/base/limits.hpp"
#include "runner/os/log.hpp"

namespace flame::runner {

void IdleChecks::start(Instant now, std::span<const GenerationId> generations) {
  kill_all(now, StopCause::cancelled);  // those that were dropped and are still at it
  may_go_ = true;
  wanted_ = true;
  first_id_ = last_id_ + 1;
  give_up_at_ = deadline_after(now, limits::kIdleCheckMax);
  std::vector<std::pair<GenerationId, std::uint64_t>> checks;
  for (const GenerationId generation : generations) checks.emplace_back(generation, ++last_id_);
  for (const auto& [generation, id] : checks) running_.insert(id);  // all of them, before the first one ends
  for (const auto& [generation, id] : checks) pool_.lease_for(*this, now, generation, id);
  if (running_.empty() && std::exchange(wanted_, false)) on_answer_(now, true);
}

void IdleChecks::drop(Instant now) {
  wanted_ = false;
  const std::vector<std::uint64_t> ids(running_.begin(), running_.end());
  for (const std::uint64_t id : ids) {
    if (pool_.slot_of(id) == nullptr) pool_.kill(now, id, StopCause::cancelled);
  }
  if (!running_.empty()) give_up_at_ = std::min(give_up_at_, deadline_after(now, kDroppedMax));
}

void IdleChecks::tick(Instant now) {
  if (now < give_up_at_) return;
  if (wanted_) log(LogLevel::warning, "an idle_check() does not end; the runner counts as idle");
  kill_all(now, StopCause::timed_out);
}

void IdleChecks::kill_all(Instant now, StopCause cause) {
  give_up_at_ = kNever;
  const std::vector<std::uint64_t> ids(running_.begin(), running_.end());
  for (const std::uint64_t id : ids) pool_.kill(now, id, cause);
}

void IdleChecks::on_granted(Instant now, std::uint64_t id, slot::Slot& slot) {
  static constexpr std::array<std::uint64_t, 1> kNoArguments{0};
  slot::InvokeView view;
  view.id = id;
  view.parts = kNoArguments;
  view.purpose = slot::Purpose::idle_check;
  if (!slot.invoke(view)) pool_.give_back(now, id);
}

void IdleChecks::on_result(Instant, slot::SlotResult result, std::string) {
  if (!counts(result.id)) return;
  if (result.error.code != ErrorCode::none) {
    log(LogLevel::warning, "an idle_check() failed, the runner counts as idle: " + result.error.message);
  } else if (result.bytes.size() > 0 && result.bytes.data()[0] == std::byte{0}) {
    may_go_ = false;
  }
}

void IdleChecks::on_died(Instant now, std::uint64_t id, Error error) {
  if (counts(id)) log(LogLevel::warning, "an idle_check() failed, the runner counts as idle: " + error.message);
  ended(now, id);
}

void IdleChecks::ended(Instant now, std::uint64_t id) {
  running_.erase(id);
  if (!running_.empty()) return;
  give_up_at_ = kNever;
  if (std::exchange(wanted_, false)) on_answer_(now, may_go_);
}

}  // namespace flame::runner
