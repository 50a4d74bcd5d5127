// A host from TOML text with real runners and the plugin "misbehave"; anything left behind fails the test.
#pragma once

#include <algorithm>
#include <string>
#include <utility>

#include <flame/host.hpp>

#include "misbehave.hpp"
#include "tests/support/error_of.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/leftovers.hpp"

namespace flame::test {

/// The plugin's own function is where it crashed. Under AddressSanitizer, which reports an access before it lets it
/// happen, that frame is not the innermost one.
inline void expect_crashed_in(const Error& error, const std::string& function, const std::string& file) {
  const auto is_there = [&](const std::string& frame) {
    return frame.find(function) != std::string::npos && frame.find(" at " + file + "+0x") != std::string::npos;
  };
  ASSERT_FALSE(error.where.empty());
#ifdef __SANITIZE_ADDRESS__
  EXPECT_TRUE(std::ranges::any_of(error.where, is_there)) << error.to_string();
#else
  EXPECT_TRUE(is_there(error.where[0])) << error.where[0];
#endif
}

/// What differs from the usual configuration of the one pool "work".
struct Setting {
  std::string plugin = "misbehave@1";
  std::string directory = FLAME_FIXTURE_PLUGINS;
  std::string runner = FLAME_TEST_RUNNER;
  std::string pool;  ///< more lines of [pools.work]
};

[[nodiscard]] inline std::string toml(const Setting& setting) {
  return "[plugins]\npath = [\"" + setting.directory +
         "\"]\n"
         "[backends.local]\nrunner = \"" +
         setting.runner +
         "\"\n"
         "[pools.work]\nplugins = [\"" +
         setting.plugin +
         "\"]\n"
         "max = 1\n" +
         (setting.pool.find("shutdown_timeout") == std::string::npos ? "shutdown_timeout = \"2s\"\n" : "") +
         (setting.pool.find("max_concurrency") == std::string::npos ? "max_concurrency = 4\n" : "") + setting.pool;
}

[[nodiscard]] inline Host make_host(const Setting& setting = {}) {
  return Host::from_toml(toml(setting), "bad_input.toml");
}

class BadInputTest : public LeftoversTest {
 protected:
  /// Runs `bad`, which calls `pool`, while an ordinary call is in flight on the same runner: that one ends as if
  /// nothing had been, and so does one that comes after. Gives what `bad` gave.
  template <class F>
  auto beside_others(const Pool& pool, F&& bad) {
    auto bystander = pool.with({.timeout = std::chrono::seconds(60)}).async<misbehave::sleep_ms>(60'000);
    EXPECT_TRUE(eventually([&] { return pool.stats().slots_busy >= 1; }));
    auto outcome = std::forward<F>(bad)();
    EXPECT_EQ(pool.call<misbehave::add>(40, 2), 42);
    EXPECT_FALSE(bystander.ready());
    bystander.cancel();
    const Error end = error_of([&] { static_cast<void>(bystander.get()); });
    EXPECT_EQ(end.code, ErrorCode::cancelled) << end.to_string();
    EXPECT_EQ(pool.call<misbehave::echo>("after"), "after");
    EXPECT_EQ(pool.stats().runners_lost, 0U);
    EXPECT_EQ(pool.stats().boots, 1U);
    return outcome;
  }

  /// beside_others() for a task that must fail.
  template <auto F, class... Args>
  Error failure_of(const Pool& pool, Args... args) {
    return beside_others(pool, [&] {
      const auto result = pool.try_call<F>(args...);
      return result.has_error() ? result.error() : Error{};
    });
  }
};

}  // namespace flame::test
