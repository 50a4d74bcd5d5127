// From options, a configuration and the environment to one directory.
#include "tools/flame/plugin_place.hpp"

#include <CLI/CLI.hpp>

#include <cstdlib>
#include <utility>

#include <flame/config.hpp>

#include "host/src/plugins/store/place.hpp"

namespace flame::cli {
namespace {

std::string variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

store::Environment environment() {
  return {.xdg_data_home = variable("XDG_DATA_HOME"), .home = variable("HOME")};
}

// An empty text is a script's variable that is not set: that script does not mean the user's own store.
std::string empty_text(const std::string& text) {
  return text.empty() ? "the name is empty; name one, or leave the option out" : "";
}

Result<PluginPlace> place_in(const std::string& config_file) {
  const auto config = load_config(config_file);
  if (!config) return config.error();
  auto gate = pool::PluginGate::open(*config);
  if (!gate) return std::move(gate).error();
  auto store = place_of(config->plugins.store);
  if (!store) return std::move(store).error();
  return PluginPlace{std::move(*store), std::move(*gate)};
}

}  // namespace

Result<std::filesystem::path> place_of(const std::string& setting) {
  return store::place_of(setting, environment());
}

void add_place_options(CLI::App& command, PlaceChoice& choice) {
  auto* store = command.add_option("--store", choice.store, "the plugin store; default: in your data directory");
  store->type_name("DIR")->check(empty_text);
  command.add_option("--config", choice.config, "the store and the rules of [plugins] in this configuration")
      ->type_name("FILE")
      ->check(empty_text)
      ->excludes(store);
}

Result<PluginPlace> find_place(const PlaceChoice& choice) {
  if (!choice.config.empty()) return place_in(choice.config);
  auto store = place_of(choice.store.empty() ? "auto" : choice.store);
  if (!store) return std::move(store).error();
  return PluginPlace{std::move(*store), {}};
}

}  // namespace flame::cli
