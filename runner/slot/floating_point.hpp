// Rounding, traps and flags of floating-point arithmetic, as they were when this was made.
#pragma once

#include <cfenv>
#include <cstdint>

namespace flame::slot {

class FloatingPoint {
 public:
  FloatingPoint() : words_(words()) { std::fegetenv(&environment_); }
  /// For the thread that made it.
  void restore() const {
    if (!kWordsTell || words() != words_) std::fesetenv(&environment_);
  }

 private:
#if defined(__x86_64__)
  // Looking costs a twentieth of putting back, and most tasks compute with whole numbers.
  static constexpr bool kWordsTell = true;
  static std::uint64_t words() {
    std::uint16_t control = 0;
    std::uint16_t status = 0;
    asm volatile("fnstcw %0" : "=m"(control));
    asm volatile("fnstsw %0" : "=m"(status));
    return (std::uint64_t{__builtin_ia32_stmxcsr()} << 32) | (std::uint64_t{status} << 16) | control;
  }
#else
  static constexpr bool kWordsTell = false;
  static std::uint64_t words() {
    return 0;
  }
#endif

  std::uint64_t words_;
  std::fenv_t environment_{};
};

}  // namespace flame::slot
