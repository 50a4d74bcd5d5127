// Function names from hand-made ELF images: good ones, stripped ones, and each kind of damage.
#include "plugin_sdk/manifest/elf_symbols.hpp"

#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <random>
#include <string_view>

#include "plugin_sdk/base/limits.hpp"

namespace flame::manifest {
namespace {

base::UniqueFd file_of(const std::string& bytes) {
  base::UniqueFd fd(::memfd_create("elf", MFD_CLOEXEC));
  EXPECT_EQ(::write(fd.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  return fd;
}

template <typename T>
void append(std::string& bytes, const T& value) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
}

struct Image {
  Elf64_Ehdr header{};
  std::vector<Elf64_Shdr> sections;
  std::vector<Elf64_Sym> symbols;
  std::string names;

  /// The header, the sections, the symbols, the names.
  [[nodiscard]] std::string bytes() const {
    std::string file;
    append(file, header);
    for (const auto& section : sections) append(file, section);
    for (const auto& symbol : symbols) append(file, symbol);
    return file + names;
  }
};

Elf64_Sym function(std::uint32_t name, std::uint64_t begin, std::uint64_t size) {
  Elf64_Sym symbol{};
  symbol.st_name = name;
  symbol.st_info = ELF64_ST_INFO(STB_LOCAL, STT_FUNC);
  symbol.st_shndx = 1;
  symbol.st_value = begin;
  symbol.st_size = size;
  return symbol;
}

// "first" at [0x1000, 0x1100), "second" at [0x1100, 0x1180).
Image good_image(std::uint32_t kind = SHT_SYMTAB) {
  Image image;
  std::memcpy(image.header.e_ident, ELFMAG, SELFMAG);
  image.header.e_ident[EI_CLASS] = ELFCLASS64;
  image.header.e_ident[EI_DATA] = ELFDATA2LSB;
  image.header.e_type = ET_DYN;
#if defined(__x86_64__)
  image.header.e_machine = EM_X86_64;
#else
  image.header.e_machine = EM_AARCH64;
#endif
  image.header.e_shoff = sizeof(Elf64_Ehdr);
  image.header.e_shentsize = sizeof(Elf64_Shdr);
  image.header.e_shnum = 3;
  image.symbols = {Elf64_Sym{}, function(1, 0x1000, 0x100), function(7, 0x1100, 0x80)};
  image.names = std::string("\0first\0second\0", 14);
  image.sections.resize(3);
  image.sections[1].sh_type = kind;
  image.sections[1].sh_entsize = sizeof(Elf64_Sym);
  image.sections[1].sh_offset = sizeof(Elf64_Ehdr) + 3 * sizeof(Elf64_Shdr);
  image.sections[1].sh_size = image.symbols.size() * sizeof(Elf64_Sym);
  image.sections[1].sh_link = 2;
  image.sections[2].sh_type = SHT_STRTAB;
  image.sections[2].sh_offset = image.sections[1].sh_offset + image.sections[1].sh_size;
  image.sections[2].sh_size = image.names.size();
  return image;
}

std::string name_in(const Image& image, std::uint64_t address) {
  return ElfSymbols(file_of(image.bytes())).name_at(address);
}

TEST(ElfSymbols, NameTheFunctionThatContainsAnAddress) {
  for (const std::uint32_t kind : {std::uint32_t{SHT_SYMTAB}, std::uint32_t{SHT_DYNSYM}}) {
    const ElfSymbols symbols(file_of(good_image(kind).bytes()));
    EXPECT_EQ(symbols.size(), 2u);
    EXPECT_EQ(symbols.name_at(0x0fff), "");
    EXPECT_EQ(symbols.name_at(0x1000), "first");
    EXPECT_EQ(symbols.name_at(0x10ff), "first");
    EXPECT_EQ(symbols.name_at(0x1100), "second");
    EXPECT_EQ(symbols.name_at(0x117f), "second");
    EXPECT_EQ(symbols.name_at(0x1180), "");
    EXPECT_EQ(symbols.name_at(~std::uint64_t{0}), "");
  }
}

TEST(ElfSymbols, FindFunctionsOfThisVeryProgram) {
  Dl_info info{};
  const auto address = reinterpret_cast<std::uint64_t>(&file_of);
  ASSERT_NE(::dladdr(reinterpret_cast<void*>(&file_of), &info), 0);
  const ElfSymbols symbols(base::UniqueFd(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC)));
  const std::string name = symbols.name_at(address - reinterpret_cast<std::uint64_t>(info.dli_fbase) + 1);
  EXPECT_NE(name.find("file_of"), std::string::npos) << name;
}

TEST(ElfSymbols, AStrippedFileHasNone) {
  Image image = good_image();
  image.sections[1].sh_type = SHT_PROGBITS;
  EXPECT_EQ(ElfSymbols(file_of(image.bytes())).size(), 0u);
  EXPECT_EQ(ElfSymbols().name_at(0x1000), "");
  EXPECT_EQ(ElfSymbols(file_of("no ELF file")).size(), 0u);
  EXPECT_EQ(ElfSymbols(file_of("")).size(), 0u);
  EXPECT_EQ(ElfSymbols(base::UniqueFd()).size(), 0u);
}

TEST(ElfSymbols, WhatIsDamagedOrTooLargeCountsAsNotThere) {
  Image image = good_image();
  image.sections[1].sh_size = limits::kSymbolTableMax + sizeof(Elf64_Sym);
  EXPECT_EQ(name_in(image, 0x1000), "");
  image = good_image();
  image.header.e_shnum = limits::kSectionHeadersMax + 1;
  EXPECT_EQ(name_in(image, 0x1000), "");
  image = good_image();
  image.sections[1].sh_link = 3;
  EXPECT_EQ(name_in(image, 0x1000), "");
  image = good_image();
  image.symbols[1].st_name = 0xffffffff;
  EXPECT_EQ(name_in(image, 0x1000), "");
  EXPECT_EQ(name_in(image, 0x1100), "second") << "the other is as it was";
  image = good_image();
  image.names = std::string(14, 'x');  // no end
  EXPECT_EQ(name_in(image, 0x1000), "");
  image = good_image();
  image.names = std::string(1, '\0') + std::string(limits::kSymbolNameMax + 100, 'x') + std::string(1, '\0');
  image.sections[2].sh_size = image.names.size();
  EXPECT_EQ(name_in(image, 0x1000), "") << "the name is too long";
  image = good_image();
  image.sections[1].sh_size = std::uint64_t{1} << 20;  // beyond the end of the file
  EXPECT_EQ(ElfSymbols(file_of(image.bytes())).size(), 0u);
}

TEST(ElfSymbols, SurviveAnyDamage) {
  const std::string good = good_image().bytes();
  std::mt19937 random(7);
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes = good;
    for (unsigned i = 0; i <= random() % 4; ++i) bytes[random() % bytes.size()] = static_cast<char>(random());
    if (round % 4 == 0) bytes.resize(random() % bytes.size());
    const ElfSymbols symbols(file_of(bytes));
    for (const std::uint64_t address :
         {std::uint64_t{0}, std::uint64_t{0x1000}, std::uint64_t{0x1150}, ~std::uint64_t{0}}) {
      EXPECT_LE(symbols.name_at(address).size(), limits::kSymbolNameMax);
    }
  }
}

}  // namespace
}  // namespace flame::manifest
