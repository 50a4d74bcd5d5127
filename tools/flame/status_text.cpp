// Tables of a host, lines of a story.
#include "tools/flame/status_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "plugin_sdk/base/units.hpp"
#include "tools/flame/table.hpp"

namespace flame::cli {
namespace {

using control::BootStatus;
using control::PoolStatus;
using control::RunnerStatus;

constexpr std::size_t kDigestShown = 12;
/// Ended boots that the table shows; --json has more.
constexpr std::size_t kEndedBootsShown = 5;
/// Plugins of a pool that are shown one by one even if nothing has happened to them.
constexpr std::size_t kPlainLinesShown = 4;

std::string counted(std::uint64_t count, const char* what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

std::string or_dash(const std::optional<Duration>& time) {
  return time ? approximate(*time) : "-";
}

Table::Cell state_cell(const std::string& state) {
  if (state == "ready") return {state, Style::green};
  if (state == "failed") return {state, Style::red};
  return {state == "under_way" ? "under way" : state, Style::yellow};
}

std::string silent_since(Duration time) {
  return "silent for " + approximate(time);
}

std::string plugins_of(const RunnerStatus& runner) {
  std::string text;
  for (const auto& plugin : runner.plugins) {
    text += (text.empty() ? "" : ", ") + plugin.plugin + " " + plugin.digest.substr(0, kDigestShown);
    if (!plugin.error.empty()) text += " (broken)";
    if (!plugin.forkable) text += " (not forkable)";
  }
  return text.empty() ? "-" : text;
}

std::string machine_of(const RunnerStatus& runner) {
  const auto fact = [&](const char* key) {
    const auto found = runner.facts.find(key);
    return found == runner.facts.end() ? std::string() : found->second;
  };
  std::string text = runner.machine;
  const auto add = [&text](const std::string& part) { text += (text.empty() || part.empty() ? "" : ", ") + part; };
  add(fact("hostname"));
  if (const std::string cpus = fact("cpus"); !cpus.empty()) add(cpus + " cpus");
  std::uint64_t memory = 0;
  const std::string bytes = fact("memory");
  std::from_chars(bytes.data(), bytes.data() + bytes.size(), memory);
  if (memory > 0) add(base::approximate_size(memory));
  return text.empty() ? "-" : text;
}

std::string objects_of(const RunnerStatus& runner) {
  return fmt::format("{}/{}", runner.children.value_or(0), runner.tracked.value_or(0));
}

bool has_objects(const PoolStatus& pool) {
  return pool.children.value_or(0) > 0 || pool.tracked.value_or(0) > 0;
}

std::string runner_table(const PoolStatus& pool, const Terminal& terminal) {
  const bool objects = has_objects(pool);
  std::vector<std::string> head = {"RUNNER", "STATE", "SLOTS"};
  if (objects) head.emplace_back("CHILDREN/TRACKED");
  for (const char* name : {"AGE", "IDLE", "ISOLATION", "PLUGINS", "MACHINE"}) head.emplace_back(name);
  Table table(head);
  for (const RunnerStatus& runner : pool.runners) {
    std::vector<Table::Cell> row = {runner.name,
                                    state_cell(runner.silent ? silent_since(*runner.silent) : runner.state),
                                    fmt::format("{}/{}", runner.slots_busy, runner.slots)};
    if (objects) row.emplace_back(objects_of(runner));
    row.emplace_back(approximate(runner.session_age.value_or(runner.age)));
    row.emplace_back(or_dash(runner.idle));
    row.emplace_back(runner.isolation);
    row.emplace_back(plugins_of(runner));
    row.emplace_back(machine_of(runner));
    table.add(std::move(row));
  }
  return table.empty() ? "" : table.text(terminal);
}

// "queued for 3min: partition gpu: Priority"
std::string phase_of(const BootStatus& boot) {
  const control::BootPhaseStatus& last = boot.phases.back();
  return one_line(last.phase + " for " + approximate(boot.asked_ago - last.after) +
                  (last.detail.empty() ? "" : ": " + last.detail));
}

std::string boot_table(const PoolStatus& pool, const Terminal& terminal) {
  Table table({"BOOT", "STATE", "ASKED", "MACHINE", "HELLO", "READY", "WHY"});
  std::size_t ended = 0;
  for (const BootStatus& boot : pool.boots) {
    if (boot.state != "under_way" && ++ended > kEndedBootsShown) continue;
    std::string reason = boot.reason;
    if (boot.state == "under_way" && !boot.phases.empty()) reason = phase_of(boot);
    if (boot.failed) reason = "after " + approximate(*boot.failed) + (reason.empty() ? "" : ": " + reason);
    table.add({boot.runner, state_cell(boot.state), approximate(boot.asked_ago) + " ago", or_dash(boot.machine),
               or_dash(boot.hello), or_dash(boot.ready), reason});
  }
  return table.empty() ? "" : table.text(terminal);
}

std::string summary_of(const PoolStatus& pool) {
  const auto& stats = pool.stats;
  std::string text = fmt::format("{} of {} to {} up", counted(stats.runners, "runner"), stats.min, stats.max);
  if (stats.booting > 0) text += fmt::format(", {} booting", stats.booting);
  if (stats.draining > 0) text += fmt::format(", {} draining", stats.draining);
  text += fmt::format("; {} of {} slots busy", stats.slots_busy,
                      std::uint64_t{stats.runners} * std::uint64_t{pool.max_concurrency});
  if (stats.waiting > 0) text += fmt::format("; {} waiting", counted(stats.waiting, "call"));
  if (pool.oldest_wait) text += fmt::format(" (the oldest for {})", approximate(*pool.oldest_wait));
  if (has_objects(pool)) {
    const std::uint64_t children = pool.children.value_or(0);
    text += fmt::format("; {}; {}", children == 1 ? "1 child" : fmt::format("{} children", children),
                        counted(pool.tracked.value_or(0), "tracked handle"));
  }
  return text;
}

std::string counters_of(const PoolStatus& pool) {
  const auto& stats = pool.stats;
  return fmt::format("{}: {} succeeded, {} failed, {} retried; {}, {} failed; {} lost",
                     counted(stats.submitted, "call"), stats.succeeded, stats.failed, stats.retried,
                     counted(stats.boots, "boot"), stats.boots_failed, counted(stats.runners_lost, "runner"));
}

// "slots replaced after a call: 3 child_process, 1 memory"
std::string discards_of(const PoolStatus& pool) {
  std::string text;
  for (const auto& [reason, count] : pool.stats.discards) {
    text += fmt::format("{}{} {}", text.empty() ? "slots replaced after a call: " : ", ", count, one_line(reason));
  }
  return text;
}

std::string boot_trouble(const PoolStatus& pool) {
  if (pool.boot_failure.empty()) return "";
  const std::string when = pool.next_boot ? "the next boot is tried in " + approximate(*pool.next_boot) : "";
  return (when.empty() ? "the last boot failed: " : when + "; the last one failed: ") + pool.boot_failure;
}

// Many plugins that nothing has happened to would hide the pool: the runners' table has them as well.
bool is_shown(const PoolStatus& pool, const control::LineStatus& line) {
  return pool.lines.size() <= kPlainLinesShown || !line.candidate.empty() || !line.previous.empty();
}

// "video@1: video@1.4.0 serves, before it video@1.3.0; video@1.5.0 is being activated: …"
std::string lines_of(const PoolStatus& pool, const Terminal& terminal) {
  std::string text;
  for (const control::LineStatus& line : pool.lines) {
    if (!is_shown(pool, line)) continue;
    text += "  " + one_line(line.plugin + ": " + line.active + " serves");
    if (!line.previous.empty()) text += one_line(", before it " + line.previous);
    if (!line.candidate.empty()) {
      const std::string waits = line.waits_for.empty() ? "" : ": " + line.waits_for;
      text += "; " + terminal.styled(Style::yellow, one_line(line.candidate + " is being activated" + waits));
    }
    text += "\n";
  }
  return text;
}

std::string pool_text(const PoolStatus& pool, const Terminal& terminal) {
  std::string text = "\n" + terminal.styled(Style::bold, "pool " + one_line(pool.name)) + "  backend " +
                     one_line(pool.backend) + "  " + summary_of(pool) + "\n";
  text += "  " + counters_of(pool) + "\n";
  text += lines_of(pool, terminal);
  if (const std::string discards = discards_of(pool); !discards.empty()) text += "  " + discards + "\n";
  if (const std::string trouble = boot_trouble(pool); !trouble.empty()) {
    text += "  " + terminal.styled(Style::red, one_line(trouble)) + "\n";
  }
  if (!pool.full.empty()) text += "  " + terminal.styled(Style::yellow, one_line(pool.full)) + "\n";
  return text + runner_table(pool, terminal) + boot_table(pool, terminal);
}

// "+812 ms", right-aligned by the longest.
std::vector<std::string> times_of(const control::CallReport& call) {
  std::vector<std::string> times;
  std::size_t longest = 0;
  for (const auto& line : call.lines) {
    const double ms = std::chrono::duration<double, std::milli>(line.after).count();
    times.push_back(ms < 100 ? fmt::format("+{:.1f} ms", ms) : "+" + approximate(line.after));
    longest = std::max(longest, times.back().size());
  }
  for (auto& time : times) time = std::string(longest - time.size(), ' ') + time;
  return times;
}

}  // namespace

std::string status_text(const control::HostStatus& host, const Terminal& terminal) {
  std::string text =
      terminal.styled(Style::bold, "host " + one_line(host.name)) +
      fmt::format("  pid {}  up {}  flame {}\n", host.pid, approximate(host.uptime), one_line(host.version));
  for (const PoolStatus& pool : host.pools) text += pool_text(pool, terminal);
  return text;
}

std::string story_text(const control::CallReport& call, const Terminal& terminal) {
  const std::string outcome = call.outcome.empty() ? call.state : call.state + ": " + call.outcome;
  const Style style = call.outcome.empty() ? Style::yellow : call.outcome == "ok" ? Style::green : Style::red;
  std::string text = terminal.styled(Style::bold, fmt::format("invocation {}", call.invocation)) + "  " +
                     one_line(call.task) + "  " + terminal.styled(style, one_line(outcome)) + "  submitted " +
                     approximate(call.submitted_ago) + " ago to host " + one_line(call.host) +
                     fmt::format(" (pid {})\n", call.pid);
  const auto times = times_of(call);
  for (std::size_t i = 0; i < times.size(); ++i) {
    text += "  " + times[i] + "  " + one_line(call.lines[i].text) + "\n";
  }
  if (call.left_out > 0) text += fmt::format("  ({} in the middle not kept)\n", counted(call.left_out, "step"));
  return text;
}

}  // namespace flame::cli
