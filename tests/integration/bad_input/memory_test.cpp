// Tasks that use up memory or stack. Not built for sanitizers: limits.memory is off under them.
#include <signal.h>

#include <string>

#include "tests/integration/bad_input/support.hpp"

namespace flame::test {
namespace {

class BadMemory : public BadInputTest {
 protected:
  // After the bare keys of [pools.work]: a table ends them.
  static constexpr const char* kLimited = "[pools.work.limits]\nmemory = \"128MiB\"\n";
};

TEST_F(BadMemory, ATaskOverItsMemoryLimitIsOutOfMemory) {
  const Host host = make_host({.pool = kLimited});
  const Error error = failure_of<misbehave::exhaust_memory>(host.pool("work"));
  EXPECT_EQ(error.code, ErrorCode::out_of_memory) << error.to_string();
  EXPECT_NE(error.message.find("limits.memory"), std::string::npos) << error.message;
}

TEST_F(BadMemory, MallocGivesNoMoreThanTheLimit) {
  const Host host = make_host({.pool = kLimited});
  const Pool pool = host.pool("work");
  const std::uint64_t got = beside_others(pool, [&] { return pool.call<misbehave::exhaust_memory_quietly>(); });
  EXPECT_GE(got, std::uint64_t{64} << 20U);
  EXPECT_LE(got, std::uint64_t{128} << 20U);
}

TEST_F(BadMemory, AStackOverflowIsCrashedAndCalledOne) {
  const Host host = make_host();
  const Error error = failure_of<misbehave::overflow_stack>(host.pool("work"), std::uint64_t{0});
  EXPECT_EQ(error.code, ErrorCode::crashed) << error.to_string();
  EXPECT_EQ(error.signal, SIGSEGV);
  EXPECT_NE(error.message.find("the stack overflowed"), std::string::npos) << error.message;
}

TEST_F(BadMemory, ATaskOverItsFileLimitOnlyFailsToOpenMore) {
  const Host host = make_host({.pool = "max_concurrency = 2\n[pools.work.limits]\nopen_files = 100\n"});
  const Pool pool = host.pool("work");
  const std::int32_t opened = beside_others(pool, [&] { return pool.call<misbehave::exhaust_files>(); });
  EXPECT_GT(opened, 10);
  EXPECT_LT(opened, 100);
}

TEST_F(BadMemory, ATaskOverItsCpuTimeIsCrashedBySigxcpu) {
  const Host host = make_host({.pool = "[pools.work.limits]\ncpu_time = \"1s\"\n"});
  const Error error = failure_of<misbehave::spin_ms>(host.pool("work"), std::int64_t{20'000});
  EXPECT_EQ(error.code, ErrorCode::crashed) << error.to_string();
  EXPECT_EQ(error.signal, SIGXCPU);
  EXPECT_NE(error.message.find("limits.cpu_time"), std::string::npos) << error.message;
  const std::int64_t cpu_ns = error.usage.user_ns + error.usage.system_ns;
  EXPECT_GE(cpu_ns, 900'000'000);
  EXPECT_LT(cpu_ns, 6'000'000'000) << "the kernel looks at whole seconds, and the crash report costs some more";
  EXPECT_GE(error.usage.wall_ns, cpu_ns - 100'000'000) << "one thread";
}

}  // namespace
}  // namespace flame::test
