// PT_DYNAMIC to strings; every number in it is checked where it is used.
#include "plugin_sdk/manifest/elf_dynamic.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <optional>
#include <span>
#include <string_view>

#include "plugin_sdk/base/limits.hpp"
#include "plugin_sdk/base/unique_fd.hpp"
#include "plugin_sdk/manifest/elf_file.hpp"

namespace flame::manifest {
namespace {

std::vector<Elf64_Phdr> read_segments(const ElfSource& source) {
  const auto header = read_elf_header(source);
  if (!header || find_cut(source, *header)) return {};
  std::vector<Elf64_Phdr> segments(header->e_phnum);
  if (!source.read(header->e_phoff, std::as_writable_bytes(std::span(segments)))) return {};
  return segments;
}

std::vector<Elf64_Dyn> read_entries(const ElfSource& source, const std::vector<Elf64_Phdr>& segments) {
  const auto found =
      std::find_if(segments.begin(), segments.end(), [](const auto& one) { return one.p_type == PT_DYNAMIC; });
  if (found == segments.end()) return {};
  std::vector<Elf64_Dyn> entries(
      std::min<std::uint64_t>(found->p_filesz / sizeof(Elf64_Dyn), limits::kDynamicEntriesMax));
  if (!source.read(found->p_offset, std::as_writable_bytes(std::span(entries)))) return {};
  return entries;
}

std::uint64_t value_of(const std::vector<Elf64_Dyn>& entries, std::int64_t tag) {
  const auto found = std::find_if(entries.begin(), entries.end(), [tag](const auto& one) { return one.d_tag == tag; });
  return found == entries.end() ? 0 : found->d_un.d_val;
}

// Where in the file an address lies.
std::optional<std::uint64_t> offset_of(const std::vector<Elf64_Phdr>& segments, std::uint64_t address) {
  for (const Elf64_Phdr& segment : segments) {
    if (segment.p_type == PT_LOAD && address >= segment.p_vaddr && address - segment.p_vaddr < segment.p_filesz) {
      return segment.p_offset + (address - segment.p_vaddr);
    }
  }
  return std::nullopt;
}

std::string read_strings(const ElfSource& source, const std::vector<Elf64_Phdr>& segments,
                         const std::vector<Elf64_Dyn>& entries) {
  const auto at = offset_of(segments, value_of(entries, DT_STRTAB));
  if (!at) return {};
  std::string strings(std::min<std::uint64_t>(value_of(entries, DT_STRSZ), limits::kSymbolTableMax), '\0');
  if (!source.read(*at, std::as_writable_bytes(std::span(strings)))) return {};
  return strings;
}

std::string string_at(const std::string& strings, std::uint64_t at) {
  return at < strings.size() ? std::string(strings.c_str() + at) : std::string();
}

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const std::string_view part = text.substr(0, text.find(':'));
    if (!part.empty()) parts.emplace_back(part);
    text.remove_prefix(std::min(part.size() + 1, text.size()));
  }
  return parts;
}

}  // namespace

ElfDynamic read_dynamic(const std::filesystem::path& path) {
  ElfDynamic dynamic;
  const base::UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) return dynamic;
  const ElfSource source(file.get(), static_cast<std::uint64_t>(status.st_size));
  const auto segments = read_segments(source);
  const auto entries = read_entries(source, segments);
  const std::string strings = read_strings(source, segments, entries);
  std::string runpath;
  std::string rpath;
  for (const Elf64_Dyn& entry : entries) {
    if (entry.d_tag == DT_NULL) break;
    if (entry.d_tag == DT_NEEDED) dynamic.needed.push_back(string_at(strings, entry.d_un.d_val));
    if (entry.d_tag == DT_RUNPATH) runpath = string_at(strings, entry.d_un.d_val), dynamic.has_runpath = true;
    if (entry.d_tag == DT_RPATH) rpath = string_at(strings, entry.d_un.d_val);
  }
  dynamic.search_path = split(dynamic.has_runpath ? runpath : rpath);
  return dynamic;
}

}  // namespace flame::manifest
