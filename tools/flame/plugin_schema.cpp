// flame plugin schema: the FlatBuffers schemas of a plugin's tasks, for programs in other languages.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>

#include <memory>
#include <vector>

#include "plugin_sdk/base/suggest.hpp"
#include "plugin_sdk/manifest/manifest.hpp"
#include "tools/flame/command.hpp"
#include "tools/flame/report.hpp"

namespace flame::cli {
namespace {

struct Options {
  std::string file;
  std::string task;
  bool json = false;
};

constexpr const char* kExamples =
    R"(With TASK the output is one .fbs file; table Call holds the arguments, table Return the result. Without it the
schemas of all tasks follow each other, each after a comment with its name.

Examples:
  flame plugin schema build/plugins/video.so
  flame plugin schema build/plugins/video.so video::resize_quality > resize.fbs && flatc --python resize.fbs)";

Error unknown_task(const manifest::Manifest& manifest, const std::string& task) {
  std::vector<std::string> names;
  std::string all;
  for (const auto& entry : manifest.tasks) {
    names.push_back(entry.name);
    all += (all.empty() ? "" : ", ") + entry.name;
  }
  return Error{.code = ErrorCode::not_found,
               .message = manifest.name + " has no task \"" + task + "\"" + base::did_you_mean(task, names) +
                          " (tasks: " + (all.empty() ? "none" : all) + ")."};
}

std::string as_text(const std::vector<const manifest::TaskEntry*>& tasks, bool with_names) {
  std::string text;
  for (const auto* task : tasks) {
    if (with_names) text += fmt::format("// {} (fingerprint {:016x})\n", task->name, task->fingerprint);
    text += task->schema;
    if (!text.empty() && text.back() != '\n') text += '\n';
    if (with_names) text += '\n';
  }
  return text;
}

Json as_json(const std::vector<const manifest::TaskEntry*>& tasks) {
  Json list = Json::array();
  for (const auto* task : tasks) {
    list.push_back(
        {{"name", task->name}, {"fingerprint", fmt::format("{:016x}", task->fingerprint)}, {"schema", task->schema}});
  }
  return list;
}

int run(const Options& options) {
  const auto manifest = manifest::read(options.file);
  if (!manifest) {
    print_error(manifest.error(), options.json);
    return kUsage;
  }
  std::vector<const manifest::TaskEntry*> tasks;
  if (options.task.empty()) {
    for (const auto& entry : manifest->tasks) tasks.push_back(&entry);
  } else {
    tasks = manifest->find(options.task);
    if (tasks.empty()) {
      print_error(unknown_task(*manifest, options.task), options.json);
      return kUsage;
    }
  }
  const bool one = !options.task.empty() && tasks.size() == 1;
  Terminal(STDOUT_FILENO).write(options.json ? json_line(success(as_json(tasks))) : as_text(tasks, !one));
  return kOk;
}

}  // namespace

void add_plugin_schema(CLI::App& plugin, int& exit_code) {
  auto options = std::make_shared<Options>();
  auto* command = plugin.add_subcommand("schema", "Print the FlatBuffers schemas (.fbs) of a plugin's tasks");
  command->add_option("FILE", options->file, "a plugin (.so)")->required();
  command->add_option("TASK", options->task, "only this task");
  command->add_flag("--json", options->json, "names, fingerprints and schemas as JSON");
  command->footer(kExamples);
  command->callback([options, &exit_code] { exit_code = run(*options); });
}

}  // namespace flame::cli
