// PluginLine: one change at a time, those behind it in the order in which they came.
#include "host/src/policy/plugin_line.hpp"

#include <algorithm>

#include "plugin_sdk/base/assert.hpp"
#include "plugin_sdk/base/make_error.hpp"

namespace flame::pool {

namespace {

Error host_shuts_down() {
  return base::make_error(ErrorCode::shutting_down,
                          "the host shuts down, so nothing was changed; activate again once it runs");
}

Error host_shuts_down_while_recording(const std::string& reference) {
  return base::make_error(ErrorCode::shutting_down,
                          "the host shuts down while it writes the record of " + reference +
                              "; if that was written, the next start serves it: `flame plugin list` says so");
}

Error timed_out(const std::string& reference, const std::string& waits_for) {
  return base::make_error(ErrorCode::timed_out, reference + " was not ready in time, so nothing was changed: " +
                                                    waits_for + ". End that, or raise boot_timeout");
}

Error queued_out(const std::string& reference) {
  return base::make_error(ErrorCode::timed_out, "another change of the plugin did not end in time for " + reference +
                                                    " to begin, so nothing was changed by it; try again");
}

Error nothing_before(const std::string& plugin) {
  return base::make_error(ErrorCode::not_found, "no other version of " + plugin +
                                                    " was active before on this host; activate one by its reference");
}

// Each is asked of what a pool has reported.
bool is_prepared(const auto& target) {
  return target.ready && target.waits_for.empty();
}
bool has_one_ready(const auto& target) {
  return target.ready;
}

}  // namespace

PluginLine::PluginLine(std::string plugin, const std::vector<Pool>& pools) : plugin_(std::move(plugin)) {
  for (const Pool& pool : pools) pools_.emplace(pool.pool, pool);
}

void PluginLine::activate(Activate request, Actions& out) {
  FLAME_ASSERT(request.digest != kNoDigest, "the reference was resolved");
  ask({request.request, request.digest, std::move(request.reference), std::move(request.pools), request.deadline}, out);
}

void PluginLine::rollback(Rollback request, Actions& out) {
  ask({request.request, kNoDigest, "the version of " + plugin_ + " before", std::move(request.pools), request.deadline},
      out);
}

void PluginLine::ask(Asked asked, Actions& out) {
  FLAME_ASSERT(!asked.pools.empty(), "a change has a target");
  if (closed_) {
    out.emplace_back(line::Done{asked.request, host_shuts_down(), {}});
  } else if (joins(asked)) {
    asked_.push_back(std::move(asked));
  } else {
    queue_.push_back(std::move(asked));
    start_next(out);
  }
}

bool PluginLine::joins(const Asked& asked) const {
  return asked.digest != kNoDigest && std::ranges::all_of(asked.pools, [&](PoolIndex pool) {
           const auto target = targets_.find(pool);
           return target != targets_.end() && target->second.digest == asked.digest;
         });
}

void PluginLine::start_next(Actions& out) {
  while (stage_ == Stage::steady && !queue_.empty()) {
    Asked asked = std::move(queue_.front());
    queue_.pop_front();
    targets_ = targets_of(asked);
    if (targets_.empty()) {
      out.emplace_back(line::Done{asked.request, nothing_before(plugin_), {}});
      continue;
    }
    asked_.push_back(std::move(asked));
    stage_ = Stage::preparing;
    for (const line::Move& move : moves(false)) out.emplace_back(line::Prepare{move.pool, move.to, move.before});
    record_once(is_prepared, out);
  }
}

std::map<PluginLine::PoolIndex, PluginLine::Target> PluginLine::targets_of(const Asked& asked) const {
  std::map<PoolIndex, Target> targets;
  for (const PoolIndex index : asked.pools) {
    const Pool& pool = pools_.at(index);
    const DigestId digest = asked.digest == kNoDigest ? pool.previous : asked.digest;
    if (digest == kNoDigest) continue;
    const bool serves = pool.active == digest;
    targets[index] = {digest, serves, serves ? "" : "its runners"};
  }
  return targets;
}

void PluginLine::prepared(PoolIndex pool, const action::Prepared& report, Actions& out) {
  const auto target = targets_.find(pool);
  if (stage_ != Stage::preparing || target == targets_.end() || target->second.digest != report.digest) return;
  if (report.error) {
    Error error = *report.error;
    if (error.code != ErrorCode::incompatible && error.code != ErrorCode::shutting_down)
      error.code = ErrorCode::boot_failed;  // however its start() ended
    error.message = asked_.front().reference + " could not be made ready in the pool " + pools_.at(pool).name +
                    ", so nothing was changed: " + error.message;
    return fail(error, out);
  }
  target->second.ready = report.ready;
  target->second.waits_for = report.waits_for;
  record_once(is_prepared, out);
}

// Writes the record if every target is as far as that.
void PluginLine::record_once(bool (*ready)(const Target&), Actions& out) {
  if (!std::ranges::all_of(targets_, [&](const auto& target) { return ready(target.second); })) return;
  stage_ = Stage::recording;
  out.emplace_back(line::WriteRecord{asked_.front().request, moves(true)});
}

void PluginLine::recorded(const std::optional<Error>& error, Actions& out) {
  if (stage_ != Stage::recording) return;
  if (error) return fail(*error, out);
  const std::vector<line::Move> switched = moves(false);
  for (const line::Move& move : switched) {
    pools_.at(move.pool).active = move.to;
    pools_.at(move.pool).previous = move.before;
  }
  if (!switched.empty()) out.emplace_back(line::Switch{switched});
  finish(std::nullopt, switched, out);
}

// What each target serves after the change, and what is before that then.
std::vector<line::Move> PluginLine::moves(bool with_unchanged) const {
  std::vector<line::Move> moves;
  for (const auto& [index, target] : targets_) {
    const Pool& pool = pools_.at(index);
    if (pool.active != target.digest)
      moves.push_back({index, target.digest, pool.active});
    else if (with_unchanged)
      moves.push_back({index, target.digest, pool.previous});
  }
  return moves;
}

void PluginLine::tick(Instant now, Actions& out) {
  std::deque<Asked> overdue;
  for (Asked& asked : std::exchange(queue_, {})) (now < asked.deadline ? queue_ : overdue).push_back(std::move(asked));
  for (const Asked& asked : overdue) out.emplace_back(line::Done{asked.request, queued_out(asked.reference), {}});
  if (stage_ != Stage::preparing || now < asked_.front().deadline) return;
  record_once(has_one_ready, out);
  if (stage_ == Stage::preparing) fail(timed_out(asked_.front().reference, waits_for()), out);
}

void PluginLine::shutdown(Actions& out) {
  closed_ = true;
  for (const Asked& asked : std::exchange(queue_, {}))
    out.emplace_back(line::Done{asked.request, host_shuts_down(), {}});
  if (stage_ == Stage::preparing) fail(host_shuts_down(), out);
  if (stage_ == Stage::recording) fail(host_shuts_down_while_recording(asked_.front().reference), out);
}

void PluginLine::fail(const Error& error, Actions& out) {
  for (const line::Move& move : moves(false)) out.emplace_back(line::Abandon{move.pool, move.to});
  finish(error, {}, out);
}

void PluginLine::finish(const std::optional<Error>& error, const std::vector<line::Move>& switched, Actions& out) {
  for (const Asked& asked : std::exchange(asked_, {})) {
    line::Done done{asked.request, error, {}};
    std::ranges::copy_if(switched, std::back_inserter(done.switched), [&](const line::Move& move) {
      return std::ranges::find(asked.pools, move.pool) != asked.pools.end();
    });
    out.emplace_back(std::move(done));
  }
  targets_.clear();
  stage_ = Stage::steady;
  start_next(out);
}

Instant PluginLine::next_wakeup() const {
  Instant next = stage_ == Stage::preparing ? asked_.front().deadline : kNever;
  for (const Asked& asked : queue_) next = std::min(next, asked.deadline);
  return next;
}

DigestId PluginLine::candidate(PoolIndex pool) const {
  const auto target = targets_.find(pool);
  return target == targets_.end() || target->second.digest == active(pool) ? kNoDigest : target->second.digest;
}

std::string PluginLine::waits_for() const {
  std::string text;
  for (const auto& [index, target] : targets_) {
    if (target.waits_for.empty()) continue;
    text += (text.empty() ? "the pool " : "; the pool ") + pools_.at(index).name + " waits for " + target.waits_for;
  }
  return text;
}

}  // namespace flame::pool
