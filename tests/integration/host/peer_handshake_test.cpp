// Runners that stop in the middle of the handshake: connected and silent, or with one of their two connections only.
#include <gmock/gmock.h>

#include "plugin_sdk/base/limits.hpp"
#include "tests/integration/host/peer_support.hpp"

namespace flame::test {
namespace {

using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::HasSubstr;

class HalfHandshake : public PeerTest {
 protected:
  /// A host whose runners must have shaken hands within a second.
  static Setup start_impatient(const std::string& listen) {
    return start({listen}, 1, [](PoolConfig& pool) { pool.boot_timeout = 1s; });
  }
};

TEST_F(HalfHandshake, AConnectionWithoutAHelloIsAFailedBootAfterTheBootTimeout) {
  for (const char* listen : {"ipc://auto", "tcp://127.0.0.1:0"}) {
    auto [backend, host] = start_impatient(listen);
    const auto begin = std::chrono::steady_clock::now();
    const wire::Parent parent = backend->parent(0);
    Dealer silent(parent.control.at(0), keys_of(parent));
    silent.send(0, wire::Beat{});  // it is connected, and no hello
    const Pool pool = host.pool("ffmpeg");
    ASSERT_TRUE(eventually([&] { return pool.stats().boots_failed == 1; })) << listen;
    EXPECT_GE(std::chrono::steady_clock::now() - begin, 900ms);
    EXPECT_THAT(backend->destroyed(), Contains("m-ffmpeg-1"));
    const auto result = pool.try_call<tasks::add>(3, 4);
    ASSERT_TRUE(result.has_error());
    EXPECT_EQ(result.error().code, ErrorCode::boot_failed) << result.error().to_string();
    EXPECT_EQ(result.error().started, Started::no);
    if (std::string(listen).starts_with("ipc")) {
      silent.send(0, hello_for(parent));
      EXPECT_EQ(refusal(silent), "no such runner is expected") << "it had its time";
    }
    EXPECT_EQ(pool.stats().runners, 0U);
  }
}

TEST_F(HalfHandshake, ARunnerWithoutItsSecondConnectionIsLostAfterTheBootTimeout) {
  for (const char* listen : {"ipc://auto", "tcp://127.0.0.1:0"}) {
    auto [backend, host] = start_impatient(listen);
    const wire::Parent parent = backend->parent(0);
    Dealer half(parent.control.at(0), keys_of(parent));
    const std::uint64_t session = join(half, parent);
    // What is too large for the first connection would wait for the second one without end.
    auto call = host.pool("ffmpeg").with({.timeout = 60s}).async<tasks::echo>(Bytes(std::string(1 << 20, 'x')));
    const auto invoke = half.receive();
    ASSERT_TRUE(invoke && std::holds_alternative<wire::Invoke>(invoke->body));
    ASSERT_TRUE(eventually([&] {
      half.send(session, wire::Beat{});  // it lives
      return call.ready();
    })) << listen;
    const Error error = error_of([&] { return call.get(); });
    EXPECT_EQ(error.code, ErrorCode::runner_lost) << error.to_string();
    EXPECT_THAT(error.message, HasSubstr("bulk connection did not come within boot_timeout"));
    EXPECT_THAT(backend->destroyed(), Contains("m-ffmpeg-1"));
    EXPECT_EQ(host.pool("ffmpeg").stats().runners_lost, 1U);
  }
}

TEST_F(HalfHandshake, ARunnerWithBothConnectionsHasNoSuchLimit) {
  auto [backend, host] = start_impatient("ipc://auto");
  const wire::Parent parent = backend->parent(0);
  Dealer control(parent.control.at(0));
  const std::uint64_t session = join(control, parent);
  Dealer bulk(parent.bulk.at(0));
  bulk.send(session, wire::BulkHello{.session = session});
  const Pool pool = host.pool("ffmpeg");
  const auto lost = [&] {
    control.send(session, wire::Beat{});
    return pool.stats().runners_lost > 0;
  };
  EXPECT_FALSE(eventually(lost, 2500ms));
  EXPECT_EQ(pool.stats().runners, 1U);
}

}  // namespace
}  // namespace flame::test
