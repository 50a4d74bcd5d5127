// Section headers to functions; every number in them is checked where it is used.
#include "plugin_sdk/manifest/elf_symbols.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <utility>

#include "plugin_sdk/base/limits.hpp"
#include "plugin_sdk/manifest/elf_file.hpp"

namespace flame::manifest {
namespace {

// Functions may overlap (aliases, damaged files); so many before the nearest one are looked at.
constexpr int kOverlapMax = 8;

std::vector<Elf64_Shdr> read_sections(const ElfSource& source) {
  const auto header = read_elf_header(source);
  if (!header || header->e_shentsize != sizeof(Elf64_Shdr) || header->e_shnum > limits::kSectionHeadersMax) return {};
  std::vector<Elf64_Shdr> sections(header->e_shnum);
  if (!source.read(header->e_shoff, std::as_writable_bytes(std::span(sections)))) return {};
  return sections;
}

// The table of that kind whose names can be found, or null.
const Elf64_Shdr* find_table(const std::vector<Elf64_Shdr>& sections, std::uint32_t kind) {
  for (const Elf64_Shdr& section : sections) {
    if (section.sh_type == kind && section.sh_entsize == sizeof(Elf64_Sym) && section.sh_link < sections.size() &&
        section.sh_size <= limits::kSymbolTableMax) {
      return &section;
    }
  }
  return nullptr;
}

bool is_function(const Elf64_Sym& symbol) {
  const unsigned type = ELF64_ST_TYPE(symbol.st_info);
  return (type == STT_FUNC || type == STT_GNU_IFUNC) && symbol.st_shndx != SHN_UNDEF && symbol.st_size > 0;
}

}  // namespace

ElfSymbols::ElfSymbols(base::UniqueFd file) : file_(std::move(file)) {
  struct stat status {};
  if (!file_ || ::fstat(file_.get(), &status) != 0 || status.st_size <= 0) return;
  file_size_ = static_cast<std::uint64_t>(status.st_size);
  const auto sections = read_sections(ElfSource(file_.get(), file_size_));
  for (const std::uint32_t kind : {std::uint32_t{SHT_SYMTAB}, std::uint32_t{SHT_DYNSYM}}) {
    const Elf64_Shdr* table = find_table(sections, kind);
    if (table == nullptr) continue;
    const Elf64_Shdr& names = sections[table->sh_link];
    read_functions({table->sh_offset, table->sh_size}, {names.sh_offset, names.sh_size});
    if (!functions_.empty()) return;
  }
}

void ElfSymbols::read_functions(Section symbols, Section names) {
  const ElfSource source(file_.get(), file_size_);
  std::array<Elf64_Sym, 2048> piece;
  names_ = names;
  for (std::uint64_t at = 0; at + sizeof(Elf64_Sym) <= symbols.size; at += sizeof piece) {
    const std::size_t count = std::min<std::uint64_t>(piece.size(), (symbols.size - at) / sizeof(Elf64_Sym));
    if (!source.read(symbols.offset + at, std::as_writable_bytes(std::span(piece).first(count)))) break;
    for (const Elf64_Sym& symbol : std::span(piece).first(count)) {
      if (!is_function(symbol)) continue;
      const auto size = std::min<std::uint64_t>(symbol.st_size, std::numeric_limits<std::uint32_t>::max());
      functions_.push_back({symbol.st_value, static_cast<std::uint32_t>(size), symbol.st_name});
    }
  }
  std::sort(functions_.begin(), functions_.end(),
            [](const Function& a, const Function& b) { return a.begin < b.begin; });
  functions_.shrink_to_fit();
}

std::string ElfSymbols::name_at(std::uint64_t address) const {
  auto after = std::upper_bound(functions_.begin(), functions_.end(), address,
                                [](std::uint64_t a, const Function& function) { return a < function.begin; });
  for (int tried = 0; tried < kOverlapMax && after != functions_.begin(); ++tried) {
    const Function& function = *--after;
    if (address - function.begin >= function.size || function.name >= names_.size) continue;
    std::string name(std::min<std::uint64_t>(limits::kSymbolNameMax + 1, names_.size - function.name), '\0');
    const ElfSource source(file_.get(), file_size_);
    if (!source.read(names_.offset + function.name, std::as_writable_bytes(std::span(name)))) continue;
    const std::size_t end = name.find('\0');
    if (end == std::string::npos || end == 0) continue;
    name.resize(end);
    return name;
  }
  return {};
}

}  // namespace flame::manifest
