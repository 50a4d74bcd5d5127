// Plugin files made by hand: an ELF header, a note with a manifest, no code. Enough for whoever only reads notes.
#pragma once

#include <elf.h>

#include <cstdint>
#include <string>
#include <vector>

namespace flame::pool {

struct FakeTask {
  std::string name;
  std::uint64_t fingerprint = 1;
  std::string schema;
  std::string kind = "task";
};

struct FakePlugin {
  std::string name = "video";
  std::string version = "1.0.0";
  std::string abi;        ///< empty: ours
  std::string sanitizer;  ///< empty: ours; "-": none
  std::string cpu;        ///< empty: does not say
  std::vector<FakeTask> tasks;
  std::string salt;  ///< other bytes, same manifest
};

/// The bytes of such a file.
[[nodiscard]] std::string plugin_file(const FakePlugin& plugin);

/// The header of a shared object of this machine; its table of so many segments follows it.
[[nodiscard]] Elf64_Ehdr library_header(std::uint16_t segments);

/// An ELF file without a note.
[[nodiscard]] std::string elf_without_note();

}  // namespace flame::pool
