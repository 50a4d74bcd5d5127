// TOML text to Manifest, with every field validated: the text comes from a file that nobody vouches for.
#include "plugin_sdk/manifest/manifest.hpp"

#include <toml++/toml.h>

#include <algorithm>
#include <charconv>
#include <set>
#include <sstream>
#include <type_traits>
#include <utility>

#include <flame/detail/plugin_identity.hpp>

#include "plugin_sdk/abi/flame_abi.h"
#include "plugin_sdk/base/limits.hpp"
#include "plugin_sdk/base/make_error.hpp"
#include "plugin_sdk/base/task_id.hpp"
#include "plugin_sdk/manifest/elf_note.hpp"

namespace flame::manifest {
namespace {

// Thrown and caught within this file only, to keep the field readers readable.
struct Refused {
  ErrorCode code;
  std::string message;
};

[[noreturn]] void refuse(std::string message, ErrorCode code = ErrorCode::invalid_argument) {
  throw Refused{code, std::move(message)};
}

std::string at(const toml::node& node) {
  return " (line " + std::to_string(node.source().begin.line) + ", column " +
         std::to_string(node.source().begin.column) + ")";
}

template <typename T>
T read_field(const toml::table& table, const char* key, std::optional<T> fallback = std::nullopt) {
  const toml::node* node = table.get(key);
  if (node == nullptr) {
    if (fallback) return *fallback;
    refuse(std::string("its manifest lacks \"") + key + "\"" + at(table));
  }
  const auto value = node->value_exact<T>();
  if (!value) {
    refuse(std::string("its manifest's \"") + key + "\" has the wrong type" + at(*node));
  }
  return *value;
}

template <typename T>
T read_number(const toml::table& table, const char* key, std::int64_t most) {
  const auto value = read_field<std::int64_t>(table, key, 0);
  if (value < 0 || value > most) {
    refuse(std::string("its manifest's \"") + key + "\" is out of range" + at(*table.get(key)));
  }
  return static_cast<T>(value);
}

bool is_plain_text(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return c == '\n' || c == '\t' || (c >= 0x20 && c != 0x7f); });
}

// Names are C++ ones: "video::resize<int, 3>", "ns::T::operator()" and the like; printable ASCII without quotes.
std::string read_name(const toml::table& table, const char* key) {
  auto name = read_field<std::string>(table, key);
  const bool printable =
      std::all_of(name.begin(), name.end(), [](char c) { return c >= 0x20 && c < 0x7f && c != '"' && c != '\\'; });
  if (name.empty() || name.size() > limits::kNameMax || !printable || name.front() == ' ' || name.back() == ' ') {
    refuse(std::string("its manifest's \"") + key + "\" is no valid name" + at(*table.get(key)));
  }
  return name;
}

TaskKind read_kind(const toml::table& table) {
  const auto text = read_field<std::string>(table, "kind");
  for (const TaskKind kind : {TaskKind::task, TaskKind::method, TaskKind::child}) {
    if (text == to_string(kind)) return kind;
  }
  refuse("its manifest's \"kind\" is not task, method or child" + at(*table.get("kind")));
}

std::uint64_t read_fingerprint(const toml::table& table) {
  const auto text = read_field<std::string>(table, "fingerprint");
  std::uint64_t value = 0;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (text.size() != 16 || status != std::errc{} || end != text.data() + text.size()) {
    refuse("its manifest's \"fingerprint\" is not 16 hexadecimal digits" + at(*table.get("fingerprint")));
  }
  return value;
}

TaskEntry read_task(const toml::table& table) {
  TaskEntry task;
  task.name = read_name(table, "name");
  task.kind = read_kind(table);
  if (task.kind != TaskKind::task) task.object = read_name(table, "object");
  task.fingerprint = read_fingerprint(table);
  task.id = base::task_id(task.name, task.fingerprint);
  task.timeout = std::chrono::nanoseconds(read_number<std::int64_t>(table, "timeout_ns", INT64_MAX));
  task.retries = read_number<std::uint32_t>(table, "retries", limits::kRetriesMax);
  task.idempotent = read_field<bool>(table, "idempotent", false);
  task.schema = read_field<std::string>(table, "schema");
  if (!is_plain_text(task.schema)) {
    refuse("its manifest's \"schema\" holds control or non-ASCII characters" + at(*table.get("schema")));
  }
  return task;
}

std::vector<TaskEntry> read_tasks(const toml::table& root) {
  std::vector<TaskEntry> tasks;
  const toml::node* node = root.get("task");
  if (node == nullptr) return tasks;
  const toml::array* list = node->as_array();
  if (list == nullptr || list->size() > FLAME_TASKS_MAX) {
    refuse("its manifest's \"task\" is no list, or has more than 4096 entries" + at(*node));
  }
  std::set<std::uint64_t> seen;
  for (const toml::node& element : *list) {
    const toml::table* table = element.as_table();
    if (table == nullptr) {
      refuse("its manifest's \"task\" holds something that is no table" + at(element));
    }
    tasks.push_back(read_task(*table));
    if (!seen.insert(tasks.back().id).second) {
      refuse("its manifest names " + tasks.back().name + " twice" + at(element));
    }
  }
  return tasks;
}

void read_abi(const toml::table& root, Manifest& manifest) {
  const auto text = read_field<std::string>(root, "abi");
  const char* const end = text.data() + text.size();
  const auto major = std::from_chars(text.data(), end, manifest.abi_major);
  if (major.ec == std::errc{} && major.ptr != end && *major.ptr == '.') {
    const auto minor = std::from_chars(major.ptr + 1, end, manifest.abi_minor);
    if (minor.ec == std::errc{} && minor.ptr == end) return;
  }
  refuse("its manifest's \"abi\" is not MAJOR.MINOR" + at(*root.get("abi")));
}

std::string read_label(const toml::table& root, const char* key) {
  auto text = read_field<std::string>(root, key, "");
  if (text.size() > limits::kNameMax || !is_plain_text(text)) {
    refuse(std::string("its manifest's \"") + key + "\" is too long or not plain text" + at(*root.get(key)));
  }
  return text;
}

Manifest read_manifest(const toml::table& root) {
  if (read_field<std::int64_t>(root, "flame") != kManifestVersion) {
    refuse("its manifest is of another version; rebuild the plugin with this release's SDK", ErrorCode::incompatible);
  }
  Manifest manifest;
  manifest.name = read_field<std::string>(root, "name");
  if (!detail::is_plugin_name(manifest.name)) {
    refuse("its name is not of the form [a-z][a-z0-9_-]{0,63}" + at(*root.get("name")));
  }
  auto version = Version::parse(read_field<std::string>(root, "version"));
  if (!version) refuse("its version " + version.error().message + at(*root.get("version")));
  manifest.version = std::move(*version);
  read_abi(root, manifest);
  manifest.sdk = read_label(root, "sdk");
  manifest.compiler = read_label(root, "compiler");
  manifest.sanitizer = read_label(root, "sanitizer");
  manifest.cpu = read_label(root, "cpu");
  manifest.has_start = read_field<bool>(root, "start", false);
  manifest.has_start_slot = read_field<bool>(root, "start_slot", false);
  manifest.has_stop_slot = read_field<bool>(root, "stop_slot", false);
  manifest.exec_slots = read_field<bool>(root, "exec_slots", false);
  manifest.has_idle_check = read_field<bool>(root, "idle_check", false);
  manifest.tasks = read_tasks(root);
  return manifest;
}

Result<Manifest> parse_named(const std::string& name, const Result<std::string>& note) {
  if (!note) return note.error();
  auto manifest = parse(*note);
  if (!manifest) return base::make_error(manifest.error().code, name + " is not usable: " + manifest.error().message);
  return manifest;
}

}  // namespace

std::string_view to_string(TaskKind kind) noexcept {
  switch (kind) {
    case TaskKind::task:
      return "task";
    case TaskKind::method:
      return "method";
    case TaskKind::child:
      return "child";
  }
  return "unknown";
}

std::vector<const TaskEntry*> Manifest::find(std::string_view task_name) const {
  std::vector<const TaskEntry*> found;
  for (const TaskEntry& task : tasks) {
    if (task.name == task_name) found.push_back(&task);
  }
  return found;
}

const TaskEntry* Manifest::find(std::uint64_t id) const noexcept {
  const auto found = std::find_if(tasks.begin(), tasks.end(), [id](const TaskEntry& task) { return task.id == id; });
  return found == tasks.end() ? nullptr : &*found;
}

Result<Manifest> parse(std::string_view toml_text) {
  if (toml_text.size() > limits::kNoteBytesMax) {
    return base::make_error(ErrorCode::invalid_argument, "its manifest exceeds 1 MiB");
  }
  try {
    return read_manifest(toml::parse(toml_text));
  } catch (const Refused& refused) {
    return base::make_error(refused.code, refused.message);
  } catch (const toml::parse_error& error) {
    std::ostringstream message;
    message << "its manifest is no valid TOML: " << error.description() << " (" << error.source().begin << ")";
    return base::make_error(ErrorCode::invalid_argument, message.str());
  }
}

Result<Manifest> read(const std::filesystem::path& path) {
  return parse_named(path.string(), read_note(path));
}

Result<Manifest> read(int fd, const std::string& name) {
  return parse_named(name, read_note(fd, name));
}

std::optional<Error> check_abi(const Manifest& manifest) {
  const std::string who = manifest.name + "@" + manifest.version.to_string();
  const std::string theirs = std::to_string(manifest.abi_major) + "." + std::to_string(manifest.abi_minor);
  const std::string ours = std::to_string(FLAME_ABI_MAJOR) + "." + std::to_string(FLAME_ABI_MINOR);
  if (manifest.abi_major != FLAME_ABI_MAJOR) {
    return base::make_error(ErrorCode::incompatible, who + " has plugin ABI " + theirs +
                                                         ", this release of flame has " + ours +
                                                         "; rebuild the plugin with this release's SDK");
  }
  if (manifest.abi_minor > FLAME_ABI_MINOR) {
    return base::make_error(ErrorCode::incompatible, who + " has plugin ABI " + theirs +
                                                         ", newer than this release's " + ours + "; update flame");
  }
  if (manifest.sanitizer != detail::sanitizer_name()) {
    const auto label = [](std::string_view text) { return text.empty() ? std::string("none") : std::string(text); };
    return base::make_error(ErrorCode::incompatible, who + " was built with sanitizer: " + label(manifest.sanitizer) +
                                                         ", this release of flame with: " +
                                                         label(detail::sanitizer_name()) + "; build both alike");
  }
  return std::nullopt;
}

}  // namespace flame::manifest
