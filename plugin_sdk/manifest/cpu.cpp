// Asks the CPU, and compares it with the words of a note.
#include "plugin_sdk/manifest/cpu.hpp"

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

#include "plugin_sdk/base/make_error.hpp"

namespace flame::manifest {
namespace {

using detail::CpuFeatures;

#if defined(__x86_64__)
// The names have to be literals.
void ask_for_levels(CpuFeatures& cpu) {
  if (__builtin_cpu_supports("sse3")) cpu.add("sse3");
  if (__builtin_cpu_supports("ssse3")) cpu.add("ssse3");
  if (__builtin_cpu_supports("sse4.1")) cpu.add("sse4.1");
  if (__builtin_cpu_supports("sse4.2")) cpu.add("sse4.2");
  if (__builtin_cpu_supports("popcnt")) cpu.add("popcnt");
  if (__builtin_cpu_supports("avx")) cpu.add("avx");
  if (__builtin_cpu_supports("avx2")) cpu.add("avx2");
  if (__builtin_cpu_supports("bmi")) cpu.add("bmi");
  if (__builtin_cpu_supports("bmi2")) cpu.add("bmi2");
  if (__builtin_cpu_supports("fma")) cpu.add("fma");
  if (__builtin_cpu_supports("avx512f")) cpu.add("avx512f");
  if (__builtin_cpu_supports("avx512bw")) cpu.add("avx512bw");
  if (__builtin_cpu_supports("avx512cd")) cpu.add("avx512cd");
  if (__builtin_cpu_supports("avx512dq")) cpu.add("avx512dq");
  if (__builtin_cpu_supports("avx512vl")) cpu.add("avx512vl");
}

void ask_for_extensions(CpuFeatures& cpu) {
  if (__builtin_cpu_supports("aes")) cpu.add("aes");
  if (__builtin_cpu_supports("pclmul")) cpu.add("pclmul");
  if (__builtin_cpu_supports("gfni")) cpu.add("gfni");
  if (__builtin_cpu_supports("vpclmulqdq")) cpu.add("vpclmulqdq");
  if (__builtin_cpu_supports("avx512vbmi")) cpu.add("avx512vbmi");
  if (__builtin_cpu_supports("avx512ifma")) cpu.add("avx512ifma");
  if (__builtin_cpu_supports("avx512vnni")) cpu.add("avx512vnni");
  if (__builtin_cpu_supports("avx512vbmi2")) cpu.add("avx512vbmi2");
  if (__builtin_cpu_supports("avx512bitalg")) cpu.add("avx512bitalg");
  if (__builtin_cpu_supports("avx512vpopcntdq")) cpu.add("avx512vpopcntdq");
}
#endif

CpuFeatures ask_the_cpu() {
  CpuFeatures cpu;
#if defined(__x86_64__)
  __builtin_cpu_init();
  ask_for_levels(cpu);
  ask_for_extensions(cpu);
#endif
  return cpu;
}

bool add_word(CpuFeatures& features, std::string_view word) {
  for (unsigned level = 1; level <= detail::kCpuLevelMax; ++level) {
    if (word != detail::cpu_level_name(level)) continue;
    features.add_level(level);
    return true;
  }
  return features.add(word);
}

// "avx, avx2"
std::string list_of(const CpuFeatures& features) {
  std::string text;
  for (std::size_t i = 0; i < detail::kCpuFeatures.size(); ++i) {
    if (features.has(i)) text += (text.empty() ? "" : ", ") + std::string(detail::kCpuFeatures[i].name);
  }
  return text;
}

Error refused(const Manifest& manifest, const std::string& why) {
  return base::make_error(ErrorCode::incompatible, manifest.name + "@" + manifest.version.to_string() +
                                                       " was compiled for " + manifest.cpu + ", " + why);
}

}  // namespace

const CpuFeatures& this_cpu() noexcept {
  static const CpuFeatures cpu = ask_the_cpu();
  return cpu;
}

std::optional<Error> check_cpu(const Manifest& manifest, const CpuFeatures& cpu) {
  CpuFeatures needed;
  std::string_view rest = manifest.cpu;
  while (!rest.empty()) {
    const std::string_view word = rest.substr(0, rest.find(' '));
    rest.remove_prefix(std::min(word.size() + 1, rest.size()));
    if (!word.empty() && !add_word(needed, word))
      return refused(manifest, "and this version of flame does not know \"" + std::string(word) + "\"; update flame");
  }
  const CpuFeatures missing = needed.without(cpu);
  if (missing.empty()) return std::nullopt;
  return refused(manifest, "but this machine's CPU (" + std::string(detail::cpu_level_name(cpu.level())) + ") lacks " +
                               list_of(missing) +
                               "; compile it without -march=… and -m… options, or run it where the CPU has them");
}

}  // namespace flame::manifest
