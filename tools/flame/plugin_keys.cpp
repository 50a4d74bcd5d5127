// flame plugin keygen, flame plugin sign: keys for plugins, and signatures by them.
#include "tools/flame/plugin_keys.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>

#include <memory>
#include <string>
#include <vector>

#include <flame/config.hpp>

#include "host/src/plugins/key_file.hpp"
#include "tools/flame/command.hpp"
#include "tools/flame/plugin_file.hpp"
#include "tools/flame/report.hpp"

namespace flame::cli {
namespace {

struct KeygenOptions {
  std::string out = "flame.key";
  bool json = false;
};

struct SignOptions {
  std::vector<std::string> files;
  std::string key;
  bool json = false;
};

constexpr const char* kKeygenExamples =
    R"(Makes a pair of Ed25519 keys. FILE holds the secret one, which signs: only you may read it (mode 0600), and it
belongs to where plugins are built, not into a repository. FILE.pub holds the public one, for [plugins] trusted_keys of
hosts. Files that are there already are never overwritten.

Examples:
  flame plugin keygen --out ~/.config/flame/build.key
  flame plugin keygen --json --out build.key | jq -r .result.public_key)";

constexpr const char* kSignExamples =
    R"(Writes FILE.sig: a signature that binds the bytes of FILE to the name and version of the plugin. It does not
cover libraries that the plugin loads. Nothing of the plugin runs.
Of several files each is signed by itself; with --json each has a line of its own.

Examples:
  flame plugin sign build/plugins/video.so --key ~/.config/flame/build.key
  flame plugin sign build/plugins/*.so --key build.key && flame plugin install build/plugins/*.so)";

int run_keygen(const KeygenOptions& options) {
  const auto key = pool::make_key_files(options.out);
  if (!key) {
    print_error(key.error(), options.json);
    return kUsage;
  }
  const std::string public_file = options.out + ".pub";
  const Terminal out(STDOUT_FILENO);
  if (options.json) {
    out.write(json_line(success({{"key", key->id()},
                                 {"secret_key_file", options.out},
                                 {"public_key_file", public_file},
                                 {"public_key", key->text()}})));
  } else {
    out.write(
        printable(fmt::format("{}\nsecret key: {} (keep it to yourself)\npublic key: {} (or the line above, for "
                              "[plugins] trusted_keys)\n",
                              key->text(), options.out, public_file)));
  }
  return kOk;
}

struct SignedFile {
  pool::Statement statement;
  std::string signature_file;
};

Result<SignedFile> sign_one(const std::string& path, const pool::SecretKey& key) {
  const auto file = read_plugin_file(path);
  if (!file) return file.error();
  SignedFile done{{file->manifest.name, file->manifest.version.to_string(), file->digest},
                  pool::signature_file_of(path)};
  if (auto written = pool::write_signature(done.signature_file, key.sign(done.statement)); !written) {
    return written.error();
  }
  return done;
}

void print_signed(const SignedFile& done, const pool::KeyId& key, bool json) {
  const pool::Statement& statement = done.statement;
  const Terminal out(STDOUT_FILENO);
  if (json) {
    out.write(json_line(success({{"name", statement.name},
                                 {"version", statement.version},
                                 {"digest", statement.digest},
                                 {"key", key},
                                 {"signature_file", done.signature_file}})));
  } else {
    out.write(printable(fmt::format("{}: {}@{} sha256:{} by the key {}\n", done.signature_file, statement.name,
                                    statement.version, statement.digest, key)));
  }
}

int run_sign(const SignOptions& options) {
  if (const auto secret = find_secret(options.key)) {
    print_error(*secret, options.json);
    return kUsage;
  }
  const auto key = pool::read_secret_key(options.key);
  if (!key) {
    print_error(key.error(), options.json);
    return kUsage;
  }
  int exit_code = kOk;
  for (const std::string& path : options.files) {
    if (const auto done = sign_one(path, *key)) {
      print_signed(*done, key->public_key().id(), options.json);
    } else {
      print_error(done.error(), options.json);
      exit_code = kUsage;
    }
  }
  return exit_code;
}

}  // namespace

std::optional<Error> find_secret(const std::string& value) {
  if (value.find(kSecretKeyPrefix) == std::string::npos) return std::nullopt;
  return usage_error(
      "--key holds a secret key. Whoever can list this machine's processes has it now: make a new one with `flame "
      "plugin keygen`, take this one's public key from every trusted_keys, and name the key's file here.");
}

void add_plugin_keygen(CLI::App& plugin, int& exit_code) {
  auto options = std::make_shared<KeygenOptions>();
  auto* command = plugin.add_subcommand("keygen", "Make a pair of keys to sign plugins with");
  command->add_option("--out", options->out, "file of the secret key; default: flame.key")->type_name("FILE");
  command->add_flag("--json", options->json, "as JSON on standard output; the secret key is never shown");
  command->footer(kKeygenExamples);
  command->callback([options, &exit_code] { exit_code = run_keygen(*options); });
}

void add_plugin_sign(CLI::App& plugin, int& exit_code) {
  auto options = std::make_shared<SignOptions>();
  auto* command = plugin.add_subcommand("sign", "Sign plugin files");
  command->add_option("FILE", options->files, "plugins (.so)")->required();
  command->add_option("--key", options->key, "file of a secret key, from flame plugin keygen")
      ->type_name("KEYFILE")
      ->required();
  command->add_flag("--json", options->json, "one line of JSON for each file on standard output");
  command->footer(kSignExamples);
  command->callback([options, &exit_code] { exit_code = run_sign(*options); });
}

}  // namespace flame::cli
