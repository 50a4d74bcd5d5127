// Which file of a store has which name. Pure.
//
//   lock                 whoever changes anything holds it
//   objects/DIGEST.so    0444, never changed; DIGEST.sig: its detached signature
//   refs/NAME/VERSION    the builds of a version
//   active/PLUGIN        its records
//   refused/DIGEST       why nothing takes it
//   hosts/ID             a running host, which holds the lock of its file: that of a dead one is free
//   staging/             files that are being made; those of the dead are swept away
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <utility>

namespace flame::store {

/// Names and versions are checked before: they become parts of paths. [any thread]
class Layout {
 public:
  explicit Layout(std::string root) : root_(std::move(root)) {}

  [[nodiscard]] const std::string& root() const noexcept { return root_; }
  [[nodiscard]] std::string lock() const { return root_ + "/lock"; }
  [[nodiscard]] std::string objects() const { return root_ + "/objects"; }
  [[nodiscard]] std::string refs() const { return root_ + "/refs"; }
  [[nodiscard]] std::string active() const { return root_ + "/active"; }
  [[nodiscard]] std::string refused() const { return root_ + "/refused"; }
  [[nodiscard]] std::string hosts() const { return root_ + "/hosts"; }
  [[nodiscard]] std::string staging() const { return root_ + "/staging"; }
  /// All of them, below the root.
  [[nodiscard]] std::array<std::string, 6> directories() const {
    return {objects(), refs(), active(), refused(), hosts(), staging()};
  }

  [[nodiscard]] std::string object(std::string_view digest) const {
    return objects() + "/" + std::string(digest) + ".so";
  }
  [[nodiscard]] std::string signature(std::string_view digest) const {
    return objects() + "/" + std::string(digest) + ".sig";
  }
  [[nodiscard]] std::string versions(std::string_view name) const { return refs() + "/" + std::string(name); }
  [[nodiscard]] std::string builds(std::string_view name, std::string_view version) const {
    return versions(name) + "/" + std::string(version);
  }
  [[nodiscard]] std::string records(std::string_view plugin) const { return active() + "/" + std::string(plugin); }
  [[nodiscard]] std::string refusal(std::string_view digest) const { return refused() + "/" + std::string(digest); }

 private:
  std::string root_;
};

}  // namespace flame::store
