// Activation and rollback on a live host: resolves, judges, has the loop switch, and writes the store's record.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include <flame/activate.hpp>
#include <flame/config.hpp>
#include <flame/result.hpp>

#include "host/src/api/pool_front.hpp"
#include "host/src/calls/inbox.hpp"
#include "host/src/loop/plugin_lines.hpp"
#include "host/src/setup/host_store.hpp"
#include "host/src/setup/plugin_choice.hpp"
#include "plugin_sdk/base/log.hpp"

namespace flame::pool {

/// Any thread but the loop's; callers wait until the change is done. Errors: those of Host::activate().
class PluginChanges {
 public:
  struct Parts {
    const HostConfig* config = nullptr;
    std::shared_ptr<const Catalog> catalog;
    std::shared_ptr<PluginChoice> choice;
    std::shared_ptr<HostStore> store;
    std::vector<std::shared_ptr<detail::PoolFront>> fronts;  // by position
    std::vector<LineSpec> lines;                             // as the loop has them
    std::shared_ptr<Inbox> inbox;
    base::Logger log;
  };
  explicit PluginChanges(Parts parts) : parts_(std::move(parts)) {}

  [[nodiscard]] Result<ActivateResult> activate(std::string_view reference, const ActivateOptions& options);
  [[nodiscard]] Result<ActivateResult> rollback(std::string_view plugin, const ActivateOptions& options);
  /// The host ends: from here on nothing looks at files for a change. Waits for who does.
  void close();
  /// Tells the store which digests this host uses now; what fails is logged.
  void announce() const;

 private:
  using Number = line::PoolIndex;
  struct Plan;

  [[nodiscard]] Result<std::vector<Number>> lines_of(std::string_view plugin, const std::string& pool) const;
  [[nodiscard]] Result<Plan> plan(const manifest::PluginReference& reference, const ActivateOptions& options);
  [[nodiscard]] std::optional<Error> add_target(Plan& plan, Number number, bool force) const;
  [[nodiscard]] Error nobody_takes(const Plan& plan, const std::vector<Number>& lines) const;
  [[nodiscard]] Result<ActivateResult> carry_out(Plan plan);
  [[nodiscard]] std::optional<Error> record(const Plan& plan, const std::vector<line::Move>& moves) const;
  [[nodiscard]] ActivateResult report(Plan plan, const line::Done& done) const;
  [[nodiscard]] const CatalogPlugin& active(Number number) const;
  [[nodiscard]] const std::string& pool_of(Number number) const {
    return parts_.fronts[parts_.lines[number].pool]->name();
  }

  Parts parts_;
  std::mutex choosing_;  // files are looked at by one thread
  bool closed_ = false;
};

}  // namespace flame::pool
