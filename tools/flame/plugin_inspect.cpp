// flame plugin inspect: what a plugin file says about itself, without running it.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>

#include <memory>

#include "plugin_sdk/base/units.hpp"
#include "tools/flame/command.hpp"
#include "tools/flame/plugin_file.hpp"
#include "tools/flame/report.hpp"

namespace flame::cli {
namespace {

struct InspectOptions {
  std::string file;
  bool json = false;
};

constexpr const char* kInspectExamples =
    R"(Reads the note in the file; nothing of the plugin runs. Exit code 2 when it is no plugin, 1 when it
would not load here.

Examples:
  flame plugin inspect build/plugins/video.so
  flame plugin inspect --json build/plugins/video.so | jq -r '.result.tasks[].name')";

std::string signature(const manifest::TaskEntry& task) {
  const auto codec = JsonCodec::from_schema(task.schema);
  return codec ? codec->signature() : "(its schema cannot be read)";
}

Json task_to_json(const manifest::TaskEntry& task) {
  Json out{{"name", task.name}, {"kind", manifest::to_string(task.kind)}, {"signature", signature(task)}};
  if (!task.object.empty()) out["object"] = task.object;
  out["fingerprint"] = fmt::format("{:016x}", task.fingerprint);
  if (task.timeout.count() > 0) out["timeout"] = base::format_duration(task.timeout);
  out["retries"] = task.retries;
  out["idempotent"] = task.idempotent;
  return out;
}

Json to_json(const PluginFile& file) {
  const auto& manifest = file.manifest;
  Json out{{"name", manifest.name},
           {"version", manifest.version.to_string()},
           {"digest", file.digest},
           {"file", file.path},
           {"bytes", file.bytes},
           {"note_bytes", file.note_bytes},
           {"abi", fmt::format("{}.{}", manifest.abi_major, manifest.abi_minor)},
           {"sdk", manifest.sdk},
           {"compiler", manifest.compiler},
           {"cpu", manifest.cpu},
           {"sanitizer", manifest.sanitizer},
           {"start", manifest.has_start},
           {"start_slot", manifest.has_start_slot},
           {"stop_slot", manifest.has_stop_slot},
           {"idle_check", manifest.has_idle_check},
           {"exec_slots", manifest.exec_slots}};
  out["tasks"] = Json::array();
  for (const auto& task : manifest.tasks) out["tasks"].push_back(task_to_json(task));
  out["checks"] = Json::array();
  for (const auto& check : file.checks) {
    out["checks"].push_back({{"name", check.name}, {"ok", check.ok}, {"detail", check.detail}});
  }
  out["loadable"] = file.loadable();
  return out;
}

std::string options_text(const manifest::TaskEntry& task) {
  std::string text;
  if (task.timeout.count() > 0) text += ", timeout " + base::format_duration(task.timeout);
  if (task.retries > 0) text += fmt::format(", {} retries", task.retries);
  if (task.idempotent) text += ", idempotent";
  return text.empty() ? "" : "  [" + text.substr(2) + "]";
}

std::string for_people(const PluginFile& file, const Terminal& out) {
  const auto& manifest = file.manifest;
  std::string text = out.styled(Style::bold, manifest.name + "@" + manifest.version.to_string()) + "\n";
  const auto line = [&text](std::string_view name, std::string_view value) {
    text += fmt::format("  {:<9} {}\n", name, value);
  };
  line("file", file.path);
  line("size",
       fmt::format("{}, manifest {}", base::approximate_size(file.bytes), base::approximate_size(file.note_bytes)));
  line("digest", file.digest);
  line("abi",
       fmt::format("{}.{}, SDK {}, {}{}", manifest.abi_major, manifest.abi_minor, manifest.sdk, manifest.compiler,
                   manifest.sanitizer.empty() ? "" : ", " + manifest.sanitizer + " sanitizer"));
  if (!manifest.cpu.empty()) line("cpu", manifest.cpu);
  if (manifest.exec_slots) line("slots", "exec'd one by one, never forked");
  if (manifest.has_start) {
    line("start", manifest.exec_slots ? "runs in each slot" : "runs once per generation, before slots are forked");
  }
  if (manifest.has_start_slot) line("start", "start_slot runs in each slot");
  if (manifest.has_stop_slot) line("stop", "stop_slot runs in each slot that ends in good order");
  if (manifest.has_idle_check) line("idle", "idle_check is asked before an idle runner goes");
  text += "  tasks\n";
  for (const auto& task : manifest.tasks) {
    const std::string kind =
        task.kind == manifest::TaskKind::task ? "" : " (" + std::string(to_string(task.kind)) + ")";
    text +=
        fmt::format("    {}{}{}{}\n", out.styled(Style::bold, task.name), signature(task), kind, options_text(task));
  }
  text += "  checks\n";
  for (const auto& check : file.checks) {
    const auto mark = check.ok ? out.styled(Style::green, "ok  ") : out.styled(Style::red, "FAIL");
    text += fmt::format("    {} {:<11} {}\n", mark, check.name, check.detail);
  }
  return text;
}

int run_inspect(const InspectOptions& options) {
  const auto file = read_plugin_file(options.file);
  if (!file) {
    print_error(file.error(), options.json);
    return kUsage;
  }
  const Terminal out(STDOUT_FILENO);
  out.write(options.json ? json_line(success(to_json(*file))) : for_people(*file, out));
  return file->loadable() ? kOk : kFailed;
}

}  // namespace

void add_plugin_inspect(CLI::App& plugin, int& exit_code) {
  auto options = std::make_shared<InspectOptions>();
  auto* command = plugin.add_subcommand("inspect", "Show what a plugin file says about itself");
  command->add_option("FILE", options->file, "a plugin (.so)")->required();
  command->add_flag("--json", options->json, "everything as JSON on standard output");
  command->footer(kInspectExamples);
  command->callback([options, &exit_code] { exit_code = run_inspect(*options); });
}

}  // namespace flame::cli
