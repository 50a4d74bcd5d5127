// flame plugin verify: whether plugin files are signed by somebody who is trusted.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <flame/config.hpp>

#include "host/src/plugins/key_file.hpp"
#include "host/src/setup/plugin_gate.hpp"
#include "tools/flame/command.hpp"
#include "tools/flame/plugin_file.hpp"
#include "tools/flame/plugin_keys.hpp"
#include "tools/flame/report.hpp"

namespace flame::cli {
namespace {

struct VerifyOptions {
  std::vector<std::string> files;
  std::vector<std::string> keys;
  std::string config;
  bool json = false;
};

constexpr const char* kVerifyExamples =
    R"(Verifies FILE.sig against the public keys of --key, or those that a configuration trusts; then its other rules
about plugins (revoked, min_version) count as well. Nothing of the plugin runs.
Exit code 1 when a file is not to be trusted, 2 when it cannot be told.

Examples:
  flame plugin verify build/plugins/video.so --key build.key.pub
  flame plugin verify build/plugins/*.so --config /etc/thumbs/flame.toml)";

/// Whose signatures count, and what else is asked of a plugin.
struct Trusted {
  std::vector<pool::PublicKey> keys;
  pool::PluginGate gate;
};

Result<Trusted> keys_of_config(const std::string& file) {
  const auto config = load_config(file);
  if (!config) return config.error();
  auto gate = pool::PluginGate::open(*config);
  if (!gate) return std::move(gate).error();
  if (gate->trusted().empty()) {
    return usage_error(file + " trusts no key: write one into [plugins] trusted_keys, or name it by --key.");
  }
  Trusted trusted{{gate->trusted().begin(), gate->trusted().end()}, {}};
  trusted.gate = std::move(*gate);
  return trusted;
}

Result<Trusted> keys_of(const VerifyOptions& options) {
  if (!options.config.empty()) return keys_of_config(options.config);
  if (options.keys.empty()) {
    return usage_error(
        "whom do you trust? Name public keys by --key, or a configuration with trusted_keys by "
        "--config.");
  }
  Trusted trusted;
  for (const std::string& key : options.keys) {
    if (auto secret = find_secret(key)) return *std::move(secret);
    auto read = pool::trusted_key(key);
    if (!read) return std::move(read).error();
    trusted.keys.push_back(std::move(*read));
  }
  return trusted;
}

int fail_verify(const Error& error, bool json, int exit_code) {
  print_error(error, json);
  return exit_code;
}

int verify_one(const std::string& path, const Trusted& trusted, bool json) {
  const auto file = read_plugin_file(path);
  if (!file) return fail_verify(file.error(), json, kUsage);
  pool::SignedPlugin plugin{.statement = {file->manifest.name, file->manifest.version.to_string(), file->digest},
                            .file = path,
                            .signature_file = pool::signature_file_of(path),
                            .signature = {}};
  auto signature = pool::read_signature(plugin.signature_file);
  if (!signature) return fail_verify(signature.error(), json, kUsage);
  plugin.signature = std::move(*signature);
  const auto key = pool::verify(plugin, trusted.keys);
  if (!key) return fail_verify(key.error(), json, kFailed);
  if (const auto refused = trusted.gate.refuse(plugin)) return fail_verify(*refused, json, kFailed);
  const Terminal out(STDOUT_FILENO);
  const pool::Statement& statement = plugin.statement;
  if (json) {
    out.write(json_line(success(
        {{"name", statement.name}, {"version", statement.version}, {"digest", statement.digest}, {"key", *key}})));
  } else {
    out.write(printable(fmt::format("{}: {}@{} sha256:{} is signed by the key {}\n", path, statement.name,
                                    statement.version, statement.digest, *key)));
  }
  return kOk;
}

int run_verify(const VerifyOptions& options) {
  const auto trusted = keys_of(options);
  if (!trusted) return fail_verify(trusted.error(), options.json, kUsage);
  int exit_code = kOk;
  for (const std::string& path : options.files) {
    exit_code = std::max(exit_code, verify_one(path, *trusted, options.json));
  }
  return exit_code;
}

}  // namespace

void add_plugin_verify(CLI::App& plugin, int& exit_code) {
  auto options = std::make_shared<VerifyOptions>();
  auto* command = plugin.add_subcommand("verify", "Tell whether plugin files are signed by a trusted key");
  command->add_option("FILE", options->files, "plugins (.so), each with FILE.sig")->required();
  auto* key = command->add_option("--key", options->keys, "public key, or the file of one; may be repeated");
  key->type_name("PUBKEY")->allow_extra_args(false);
  command->add_option("--config", options->config, "what [plugins] of this configuration trusts")
      ->type_name("FILE")
      ->excludes(key);
  command->add_flag("--json", options->json, "one line of JSON for each file on standard output");
  command->footer(kVerifyExamples);
  command->callback([options, &exit_code] { exit_code = run_verify(*options); });
}

}  // namespace flame::cli
