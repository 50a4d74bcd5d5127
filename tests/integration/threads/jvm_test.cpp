// A JVM in each slot. Built where a JDK is found.
#include "tests/integration/threads/support.hpp"

namespace flame::test {
namespace {

class Jvm : public ThreadsTest {};

TEST_F(Jvm, ServesCallAfterCallAlsoWhenItAddsThreads) {
  Host host = host_of("threads_jvm");
  const Pool pool = host.pool("p");
  expect_kept([&] { return pool.call<threads_jvm::sort>(100'000); }, 1, 3, 30);
}

TEST_F(Jvm, CatchesNullPointers) {
  Host host = host_of("threads_jvm");
  const Pool pool = host.pool("p");
  expect_kept([&] { return pool.call<threads_jvm::catch_null>(20'000); }, 1, 3, 10);
}

}  // namespace
}  // namespace flame::test
