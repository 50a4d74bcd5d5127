// Names and files of a new plugin project.
#include "tools/flame/new_plugin.hpp"

#include <algorithm>
#include <array>
#include <cctype>

#include <flame/detail/plugin_identity.hpp>

#include "plugin_sdk/manifest/semver.hpp"

namespace flame::cli {
namespace {

// C++20 keywords, namespaces and types that are taken, and targets that CMake reserves: all of the shape of a plugin
// name.
constexpr std::array<std::string_view, 106> kReserved = {
    "alignas",       "alignof",     "all",           "and",       "and_eq",    "asm",
    "auto",          "bitand",      "bitor",         "bool",      "boost",     "break",
    "case",          "catch",       "char",          "char8_t",   "char16_t",  "char32_t",
    "class",         "clean",       "co_await",      "co_return", "co_yield",  "compl",
    "concept",       "const",       "const_cast",    "consteval", "constexpr", "constinit",
    "continue",      "decltype",    "default",       "delete",    "do",        "double",
    "dynamic_cast",  "else",        "enum",          "explicit",  "export",    "extern",
    "false",         "flame",       "float",         "for",       "friend",    "goto",
    "help",          "if",          "inline",        "install",   "int",       "long",
    "main",          "mutable",     "namespace",     "new",       "noexcept",  "not",
    "not_eq",        "nullptr",     "operator",      "or",        "or_eq",     "package",
    "preinstall",    "private",     "protected",     "public",    "register",  "reinterpret_cast",
    "requires",      "return",      "short",         "signed",    "sizeof",    "static",
    "static_assert", "static_cast", "std",           "struct",    "switch",    "template",
    "test",          "this",        "thread_local",  "throw",     "true",      "try",
    "typedef",       "typeid",      "typename",      "union",     "unsigned",  "using",
    "virtual",       "void",        "volatile",      "wchar_t",   "while",     "xor",
    "xor_eq",        "edit_cache",  "rebuild_cache", "rsize_t"};

// Names that the files of a project have at file scope themselves.
constexpr std::array<std::string_view, 2> kOwnNames = {"check", "failures"};

bool is_word_of(std::string_view list, std::string_view word) {
  for (auto at = list.find(word); at != std::string_view::npos; at = list.find(word, at + 1)) {
    const auto end = at + word.size();
    const bool begins = at == 0 || list[at - 1] == ' ' || list[at - 1] == '\n';
    if (begins && (end == list.size() || list[end] == ' ' || list[end] == '\n')) return true;
  }
  return false;
}

// Whether a C++ program may have something else of this name: a function of the C library, a macro of the compiler.
bool is_taken(std::string_view identifier) {
  return identifier.starts_with("flame_") || is_word_of(taken_names(), identifier) ||
         std::find(kOwnNames.begin(), kOwnNames.end(), identifier) != kOwnNames.end();
}

std::string replaced(std::string_view text, std::string_view name) {
  const std::array<std::pair<std::string_view, std::string>, 2> values = {
      {{"{{name}}", std::string(name)}, {"{{namespace}}", namespace_of(name)}}};
  std::string out(text);
  for (const auto& [placeholder, value] : values) {
    for (auto at = out.find(placeholder); at != std::string::npos; at = out.find(placeholder, at + value.size())) {
      out.replace(at, placeholder.size(), value);
    }
  }
  return out;
}

std::string identifier_of(std::string_view name) {
  std::string out(name);
  std::replace(out.begin(), out.end(), '-', '_');
  return out;
}

std::string file_name(std::string_view template_name, std::string_view name) {
  const std::string base(template_name.substr(0, template_name.rfind(".in")));
  if (base == "gitignore") return ".gitignore";
  if (base.starts_with("plugin.")) return std::string(name) + base.substr(6);
  if (base.starts_with("test.")) return std::string(name) + "_test" + base.substr(4);
  return base;
}

std::string nearest_plugin_name(std::string_view name) {
  std::string out;
  for (const char letter : name) {
    const auto c = static_cast<unsigned char>(letter);
    if (std::isalnum(c) != 0) {
      out += static_cast<char>(std::tolower(c));
    } else if (!out.empty() && out.back() != '_') {
      out += '_';
    }
  }
  while (!out.empty() && out.back() == '_') out.pop_back();
  if (!out.empty() && std::isdigit(static_cast<unsigned char>(out[0])) != 0) out = "p" + out;
  return out.substr(0, 64);
}

}  // namespace

Result<void> check_project_name(std::string_view name) {
  const std::string quoted = "\"" + std::string(name) + "\"";
  if (!detail::is_plugin_name(name)) {
    const auto near = nearest_plugin_name(name);
    return Error{.code = ErrorCode::invalid_argument,
                 .message = quoted +
                            " cannot name a plugin: lower-case letters, digits, \"-\" and \"_\", a letter first, "
                            "at most 64" +
                            (near.empty() || near == name ? "." : "; \"" + near + "\" would do.")};
  }
  const auto identifier = identifier_of(name);
  const bool reserved = std::find(kReserved.begin(), kReserved.end(), identifier) != kReserved.end();
  if (reserved || identifier.find("__") != std::string::npos) {
    return Error{.code = ErrorCode::invalid_argument,
                 .message = quoted +
                            " is reserved in C++ or CMake, and the plugin's namespace and target get its name; "
                            "choose another one, for example \"my_" +
                            std::string(name) + "\"."};
  }
  return {};
}

std::string namespace_of(std::string_view name) {
  const auto identifier = identifier_of(name);
  return is_taken(identifier) ? identifier + "_plugin" : identifier;
}

std::vector<ProjectFile> project_files(std::string_view name) {
  std::vector<ProjectFile> files;
  for (const auto& [template_name, text] : plugin_templates()) {
    files.push_back({file_name(template_name, name), replaced(text, name)});
  }
  return files;
}

}  // namespace flame::cli
