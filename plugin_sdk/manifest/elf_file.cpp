// See elf_file.hpp.
#include "plugin_sdk/manifest/elf_file.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "plugin_sdk/base/make_error.hpp"

namespace flame::manifest {
namespace {

#if defined(__x86_64__)
constexpr std::uint16_t kMachine = EM_X86_64;
constexpr const char* kMachineName = "x86_64";
#elif defined(__aarch64__)
constexpr std::uint16_t kMachine = EM_AARCH64;
constexpr const char* kMachineName = "aarch64";
#else
#error "the ELF machine of this architecture is not known here"
#endif

}  // namespace

Error damaged_elf(const char* what) {
  return base::make_error(ErrorCode::invalid_argument,
                          std::string("is a damaged ELF file: ") + what + "; build or copy it again");
}

bool ElfSource::read(std::uint64_t offset, std::span<std::byte> into) const {
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

bool ElfSource::read_file(std::uint64_t offset, std::span<std::byte> into) const {
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

Result<Elf64_Ehdr> read_elf_header(const ElfSource& source) {
  Elf64_Ehdr header{};
  if (!source.read(0, std::as_writable_bytes(std::span(header.e_ident))) ||
      std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) {
    return base::make_error(ErrorCode::invalid_argument, "is no ELF file, so no plugin");
  }
  if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB) {
    return base::make_error(ErrorCode::incompatible, std::string("is not built for this architecture (") +
                                                         kMachineName + "): it is 32-bit or big-endian");
  }
  if (!source.read(0, header)) {
    return damaged_elf("the ELF header is cut off");
  }
  if (header.e_machine != kMachine) {
    return base::make_error(ErrorCode::incompatible, std::string("is not built for this architecture (") +
                                                         kMachineName + "): its ELF machine is " +
                                                         std::to_string(header.e_machine));
  }
  if (header.e_type != ET_DYN) {
    return base::make_error(ErrorCode::incompatible, "is no shared object; build it with flame_add_plugin()");
  }
  return header;
}

}  // namespace flame::manifest
