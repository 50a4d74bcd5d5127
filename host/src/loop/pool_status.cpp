// PoolDriver: its pool as `flame status` shows it, and its calls as `flame why` tells them.
#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "host/src/loop/pool_driver.hpp"
#include "host/src/trace/explain.hpp"
#include "plugin_sdk/base/limits.hpp"

namespace flame::pool {
namespace {

const char* name_of(RunnerState::Phase phase) {
  switch (phase) {
    case RunnerState::Phase::queued:
      return "queued";
    case RunnerState::Phase::booting:
      return "booting";
    case RunnerState::Phase::ready:
      return "ready";
    case RunnerState::Phase::draining:
      break;
  }
  return "draining";
}

const char* name_of(SlotIsolation isolation) {
  return isolation == SlotIsolation::thread ? "thread" : "process";
}

std::string in_order(const std::vector<std::string>& backends) {
  std::string text;
  for (const std::string& name : backends) text += (text.empty() ? "" : ", ") + name;
  return text;
}

std::optional<Duration> between(Instant begin, Instant end) {
  return end == kNever ? std::nullopt : std::optional<Duration>(end - begin);
}

void fill_in(const RunnerRecord& record, Instant now, control::RunnerStatus& runner) {
  runner.age = now - record.asked;
  if (record.hello != kNever) runner.session_age = now - record.hello;
  for (const wire::PluginState& state : record.plugins) {
    runner.plugins.push_back({.plugin = state.plugin.name + "@" + state.plugin.version,
                              .digest = state.plugin.digest,
                              .forkable = state.forkable,
                              .error = state.error});
  }
  runner.facts.insert(record.facts.begin(), record.facts.end());
}

control::BootStatus describe_boot(const RunnerRecord& record, std::string runner, const PoolConfig& config,
                                  Instant now) {
  const bool under_way = record.ready == kNever && record.gone == kNever;
  control::BootStatus boot{.runner = std::move(runner),
                           .backend = config.backend[record.backend],
                           .state = record.boot_failed() ? "failed"
                                    : under_way          ? "under_way"
                                                         : "ready",
                           .asked_ago = now - record.asked,
                           .machine = between(record.asked, record.machine),
                           .hello = between(record.asked, record.hello),
                           .ready = between(record.asked, record.ready),
                           .failed = {},
                           .reason = {},
                           .phases = {}};
  for (const BootStep& step : record.phases)
    boot.phases.push_back(
        {.phase = std::string(to_string(step.phase)), .detail = step.detail, .after = step.when - record.asked});
  if (record.boot_failed()) {
    boot.failed = record.gone - record.asked;
    boot.reason = record.reason;
  }
  return boot;
}

// Newest first; those under way whatever their number, as `max` bounds them.
std::vector<const RunnerRecord*> boots_to_show(const RunnerLog& log) {
  std::vector<const RunnerRecord*> boots;
  for (const auto& [id, record] : log.live()) boots.push_back(&record);
  for (const RunnerRecord& record : log.ended()) boots.push_back(&record);
  std::ranges::sort(boots, std::greater<>{}, &RunnerRecord::id);
  std::size_t ended = 0;
  std::erase_if(boots, [&ended](const RunnerRecord* record) {
    const bool under_way = record->ready == kNever && record->gone == kNever;
    return !under_way && ++ended > limits::kRunnersRememberedMax;
  });
  return boots;
}

void count_objects(const std::unordered_map<CallId, std::shared_ptr<HeldLease>>& leases, control::PoolStatus& pool) {
  std::unordered_map<std::string_view, control::RunnerStatus*> by_name;
  for (control::RunnerStatus& runner : pool.runners) by_name[runner.name] = &runner;
  for (const auto& [id, lease] : leases) {
    const std::uint64_t children = lease->parts().child ? 1 : 0;
    const std::uint64_t tracked = lease->tracked();
    *pool.children += children;
    *pool.tracked += tracked;
    const auto runner = by_name.find(lease->parts().runner);
    if (runner == by_name.end()) continue;
    *runner->second->children += children;
    *runner->second->tracked += tracked;
  }
}

}  // namespace

control::PoolStatus PoolDriver::status(Instant now) const {
  control::PoolStatus pool{.name = core_->name(),
                           .backend = in_order(config_.backend),
                           .isolation = name_of(config_.isolation),
                           .max_concurrency = config_.single_use ? 1 : config_.max_concurrency,
                           .stats = stats(),
                           .oldest_wait = {},
                           .next_boot = {},
                           .boot_failure = {},
                           .full = {},
                           .lines = {},
                           .runners = {},
                           .boots = {},
                           .children = 0,
                           .tracked = 0};
  if (const auto oldest = policy_.oldest_waiter()) {
    if (const CallStory* story = services_.history->find(*oldest)) pool.oldest_wait = now - story->submitted;
  }
  const Placement& placement = policy_.placement();
  if (const auto failure = placement.last_failure(now)) pool.boot_failure = failure->message;
  if (const Instant next = placement.next_retry(now); next != kNever) pool.next_boot = next - now;
  pool.full = placement.full();
  for (const PoolPolicy::RunnerView& view : policy_.runner_views(now)) pool.runners.push_back(describe(view, now));
  count_objects(leases_, pool);
  for (const RunnerRecord* record : boots_to_show(trace_.runners())) {
    pool.boots.push_back(describe_boot(*record, runner_name(record->id), config_, now));
  }
  return pool;
}

control::RunnerStatus PoolDriver::describe(const PoolPolicy::RunnerView& view, Instant now) const {
  const MachineMaker::Called called = services_.machines->machine_of({core_->parts().index, view.id});
  control::RunnerStatus runner{
      .name = runner_name(view.id),
      .backend = config_.backend[view.backend],
      .state = view.quiet && view.phase == RunnerState::Phase::ready ? "silent" : name_of(view.phase),
      .slots_busy = view.leases,
      .slots = config_.single_use ? 1 : config_.max_concurrency,
      .isolation = name_of(config_.isolation),
      .machine = called.id,
      .machine_name = called.name,
      .age = {},
      .session_age = {},
      .idle = view.idle,
      .ends_in = view.ends_in,
      .silent = view.quiet,
      .plugins = {},
      .facts = {},
      .children = 0,
      .tracked = 0};
  if (const RunnerRecord* record = trace_.runners().find(view.id)) fill_in(*record, now, runner);
  return runner;
}

control::CallReport PoolDriver::explain(const CallStory& story, Instant now) const {
  control::StoryNames names{.pool = core_->name(), .backends = config_.backend, .plugin = {}};
  if (story.digest != kNoDigest) names.plugin = core_->parts().catalog->plugin(story.digest).reference;
  return control::explain(story, trace_.runners(), names, now);
}

}  // namespace flame::pool
