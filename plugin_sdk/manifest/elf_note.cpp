// The ELF side of the manifest: header, program headers, PT_NOTE segments, notes in them.
#include "plugin_sdk/manifest/elf_note.hpp"

#include <elf.h>
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
#include "plugin_sdk/base/unique_fd.hpp"

namespace flame::manifest {
namespace {

using namespace std::string_view_literals;
constexpr std::string_view kOwner = "FLAME\0"sv;  // with the NUL that the note format counts
constexpr std::uint32_t kManifestType = 1;

#if defined(__x86_64__)
constexpr std::uint16_t kMachine = EM_X86_64;
constexpr const char* kMachineName = "x86_64";
#elif defined(__aarch64__)
constexpr std::uint16_t kMachine = EM_AARCH64;
constexpr const char* kMachineName = "aarch64";
#else
#error "the ELF machine of this architecture is not known here"
#endif

Error fail(ErrorCode code, std::string message) {
  Error error;
  error.code = code;
  error.message = std::move(message);
  return error;
}

Error damaged(const char* what) {
  return fail(ErrorCode::invalid_argument, std::string("is a damaged ELF file: ") + what + "; build or copy it again");
}

// Random access to bytes that may be a file or memory. read() fails when the range is not wholly there.
class Source {
 public:
  explicit Source(std::span<const std::byte> bytes) : bytes_(bytes), size_(bytes.size()) {}
  Source(int fd, std::uint64_t size) : fd_(fd), size_(size) {}

  [[nodiscard]] bool read(std::uint64_t offset, std::span<std::byte> into) const {
    if (offset > size_ || into.size() > size_ - offset) {
      return false;
    }
    if (fd_ < 0) {
      if (!into.empty()) {
        std::memcpy(into.data(), bytes_.data() + offset, into.size());
      }
      return true;
    }
    return read_file(offset, into);
  }

 private:
  [[nodiscard]] bool read_file(std::uint64_t offset, std::span<std::byte> into) const {
    while (!into.empty()) {
      const ssize_t got = ::pread(fd_, into.data(), into.size(), static_cast<off_t>(offset));
      if (got < 0 && errno == EINTR) {
        continue;
      }
      if (got <= 0) {
        return false;
      }
      into = into.subspan(static_cast<std::size_t>(got));
      offset += static_cast<std::uint64_t>(got);
    }
    return true;
  }

  int fd_ = -1;
  std::span<const std::byte> bytes_;
  std::uint64_t size_;
};

template <typename T>
std::span<std::byte> bytes_of(T& value) {
  return std::as_writable_bytes(std::span(&value, 1));
}

Result<Elf64_Ehdr> read_header(const Source& source) {
  Elf64_Ehdr header{};
  if (!source.read(0, std::as_writable_bytes(std::span(header.e_ident))) ||
      std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) {
    return fail(ErrorCode::invalid_argument, "is no ELF file, so no plugin");
  }
  if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB) {
    return fail(ErrorCode::incompatible,
                std::string("is not built for this architecture (") + kMachineName + "): it is 32-bit or big-endian");
  }
  if (!source.read(0, bytes_of(header))) {
    return damaged("the ELF header is cut off");
  }
  if (header.e_machine != kMachine) {
    return fail(ErrorCode::incompatible, std::string("is not built for this architecture (") + kMachineName +
                                             "): its ELF machine is " + std::to_string(header.e_machine));
  }
  if (header.e_type != ET_DYN) {
    return fail(ErrorCode::incompatible, "is no shared object; build it with flame_add_plugin()");
  }
  if (header.e_phentsize != sizeof(Elf64_Phdr) || header.e_phnum > limits::kProgramHeadersMax) {
    return damaged("its program headers have an impossible size or count");
  }
  return header;
}

// Notes of a segment start at multiples of its alignment: 4, or 8 as in .note.gnu.property.
struct Note {
  std::uint32_t type;
  std::string_view owner;
  std::string_view content;
};

// Takes the first note off `rest`. nullopt when it does not fit.
std::optional<Note> take_note(std::string_view& rest, std::size_t alignment) {
  Elf64_Nhdr header{};
  if (rest.size() < sizeof(header)) {
    return std::nullopt;
  }
  std::memcpy(&header, rest.data(), sizeof(header));
  const auto align = [&](std::uint64_t offset) { return (offset + alignment - 1) & ~std::uint64_t{alignment - 1}; };
  const std::uint64_t content_at = align(sizeof(header) + std::uint64_t{header.n_namesz});
  if (content_at > rest.size() || header.n_descsz > rest.size() - content_at) {
    return std::nullopt;
  }
  const Note note{header.n_type, rest.substr(sizeof(header), header.n_namesz),
                  rest.substr(content_at, header.n_descsz)};
  const std::uint64_t next = align(content_at + header.n_descsz);
  rest.remove_prefix(next < rest.size() ? next : rest.size());  // the last note's padding may be missing
  return note;
}

// Adds the FLAME manifests of one segment to `found`; nullopt when all is well.
std::optional<Error> scan_segment(const Source& source, const Elf64_Phdr& segment, std::vector<std::string>& found) {
  if (segment.p_filesz > limits::kNoteBytesMax) {
    return damaged("its notes exceed 1 MiB");
  }
  std::string bytes(segment.p_filesz, '\0');
  if (!source.read(segment.p_offset, std::as_writable_bytes(std::span(bytes)))) {
    return damaged("a note lies beyond the end of the file");
  }
  std::string_view rest = bytes;
  const std::size_t alignment = segment.p_align == 8 ? 8 : 4;
  while (!rest.empty()) {
    const auto note = take_note(rest, alignment);
    if (!note) {
      return damaged("a note is cut off");
    }
    if (note->owner == kOwner && note->type == kManifestType) {
      found.emplace_back(note->content);
    }
  }
  return std::nullopt;
}

Result<std::string> find_note(const Source& source) {
  const auto header = read_header(source);
  if (!header) {
    return header.error();
  }
  std::vector<std::string> found;
  std::uint64_t offset = header->e_phoff;
  for (unsigned i = 0; i < header->e_phnum; ++i, offset += sizeof(Elf64_Phdr)) {
    Elf64_Phdr segment{};
    if (!source.read(offset, bytes_of(segment))) {
      return damaged("its program headers are cut off");
    }
    if (segment.p_type != PT_NOTE) {
      continue;
    }
    if (auto error = scan_segment(source, segment, found)) {
      return std::move(*error);
    }
  }
  if (found.empty()) {
    return fail(ErrorCode::invalid_argument, "has no FLAME note: not a plugin, or built without FLAME_PLUGIN");
  }
  if (found.size() > 1) {
    return fail(ErrorCode::invalid_argument,
                "has " + std::to_string(found.size()) + " FLAME notes; use FLAME_PLUGIN once in a plugin");
  }
  return std::move(found.front());
}

}  // namespace

Result<std::string> read_note(std::span<const std::byte> file) {
  return find_note(Source(file));
}

Result<std::string> read_note(int fd, const std::string& name) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) {
    return fail(ErrorCode::invalid_argument, name + " cannot be examined: " + std::strerror(errno));
  }
  if (!S_ISREG(status.st_mode)) {
    return fail(ErrorCode::invalid_argument, name + " is no regular file, so no plugin");
  }
  if (static_cast<std::uint64_t>(status.st_size) > limits::kPluginBytesMax) {
    return fail(ErrorCode::too_large, name + " exceeds the 1 GiB that a plugin may have");
  }
  auto note = find_note(Source(fd, static_cast<std::uint64_t>(status.st_size)));
  if (!note) {
    return fail(note.error().code, name + " " + note.error().message);
  }
  return note;
}

Result<std::string> read_note(const std::filesystem::path& path) {
  // O_NONBLOCK: a FIFO in a plugin directory must not hang the reader.
  const base::UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0) {
    return fail(ErrorCode::not_found, path.string() + " cannot be opened: " + std::strerror(errno));
  }
  return read_note(file.get(), path.string());
}

}  // namespace flame::manifest
