// See elf_file.hpp.
#include "plugin_sdk/manifest/elf_file.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "plugin_sdk/base/limits.hpp"
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

bool is_there(const ElfSource& source, std::uint64_t offset, std::uint64_t size) {
  return size <= source.size() && offset <= source.size() - size;
}

Error cut_off(const ElfSource& source) {
  const std::string size = std::to_string(source.size());
  return damaged_elf(("cut off: it has " + size + " bytes, and its headers speak of more").c_str());
}

bool segments_are_there(const ElfSource& source, const Elf64_Ehdr& header) {
  std::uint64_t offset = header.e_phoff;
  for (unsigned i = 0; i < header.e_phnum; ++i, offset += sizeof(Elf64_Phdr)) {
    Elf64_Phdr segment{};
    if (!source.read(offset, segment)) return false;
    if (segment.p_type != PT_NULL && !is_there(source, segment.p_offset, segment.p_filesz)) return false;
  }
  return true;
}

// A stripped file may have no sections at all.
bool sections_are_there(const ElfSource& source, const Elf64_Ehdr& header) {
  if (header.e_shoff == 0) return true;
  const std::uint64_t table = std::uint64_t{header.e_shnum} * header.e_shentsize;
  if (!is_there(source, header.e_shoff, table)) return false;
  if (header.e_shentsize != sizeof(Elf64_Shdr) || header.e_shnum > limits::kSectionHeadersMax) return true;
  std::vector<Elf64_Shdr> sections(header.e_shnum);
  if (!source.read(header.e_shoff, std::as_writable_bytes(std::span(sections)))) return false;
  return std::all_of(sections.begin(), sections.end(), [&](const Elf64_Shdr& section) {
    return section.sh_type == SHT_NOBITS || section.sh_type == SHT_NULL ||
           is_there(source, section.sh_offset, section.sh_size);
  });
}

}  // namespace

std::optional<Error> find_cut(const ElfSource& source, const Elf64_Ehdr& header) {
  if (header.e_phentsize != sizeof(Elf64_Phdr) || header.e_phnum > limits::kProgramHeadersMax) {
    return damaged_elf("its program headers have an impossible size or count");
  }
  if (segments_are_there(source, header) && sections_are_there(source, header)) return std::nullopt;
  return cut_off(source);
}

Error damaged_elf(const char* what) {
  return base::make_error(ErrorCode::invalid_argument,
                          std::string("is a damaged ELF file: ") + what + "; build or copy it again");
}

bool ElfSource::read(std::uint64_t offset, std::span<std::byte> into) const {
  if (offset > size_ || into.size() > size_ - offset) return false;
  if (fd_ < 0) {
    if (!into.empty()) std::memcpy(into.data(), bytes_.data() + offset, into.size());
    return true;
  }
  return read_file(offset, into);
}

bool ElfSource::read_file(std::uint64_t offset, std::span<std::byte> into) const {
  while (!into.empty()) {
    const ssize_t got = ::pread(fd_, into.data(), into.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
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
  if (!source.read(0, header)) return damaged_elf("the ELF header is cut off");
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
