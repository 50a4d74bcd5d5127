// For whom this process works, if it is a runner.
#pragma once

#include <optional>
#include <string>

namespace flame {

/// The host that a runner serves. A plain value; never holds keys or secrets.
struct Parent {
  std::string host;     ///< [host] name of its configuration
  std::string pool;     ///< the pool this runner belongs to
  std::string runner;   ///< this runner's id; unique per run of the host
  std::string backend;  ///< what booted the machine: "local", "fly", ...

  /// Plugin code that runs as a runner's slot or zygote (from start() on): its parent. Anywhere else, as in a host or a
  /// unit test: nullopt. [any thread]
  [[nodiscard]] static std::optional<Parent> get();
};

}  // namespace flame
