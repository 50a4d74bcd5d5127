// See plugin_changes.hpp.
#include "host/src/setup/plugin_changes.hpp"

#include <algorithm>
#include <future>
#include <optional>
#include <set>
#include <utility>

#include "host/src/calls/executor.hpp"
#include "host/src/config/config_place.hpp"
#include "host/src/plugins/manifest_diff.hpp"
#include "plugin_sdk/base/make_error.hpp"
#include "plugin_sdk/base/suggest.hpp"

namespace flame::pool {

struct PluginChanges::Plan {
  std::string plugin;
  const CatalogPlugin* to = nullptr;  // null: rollback
  std::vector<Number> targets;
  std::vector<ActivateResult::PassedOver> passed_over;
  std::vector<std::string> notes;
  bool all_lines = false;  // of the plugin on this host
  Duration drain_within = kForever;
};

namespace {

// What the loop says, in this order: the moves to be recorded, unless somebody else writes the record or nothing is to
// be written; then how it ended.
struct Talk {
  std::promise<std::optional<std::vector<line::Move>>> moves;
  std::promise<line::Done> done;
  bool moves_said = false;

  void say_moves(std::optional<std::vector<line::Move>> what) {
    if (!std::exchange(moves_said, true)) moves.set_value(std::move(what));
  }
};

Error host_has_ended() {
  return base::make_error(ErrorCode::shutting_down, "the host has been shut down, so nothing was changed");
}

// Tasks of later places that the new version takes over.
std::string taken_over(const detail::PoolFront::Plugins& plugins, std::size_t place, const CatalogPlugin& to) {
  std::set<std::string> names;
  for (std::size_t later = place + 1; later < plugins.size(); ++later) {
    for (const manifest::TaskEntry& entry : plugins[later]->manifest.tasks) {
      const bool had = !plugins[place]->manifest.find(entry.name).empty();
      if (!had && !to.manifest.find(entry.name).empty()) names.insert(entry.name + " of " + plugins[later]->reference);
    }
  }
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

}  // namespace

const CatalogPlugin& PluginChanges::active(Number number) const {
  const LineSpec& line = parts_.lines[number];
  return *parts_.fronts[line.pool]->plugins().at(line.place);
}

Result<std::vector<PluginChanges::Number>> PluginChanges::lines_of(std::string_view plugin,
                                                                   const std::string& pool) const {
  std::vector<Number> numbers;
  std::vector<std::string> names;
  std::vector<std::string> pools;
  for (const auto& front : parts_.fronts) pools.push_back(front->name());
  if (!pool.empty() && std::ranges::find(pools, pool) == pools.end()) {
    return base::make_error(ErrorCode::not_found,
                            "there is no pool \"" + pool + "\"" + base::did_you_mean(pool, pools));
  }
  for (Number number = 0; number < parts_.lines.size(); ++number) {
    const LineSpec& line = parts_.lines[number];
    names.push_back(line.plugin);
    if (line.plugin == plugin && (pool.empty() || pool_of(number) == pool)) numbers.push_back(number);
  }
  if (!numbers.empty()) return numbers;
  return base::make_error(ErrorCode::not_found,
                          (pool.empty() ? "no pool of this host has" : "the pool " + pool + " has not") +
                              std::string(" the plugin \"") + std::string(plugin) + "\" in its plugins" +
                              base::did_you_mean(std::string(plugin), names));
}

Result<ActivateResult> PluginChanges::activate(std::string_view text, const ActivateOptions& options) {
  const auto reference = manifest::PluginReference::parse(text);
  if (!reference) return reference.error();
  auto planned = plan(*reference, options);
  if (!planned) return planned.error();
  return carry_out(std::move(*planned));
}

Result<PluginChanges::Plan> PluginChanges::plan(const manifest::PluginReference& reference,
                                                const ActivateOptions& options) {
  const auto lines = lines_of(reference.name, options.pool);
  if (!lines) return lines.error();
  const std::lock_guard lock(choosing_);
  if (closed_) return host_has_ended();
  if (auto scanned = parts_.choice->scan(); !scanned) return scanned.error();
  const auto choice = parts_.choice->choose(reference, options.force ? Forced::yes : Forced::no);
  if (!choice) return choice.error();
  Plan plan{.plugin = reference.name, .to = choice->plugin, .drain_within = options.drain_within};
  for (const Error& why : choice->passed_over) plan.notes.push_back("A higher version was passed over: " + why.message);
  for (const Number number : *lines) {
    if (auto problem = add_target(plan, number, options.force)) return std::move(*problem);
  }
  if (plan.targets.empty()) return nobody_takes(plan, *lines);
  plan.all_lines = plan.targets.size() == lines_of(reference.name, "")->size();
  return plan;
}

// A line that does not admit the version is passed over; what speaks against it in one that does is an error.
std::optional<Error> PluginChanges::add_target(Plan& plan, Number number, bool force) const {
  const LineSpec& line = parts_.lines[number];
  const auto pass_over = [&](std::string why) {
    plan.passed_over.push_back({pool_of(number), line.reference, std::move(why)});
    return std::nullopt;
  };
  if (!admits(manifest::PluginReference::parse(line.reference).value(), *plan.to))
    return pass_over("it does not admit " + plan.to->reference);
  for (const Number other : plan.targets)
    if (parts_.lines[other].pool == line.pool)
      return pass_over("\"" + parts_.lines[other].reference + "\" of the same pool stands before it");
  const auto& config = parts_.fronts[line.pool]->parts().config;
  if (auto refused = parts_.choice->refuse(*plan.to, config, force ? Forced::yes : Forced::no)) return refused;
  const CatalogPlugin& from = active(number);
  const ManifestDiff diff = diff_manifests(from.manifest, plan.to->manifest);
  if (!diff.old_hosts_can_call && !force)
    return base::make_error(ErrorCode::incompatible, plan.to->reference + " cannot take the place of " +
                                                         from.reference + " in the pool " + pool_of(number) + ": " +
                                                         diff.breakage() +
                                                         ". Rebuild it with these tasks, or force it");
  if (const std::string tasks = taken_over(parts_.fronts[line.pool]->plugins(), line.place, *plan.to); !tasks.empty())
    plan.notes.push_back("In the pool " + pool_of(number) + " it takes over " + tasks + ".");
  plan.targets.push_back(number);
  return std::nullopt;
}

Error PluginChanges::nobody_takes(const Plan& plan, const std::vector<Number>& lines) const {
  std::string all;
  for (const Number number : lines) {
    const LineSpec& line = parts_.lines[number];
    const std::string path = "pools." + pool_of(number) + ".plugins[" + std::to_string(line.place) + "]";
    all +=
        (all.empty() ? "" : ", ") + at(nearest(parts_.config->places, path)) + path + " is \"" + line.reference + "\"";
  }
  return base::make_error(ErrorCode::incompatible, "no pool takes " + plan.to->reference + ": " + all +
                                                       ". Widen the constraint and restart the host, or activate a "
                                                       "version that it admits");
}

Result<ActivateResult> PluginChanges::rollback(std::string_view plugin, const ActivateOptions& options) {
  const auto lines = lines_of(plugin, options.pool);
  if (!lines) return lines.error();
  Plan plan{.plugin = std::string(plugin), .drain_within = options.drain_within};
  for (const Number number : *lines) {
    const LineSpec& line = parts_.lines[number];
    if (is_pinned(manifest::PluginReference::parse(line.reference).value())) {
      plan.passed_over.push_back({pool_of(number), line.reference, "it is pinned"});
    } else {
      plan.targets.push_back(number);
    }
  }
  if (plan.targets.empty())
    return base::make_error(ErrorCode::incompatible, "every pool names its version of " + plan.plugin +
                                                         " in full, so there is none to go back to");
  plan.all_lines = options.pool.empty() && plan.passed_over.empty();
  return carry_out(std::move(plan));
}

Result<ActivateResult> PluginChanges::carry_out(Plan plan) {
  const Executor::BlockingScope blocking;
  const auto talk = std::make_shared<Talk>();
  auto to_record = talk->moves.get_future();
  auto ended = talk->done.get_future();
  Duration limit = Duration::zero();
  for (const Number number : plan.targets)
    limit = std::max<Duration>(limit, parts_.fronts[parts_.lines[number].pool]->parts().config.boot_timeout);
  auto what = std::make_unique<command::ChangePlugin::What>(command::ChangePlugin::What{
      .plugin = plan.plugin,
      .digest = plan.to == nullptr ? kNoDigest : plan.to->id,
      .reference = plan.to == nullptr ? std::string() : plan.to->reference,
      .lines = plan.targets,
      .limit = limit,
      .drain_within = plan.drain_within,
      .record = [talk](std::vector<line::Move> moves) { talk->say_moves(std::move(moves)); },
      .done =
          [talk](line::Done done) {
            talk->say_moves(std::nullopt);
            talk->done.set_value(std::move(done));
          }});
  if (!parts_.inbox->push(command::ChangePlugin{std::move(what)})) return parts_.inbox->refusal();
  try {
    if (const auto moves = to_record.get()) {
      auto problem = record(plan, *moves);
      static_cast<void>(parts_.inbox->push(command::PluginRecorded{std::make_unique<command::PluginRecorded::What>(
          command::PluginRecorded::What{plan.plugin, std::move(problem)})}));
    }
    const line::Done done = ended.get();
    if (done.error) return *done.error;
    announce();
    return report(std::move(plan), done);
  } catch (const std::future_error&) {
    return host_has_ended();
  }
}

// One record for the host where all its lines go to one digest, else one for each pool: a line that stays must not find
// a record that is not for it.
std::optional<Error> PluginChanges::record(const Plan& plan, const std::vector<line::Move>& moves) const {
  const auto digest = [&](DigestId id) { return id == kNoDigest ? std::string() : parts_.catalog->plugin(id).digest; };
  const auto is_first = [&](const line::Move& move) { return move.to == moves.front().to; };
  const bool whole_host = plan.all_lines && moves.size() == plan.targets.size() && std::ranges::all_of(moves, is_first);
  std::vector<HostStore::PoolRecord> pools;
  for (const line::Move& move : moves) pools.push_back({pool_of(move.pool), digest(move.to), digest(move.before)});
  const auto written = whole_host ? parts_.store->record(plan.plugin, pools.front().digest, pools.front().before)
                                  : parts_.store->record(plan.plugin, pools);
  return written ? std::nullopt : std::optional(written.error());
}

ActivateResult PluginChanges::report(Plan plan, const line::Done& done) const {
  const CatalogPlugin& to = plan.to != nullptr      ? *plan.to
                            : done.switched.empty() ? active(plan.targets.front())
                                                    : parts_.catalog->plugin(done.switched.front().to);
  ActivateResult result{.plugin = plan.plugin,
                        .version = to.manifest.version.to_string(),
                        .digest = to.digest,
                        .switched = {},
                        .passed_over = std::move(plan.passed_over),
                        .recorded = parts_.store->exists(),
                        .notes = std::move(plan.notes)};
  for (const line::Move& move : done.switched) {
    const std::string from = parts_.catalog->plugin(move.before).reference;
    const std::string now = parts_.catalog->plugin(move.to).reference;
    result.switched.push_back({pool_of(move.pool), from, now});
    parts_.log.info("a plugin version was activated", {{"pool", pool_of(move.pool)}, {"from", from}, {"to", now}});
  }
  if (!result.recorded)
    result.notes.emplace_back(
        "There is no plugin store, so this holds until the host ends: `flame plugin install` makes one.");
  return result;
}

void PluginChanges::close() {
  const std::lock_guard lock(choosing_);
  closed_ = true;
}

void PluginChanges::announce() const {
  std::set<std::string> digests;
  std::vector<DigestId> used;
  for (Number number = 0; number < parts_.lines.size(); ++number) {
    used.push_back(active(number).id);
    digests.insert(active(number).digest);
  }
  parts_.catalog->trim_copies(used);
  if (const auto told = parts_.store->use({digests.begin(), digests.end()}); !told)
    parts_.log.warning("the plugin store does not know what this host uses, so `flame plugin gc` may remove it",
                       {{"why", told.error().message}});
}

}  // namespace flame::pool
