// The plugins of a simulated runner: one generation for each digest, numbered as digests are.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "plugin_sdk/base/task_id.hpp"
#include "runner/plugins/plugin_directory.hpp"
#include "tests/sim/plan.hpp"

namespace flame::sim {

class PluginShelf final : public runner::PluginDirectory {
 public:
  PluginShelf(const std::vector<DigestId>& digests, const std::set<DigestId>& broken)
      : digests_(digests.begin(), digests.end()), broken_(broken) {
    using manifest::TaskKind;
    for (const auto& [name, kind] : {std::pair("task", TaskKind::task), std::pair("brief", TaskKind::task),
                                     std::pair("method", TaskKind::method), std::pair("child", TaskKind::child)}) {
      manifest::TaskEntry& entry = manifest_->tasks.emplace_back();
      entry.name = name;
      entry.id = base::task_id(entry.name, entry.fingerprint);
      entry.kind = kind;
    }
  }

  [[nodiscard]] std::optional<runner::GenerationId> find(std::string_view digest) const override {
    const DigestId id = digest_of(digest);
    return digests_.contains(id) ? std::optional<runner::GenerationId>(id) : std::nullopt;
  }
  [[nodiscard]] const Error& problem(runner::GenerationId id) const override {
    return broken_.contains(id) ? does_not_load_ : none_;
  }
  [[nodiscard]] std::shared_ptr<const manifest::Manifest> manifest(runner::GenerationId) const override {
    return manifest_;
  }
  [[nodiscard]] std::string name(runner::GenerationId id) const override { return "plugin@" + std::to_string(id); }
  [[nodiscard]] std::string describe_all() const override { return "simulated plugins"; }

 private:
  std::set<DigestId> digests_;
  std::set<DigestId> broken_;
  std::shared_ptr<manifest::Manifest> manifest_ = std::make_shared<manifest::Manifest>();
  Error none_;
  Error does_not_load_{.code = ErrorCode::incompatible, .message = "simulated", .started = Started::no};
};

}  // namespace flame::sim
