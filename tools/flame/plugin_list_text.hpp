// What `flame plugin list` shows, from what a store says about itself. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include <flame/error.hpp>

#include "host/src/plugins/store/store.hpp"
#include "tools/flame/json_codec.hpp"
#include "tools/flame/terminal.hpp"

namespace flame::cli {

/// What could be read of a store.
struct StoreView {
  std::string root;
  std::vector<store::Installed> plugins;          ///< as Listing has them
  std::map<std::string, store::Records> records;  ///< by plugin
  std::vector<store::HostUse> hosts;              ///< that run
  std::vector<Error> damaged;                     ///< files that could not be read, each once
};

/// A table with a row for each build, and for each digest that is active somewhere but not in the store (a plugin of
/// [plugins] path, or one that somebody has removed); then a line for each that is refused. Damaged files are not
/// shown: they are errors. [any thread]
[[nodiscard]] std::string list_text(const StoreView& view, const Terminal& terminal);

/// The same with whole digests, the hosts, and the damaged files. [any thread]
[[nodiscard]] Json list_to_json(const StoreView& view);

}  // namespace flame::cli
