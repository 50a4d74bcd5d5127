// flame new plugin: writes a project that builds, tests and runs at once.
#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include "plugin_sdk/base/file.hpp"
#include "tools/flame/command.hpp"
#include "tools/flame/new_plugin.hpp"
#include "tools/flame/report.hpp"

namespace flame::cli {
namespace {

struct NewOptions {
  std::string name;
  std::string directory;
  bool json = false;
};

constexpr const char* kNewExamples = R"(Makes a directory with a plugin, its test, a flame.toml and a README.
The C++ namespace has the plugin's name; where that means something else in C or to the compiler, as "time" and "linux"
do, it is NAME_plugin.

Example:
  flame new plugin greet && cd greet
  cmake -B build && cmake --build build && ctest --test-dir build
  flame call greet greet::greet '["world"]')";

Result<void> make_directory(const std::string& path) {
  if (::mkdir(path.c_str(), 0777) == 0) return {};
  const bool exists = errno == EEXIST;
  return Error{
      .code = ErrorCode::invalid_argument,
      .message = path + ": " +
                 (exists ? "exists already. Choose another name or --directory" : std::string(std::strerror(errno))) +
                 "."};
}

Result<void> write_project(const NewOptions& options, const std::string& directory) {
  if (auto ok = check_project_name(options.name); !ok) return ok;
  if (auto made = make_directory(directory); !made) return made;
  for (const auto& file : project_files(options.name)) {
    const auto path = (std::filesystem::path(directory) / file.path).string();
    if (auto written = base::write_file_atomically(path, file.text); !written) return written;
  }
  return {};
}

int run_new(const NewOptions& options) {
  const std::string directory = options.directory.empty() ? options.name : options.directory;
  if (auto written = write_project(options, directory); !written) {
    print_error(written.error(), options.json);
    return kUsage;
  }
  const Terminal out(STDOUT_FILENO);
  if (options.json) {
    out.write(json_line(success(
        {{"directory", std::filesystem::absolute(directory).string()}, {"namespace", namespace_of(options.name)}})));
    return kOk;
  }
  const auto task = namespace_of(options.name) + "::greet";
  out.write("Made " + directory + ". Next:\n  cd " + directory +
            "\n  cmake -B build && cmake --build build && ctest --test-dir build\n  flame call " + options.name + " " +
            task + " '[\"world\"]'\n");
  return kOk;
}

}  // namespace

void add_new(CLI::App& app, int& exit_code) {
  auto* parent = app.add_subcommand("new", "Make a new project");
  parent->require_subcommand(1);
  auto options = std::make_shared<NewOptions>();
  auto* command = parent->add_subcommand("plugin", "A plugin with test, configuration and README");
  command->add_option("NAME", options->name, "lower-case letters, digits, \"-\" and \"_\"")->required();
  command->add_option("-d,--directory", options->directory, "where; default: ./NAME")->type_name("DIR");
  command->add_flag("--json", options->json, "outcome as JSON on standard output");
  command->footer(kNewExamples);
  command->callback([options, &exit_code] { exit_code = run_new(*options); });
}

}  // namespace flame::cli
