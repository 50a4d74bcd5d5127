// What a plugin may need from a CPU: words of the note, compared with CPUs that are made up, and with this one.
#include "plugin_sdk/manifest/cpu.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>

namespace flame::manifest::cpu_test {
namespace {

using detail::CpuFeatures;

CpuFeatures cpu_of_level(unsigned level) {
  CpuFeatures cpu;
  cpu.add_level(level);
  return cpu;
}

// The message about a plugin that needs `cpu`; empty when it is accepted.
std::string refusal(const std::string& cpu, const CpuFeatures& machine) {
  Manifest manifest;
  manifest.name = "video";
  manifest.version = Version::parse("1.5.0").value();
  manifest.cpu = cpu;
  const auto refused = check_cpu(manifest, machine);
  if (!refused) return "";
  EXPECT_EQ(refused->code, ErrorCode::incompatible);
  return refused->message;
}

TEST(Cpu, ALevelIsAcceptedWhereTheCpuHasItAndRefusedOneBelow) {
  for (unsigned level = 1; level <= detail::kCpuLevelMax; ++level) {
    const std::string needed(detail::cpu_level_name(level));
    EXPECT_EQ(refusal(needed, cpu_of_level(level)), "");
    EXPECT_EQ(cpu_of_level(level).level(), level);
    if (level > 1) {
      EXPECT_NE(refusal(needed, cpu_of_level(level - 1)), "") << needed;
    }
  }
}

TEST(Cpu, TheRefusalNamesWhatIsMissingAndTheRemedy) {
  EXPECT_EQ(refusal("x86-64-v3", cpu_of_level(2)),
            "video@1.5.0 was compiled for x86-64-v3, but this machine's CPU (x86-64-v2) lacks avx, avx2, bmi, bmi2, "
            "fma; compile it without -march=… and -m… options, or run it where the CPU has them");
}

TEST(Cpu, WhatALevelDoesNotBringIsComparedByItself) {
  CpuFeatures cpu = cpu_of_level(3);
  EXPECT_EQ(refusal("x86-64-v2 avx avx2 avx512f", cpu),
            "video@1.5.0 was compiled for x86-64-v2 avx avx2 avx512f, but this machine's CPU (x86-64-v3) lacks "
            "avx512f; compile it without -march=… and -m… options, or run it where the CPU has them");
  cpu.add("avx512f");
  EXPECT_EQ(refusal("x86-64-v2 avx avx2 avx512f", cpu), "");
  EXPECT_EQ(cpu.level(), 3u);
}

TEST(Cpu, APluginThatSaysNothingIsAccepted) {
  EXPECT_EQ(refusal("", CpuFeatures()), "");
  EXPECT_EQ(refusal("x86-64", CpuFeatures()), "");
}

TEST(Cpu, AWordOfANewerSdkIsRefusedWithItsName) {
  EXPECT_EQ(refusal("x86-64-v4 avx10", cpu_of_level(4)),
            "video@1.5.0 was compiled for x86-64-v4 avx10, and this version of flame does not know \"avx10\"; update "
            "flame");
  EXPECT_NE(refusal("x86-64-v5", cpu_of_level(4)), "");
}

TEST(Cpu, SpacesTooManyChangeNothing) {
  EXPECT_EQ(refusal("  x86-64  sse3 ", cpu_of_level(2)), "");
}

#if defined(__x86_64__)
// What differs between the names of the kernel and of compilers.
std::string kernel_name(std::string_view feature) {
  static const std::map<std::string_view, std::string> kOthers = {{"sse3", "pni"},
                                                                  {"sse4.1", "sse4_1"},
                                                                  {"sse4.2", "sse4_2"},
                                                                  {"bmi", "bmi1"},
                                                                  {"pclmul", "pclmulqdq"},
                                                                  {"avx512vnni", "avx512_vnni"},
                                                                  {"avx512vbmi2", "avx512_vbmi2"},
                                                                  {"avx512bitalg", "avx512_bitalg"},
                                                                  {"avx512vpopcntdq", "avx512_vpopcntdq"}};
  const auto other = kOthers.find(feature);
  return other == kOthers.end() ? std::string(feature) : other->second;
}

TEST(Cpu, ThisMachineHasWhatItsKernelSays) {
  std::ifstream file("/proc/cpuinfo");
  std::string line;
  while (std::getline(file, line) && !line.starts_with("flags")) continue;
  std::istringstream words(line);
  std::set<std::string> known;
  for (std::string word; words >> word;) known.insert(word);
  ASSERT_TRUE(known.contains("sse2"));
  for (std::size_t i = 0; i < detail::kCpuFeatures.size(); ++i) {
    const std::string_view name = detail::kCpuFeatures[i].name;
    EXPECT_EQ(this_cpu().has(i), known.contains(kernel_name(name))) << name;
  }
}
#endif

TEST(Cpu, ThisMachineRunsWhatThisTestWasCompiledFor) {
  EXPECT_TRUE(detail::compiled_cpu().without(this_cpu()).empty());
}

}  // namespace
}  // namespace flame::manifest::cpu_test
