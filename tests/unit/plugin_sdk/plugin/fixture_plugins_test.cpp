// Real shared objects as flame_add_plugin() builds them: what they export, what runs at load, what their note says.
#include <dlfcn.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <memory>
#include <string>

#include <flame_abi.h>
#include <flame/detail/plugin_identity.hpp>

#include "plugin_sdk/manifest/cpu.hpp"
#include "plugin_sdk/manifest/elf_note.hpp"
#include "plugin_sdk/manifest/manifest.hpp"
#include "tests/support/temp_dir.hpp"

namespace {

using flame::ErrorCode;

std::string good(const std::string& name) {
  return FLAME_FIXTURE_PLUGINS "/" + name + ".so";
}
std::string bad(const std::string& name) {
  return FLAME_FIXTURE_BAD "/" + name + ".so";
}

// Output of a command; the test fails when it does.
std::string run(const std::string& command) {
  std::string output;
  FILE* pipe = ::popen(command.c_str(), "r");
  EXPECT_NE(pipe, nullptr);
  std::array<char, 4096> buffer{};
  while (const std::size_t got = std::fread(buffer.data(), 1, buffer.size(), pipe)) output.append(buffer.data(), got);
  EXPECT_EQ(::pclose(pipe), 0) << command;
  return output;
}

TEST(FixturePlugin, ExportsExactlyOneSymbol) {
  EXPECT_EQ(run("nm -D --defined-only --format=posix " + good("misbehave") + " | cut -d' ' -f1"),
            "flame_plugin_entry_v1\n");
}

TEST(FixturePlugin, HasNoUniqueSymbol) {  // they would be shared between versions of a plugin
  EXPECT_EQ(run("nm " + good("misbehave") + " | { grep -c ' u ' || true; }"), "0\n");
}

TEST(FixturePlugin, RunsNoCodeAtLoad) {
  if (!flame::detail::sanitizer_name().empty()) {
    return;  // a sanitizer adds initialisers of its own
  }
  // The one entry is the C runtime's frame_dummy.
  EXPECT_EQ(run("readelf -SW " + good("misbehave") +
                " | sed -n 's/.*\\.init_array *INIT_ARRAY *[0-9a-f]* [0-9a-f]* \\([0-9a-f]*\\).*/\\1/p'"),
            "000008\n");
  EXPECT_EQ(run("readelf -SW " + good("misbehave") + " | { grep -c PREINIT || true; }"), "0\n");
}

TEST(FixturePlugin, NoteSurvivesStrip) {
  const flame::test::TempDir directory;
  const std::string stripped = directory / "stripped.so";
  run("strip -s -o " + stripped + " " + good("misbehave"));
  EXPECT_EQ(flame::manifest::read_note(stripped).value(), flame::manifest::read_note(good("misbehave")).value());
}

TEST(FixturePlugin, NoteSurvivesOptimisationAtLinkTime) {
  const std::string optimised = FLAME_FIXTURE_LTO "/counting-lto.so";
  EXPECT_EQ(flame::manifest::read_note(optimised).value(), flame::manifest::read_note(good("counting-1.1.0")).value());
  EXPECT_EQ(run("nm -D --defined-only --format=posix " + optimised + " | cut -d' ' -f1"), "flame_plugin_entry_v1\n");
}

TEST(FixturePlugin, ManifestEqualsTheTable) {
  const std::unique_ptr<void, int (*)(void*)> library(::dlopen(good("misbehave").c_str(), RTLD_NOW | RTLD_LOCAL),
                                                      &::dlclose);
  ASSERT_NE(library, nullptr) << ::dlerror();
  const auto entry = reinterpret_cast<flame_entry_fn>(::dlsym(library.get(), FLAME_ENTRY_SYMBOL));
  ASSERT_NE(entry, nullptr);
  const flame_plugin* plugin = entry(FLAME_ABI_MINOR);
  const auto manifest = flame::manifest::read(good("misbehave")).value();
  EXPECT_EQ(manifest.name, plugin->name);
  ASSERT_EQ(manifest.tasks.size(), plugin->task_count);
  for (std::size_t i = 0; i < manifest.tasks.size(); ++i) {
    EXPECT_EQ(manifest.tasks[i].name, plugin->tasks[i].name);
    EXPECT_EQ(manifest.tasks[i].fingerprint, plugin->tasks[i].fingerprint);
    EXPECT_EQ(manifest.tasks[i].idempotent, (plugin->tasks[i].flags & FLAME_TASK_IDEMPOTENT) != 0);
  }
  EXPECT_FALSE(flame::manifest::check_abi(manifest));
}

TEST(FixturePlugin, TwoVersionsOfOneNameStandSideBySide) {
  const auto older = flame::manifest::read(good("counting-1.0.0")).value();
  const auto newer = flame::manifest::read(good("counting-1.1.0")).value();
  EXPECT_EQ(older.name, newer.name);
  EXPECT_LT(older.version, newer.version);
  const auto reference = flame::manifest::PluginReference::parse("counting@1").value();
  EXPECT_TRUE(reference.matches(older.name, older.version) && reference.matches(newer.name, newer.version));
}

TEST(FixturePlugin, HooksAreInTheManifest) {
  EXPECT_TRUE(flame::manifest::read(good("started")).value().has_start_slot);
  EXPECT_TRUE(flame::manifest::read(good("start_fails")).value().has_start);
  EXPECT_FALSE(flame::manifest::read(good("misbehave")).value().has_start);
}

TEST(FixturePlugin, EachHasAReadableManifest) {
  for (const char* name : {"undefined_symbol", "static_throw", "static_crash", "start_fails", "start_slot_fails",
                           "start_crashes", "start_hangs", "start_leaves_thread"}) {
    const auto manifest = flame::manifest::read(good(name));
    ASSERT_TRUE(manifest) << manifest.error().message;
    EXPECT_EQ(manifest->name, name);
  }
}

TEST(FixturePlugin, UndefinedSymbolsFailAtLoadNotLater) {
  EXPECT_EQ(::dlopen(good("undefined_symbol").c_str(), RTLD_NOW | RTLD_LOCAL), nullptr);
  EXPECT_NE(std::string(::dlerror()).find("defined_nowhere"), std::string::npos);
}

TEST(BadPlugin, IsRefusedFromItsFileAlone) {
  const auto refused = [](const std::string& name, const std::string& part) {
    const auto manifest = flame::manifest::read(bad(name));
    ASSERT_FALSE(manifest) << name;
    EXPECT_EQ(manifest.error().code, ErrorCode::invalid_argument);
    EXPECT_NE(manifest.error().message.find(part), std::string::npos) << manifest.error().message;
  };
  refused("not_elf", "not_elf.so is no ELF file");
  refused("no_note", "no_note.so has no FLAME note");
}

TEST(BadPlugin, OfAnotherAbiIsRefusedFromItsFileAlone) {
  for (const char* name : {"wrong_major", "newer_minor"}) {
    const auto manifest = flame::manifest::read(bad(name));
    ASSERT_TRUE(manifest) << manifest.error().message;
    const auto error = flame::manifest::check_abi(*manifest);
    ASSERT_TRUE(error) << name;
    EXPECT_EQ(error->code, ErrorCode::incompatible);
  }
  EXPECT_FALSE(flame::manifest::check_abi(flame::manifest::read(bad("raw")).value()));
}

#if defined(__x86_64__)
TEST(BadPlugin, ForAnotherCpuIsRefusedFromItsFileAlone) {
  const auto manifest = flame::manifest::read(bad("wide_cpu")).value();
  EXPECT_TRUE(manifest.cpu.starts_with("x86-64-v3 avx512f")) << manifest.cpu;
  flame::detail::CpuFeatures cpu;
  cpu.add_level(3);
  const auto error = flame::manifest::check_cpu(manifest, cpu);
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code, ErrorCode::incompatible);
  EXPECT_NE(error->message.find("lacks avx512f"), std::string::npos) << error->message;
  cpu.add_level(4);
  cpu.add("avx512vnni");
  EXPECT_FALSE(flame::manifest::check_cpu(manifest, cpu));
}

TEST(FixturePlugin, SaysInItsNoteWhatItsCompilerMayUse) {
  const auto manifest = flame::manifest::read(good("misbehave")).value();  // with the flags of this test
  EXPECT_FALSE(flame::manifest::check_cpu(manifest, flame::detail::compiled_cpu()));
  EXPECT_TRUE(manifest.cpu.starts_with(flame::detail::cpu_level_name(flame::detail::compiled_cpu().level())));
}
#endif

}  // namespace
