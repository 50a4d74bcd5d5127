// What stands beside a plugin, and where the copies of both have their common root.
#include "host/src/plugins/origin_libraries.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/temp_dir.hpp"
#include "tests/unit/host/plugins/plugin_file.hpp"

namespace flame::pool {
namespace {

/// The bytes of a shared object without code that needs libraries and has a search path under this tag (0: none).
std::string elf(const std::vector<std::string>& needed, std::int64_t tag = 0, const std::string& path = "") {
  std::string strings(1, '\0');
  std::vector<Elf64_Dyn> entries;
  const auto add = [&](std::int64_t which, const std::string& text) {
    entries.push_back({which, {strings.size()}});
    strings += text + '\0';
  };
  for (const std::string& library : needed) add(DT_NEEDED, library);
  if (tag != 0) add(tag, path);
  constexpr std::size_t kDynamicAt = sizeof(Elf64_Ehdr) + 2 * sizeof(Elf64_Phdr);
  entries.push_back({DT_STRSZ, {strings.size()}});
  entries.push_back({DT_STRTAB, {kDynamicAt + (entries.size() + 2) * sizeof(Elf64_Dyn)}});
  entries.push_back({DT_NULL, {0}});
  const std::size_t dynamic = entries.size() * sizeof(Elf64_Dyn);
  const Elf64_Ehdr header = library_header(2);
  Elf64_Phdr segments[2] = {};
  segments[0].p_type = PT_LOAD;
  segments[0].p_filesz = kDynamicAt + dynamic + strings.size();
  segments[1].p_type = PT_DYNAMIC;
  segments[1].p_offset = kDynamicAt;
  segments[1].p_filesz = dynamic;
  std::string bytes(kDynamicAt + dynamic, '\0');
  std::memcpy(bytes.data(), &header, sizeof(header));
  std::memcpy(bytes.data() + sizeof(header), segments, sizeof(segments));
  std::memcpy(bytes.data() + kDynamicAt, entries.data(), dynamic);
  return bytes + strings;
}

class OriginLibrariesOf : public testing::Test {
 protected:
  OriginLibrariesOf() { std::filesystem::create_directory(files_ / "lib"); }
  /// What is found beside plugin.so, by its path below this directory.
  std::vector<std::string> found() {
    std::vector<std::string> names;
    for (const auto& file : origin_libraries(files_ / "plugin.so")) {
      names.push_back(file.lexically_relative(std::filesystem::canonical(files_.path())).string());
    }
    return names;
  }

  test::TempDir files_;
};

TEST_F(OriginLibrariesOf, AnRpathHoldsForWhatItsLibrariesNeedToo) {
  files_.write("plugin.so", elf({"liba.so"}, DT_RPATH, "$ORIGIN/lib"));
  files_.write("lib/liba.so", elf({"libb.so"}));
  files_.write("lib/libb.so", elf({"libc.so"}, DT_RPATH, "/nowhere"));
  files_.write("lib/libc.so", elf({}));
  EXPECT_THAT(found(), testing::ElementsAre("lib/liba.so", "lib/libb.so", "lib/libc.so"));
}

TEST_F(OriginLibrariesOf, ARunpathHoldsForItsOwnFileAloneAndInsteadOfAllRpaths) {
  files_.write("plugin.so", elf({"liba.so"}, DT_RUNPATH, "$ORIGIN/lib"));
  files_.write("lib/liba.so", elf({"libb.so"}));
  files_.write("lib/libb.so", elf({}));
  EXPECT_THAT(found(), testing::ElementsAre("lib/liba.so"));
  files_.write("plugin.so", elf({"liba.so"}, DT_RPATH, "$ORIGIN/lib"));
  files_.write("lib/liba.so", elf({"libb.so"}, DT_RUNPATH, "/nowhere"));
  EXPECT_THAT(found(), testing::ElementsAre("lib/liba.so"));
}

TEST(OriginLibraries, TheCommonDirectoryIsTheDeepestThatHoldsAll) {
  EXPECT_EQ(common_directory({"/a/b/p.so"}), "/a/b");
  EXPECT_EQ(common_directory({"/a/b/p.so", "/a/b/c/x.so"}), "/a/b");
  EXPECT_EQ(common_directory({"/a/lib/plugins/p.so", "/a/lib/x.so", "/a/share/y.so"}), "/a");
  EXPECT_EQ(common_directory({"/a/p.so", "/b/x.so"}), "/");
  EXPECT_EQ(common_directory({"/ab/p.so", "/a/x.so"}), "/");
}

TEST(OriginLibraries, WhatIsNoElfFileHasNone) {
  const test::TempDir directory;
  EXPECT_TRUE(origin_libraries(directory.write("text.so", "no plugin")).empty());
  EXPECT_TRUE(origin_libraries(directory / "missing.so").empty());
}

}  // namespace
}  // namespace flame::pool
