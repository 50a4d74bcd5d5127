// An ELF file that nobody vouches for: reads of it that cannot leave it, and its checked header.
#pragma once

#include <elf.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include <flame/result.hpp>

namespace flame::manifest {

/// Random access to bytes that may be a file or memory. Refers to them: they outlive it.
class ElfSource {
 public:
  explicit ElfSource(std::span<const std::byte> bytes) : bytes_(bytes), size_(bytes.size()) {}
  /// Reads with pread(2): the offset of `fd` does not move.
  ElfSource(int fd, std::uint64_t size) : fd_(fd), size_(size) {}

  /// false when the range is not wholly there.
  [[nodiscard]] bool read(std::uint64_t offset, std::span<std::byte> into) const;
  template <typename T>
  [[nodiscard]] bool read(std::uint64_t offset, T& value) const {
    return read(offset, std::as_writable_bytes(std::span(&value, 1)));
  }
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }

 private:
  [[nodiscard]] bool read_file(std::uint64_t offset, std::span<std::byte> into) const;

  int fd_ = -1;
  std::span<const std::byte> bytes_;
  std::uint64_t size_;
};

/// The header of a shared object for this machine. Errors: invalid_argument (no ELF file, or cut off), incompatible
/// (another class, byte order or machine, no shared object).
[[nodiscard]] Result<Elf64_Ehdr> read_elf_header(const ElfSource& source);

/// invalid_argument when the headers speak of bytes that the file does not have: it was not copied to its end. The
/// loader would map what is there and die of SIGBUS at the first byte that is not. Reads at most
/// limits::kProgramHeadersMax and limits::kSectionHeadersMax headers; of a file with more sections only the place of
/// their table is looked at. nullopt: it is whole.
[[nodiscard]] std::optional<Error> find_cut(const ElfSource& source, const Elf64_Ehdr& header);

/// invalid_argument: "is a damaged ELF file: …".
[[nodiscard]] Error damaged_elf(const char* what);

}  // namespace flame::manifest
