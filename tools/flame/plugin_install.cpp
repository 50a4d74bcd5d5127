// flame plugin install: plugin files into the store.
#include <CLI/CLI.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "host/src/plugins/key_file.hpp"
#include "host/src/plugins/store/store.hpp"
#include "tools/flame/command.hpp"
#include "tools/flame/plugin_store_act.hpp"
#include "tools/flame/plugin_store_text.hpp"
#include "tools/flame/terminal.hpp"

namespace flame::cli {
namespace {

struct InstallCommand {
  std::vector<std::string> files;
  PlaceChoice place;
  bool force = false;
  bool json = false;
};

constexpr const char* kInstallExamples =
    R"(Copies plugins into the store, each with its signature FILE.sig if there is one. The same version with other
bytes is refused: give it another version, or --force. What that replaces stays as long as something uses it.
With --config, what its [plugins] does not admit is refused. Nothing is activated, and nothing of the plugin runs.
Of several files each is taken or refused by itself; with --json each has a line of its own.

Examples:
  flame plugin install build/plugins/video.so
  flame plugin install --config /etc/thumbs/flame.toml build/plugins/*.so
  flame plugin install --json build/plugins/video.so | jq -r .result.digest)";

// A host that is configured so would not run what is refused here.
store::Verifier verifier_of(const pool::PluginGate& gate, const std::string& file) {
  return [&gate, file](const store::SignedBuild& statement) -> Result<void> {
    const pool::SignedPlugin plugin{.statement = {statement.name, statement.version, statement.digest},
                                    .file = file,
                                    .signature_file = pool::signature_file_of(file),
                                    .signature = statement.signature};
    if (auto refused = gate.refuse(plugin)) return *std::move(refused);
    return {};
  };
}

std::int64_t seconds_now() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

int run_install(const InstallCommand& options) {
  const auto install = [&](store::Store& store, const PluginPlace& place,
                           const std::string& file) -> Result<StoreAnswer> {
    const auto done = store.install(
        file,
        {.now = seconds_now(), .force = options.force, .expected_digest = {}, .verify = verifier_of(place.gate, file)});
    if (!done) return done.error();
    return StoreAnswer{printable(installation_text(*done)), installation_to_json(*done)};
  };
  return act_on_store(options.place, options.json, options.files, install);
}

}  // namespace

void add_plugin_install(CLI::App& plugin, int& exit_code) {
  auto options = std::make_shared<InstallCommand>();
  auto* command = plugin.add_subcommand("install", "Put plugin files into the store");
  command->add_option("FILE", options->files, "plugins (.so)")->required();
  command->add_flag("--force", options->force, "replace a version that is there with other bytes");
  add_place_options(*command, options->place);
  command->add_flag("--json", options->json, "one line of JSON for each file on standard output");
  command->footer(kInstallExamples);
  command->callback([options, &exit_code] { exit_code = run_install(*options); });
}

}  // namespace flame::cli
