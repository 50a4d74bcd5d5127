// What install, remove and gc have in common: one store, some subjects, each done and answered by itself.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <flame/result.hpp>

#include "host/src/plugins/store/store.hpp"
#include "tools/flame/json_codec.hpp"
#include "tools/flame/plugin_place.hpp"

namespace flame::cli {

struct StoreAnswer {
  std::string text;  ///< for people: whole lines
  Json json;
};

/// `place` is where the store is, `subject` one of those that the command names.
using StoreAct =
    std::function<Result<StoreAnswer>(store::Store& store, const PluginPlace& place, const std::string& subject)>;

/// Does it with each subject and prints what comes of it. Returns the exit code: kUsage if anything was refused.
int act_on_store(const PlaceChoice& choice, bool json, const std::vector<std::string>& subjects, const StoreAct& act);

}  // namespace flame::cli
