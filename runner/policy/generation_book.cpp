// See generation_book.hpp.
#include "runner/policy/generation_book.hpp"

#include <algorithm>
#include <utility>

#include "plugin_sdk/base/limits.hpp"
#include "plugin_sdk/base/make_error.hpp"

namespace flame::runner {
namespace {

Error ended_meanwhile() {
  return base::refusal(ErrorCode::cancelled, "The host ended this plugin before it was loaded.");
}

std::string name_of(const wire::PluginRef& plugin) {
  return plugin.name + "@" + plugin.version + " (digest " + plugin.digest.substr(0, 12) + ")";
}

}  // namespace

GenerationId GenerationBook::add(const wire::PluginRef& plugin) {
  entries_[next_].plugin = plugin;
  return next_++;
}

std::optional<GenerationId> GenerationBook::find(std::string_view digest) const {
  const auto found = std::find_if(entries_.rbegin(), entries_.rend(), [digest](const auto& entry) {
    return entry.second.plugin.digest == digest && entry.second.state != State::ending;
  });
  return found == entries_.rend() ? std::nullopt : std::optional(found->first);
}

bool GenerationBook::has(const std::string& digest) const {
  return std::any_of(entries_.begin(), entries_.end(),
                     [&digest](const auto& entry) { return entry.second.plugin.digest == digest; });
}

void GenerationBook::load(wire::Load load) {
  const std::string digest = load.plugin.digest;
  if (const auto id = find(digest)) {
    Entry& entry = entries_.at(*id);
    entry.asked = true;
    if (entry.state == State::ready) answer(entry, {});
    if (entry.state != State::broken) return;
    entry.asked = false;
    end(*id, entry);
  } else if (has(digest)) {
    later_.insert_or_assign(digest, std::move(load));
    return;
  }
  start(std::move(load));
}

void GenerationBook::start(wire::Load load) {
  if (Error error = why_no_more(load.plugin); error.code != ErrorCode::none) {
    actions_.emplace_back(TellLoaded{load.plugin.digest, std::move(error)});
    return;
  }
  const GenerationId id = add(load.plugin);
  entries_.at(id).asked = entries_.at(id).on_trial = true;
  actions_.emplace_back(StartGeneration{id, std::move(load)});
}

// Of a broken one there is no zygote, and it gets no slot any more; so it does not count.
Error GenerationBook::why_no_more(const wire::PluginRef& plugin) const {
  std::string names;
  std::uint32_t count = 0;
  for (const auto& [id, entry] : entries_) {
    const bool counts = entry.plugin.name == plugin.name && entry.plugin.digest != plugin.digest;
    if (!counts || entry.state == State::broken) continue;
    names += (count++ == 0 ? "" : " and ") + name_of(entry.plugin);
  }
  if (count < limits::kGenerationsPerPluginMax) return {};
  return base::refusal(ErrorCode::incompatible,
                       "This runner has " + names +
                           " already, and two generations of a plugin are as many as it takes. End one of them first.");
}

void GenerationBook::end(const std::string& digest) {
  if (!has(digest)) {
    actions_.emplace_back(TellEnded{digest});
    return;
  }
  ended_.insert(digest);
  if (later_.erase(digest) > 0) actions_.emplace_back(TellLoaded{digest, ended_meanwhile()});
  for (auto& [id, entry] : entries_) {
    if (entry.plugin.digest != digest || entry.state == State::ending) continue;
    if (entry.asked) answer(entry, ended_meanwhile());
    end(id, entry);
  }
}

void GenerationBook::end(GenerationId id, Entry& entry) {
  entry.state = State::ending;
  entry.on_trial = false;
  actions_.emplace_back(EndGeneration{id});
}

void GenerationBook::answer(Entry& entry, Error why) {
  entry.asked = false;
  actions_.emplace_back(TellLoaded{entry.plugin.digest, std::move(why)});
}

void GenerationBook::ready(GenerationId id) {
  Entry& entry = entries_.at(id);
  if (entry.state == State::ending) return;
  entry.state = State::ready;
  entry.on_trial = false;
  if (entry.asked) answer(entry, {});
}

void GenerationBook::restarts(GenerationId id) {
  Entry& entry = entries_.at(id);
  if (entry.state == State::ready) entry.state = State::loading;
}

void GenerationBook::broken(GenerationId id, Error why) {
  Entry& entry = entries_.at(id);
  if (entry.state == State::ending) return;
  if (entry.on_trial) {
    entry.problem = std::move(why);
    return end(id, entry);
  }
  entry.state = State::broken;
  if (entry.asked) answer(entry, std::move(why));
}

void GenerationBook::gone(GenerationId id) {
  const auto found = entries_.find(id);
  if (found == entries_.end()) return;
  const std::string digest = found->second.plugin.digest;
  if (found->second.asked) answer(found->second, std::move(found->second.problem));
  entries_.erase(found);
  if (has(digest)) return;
  if (ended_.erase(digest) > 0) actions_.emplace_back(TellEnded{digest});
  if (auto next = later_.extract(digest)) load(std::move(next.mapped()));
}

bool GenerationBook::serves(GenerationId id) const {
  const auto found = entries_.find(id);
  return found != entries_.end() && found->second.state != State::ending && found->second.state != State::broken &&
         !found->second.on_trial;
}

bool GenerationBook::on_trial(GenerationId id) const {
  const auto found = entries_.find(id);
  return found != entries_.end() && found->second.on_trial;
}

bool GenerationBook::ends(GenerationId id) const {
  const auto found = entries_.find(id);
  return found == entries_.end() || found->second.state == State::ending;
}

std::vector<GenerationId> GenerationBook::others(GenerationId id) const {
  std::vector<GenerationId> ids;
  for (const auto& [other, entry] : entries_) {
    if (other != id && entry.plugin.name == entries_.at(id).plugin.name) ids.push_back(other);
  }
  return ids;
}

std::vector<GenerationAction> GenerationBook::take_actions() {
  return std::exchange(actions_, {});
}

}  // namespace flame::runner
