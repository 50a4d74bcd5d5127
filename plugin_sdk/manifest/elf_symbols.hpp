// Which function an address of a plugin lies in, from the symbol tables of its file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "plugin_sdk/base/unique_fd.hpp"

namespace flame::manifest {

/// The functions of one ELF file: those of `.symtab`, else (a stripped file) of `.dynsym`. The file is hostile: what is
/// damaged or larger than limits::kSymbolTableMax counts as not there. A value of its own; one thread at a time.
class ElfSymbols {
 public:
  /// No functions.
  ElfSymbols() = default;
  /// Reads the table once. Keeps the open file: names are read when they are asked for.
  explicit ElfSymbols(base::UniqueFd file);

  /// The symbol's name, mangled as it is in the file, of the function that contains `address` (relative to where the
  /// file is loaded); empty if there is none or its name has more than limits::kSymbolNameMax bytes.
  [[nodiscard]] std::string name_at(std::uint64_t address) const;
  [[nodiscard]] std::size_t size() const noexcept { return functions_.size(); }

 private:
  struct Function {
    std::uint64_t begin;
    std::uint32_t size;
    std::uint32_t name;  // offset in the table of names
  };
  struct Section {
    std::uint64_t offset = 0;
    std::uint64_t size = 0;
  };
  void read_functions(Section symbols, Section names);

  base::UniqueFd file_;
  std::uint64_t file_size_ = 0;
  Section names_;
  std::vector<Function> functions_;  // by begin
};

}  // namespace flame::manifest
