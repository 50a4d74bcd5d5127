// The note reader on hand-made ELF images: good ones, and each kind of damage.
#include "plugin_sdk/manifest/elf_note.hpp"

#include <elf.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <functional>
#include <random>

#include "plugin_sdk/base/limits.hpp"
#include "tests/support/temp_dir.hpp"

namespace flame::manifest {
namespace {

struct Layout {
  Elf64_Ehdr header{};
  std::vector<Elf64_Phdr> segments;
  std::string notes;
};

std::string note(std::string_view owner, std::uint32_t type, std::string_view content) {
  const auto pad = [](std::string& text) { text.resize((text.size() + 3) / 4 * 4); };
  const Elf64_Nhdr header{static_cast<Elf64_Word>(owner.size()), static_cast<Elf64_Word>(content.size()), type};
  std::string text(sizeof(header), '\0');
  std::memcpy(text.data(), &header, sizeof(header));
  text += owner;
  pad(text);
  text += content;
  pad(text);
  return text;
}

constexpr std::string_view kFlame("FLAME", 6);
constexpr std::string_view kGnu("GNU", 4);

Layout good_layout(std::string notes) {
  Layout layout;
  std::memcpy(layout.header.e_ident, ELFMAG, SELFMAG);
  layout.header.e_ident[EI_CLASS] = ELFCLASS64;
  layout.header.e_ident[EI_DATA] = ELFDATA2LSB;
  layout.header.e_type = ET_DYN;
#if defined(__x86_64__)
  layout.header.e_machine = EM_X86_64;
#else
  layout.header.e_machine = EM_AARCH64;
#endif
  layout.header.e_phoff = sizeof(Elf64_Ehdr);
  layout.header.e_phentsize = sizeof(Elf64_Phdr);
  layout.header.e_phnum = 2;
  layout.segments.resize(2);
  layout.segments[0].p_type = PT_LOAD;
  layout.segments[1].p_type = PT_NOTE;
  layout.segments[1].p_offset = sizeof(Elf64_Ehdr) + 2 * sizeof(Elf64_Phdr);
  layout.segments[1].p_filesz = notes.size();
  layout.segments[1].p_align = 4;
  layout.notes = std::move(notes);
  return layout;
}

std::string image(const Layout& layout) {
  std::string bytes(reinterpret_cast<const char*>(&layout.header), sizeof(layout.header));
  for (const Elf64_Phdr& segment : layout.segments) {
    bytes.append(reinterpret_cast<const char*>(&segment), sizeof(segment));
  }
  return bytes + layout.notes;
}

Result<std::string> read(const std::string& bytes) {
  return read_note(std::as_bytes(std::span(bytes)));
}

Error read_damaged(const std::function<void(Layout&)>& damage) {
  Layout layout = good_layout(note(kFlame, 1, "flame = 1"));
  damage(layout);
  const auto text = read(image(layout));
  EXPECT_FALSE(text);
  return text ? Error{} : text.error();
}

TEST(ElfNote, FindsTheManifestAmongOtherNotes) {
  const auto text = read(image(good_layout(note(kGnu, 3, "12345678901234567890") + note(kFlame, 1, "name = 'x'\n") +
                                           note(kFlame, 2, "another type"))));
  ASSERT_TRUE(text);
  EXPECT_EQ(*text, "name = 'x'\n");
}

TEST(ElfNote, AcceptsALastNoteWithoutPadding) {
  std::string notes = note(kFlame, 1, "abc");
  notes.resize(notes.size() - 1);
  EXPECT_EQ(read(image(good_layout(notes))).value(), "abc");
}

TEST(ElfNote, SaysThatAFileIsNoElf) {
  for (const std::string& bytes : {std::string(),
                                   std::string("\x7f"
                                               "EL"),
                                   std::string("This is text, not ELF, and long enough")}) {
    const auto text = read(bytes);
    ASSERT_FALSE(text);
    EXPECT_EQ(text.error().code, ErrorCode::invalid_argument);
    EXPECT_NE(text.error().message.find("no ELF file"), std::string::npos);
  }
}

TEST(ElfNote, SaysThatThereIsNoNote) {
  const auto text = read(image(good_layout(note(kGnu, 1, "x"))));
  ASSERT_FALSE(text);
  EXPECT_NE(text.error().message.find("has no FLAME note: not a plugin, or built without FLAME_PLUGIN"),
            std::string::npos);
}

TEST(ElfNote, RefusesTwoManifests) {
  const auto text = read(image(good_layout(note(kFlame, 1, "a") + note(kFlame, 1, "b"))));
  ASSERT_FALSE(text);
  EXPECT_NE(text.error().message.find("2 FLAME notes"), std::string::npos);
}

TEST(ElfNote, RefusesAnotherArchitectureAsIncompatible) {
  EXPECT_EQ(read_damaged([](Layout& l) { l.header.e_machine = EM_RISCV; }).code, ErrorCode::incompatible);
  EXPECT_EQ(read_damaged([](Layout& l) { l.header.e_ident[EI_CLASS] = ELFCLASS32; }).code, ErrorCode::incompatible);
  EXPECT_EQ(read_damaged([](Layout& l) { l.header.e_ident[EI_DATA] = ELFDATA2MSB; }).code, ErrorCode::incompatible);
}

TEST(ElfNote, RefusesAnExecutable) {
  const Error error = read_damaged([](Layout& l) { l.header.e_type = ET_EXEC; });
  EXPECT_EQ(error.code, ErrorCode::incompatible);
  EXPECT_NE(error.message.find("no shared object"), std::string::npos);
}

TEST(ElfNote, RefusesImpossibleOffsetsAndSizes) {
  const std::function<void(Layout&)> damages[] = {
      [](Layout& l) { l.header.e_phentsize = 8; },
      [](Layout& l) { l.header.e_phnum = limits::kProgramHeadersMax + 1; },
      [](Layout& l) { l.header.e_phoff = UINT64_MAX - 8; },
      [](Layout& l) { l.header.e_phoff = 1 << 20; },
      [](Layout& l) { l.segments[1].p_offset = UINT64_MAX; },
      [](Layout& l) { l.segments[1].p_offset += 8; },
      [](Layout& l) { l.segments[1].p_filesz = UINT64_MAX; },
      [](Layout& l) { l.segments[1].p_filesz = limits::kNoteBytesMax + 1; },
      [](Layout& l) { l.segments[1].p_filesz -= 4; },
      [](Layout& l) { l.notes[0] = '\x7f', l.notes[3] = '\x7f'; },  // name size
      [](Layout& l) { l.notes[7] = '\x7f'; },                       // content size
  };
  for (const auto& damage : damages) EXPECT_EQ(read_damaged(damage).code, ErrorCode::invalid_argument);
}

TEST(ElfNote, SurvivesEveryTruncation) {
  const std::string whole = image(good_layout(note(kGnu, 3, "1234") + note(kFlame, 1, "flame = 1")));
  for (std::size_t size = 0; size + 4 < whole.size(); ++size) EXPECT_FALSE(read(whole.substr(0, size))) << size;
}

void expect_cut_off(const Error& error) {
  EXPECT_EQ(error.code, ErrorCode::invalid_argument);
  EXPECT_NE(error.message.find("is a damaged ELF file: cut off"), std::string::npos) << error.message;
}

TEST(ElfNote, SaysThatAFileIsCutOffWhoseSegmentsLieBeyondItsEnd) {
  expect_cut_off(read_damaged([](Layout& l) { l.segments[0].p_filesz = 4096; }));
  expect_cut_off(read_damaged([](Layout& l) { l.segments[0].p_offset = 4096; }));
  expect_cut_off(read_damaged([](Layout& l) { l.segments[0].p_offset = l.segments[0].p_filesz = UINT64_MAX; }));
}

TEST(ElfNote, SaysThatAFileIsCutOffWhoseSectionsLieBeyondItsEnd) {
  expect_cut_off(read_damaged([](Layout& l) { l.header.e_shoff = 4096; }));
  expect_cut_off(read_damaged([](Layout& l) {
    l.header.e_shoff = l.header.e_phoff;
    l.header.e_shnum = 1000;
    l.header.e_shentsize = sizeof(Elf64_Shdr);
  }));
}

TEST(ElfNote, SurvivesRandomDamage) {
  const std::string whole = image(good_layout(note(kGnu, 3, "1234") + note(kFlame, 1, "flame = 1")));
  std::mt19937 random(42);
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes = whole;
    for (int i = 0; i < 3; ++i) bytes[random() % bytes.size()] = static_cast<char>(random());
    static_cast<void>(read(bytes));
  }
}

TEST(ElfNote, ReadsAFileLikeMemory) {
  const test::TempDir directory;
  const auto path = directory.write("plugin.so", image(good_layout(note(kFlame, 1, "name = 'x'"))));
  EXPECT_EQ(read_note(path).value(), "name = 'x'");
}

TEST(ElfNote, NamesTheFileInItsErrors) {
  const test::TempDir directory;
  const auto missing = read_note(directory / "missing.so");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::not_found);
  EXPECT_NE(missing.error().message.find("missing.so cannot be opened"), std::string::npos);
  const auto folder = read_note(directory.path());
  ASSERT_FALSE(folder);
  EXPECT_NE(folder.error().message.find("no regular file"), std::string::npos);
}

TEST(ElfNote, RefusesAFileLargerThanAPlugin) {
  const test::TempDir directory;
  const auto path = directory.write("plugin.so", image(good_layout(note(kFlame, 1, "name = 'x'"))));
  std::filesystem::resize_file(path, limits::kPluginBytesMax);  // sparse: it takes no space
  EXPECT_TRUE(read_note(path));
  std::filesystem::resize_file(path, limits::kPluginBytesMax + 1);
  const auto text = read_note(path);
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().code, ErrorCode::too_large);
}

TEST(ElfNote, DoesNotHangOnAFifo) {
  const test::TempDir directory;
  const auto path = directory / "fifo.so";
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  EXPECT_FALSE(read_note(path));
}

}  // namespace
}  // namespace flame::manifest
