// See idle_checks.hpp.
#include "runner/calls/idle_checks.hpp"

#include <array>
#include <utility>
#include <vector>

#include "plugin_sdk/base/limits.hpp"
#include "runner/os/log.hpp"

namespace flame::runner {

void IdleChecks::start(Instant now, std::span<const GenerationId> generations) {
  may_go_ = true;
  wanted_ = true;
  first_id_ = last_id_ + 1;
  give_up_at_ = deadline_after(now, limits::kIdleCheckMax);
  std::vector<std::pair<GenerationId, std::uint64_t>> checks;
  for (const GenerationId generation : generations) checks.emplace_back(generation, ++last_id_);
  for (const auto& [generation, id] : checks) running_.insert(id);  // all of them, before the first one ends
  for (const auto& [generation, id] : checks) pool_->lease(generation, id);
  if (running_.empty() && std::exchange(wanted_, false)) on_answer_(true);
}

void IdleChecks::drop() {
  wanted_ = false;
  kill_all(StopCause::cancelled);
}

void IdleChecks::tick(Instant now) {
  if (now < give_up_at_) return;
  log(LogLevel::warning, "an idle_check() does not end; the runner counts as idle");
  kill_all(StopCause::timed_out);
}

void IdleChecks::kill_all(StopCause cause) {
  give_up_at_ = kNever;
  const std::vector<std::uint64_t> ids(running_.begin(), running_.end());
  for (const std::uint64_t id : ids) pool_->kill(id, cause);
}

// A check is never brief.
void IdleChecks::on_queued(std::uint64_t id, slot::SlotHandle& slot) {
  next_.on_queued(id, slot);
}

void IdleChecks::on_granted(std::uint64_t id, slot::SlotHandle& slot) {
  if (!owns(id)) return next_.on_granted(id, slot);
  static constexpr std::array<std::uint64_t, 1> kNoArguments{0};
  slot::InvokeView view;
  view.id = id;
  view.task = "idle_check";
  view.parts = kNoArguments;
  view.purpose = slot::Purpose::idle_check;
  if (!slot.invoke(view)) pool_->give_back(id);
}

void IdleChecks::on_result(slot::SlotResult result, std::string log_tail) {
  if (!owns(result.id)) return next_.on_result(std::move(result), std::move(log_tail));
  if (!counts(result.id)) return;
  if (result.error.code != ErrorCode::none) {
    log(LogLevel::warning, "an idle_check() failed, the runner counts as idle: " + result.error.message);
  } else if (result.bytes.size() > 0 && result.bytes.data()[0] == std::byte{0}) {
    may_go_ = false;
  }
}

void IdleChecks::on_result_chunk(slot::SlotResultChunk chunk) {
  if (!owns(chunk.id)) next_.on_result_chunk(std::move(chunk));
}

void IdleChecks::on_progress(slot::SlotProgress progress) {
  if (!owns(progress.id)) next_.on_progress(std::move(progress));
}

void IdleChecks::on_output(wire::Output output) {
  if (owns(output.id)) output.id = 0;
  next_.on_output(std::move(output));
}

void IdleChecks::on_room(std::uint64_t id) {
  if (!owns(id)) next_.on_room(id);
}

void IdleChecks::on_freed(std::uint64_t id) {
  if (!owns(id)) return next_.on_freed(id);
  ended(id);
}

// A check returns a yes or no and leaves no object behind.
void IdleChecks::on_held(std::uint64_t id) {
  owns(id) ? pool_->stop_held(id, StopCause::cancelled) : next_.on_held(id);
}

void IdleChecks::on_let_go(std::uint64_t id, Error why) {
  owns(id) ? ended(id) : next_.on_let_go(id, std::move(why));
}

void IdleChecks::on_died(std::uint64_t id, Error error) {
  if (!owns(id)) return next_.on_died(id, std::move(error));
  if (counts(id)) log(LogLevel::warning, "an idle_check() failed, the runner counts as idle: " + error.message);
  ended(id);
}

void IdleChecks::ended(std::uint64_t id) {
  running_.erase(id);
  if (!running_.empty()) return;
  give_up_at_ = kNever;
  if (std::exchange(wanted_, false)) on_answer_(may_go_);
}

}  // namespace flame::runner
