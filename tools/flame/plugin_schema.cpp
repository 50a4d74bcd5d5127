// flame plugin schema: the FlatBuffers schemas of a plugin's tasks, for programs in other languages.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>

#include <cctype>
#include <filesystem>
#include <memory>
#include <system_error>
#include <vector>

#include "plugin_sdk/base/file.hpp"
#include "plugin_sdk/base/suggest.hpp"
#include "plugin_sdk/manifest/manifest.hpp"
#include "tools/flame/command.hpp"
#include "tools/flame/report.hpp"

namespace flame::cli {
namespace {

struct SchemaOptions {
  std::string file;
  std::string task;
  std::string directory;
  bool json = false;
};

constexpr const char* kSchemaExamples =
    R"(Table Call holds the arguments, table Return the result. Without TASK the schemas of all tasks make one file in
which each has a namespace of its own, named after the task. TASK is a name; where tasks share one, NAME@FINGERPRINT.
With --directory each task becomes a file of its own.

Examples:
  flame plugin schema build/plugins/video.so > video.fbs && flatc --python video.fbs
  flame plugin schema build/plugins/video.so video::resize_quality > resize.fbs
  flame plugin schema build/plugins/video.so --directory schemas)";

using Tasks = std::vector<const manifest::TaskEntry*>;

std::string fingerprint_of(const manifest::TaskEntry& task) {
  return fmt::format("{:016x}", task.fingerprint);
}

Error unknown_task(const manifest::Manifest& manifest, const std::string& task) {
  std::vector<std::string> names;
  std::string all;
  for (const auto& entry : manifest.tasks) {
    names.push_back(manifest.find(entry.name).size() > 1 ? entry.name + "@" + fingerprint_of(entry) : entry.name);
    all += (all.empty() ? "" : ", ") + names.back();
  }
  return Error{.code = ErrorCode::not_found,
               .message = manifest.name + " has no task \"" + task + "\"" + base::did_you_mean(task, names) +
                          " (tasks: " + (all.empty() ? "none" : all) + ")."};
}

// The task's name with another separator than "::"; with the fingerprint where the plugin has overloads of it.
std::string name_with(const manifest::Manifest& manifest, const manifest::TaskEntry& task, char separator) {
  std::string name;
  for (std::size_t i = 0; i < task.name.size(); ++i) {
    const bool scope = task.name.compare(i, 2, "::") == 0;
    const bool plain = std::isalnum(static_cast<unsigned char>(task.name[i])) != 0;
    name += scope ? separator : plain ? task.name[i] : '_';
    i += scope ? 1 : 0;
  }
  return manifest.find(task.name).size() > 1 ? name + "_" + fingerprint_of(task) : name;
}

std::string one_schema(const manifest::TaskEntry& task) {
  return task.schema.ends_with('\n') ? task.schema : task.schema + "\n";
}

// flatc takes no type twice, and every task has a Call: only namespaces keep them apart in one file.
std::string all_schemas(const manifest::Manifest& manifest, const Tasks& tasks) {
  std::string text;
  for (const auto* task : tasks) {
    text += fmt::format("// {} (fingerprint {})\nnamespace {};\n\n{}\n", task->name, fingerprint_of(*task),
                        name_with(manifest, *task, '.'), one_schema(*task));
  }
  return text;
}

Json as_json(const Tasks& tasks) {
  Json list = Json::array();
  for (const auto* task : tasks) {
    list.push_back({{"name", task->name}, {"fingerprint", fingerprint_of(*task)}, {"schema", task->schema}});
  }
  return list;
}

// All tasks, those of that name, or the one of that name and fingerprint.
Tasks selected(const manifest::Manifest& manifest, const std::string& wanted) {
  const auto at = wanted.rfind('@');
  const std::string name = wanted.substr(0, at);
  Tasks tasks;
  for (const auto& task : manifest.tasks) {
    if (!wanted.empty() && task.name != name) continue;
    if (at == std::string::npos || fingerprint_of(task) == wanted.substr(at + 1)) tasks.push_back(&task);
  }
  return tasks;
}

Result<void> write_files(const manifest::Manifest& manifest, const Tasks& tasks, const std::string& directory) {
  std::error_code failed;
  std::filesystem::create_directories(directory, failed);
  for (const auto* task : tasks) {
    const auto path = std::filesystem::path(directory) / (name_with(manifest, *task, '.') + ".fbs");
    if (auto written = base::write_file_atomically(path.string(), one_schema(*task)); !written) return written;
  }
  return {};
}

int run_schema(const SchemaOptions& options) {
  const auto manifest = manifest::read(options.file);
  if (!manifest) {
    print_error(manifest.error(), options.json);
    return kUsage;
  }
  const Tasks tasks = selected(*manifest, options.task);
  if (tasks.empty() && !options.task.empty()) {
    print_error(unknown_task(*manifest, options.task), options.json);
    return kUsage;
  }
  if (!options.directory.empty()) {
    const auto written = write_files(*manifest, tasks, options.directory);
    if (!written) print_error(written.error(), options.json);
    if (!written) return kUsage;
    if (!options.json) return kOk;
  }
  const bool one = !options.task.empty() && tasks.size() == 1;
  const Terminal out(STDOUT_FILENO);
  if (options.json) {
    out.write(json_line(success(as_json(tasks))));
  } else {
    out.write(one ? one_schema(*tasks.front()) : all_schemas(*manifest, tasks));
  }
  return kOk;
}

}  // namespace

void add_plugin_schema(CLI::App& plugin, int& exit_code) {
  auto options = std::make_shared<SchemaOptions>();
  auto* command = plugin.add_subcommand("schema", "Print the FlatBuffers schemas (.fbs) of a plugin's tasks");
  command->add_option("FILE", options->file, "a plugin (.so)")->required();
  command->add_option("TASK", options->task, "only this task: NAME or NAME@FINGERPRINT");
  command->add_option("--directory", options->directory, "write one file per task into this directory")
      ->type_name("DIR");
  command->add_flag("--json", options->json, "names, fingerprints and schemas as JSON");
  command->footer(kSchemaExamples);
  command->callback([options, &exit_code] { exit_code = run_schema(*options); });
}

}  // namespace flame::cli
