// The plugin's manifest as TOML text, made at compile time, and the inline assembly that puts it into an ELF note.
// Section attributes would be simpler, but g++ ignores them on static members of templates.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include <flame/detail/plugin_cpu.hpp>
#include <flame/detail/plugin_entry.hpp>
#include <flame/detail/plugin_identity.hpp>
#include <flame/version.hpp>

namespace flame::detail {

struct PluginIdentity {
  std::string_view name;
  std::string_view version;
  bool has_start = false;
  bool has_start_slot = false;
  bool has_stop_slot = false;
  bool has_idle_check = false;
  bool exec_slots = false;
};

/// Counts the bytes of a text, or writes them when it has somewhere to.
class NoteWriter {
 public:
  constexpr NoteWriter() = default;
  constexpr explicit NoteWriter(char* out) : out_(out) {}
  [[nodiscard]] constexpr std::size_t size() const { return size_; }

  constexpr NoteWriter& text(std::string_view text) {
    if (out_ != nullptr) {
      for (std::size_t i = 0; i < text.size(); ++i) out_[size_ + i] = text[i];
    }
    size_ += text.size();
    return *this;
  }

  constexpr NoteWriter& number(std::uint64_t value) {
    char digits[20] = {};
    std::size_t first = sizeof(digits);
    do {
      digits[--first] = static_cast<char>('0' + value % 10);
      value /= 10;
    } while (value != 0);
    return text(std::string_view(digits + first, sizeof(digits) - first));
  }

  constexpr NoteWriter& hex(std::uint64_t value) {
    char digits[16] = {};
    for (std::size_t i = 0; i < sizeof(digits); ++i) {
      digits[sizeof(digits) - 1 - i] = "0123456789abcdef"[(value >> (4 * i)) & 15U];
    }
    return text(std::string_view(digits, sizeof(digits)));
  }

  constexpr NoteWriter& boolean(bool value) { return text(value ? "true" : "false"); }

 private:
  char* out_ = nullptr;
  std::size_t size_ = 0;
};

constexpr void write_compiler(NoteWriter& out) {
#if defined(__clang__)
  out.text("clang ").number(__clang_major__).text(".").number(__clang_minor__).text(".").number(__clang_patchlevel__);
#else
  out.text("gcc ").number(__GNUC__).text(".").number(__GNUC_MINOR__).text(".").number(__GNUC_PATCHLEVEL__);
#endif
}

// The level, and what it does not bring: "x86-64-v2 avx avx2". Empty for other machines.
constexpr void write_cpu(NoteWriter& out) {
#if defined(__x86_64__)
  const CpuFeatures needed = compiled_cpu();
  out.text(cpu_level_name(needed.level()));
  for (std::size_t i = 0; i < kCpuFeatures.size(); ++i) {
    const bool in_level = kCpuFeatures[i].level != 0 && kCpuFeatures[i].level <= needed.level();
    if (needed.has(i) && !in_level) out.text(" ").text(kCpuFeatures[i].name);
  }
#else
  static_cast<void>(out);
#endif
}

constexpr std::string_view kind_name(std::uint32_t flags) {
  return (flags & FLAME_TASK_METHOD) != 0 ? "method" : (flags & FLAME_TASK_CHILD) != 0 ? "child" : "task";
}

constexpr void write_task(NoteWriter& out, const PluginEntry& entry) {
  out.text("\n[[task]]\nname = \"").text(entry.name).text("\"\nkind = \"").text(kind_name(entry.flags)).text("\"\n");
  if ((entry.flags & (FLAME_TASK_METHOD | FLAME_TASK_CHILD)) != 0) {
    out.text("object = \"").text(entry.object_name).text("\"\n");
  }
  out.text("fingerprint = \"").hex(entry.fingerprint).text("\"\n");
  out.text("timeout_ns = ").number(static_cast<std::uint64_t>(entry.options.timeout.count())).text("\n");
  out.text("retries = ").number(entry.options.retries).text("\n");
  out.text("idempotent = ").boolean(entry.options.idempotent).text("\n");
  out.text("schema = '''\n").text(entry.schema).text("'''\n");
}

constexpr void write_note(NoteWriter& out, const PluginIdentity& plugin, const PluginEntry* entries,
                          std::size_t count) {
  out.text("flame = 1\nname = \"").text(plugin.name).text("\"\nversion = \"").text(plugin.version);
  out.text("\"\nabi = \"").number(FLAME_ABI_MAJOR).text(".").number(FLAME_ABI_MINOR);
  out.text("\"\nsdk = \"" FLAME_VERSION "\"\ncompiler = \"");
  write_compiler(out);
  out.text("\"\ncpu = \"");
  write_cpu(out);
  out.text("\"\nsanitizer = \"").text(sanitizer_name()).text("\"\nstart = ").boolean(plugin.has_start);
  out.text("\nstart_slot = ").boolean(plugin.has_start_slot);
  out.text("\nstop_slot = ").boolean(plugin.has_stop_slot);
  out.text("\nidle_check = ").boolean(plugin.has_idle_check);
  out.text("\nexec_slots = ").boolean(plugin.exec_slots).text("\n");
  for (std::size_t i = 0; i < count; ++i) write_task(out, entries[i]);
}

/// The note's text padded with NULs to whole statements of the assembly below.
inline constexpr std::size_t kNoteStatementBytes = 64;

constexpr std::uint32_t note_word(const char* text) {
  std::uint32_t word = 0;
  for (unsigned i = 0; i < 4; ++i) word |= static_cast<std::uint32_t>(static_cast<unsigned char>(text[i])) << (8 * i);
  return word;
}

/// Emits the header of a note with `size` bytes of content; the content has to follow at once.
template <std::uint32_t Size>
[[gnu::always_inline]] inline void emit_note_header() {
  asm volatile(
      ".pushsection .note.flame.plugin,\"a\",@note\n"
      ".balign 4\n"
      ".long 6\n.long %c0\n.long 1\n"
      ".ascii \"FLAME\\0\\0\\0\"\n"
      ".popsection" ::"i"(Size));
}

/// Emits bytes [Offset, Offset + 64) of Note::kText. `.long`, because g++ rejects 64-bit constants in `.quad %c`.
template <typename Note, std::size_t Offset>
[[gnu::always_inline]] inline void emit_note_words() {
  constexpr const char* kText = Note::kText.data() + Offset;
  asm volatile(
      ".pushsection .note.flame.plugin,\"a\",@note\n"
      ".long %c0,%c1,%c2,%c3,%c4,%c5,%c6,%c7,%c8,%c9,%c10,%c11,%c12,%c13,%c14,%c15\n"
      ".popsection" ::"i"(note_word(kText)),
      "i"(note_word(kText + 4)), "i"(note_word(kText + 8)), "i"(note_word(kText + 12)), "i"(note_word(kText + 16)),
      "i"(note_word(kText + 20)), "i"(note_word(kText + 24)), "i"(note_word(kText + 28)), "i"(note_word(kText + 32)),
      "i"(note_word(kText + 36)), "i"(note_word(kText + 40)), "i"(note_word(kText + 44)), "i"(note_word(kText + 48)),
      "i"(note_word(kText + 52)), "i"(note_word(kText + 56)), "i"(note_word(kText + 60)));
}

/// Emits the whole note. The caller must be a function that exists exactly once in the object file.
template <typename Note, std::size_t... Statement>
[[gnu::always_inline]] inline void emit_note(std::index_sequence<Statement...>) {
  emit_note_header<static_cast<std::uint32_t>(Note::kText.size())>();
  (emit_note_words<Note, Statement * kNoteStatementBytes>(), ...);
}

}  // namespace flame::detail
