// Finds a plugin's manifest text in its ELF file without loading it: through PT_NOTE, every bound checked.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

#include <flame/result.hpp>

namespace flame::manifest {

/// The text of the one FLAME note in the ELF image `file`. The bytes are hostile: any content is handled.
/// Errors: invalid_argument (is no ELF file, damaged, no or two FLAME notes, note over limits::kNoteBytesMax),
/// incompatible (another class, byte order, machine, or no shared object). [any thread]
[[nodiscard]] Result<std::string> read_note(std::span<const std::byte> file);

/// The same of an open regular file; reads only headers and notes, with pread(2): the offset does not move, the fd
/// stays open. Further error: invalid_argument when reading fails. `name` is for messages.
[[nodiscard]] Result<std::string> read_note(int fd, const std::string& name);

/// The same of a path. Further error: not_found when it cannot be opened.
[[nodiscard]] Result<std::string> read_note(const std::filesystem::path& path);

}  // namespace flame::manifest
