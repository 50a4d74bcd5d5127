// The files of a new plugin project, made from templates/.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <flame/result.hpp>

namespace flame::cli {

/// A file of templates/, compiled in: its name there and its text with {{name}} and {{namespace}}.
struct Template {
  std::string_view name;
  std::string_view text;
};
[[nodiscard]] const std::vector<Template>& plugin_templates();

/// taken_names.txt, compiled in: what glibc's headers declare at file scope and compilers predefine, as far as a plugin
/// can have that name. Words between spaces and newlines. A test holds it to the machine's own headers.
[[nodiscard]] std::string_view taken_names();

struct ProjectFile {
  std::string path;  ///< relative to the project's directory
  std::string text;
};

/// Whether `name` can name a plugin project: a plugin name whose C++ namespace and CMake target can exist.
/// Error: invalid_argument with a name that would do where there is an obvious one.
[[nodiscard]] Result<void> check_project_name(std::string_view name);

/// "image-tools" → "image_tools"; where that is another thing in C++ already: "time" → "time_plugin".
[[nodiscard]] std::string namespace_of(std::string_view name);

/// All files of the project; `name` has passed check_project_name().
[[nodiscard]] std::vector<ProjectFile> project_files(std::string_view name);

}  // namespace flame::cli
