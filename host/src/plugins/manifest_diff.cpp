// Finds for each task of the old version the one that serves its callers in the new version.
#include "host/src/plugins/manifest_diff.hpp"

#include <algorithm>
#include <cstddef>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include <flame/detail/compatible.hpp>

#include "plugin_sdk/base/units.hpp"

namespace flame::pool {
namespace {

using manifest::TaskEntry;
using manifest::TaskKind;
using Entries = std::vector<const TaskEntry*>;

std::string signature_of(const TaskEntry& task) {
  return task.name + detail::signature_text(task.schema);
}

std::string limit_of(const TaskEntry& task) {
  return task.timeout.count() == 0 ? "the pool's" : base::format_duration(task.timeout);
}

// "timeout 30s -> 1min, retries 0 -> 2"; empty if the options are the same.
std::string options_change(const TaskEntry& before, const TaskEntry& after) {
  std::string text;
  const auto add = [&text](const std::string& name, const std::string& from, const std::string& to) {
    if (from != to) text += (text.empty() ? "" : ", ") + name + " " + from + " -> " + to;
  };
  add("timeout", limit_of(before), limit_of(after));
  add("retries", std::to_string(before.retries), std::to_string(after.retries));
  add("idempotent", before.idempotent ? "yes" : "no", after.idempotent ? "yes" : "no");
  return text;
}

// "a child of video::Clip"
std::string kind_text(const TaskEntry& task) {
  if (task.kind == TaskKind::task) return "a task";
  return (task.kind == TaskKind::method ? "a method of " : "a factory of ") + task.object;
}

// Why callers of `before` cannot be served by `after`; empty if they can.
std::string breach(const TaskEntry& before, const TaskEntry& after) {
  if (before.kind != after.kind || before.object != after.object)
    return "was " + kind_text(before) + ", is " + kind_text(after);
  std::string difference;
  if (detail::compatible(before.schema, after.schema, &difference)) return "";
  return difference.empty() ? "its signature is another" : difference;
}

class Comparison {
 public:
  Comparison(const manifest::Manifest& before, const manifest::Manifest& after) : before_(before), after_(after) {
    for (const TaskEntry& task : after.tasks) by_name_[task.name].push_back(&task);
  }

  void compare(const TaskEntry& before) {
    const TaskEntry* const same = after_.find(before.id);
    const auto known = by_name_.find(before.name);
    if (same != nullptr && breach(before, *same).empty())
      serve(before, *same, TaskChange::options);
    else if (known == by_name_.end())
      add(TaskChange::removed, before, "");
    else
      look_among(before, known->second, same);
  }

  ManifestDiff finish() {
    for (const TaskEntry& task : after_.tasks) {
      if (!served_.contains(&task)) add(TaskChange::added, task, overload_hint(task));
    }
    return std::move(diff_);
  }

 private:
  // `changed`: which of them is another thing now, if that is known.
  void look_among(const TaskEntry& before, const Entries& candidates, const TaskEntry* changed) {
    for (const TaskEntry* after : candidates) {
      if (breach(before, *after).empty()) return serve(before, *after, TaskChange::appended);
    }
    const auto fresh = [this](const TaskEntry* after) { return before_.find(after->id) == nullptr; };
    if (const auto first = std::ranges::find_if(candidates, fresh); changed == nullptr && first != candidates.end())
      changed = *first;
    if (changed == nullptr) return add(TaskChange::removed, before, "other overloads of it are still there");
    served_.insert(changed);
    add(TaskChange::incompatible, before, breach(before, *changed));
  }

  void serve(const TaskEntry& before, const TaskEntry& after, TaskChange change) {
    served_.insert(&after);
    std::string what = options_change(before, after);
    if (change == TaskChange::appended) {
      const bool longer = before.schema.size() < after.schema.size();
      what = (longer ? "has more fields" : "has fewer fields") + std::string(" at the end of its types") +
             (what.empty() ? "" : ", " + what);
    }
    if (!what.empty()) add(change, before, std::move(what));
  }

  // What was called by its name alone, as `flame call` does, has two of them now.
  std::string overload_hint(const TaskEntry& task) const {
    return by_name_.find(task.name)->second.size() < 2 ? ""
                                                       : "an overload: its name alone no longer says which is meant";
  }

  void add(TaskChange change, const TaskEntry& task, std::string what) {
    diff_.differences.push_back({change, signature_of(task), std::move(what)});
    if (change == TaskChange::removed || change == TaskChange::incompatible) diff_.old_hosts_can_call = false;
  }

  const manifest::Manifest& before_;
  const manifest::Manifest& after_;
  std::map<std::string_view, Entries> by_name_;
  std::set<const TaskEntry*> served_;
  ManifestDiff diff_;
};

std::string line_of(const TaskDifference& difference) {
  static constexpr std::string_view kWords[] = {"added", "changed, old hosts can call it",
                                                "changed, old hosts can call it", "removed",
                                                "changed, old hosts cannot call it"};
  std::string line = difference.task + ": " + std::string(kWords[static_cast<std::size_t>(difference.change)]);
  if (!difference.what.empty()) line += " (" + difference.what + ")";
  return line;
}

}  // namespace

std::string_view to_string(TaskChange change) noexcept {
  switch (change) {
    case TaskChange::added:
      return "added";
    case TaskChange::options:
      return "options";
    case TaskChange::appended:
      return "appended";
    case TaskChange::removed:
      return "removed";
    case TaskChange::incompatible:
      return "incompatible";
  }
  return "unknown";
}

std::string ManifestDiff::breakage() const {
  std::string text;
  for (const TaskDifference& one : differences) {
    const bool breaks = one.change == TaskChange::removed || one.change == TaskChange::incompatible;
    if (breaks) text += (text.empty() ? "" : "; ") + line_of(one);
  }
  return text;
}

std::string ManifestDiff::to_string() const {
  std::string text;
  for (const TaskDifference& one : differences) text += line_of(one) + "\n";
  return text.empty() ? "no task was added, removed or changed\n" : text;
}

ManifestDiff diff_manifests(const manifest::Manifest& old_version, const manifest::Manifest& new_version) {
  Comparison comparison(old_version, new_version);
  for (const TaskEntry& task : old_version.tasks) comparison.compare(task);
  return comparison.finish();
}

}  // namespace flame::pool
