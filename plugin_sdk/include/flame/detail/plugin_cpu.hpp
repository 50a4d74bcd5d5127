// What the code of a plugin needs from a CPU, in words that its note and the reader of the note share.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace flame::detail {

struct CpuFeature {
  std::string_view name;  ///< as __builtin_cpu_supports() has it
  unsigned level;         ///< of x86-64, 2 to 4, that brings it; 0: none does
};

/// Those that a compiler makes use of by itself, or that decide what a CPU is good for, and that all supported
/// compilers can ask for. (A CPU with bmi has lzcnt, movbe and f16c; one with sse4.2 has cmpxchg16b and lahf.)
inline constexpr std::array kCpuFeatures = {CpuFeature{"sse3", 2},           CpuFeature{"ssse3", 2},
                                            CpuFeature{"sse4.1", 2},         CpuFeature{"sse4.2", 2},
                                            CpuFeature{"popcnt", 2},         CpuFeature{"avx", 3},
                                            CpuFeature{"avx2", 3},           CpuFeature{"bmi", 3},
                                            CpuFeature{"bmi2", 3},           CpuFeature{"fma", 3},
                                            CpuFeature{"avx512f", 4},        CpuFeature{"avx512bw", 4},
                                            CpuFeature{"avx512cd", 4},       CpuFeature{"avx512dq", 4},
                                            CpuFeature{"avx512vl", 4},       CpuFeature{"aes", 0},
                                            CpuFeature{"pclmul", 0},         CpuFeature{"gfni", 0},
                                            CpuFeature{"vpclmulqdq", 0},     CpuFeature{"avx512vbmi", 0},
                                            CpuFeature{"avx512ifma", 0},     CpuFeature{"avx512vnni", 0},
                                            CpuFeature{"avx512vbmi2", 0},    CpuFeature{"avx512bitalg", 0},
                                            CpuFeature{"avx512vpopcntdq", 0}};

inline constexpr unsigned kCpuLevelMax = 4;

/// A set of kCpuFeatures. A plain value.
class CpuFeatures {
 public:
  /// False, and nothing is added, for a name that is not in the list.
  constexpr bool add(std::string_view name) {
    for (std::size_t i = 0; i < kCpuFeatures.size(); ++i) {
      if (kCpuFeatures[i].name != name) continue;
      bits_ |= std::uint32_t{1} << i;
      return true;
    }
    return false;
  }
  constexpr void add_level(unsigned level) {
    for (const CpuFeature& feature : kCpuFeatures) {
      if (feature.level != 0 && feature.level <= level) add(feature.name);
    }
  }
  [[nodiscard]] constexpr bool has(std::size_t index) const { return (bits_ >> index & 1U) != 0; }
  /// The highest level all of whose features are there; 1: the baseline.
  [[nodiscard]] constexpr unsigned level() const {
    for (unsigned level = kCpuLevelMax; level > 1; --level) {
      CpuFeatures all;
      all.add_level(level);
      if ((all.bits_ & ~bits_) == 0) return level;
    }
    return 1;
  }
  /// Those of `this` that `other` lacks.
  [[nodiscard]] constexpr CpuFeatures without(const CpuFeatures& other) const {
    CpuFeatures rest;
    rest.bits_ = bits_ & ~other.bits_;
    return rest;
  }
  [[nodiscard]] constexpr bool empty() const { return bits_ == 0; }

  friend constexpr bool operator==(const CpuFeatures&, const CpuFeatures&) = default;

 private:
  std::uint32_t bits_ = 0;
};
static_assert(kCpuFeatures.size() <= 32, "bits_ has one for each");

/// "x86-64", "x86-64-v3".
constexpr std::string_view cpu_level_name(unsigned level) {
  constexpr std::array<std::string_view, kCpuLevelMax + 1> kNames = {"", "x86-64", "x86-64-v2", "x86-64-v3",
                                                                     "x86-64-v4"};
  return kNames[level];
}

constexpr void add_compiled_levels([[maybe_unused]] CpuFeatures& features) {
#ifdef __SSE3__
  features.add("sse3");
#endif
#ifdef __SSSE3__
  features.add("ssse3");
#endif
#ifdef __SSE4_1__
  features.add("sse4.1");
#endif
#ifdef __SSE4_2__
  features.add("sse4.2");
#endif
#ifdef __POPCNT__
  features.add("popcnt");
#endif
#ifdef __AVX__
  features.add("avx");
#endif
#ifdef __AVX2__
  features.add("avx2");
#endif
#ifdef __BMI__
  features.add("bmi");
#endif
#ifdef __BMI2__
  features.add("bmi2");
#endif
#ifdef __FMA__
  features.add("fma");
#endif
#ifdef __AVX512F__
  features.add("avx512f");
#endif
#ifdef __AVX512BW__
  features.add("avx512bw");
#endif
#ifdef __AVX512CD__
  features.add("avx512cd");
#endif
#ifdef __AVX512DQ__
  features.add("avx512dq");
#endif
#ifdef __AVX512VL__
  features.add("avx512vl");
#endif
}

constexpr void add_compiled_extensions([[maybe_unused]] CpuFeatures& features) {
#ifdef __AES__
  features.add("aes");
#endif
#ifdef __PCLMUL__
  features.add("pclmul");
#endif
#ifdef __GFNI__
  features.add("gfni");
#endif
#ifdef __VPCLMULQDQ__
  features.add("vpclmulqdq");
#endif
#ifdef __AVX512VBMI__
  features.add("avx512vbmi");
#endif
#ifdef __AVX512IFMA__
  features.add("avx512ifma");
#endif
#ifdef __AVX512VNNI__
  features.add("avx512vnni");
#endif
#ifdef __AVX512VBMI2__
  features.add("avx512vbmi2");
#endif
#ifdef __AVX512BITALG__
  features.add("avx512bitalg");
#endif
#ifdef __AVX512VPOPCNTDQ__
  features.add("avx512vpopcntdq");
#endif
}

/// What the compiler may use in this translation unit. Code of other units, or of functions with a target of their own,
/// may use more: those that ask the CPU first must not be refused.
constexpr CpuFeatures compiled_cpu() {
  CpuFeatures features;
  add_compiled_levels(features);
  add_compiled_extensions(features);
  return features;
}

}  // namespace flame::detail
