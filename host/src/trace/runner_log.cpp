// Records of runners.
#include "host/src/trace/runner_log.hpp"

#include <algorithm>

#include "plugin_sdk/base/limits.hpp"

namespace flame::pool {
namespace {

constexpr std::size_t kSentOnMax = 8;  // of one boot: backends that turn it away in turn could fill the memory

void set_once(Instant& time, Instant now) {
  if (time == kNever) time = now;
}

std::string cut(std::string_view text) {
  return std::string(text.substr(0, limits::kHistoryTextMax));
}

void keep(RunnerRecord& record, const wire::PluginState& state) {
  if (record.plugins.size() == limits::kRunnerPluginsMax) return;
  wire::PluginState& kept = record.plugins.emplace_back(state);
  for (std::string* text : {&kept.plugin.name, &kept.plugin.version, &kept.plugin.digest, &kept.error})
    *text = cut(*text);
}

}  // namespace

void RunnerLog::asked(RunnerId runner, BackendIndex backend, Instant now) {
  RunnerRecord& record = live_[runner];
  record.id = runner;
  record.backend = backend;
  record.asked = now;
}

void RunnerLog::sent_on(RunnerId runner, BackendIndex to, std::string_view reason, Instant now) {
  RunnerRecord* record = live(runner);
  if (record == nullptr) return;
  if (record->sent_on.size() < kSentOnMax) record->sent_on.push_back({now, record->backend, to, cut(reason)});
  record->backend = to;
  record->phases.clear();
}

void RunnerLog::reached(RunnerId runner, BootPhase phase, std::string_view detail, Instant now) {
  RunnerRecord* record = live(runner);
  if (record == nullptr || record->hello != kNever) return;
  std::vector<BootStep>& phases = record->phases;
  if (!phases.empty() && phase < phases.back().phase) return;
  if (phases.empty() || phases.back().phase != phase) phases.push_back({now, phase, {}});
  phases.back().detail = cut(detail);
}

void RunnerLog::machine_started(RunnerId runner, Instant now) {
  if (RunnerRecord* record = live(runner)) set_once(record->machine, now);
}

void RunnerLog::hello(RunnerId runner, const wire::Hello& hello, Instant now) {
  RunnerRecord* record = live(runner);
  if (record == nullptr || record->hello != kNever) return;
  record->hello = now;
  for (const wire::PluginState& state : hello.plugins) keep(*record, state);
  for (const auto& [key, value] : hello.facts) {
    if (record->facts.size() == limits::kRunnerFactsMax) break;
    record->facts.emplace_back(cut(key), cut(value));
  }
}

void RunnerLog::loaded(RunnerId runner, const wire::PluginState& plugin) {
  RunnerRecord* record = live(runner);
  if (record == nullptr) return;
  generation_ended(runner, plugin.plugin.digest);
  keep(*record, plugin);
}

void RunnerLog::generation_ended(RunnerId runner, std::string_view digest) {
  if (RunnerRecord* record = live(runner))
    std::erase_if(record->plugins, [&](const wire::PluginState& state) { return state.plugin.digest == digest; });
}

bool RunnerLog::has(RunnerId runner, std::string_view digest) const {
  const auto record = live_.find(runner);
  return record != live_.end() && std::ranges::any_of(record->second.plugins, [&](const wire::PluginState& state) {
           return state.plugin.digest == digest && state.error.empty();
         });
}

void RunnerLog::ready(RunnerId runner, Instant now) {
  if (RunnerRecord* record = live(runner)) set_once(record->ready, now);
}

void RunnerLog::quiet(RunnerId runner, Instant heard) {
  if (RunnerRecord* record = live(runner)) {
    record->quiet = heard;
    record->again = kNever;
  }
}

void RunnerLog::heard_again(RunnerId runner, Instant now) {
  if (RunnerRecord* record = live(runner)) record->again = now;
}

void RunnerLog::gone(RunnerId runner, std::string_view reason, Instant now) {
  auto node = live_.extract(runner);
  if (node.empty()) return;
  node.mapped().gone = now;
  node.mapped().reason = cut(reason);
  if (ended_.size() == limits::kRunnersRememberedMax) ended_.pop_front();
  ended_.push_back(std::move(node.mapped()));
}

const RunnerRecord* RunnerLog::find(RunnerId runner) const {
  if (const auto found = live_.find(runner); found != live_.end()) return &found->second;
  const auto ended = std::ranges::find(ended_, runner, &RunnerRecord::id);
  return ended == ended_.end() ? nullptr : &*ended;
}

RunnerRecord* RunnerLog::live(RunnerId runner) {
  const auto found = live_.find(runner);
  return found == live_.end() ? nullptr : &found->second;
}

}  // namespace flame::pool
