// Options that `flame call` and `flame map` share.
#include "tools/flame/call_options.hpp"

#include <CLI/CLI.hpp>

#include <filesystem>
#include <memory>
#include <utility>

#include "plugin_sdk/base/file.hpp"
#include "plugin_sdk/base/units.hpp"

namespace flame::cli {

void add_shared_options(CLI::App& command, SharedOptions& options) {
  command.add_option("POOL", options.pool, "a pool of the configuration")->required();
  command.add_option("TASK", options.task, "a task of the pool's plugins, e.g. video::resize_quality")->required();
  command.add_option("-c,--config", options.config, "configuration file")->capture_default_str();
  command
      .add_option("-t,--timeout", options.timeout,
                  "for each call, queue, boot and retries included: 90s, 5min, 1h30min")
      ->type_name("DURATION");
  command
      .add_option("--attachments", options.attachments,
                  "write bytes of results to files there, \"@path\" in the JSON; else \"base64:…\"")
      ->type_name("DIR");
  command.add_flag("--json", options.json, "outcome and errors as JSON on standard output");
}

Result<std::optional<Duration>> parse_timeout(const SharedOptions& options) {
  if (options.timeout.empty()) return std::optional<Duration>();
  auto duration = base::parse_duration(options.timeout);
  if (!duration) {
    auto error = std::move(duration).error();
    error.message = "--timeout: " + error.message;
    return error;
  }
  return std::optional<Duration>(*duration);
}

AttachmentWriter attachment_writer(const SharedOptions& options, std::string prefix) {
  if (options.attachments.empty()) return attachment_as_base64;
  return [directory = options.attachments, prefix = std::move(prefix),
          next = std::make_shared<int>(1)](const Bytes& bytes) -> Result<std::string> {
    std::error_code failed;
    std::filesystem::create_directories(directory, failed);
    const std::string path =
        (std::filesystem::path(directory) / (prefix + std::to_string((*next)++) + ".bin")).string();
    const std::string_view contents(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    auto written = base::write_file_atomically(path, contents);
    if (!written) return std::move(written).error();
    return "@" + path;
  };
}

}  // namespace flame::cli
