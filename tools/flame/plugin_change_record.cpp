// See plugin_change_record.hpp.
#include "tools/flame/plugin_change_record.hpp"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "host/src/plugins/key_file.hpp"
#include "host/src/plugins/store/layout.hpp"
#include "host/src/plugins/store/store.hpp"
#include "plugin_sdk/base/make_error.hpp"
#include "tools/flame/plugin_store_text.hpp"

namespace flame::cli {
namespace {

using manifest::PluginReference;

// A store with the rules that hold for what is activated in it.
class Activation {
 public:
  Activation(const PluginPlace& place, bool forced)
      : place_(place), forced_(forced), layout_(place.store.string()), store_(place.store, system_) {}

  [[nodiscard]] bool exists() const {
    std::error_code ignored;
    return std::filesystem::is_directory(place_.store, ignored);
  }
  /// Why it is not activated; nullopt: it may be.
  [[nodiscard]] std::optional<Error> refuse(const store::Installed& plugin) const;
  [[nodiscard]] Result<store::Installed> choose(const PluginReference& reference) const;
  /// For all hosts. What it has to say comes to the report.
  [[nodiscard]] Result<void> record(ChangeReport& report);
  [[nodiscard]] const store::Store& store() const noexcept { return store_; }

 private:
  [[nodiscard]] Result<std::string> before(const ChangeReport& report) const;

  const PluginPlace& place_;
  bool forced_;
  store::SystemFiles system_;
  store::Layout layout_;
  store::Store store_;
};

std::optional<Error> Activation::refuse(const store::Installed& plugin) const {
  if (plugin.refusal && !forced_)
    return base::make_error(ErrorCode::incompatible, plugin.reference() + " " + refusal_text(*plugin.refusal) +
                                                         ". Activate another version, or this one with --force");
  const std::string signature_file = layout_.signature(plugin.digest);
  const auto signature = pool::read_signature(signature_file);
  if (!signature) return signature.error();
  return place_.gate.refuse(pool::SignedPlugin{.statement = {plugin.name, plugin.version.to_string(), plugin.digest},
                                               .file = plugin.file.string(),
                                               .signature_file = signature_file,
                                               .signature = *signature});
}

// Of a reference that several versions match, the highest that is admitted.
Result<store::Installed> Activation::choose(const PluginReference& reference) const {
  const auto highest = store_.find(reference);
  if (!highest) return highest;
  auto refused = refuse(*highest);
  if (!refused) return highest;
  if (reference.exact || !reference.digest.empty()) return std::move(*refused);
  const auto listing = store_.versions(reference.name);
  if (!listing) return listing.error();
  const store::Installed* best = nullptr;
  for (const store::Installed& one : listing->plugins) {
    const bool fits = one.present && !one.replaced && reference.matches(one.name, one.version) && !refuse(one);
    if (fits && (best == nullptr || best->version < one.version)) best = &one;
  }
  return best == nullptr ? Result<store::Installed>(std::move(*refused)) : Result<store::Installed>(*best);
}

// What served before the hosts changed: they have written it into records of their own, which go now.
Result<std::string> Activation::before(const ChangeReport& report) const {
  const auto records = store_.records(report.plugin);
  if (!records) return records.error();
  std::set<std::string> all;
  for (const store::Record& record : records->all())
    if (record.scope != store::Scope() && record.digest == report.digest) all.insert(record.previous);
  return all.size() == 1 ? *all.begin() : std::string();
}

Result<void> Activation::record(ChangeReport& report) {
  const auto served = before(report);
  if (!served) return served.error();
  const auto done = store_.record(report.plugin, {}, report.digest, store::Narrower::erase, *served);
  if (!done) return done.error();
  report.recorded = true;
  const std::string what = report.version.empty() ? "sha256:" + report.digest : report.plugin + "@" + report.version;
  report.notes.push_back(what + " is what every host takes when it starts: it is recorded in the plugin store " +
                         place_.store.string());
  if (!forced_) return {};
  const auto lifted = store_.unrefuse(report.digest);
  if (!lifted) return lifted.error();
  if (*lifted) report.notes.push_back("Its refusal is lifted, as it was forced.");
  return {};
}

std::string nobody_serves(const std::string& plugin) {
  return "No running host of yours serves " + plugin + ", so nothing changes now: the next start takes it.";
}

Error with_context(const std::string& plugin, Error error) {
  error.message = "no running host of yours serves " + plugin + ", and for the next start: " + error.message;
  return error;
}

Result<ChangeReport> record_for_next_start(Activation& activation, ChangeReport report) {
  report.notes.push_back(nobody_serves(report.plugin));
  if (auto done = activation.record(report); !done) return done.error();
  return report;
}

}  // namespace

void record_agreement(const PluginPlace& place, bool forced, ChangeReport& report) {
  Activation activation(place, forced);
  if (!activation.exists()) {
    report.notes.push_back("There is no plugin store at " + place.store.string() +
                           ", so this holds until the hosts end: `flame plugin install` makes one.");
    return;
  }
  if (auto done = activation.record(report); !done) report.problem = done.error();
}

Result<ChangeReport> activate_in_store(const PluginPlace& place, const PluginReference& reference, bool forced) {
  Activation activation(place, forced);
  const auto chosen = activation.choose(reference);
  if (!chosen) return with_context(reference.name, chosen.error());
  return record_for_next_start(activation, {.plugin = reference.name,
                                            .version = chosen->version.to_string(),
                                            .digest = chosen->digest,
                                            .hosts = {},
                                            .recorded = false,
                                            .notes = {},
                                            .problem = {}});
}

Result<ChangeReport> roll_back_in_store(const PluginPlace& place, const std::string& plugin, bool forced) {
  Activation activation(place, forced);
  const auto records = activation.store().records(plugin);
  if (!records) return records.error();
  const auto all = std::ranges::find(records->all(), store::Scope(), &store::Record::scope);
  if (all == records->all().end() || all->previous.empty())
    return with_context(
        plugin, base::make_error(ErrorCode::not_found, "the plugin store " + place.store.string() +
                                                           " knows of no version of " + plugin +
                                                           " that was active for all hosts before. Activate one by "
                                                           "its version; `flame plugin list` shows what there is"));
  ChangeReport report{.plugin = plugin,
                      .version = {},
                      .digest = all->previous,
                      .hosts = {},
                      .recorded = false,
                      .notes = {},
                      .problem = {}};
  // It may have come from [plugins] path; then only a host can judge it.
  const PluginReference reference{.name = plugin, .major = {}, .minor = {}, .exact = {}, .digest = all->previous};
  if (const auto found = activation.store().find(reference)) {
    if (auto refused = activation.refuse(*found)) return with_context(plugin, std::move(*refused));
    report.version = found->version.to_string();
  }
  return record_for_next_start(activation, std::move(report));
}

}  // namespace flame::cli
