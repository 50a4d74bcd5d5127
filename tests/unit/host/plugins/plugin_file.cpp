// The bytes of hand-made plugin files.
#include "tests/unit/host/plugins/plugin_file.hpp"

#include <flame_abi.h>

#include <cstring>
#include <string_view>

#include <flame/detail/plugin_identity.hpp>

namespace flame::pool {

Elf64_Ehdr library_header(std::uint16_t segments) {
  Elf64_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_type = ET_DYN;
#if defined(__x86_64__)
  header.e_machine = EM_X86_64;
#else
  header.e_machine = EM_AARCH64;
#endif
  header.e_phoff = sizeof(header);
  header.e_phentsize = sizeof(Elf64_Phdr);
  header.e_phnum = segments;
  return header;
}

namespace {

std::string note(std::string_view content) {
  constexpr std::string_view kOwner("FLAME\0\0\0", 8);
  const Elf64_Nhdr header{6, static_cast<Elf64_Word>(content.size()), 1};
  std::string bytes(sizeof(header), '\0');
  std::memcpy(bytes.data(), &header, sizeof(header));
  bytes += kOwner;
  bytes += content;
  bytes.resize((bytes.size() + 3) / 4 * 4);
  return bytes;
}

std::string image(const std::string& notes) {
  const Elf64_Ehdr header = library_header(2);
  Elf64_Phdr segments[2] = {};
  segments[0].p_type = PT_LOAD;
  segments[1].p_type = notes.empty() ? PT_NULL : PT_NOTE;
  segments[1].p_offset = sizeof(header) + sizeof(segments);
  segments[1].p_filesz = notes.size();
  segments[1].p_align = 4;
  std::string bytes(sizeof(header) + sizeof(segments), '\0');
  std::memcpy(bytes.data(), &header, sizeof(header));
  std::memcpy(bytes.data() + sizeof(header), segments, sizeof(segments));
  return bytes + notes;
}

std::string hex(std::uint64_t value) {
  std::string digits(16, '0');
  for (auto digit = digits.rbegin(); value != 0; ++digit, value /= 16) *digit = "0123456789abcdef"[value % 16];
  return digits;
}

std::string manifest_text(const FakePlugin& plugin) {
  const std::string own_abi = std::to_string(FLAME_ABI_MAJOR) + "." + std::to_string(FLAME_ABI_MINOR);
  std::string sanitizer = plugin.sanitizer.empty() ? std::string(detail::sanitizer_name()) : plugin.sanitizer;
  if (sanitizer == "-") sanitizer.clear();
  std::string text = "flame = 1\nname = \"" + plugin.name + "\"\nversion = \"" + plugin.version + "\"\nabi = \"" +
                     (plugin.abi.empty() ? own_abi : plugin.abi) +
                     "\"\nsdk = \"0.1.0\"\ncompiler = \"gcc 12.2.0\"\nsanitizer = \"" + sanitizer + "\"\ncpu = \"" +
                     plugin.cpu + "\"\nstart = false\nstart_slot = false\n";
  for (const FakeTask& task : plugin.tasks) {
    text += "\n[[task]]\nname = \"" + task.name + "\"\nkind = \"" + task.kind + "\"\nfingerprint = \"" +
            hex(task.fingerprint) + "\"\ntimeout_ns = 0\nretries = 0\nidempotent = false\nschema = '''\n" +
            task.schema + "'''\n";
  }
  return text;
}

}  // namespace

std::string plugin_file(const FakePlugin& plugin) {
  return image(note(manifest_text(plugin))) + plugin.salt;
}

std::string elf_without_note() {
  return image("");
}

}  // namespace flame::pool
