// The ELF side of the manifest: program headers, PT_NOTE segments, notes in them.
#include "plugin_sdk/manifest/elf_note.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "plugin_sdk/base/limits.hpp"
#include "plugin_sdk/base/make_error.hpp"
#include "plugin_sdk/base/unique_fd.hpp"
#include "plugin_sdk/manifest/elf_file.hpp"

namespace flame::manifest {
namespace {

using namespace std::string_view_literals;
constexpr std::string_view kOwner = "FLAME\0"sv;  // with the NUL that the note format counts
constexpr std::uint32_t kManifestType = 1;

// Notes of a segment start at multiples of its alignment: 4, or 8 as in .note.gnu.property.
struct Note {
  std::uint32_t type;
  std::string_view owner;
  std::string_view content;
};

// Takes the first note off `rest`. nullopt when it does not fit.
std::optional<Note> take_note(std::string_view& rest, std::size_t alignment) {
  Elf64_Nhdr header{};
  if (rest.size() < sizeof(header)) return std::nullopt;
  std::memcpy(&header, rest.data(), sizeof(header));
  const auto align = [&](std::uint64_t offset) { return (offset + alignment - 1) & ~std::uint64_t{alignment - 1}; };
  const std::uint64_t content_at = align(sizeof(header) + std::uint64_t{header.n_namesz});
  if (content_at > rest.size() || header.n_descsz > rest.size() - content_at) return std::nullopt;
  const Note note{header.n_type, rest.substr(sizeof(header), header.n_namesz),
                  rest.substr(content_at, header.n_descsz)};
  const std::uint64_t next = align(content_at + header.n_descsz);
  rest.remove_prefix(next < rest.size() ? next : rest.size());  // the last note's padding may be missing
  return note;
}

// Adds the FLAME manifests of one segment to `found`; nullopt when all is well.
std::optional<Error> scan_segment(const ElfSource& source, const Elf64_Phdr& segment, std::vector<std::string>& found) {
  if (segment.p_filesz > limits::kNoteBytesMax) return damaged_elf("its notes exceed 1 MiB");
  std::string bytes(segment.p_filesz, '\0');
  if (!source.read(segment.p_offset, std::as_writable_bytes(std::span(bytes)))) {
    return damaged_elf("a note lies beyond the end of the file");
  }
  std::string_view rest = bytes;
  const std::size_t alignment = segment.p_align == 8 ? 8 : 4;
  while (!rest.empty()) {
    const auto note = take_note(rest, alignment);
    if (!note) return damaged_elf("a note is cut off");
    if (note->owner == kOwner && note->type == kManifestType) found.emplace_back(note->content);
  }
  return std::nullopt;
}

Result<std::string> find_note(const ElfSource& source) {
  const auto header = read_elf_header(source);
  if (!header) return header.error();
  if (auto error = find_cut(source, *header)) return std::move(*error);
  std::vector<std::string> found;
  std::uint64_t offset = header->e_phoff;
  for (unsigned i = 0; i < header->e_phnum; ++i, offset += sizeof(Elf64_Phdr)) {
    Elf64_Phdr segment{};
    if (!source.read(offset, segment)) return damaged_elf("its program headers are cut off");
    if (segment.p_type != PT_NOTE) continue;
    if (auto error = scan_segment(source, segment, found)) return std::move(*error);
  }
  if (found.empty()) {
    return base::make_error(ErrorCode::invalid_argument,
                            "has no FLAME note: not a plugin, or built without FLAME_PLUGIN");
  }
  if (found.size() > 1) {
    return base::make_error(ErrorCode::invalid_argument,
                            "has " + std::to_string(found.size()) + " FLAME notes; use FLAME_PLUGIN once in a plugin");
  }
  return std::move(found.front());
}

}  // namespace

Result<std::string> read_note(std::span<const std::byte> file) {
  return find_note(ElfSource(file));
}

Result<std::string> read_note(int fd, const std::string& name) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) {
    return base::make_error(ErrorCode::invalid_argument, name + " cannot be examined: " + std::strerror(errno));
  }
  if (!S_ISREG(status.st_mode)) {
    return base::make_error(ErrorCode::invalid_argument, name + " is no regular file, so no plugin");
  }
  if (static_cast<std::uint64_t>(status.st_size) > limits::kPluginBytesMax) {
    return base::make_error(ErrorCode::too_large, name + " exceeds the 1 GiB that a plugin may have");
  }
  auto note = find_note(ElfSource(fd, static_cast<std::uint64_t>(status.st_size)));
  if (!note) return base::make_error(note.error().code, name + " " + note.error().message);
  return note;
}

Result<std::string> read_note(const std::filesystem::path& path) {
  // O_NONBLOCK: a FIFO in a plugin directory must not hang the reader.
  const base::UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0) {
    return base::make_error(ErrorCode::not_found, path.string() + " cannot be opened: " + std::strerror(errno));
  }
  return read_note(file.get(), path.string());
}

}  // namespace flame::manifest
