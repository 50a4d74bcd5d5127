// What a plugin says about itself in its ELF note, parsed and validated. Read without running any of its code.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <flame/detail/chrono.hpp>
#include <flame/result.hpp>

#include "plugin_sdk/manifest/semver.hpp"

namespace flame::manifest {

/// Layout of the TOML text. Another value is refused; keys that only add are ignored by older readers.
inline constexpr std::int64_t kManifestVersion = 1;

enum class TaskKind : std::uint8_t { task, method, child };

/// "task", "method", "child".
[[nodiscard]] std::string_view to_string(TaskKind kind) noexcept;

struct TaskEntry {
  std::string name;  ///< "video::resize_quality", "video::Index::query"
  TaskKind kind = TaskKind::task;
  std::string object;                                                   ///< method, child: "video::Index"; else empty
  std::uint64_t fingerprint = 0;                                        ///< hash of `schema`; names the signature
  std::uint64_t id = 0;                                                 ///< base::task_id()
  std::chrono::nanoseconds timeout = std::chrono::nanoseconds::zero();  ///< zero: the pool's limits apply
  std::uint32_t retries = 0;
  bool idempotent = false;
  std::string schema;  ///< the derived .fbs text
};

struct Manifest {
  std::string name;
  Version version;
  std::uint16_t abi_major = 0;
  std::uint16_t abi_minor = 0;
  std::string sdk;        ///< version of the SDK it was built with
  std::string compiler;   ///< "gcc 12.2.0"
  std::string sanitizer;  ///< "address", "thread"; empty for none
  std::string cpu;        ///< what its code needs: "x86-64-v3 avx512f", see cpu.hpp; empty: not known
  bool has_start = false;
  bool has_start_slot = false;
  bool has_stop_slot = false;   ///< since ABI 1.2
  bool has_idle_check = false;  ///< since ABI 1.1
  bool exec_slots = false;      ///< since ABI 1.2: slots are exec'd, never forked
  std::vector<TaskEntry> tasks;

  /// Every entry with that name: overloads share a name and differ in fingerprint.
  [[nodiscard]] std::vector<const TaskEntry*> find(std::string_view task_name) const;
  /// The entry with that id, or null.
  [[nodiscard]] const TaskEntry* find(std::uint64_t id) const noexcept;
};

/// Parses and validates the text of a note: charset, lengths and count of names, semver, no task twice.
/// Errors: invalid_argument with line and column; incompatible for another manifest version. The ABI's version, the
/// sanitizer and the CPU are reported, not judged: see check_abi() and check_cpu(). [any thread]
[[nodiscard]] Result<Manifest> parse(std::string_view toml_text);

/// read_note() and parse() of one file; messages begin with its path.
[[nodiscard]] Result<Manifest> read(const std::filesystem::path& path);
[[nodiscard]] Result<Manifest> read(int fd, const std::string& name);

/// Whether a runner built from this tree can load the plugin: same ABI major, ABI minor not newer than ours, same
/// sanitizer. nullopt if so, else incompatible with the remedy.
[[nodiscard]] std::optional<Error> check_abi(const Manifest& manifest);

}  // namespace flame::manifest
