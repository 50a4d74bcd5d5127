// Peers that do not behave: wrong keys, wrong names, floods, frames that nobody can read. None of them harms the host.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fstream>

#include "plugin_sdk/base/limits.hpp"
#include "tests/integration/host/peer_support.hpp"
#include "tests/support/loopback.hpp"

namespace flame::test {
namespace {

using namespace std::chrono_literals;

using testing::HasSubstr;
using testing::Not;

class Peers : public PeerTest {};

TEST_F(Peers, AScriptedRunnerServesACall) {
  OneRunner runner;
  auto future = runner.pool().async<tasks::add>(3, 4);
  serve(runner.dealer, runner.session, 1);
  EXPECT_EQ(future.get(), 7);
}

TEST_F(Peers, AWrongNonceAWrongRunAndAnUnknownNameAreRefused) {
  auto [backend, host] = start({"ipc://auto"});
  const wire::Parent parent = backend->parent(0);
  Dealer dealer(parent.control.at(0));
  wire::Hello hello = hello_for(parent);
  ++hello.nonce;
  dealer.send(0, hello);
  EXPECT_EQ(refusal(dealer), "wrong nonce");
  hello = hello_for(parent);
  ++hello.incarnation;
  dealer.send(0, hello);
  EXPECT_EQ(refusal(dealer), "this runner belongs to another run of the host");
  hello = hello_for(parent);
  hello.runner = "ffmpeg-99";
  dealer.send(0, hello);
  EXPECT_EQ(refusal(dealer), "no such runner is expected");
  hello = hello_for(parent);
  ++hello.protocol_major;
  dealer.send(0, hello);
  EXPECT_NE(refusal(dealer).find("protocol"), std::string::npos);
  EXPECT_NE(join(dealer, parent), 0U);
}

TEST_F(Peers, ANonceIsGoodForOneSession) {
  OneRunner first;
  Dealer second(first.parent.control.at(0));
  second.send(0, hello_for(first.parent));
  EXPECT_EQ(refusal(second), "this runner has said hello already");
  auto future = first.pool().async<tasks::add>(3, 4);
  second.send(first.session, wire::make_result(future.id(), {}, {}));  // a stranger that guessed the session
  serve(first.dealer, first.session, 1);
  EXPECT_EQ(future.get(), 7);
}

TEST_F(Peers, AKeyThatIsNotAllowedNeverReachesTheLoop) {
  auto [backend, host] = start({"tcp://127.0.0.1:0"});
  const wire::Parent parent = backend->parent(0);
  Dealer stranger(parent.control.at(0), strange_keys(parent.host_key));
  stranger.send(0, hello_for(parent));
  EXPECT_FALSE(stranger.receive(300ms).has_value());
  Dealer plain(parent.control.at(0));
  plain.send(0, hello_for(parent));
  EXPECT_FALSE(plain.receive(300ms).has_value());
  Dealer runner(parent.control.at(0), keys_of(parent));
  EXPECT_NE(join(runner, parent), 0U);
}

TEST_F(Peers, AValidKeyCannotClaimAnotherRunnersName) {
  auto [backend, host] = start({"tcp://127.0.0.1:0"}, 2);
  const wire::Parent one = backend->parent(0);
  const wire::Parent two = backend->parent(1);
  Dealer impostor(one.control.at(0), keys_of(two));
  impostor.send(0, hello_for(one));
  EXPECT_EQ(refusal(impostor), "the key belongs to another runner");
  Dealer runner(one.control.at(0), keys_of(one));
  const std::uint64_t session = join(runner, one);
  EXPECT_NE(session, 0U);
  // Nor can it take part in the session over the other connection.
  Dealer bulk(one.bulk.at(0), keys_of(two));
  bulk.send(0, wire::BulkHello{.session = session});
  Dealer own(one.bulk.at(0), keys_of(one));
  own.send(0, wire::BulkHello{.session = session});
  auto future = host.pool("ffmpeg").async<tasks::add>(3, 4);
  serve(runner, session, 1);
  EXPECT_EQ(future.get(), 7);
}

TEST_F(Peers, AKeyIsGoodForOneSession) {
  auto [backend, host] = start({"tcp://127.0.0.1:0"});
  const wire::Parent parent = backend->parent(0);
  {
    Dealer runner(parent.control.at(0), keys_of(parent));
    EXPECT_NE(join(runner, parent), 0U);
  }
  ASSERT_TRUE(eventually([&] { return host.pool("ffmpeg").stats().runners == 0; }));
  Dealer again(parent.control.at(0), keys_of(parent));
  again.send(0, hello_for(parent));
  EXPECT_FALSE(again.receive(300ms).has_value());
}

TEST_F(Peers, ASecondConnectionThatOutlivesItsSessionIsNoStranger) {
  testing::internal::CaptureStderr();
  auto [backend, host] = start({"ipc://auto"});
  const wire::Parent parent = backend->parent(0);
  std::uint64_t session = 0;
  {
    Dealer runner(parent.control.at(0));
    session = join(runner, parent);
  }
  EXPECT_TRUE(eventually([&] { return host.pool("ffmpeg").stats().runners == 0; }));
  for (const std::uint64_t named : {session, session + 1, session, session + 2}) {
    Dealer bulk(parent.bulk.at(0));
    bulk.send(0, wire::BulkHello{.session = named});
    EXPECT_FALSE(bulk.receive(100ms).has_value());
  }
  host.shutdown();
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_THAT(log, HasSubstr("bulk connection that belongs to no session peer=local count=2"));
  EXPECT_THAT(log, Not(HasSubstr("count=3"))) << log;
}

TEST_F(Peers, APeerThatChoosesItsRoutingIdIsIgnored) {
  auto [backend, host] = start({"ipc://auto"});
  const wire::Parent parent = backend->parent(0);
  Dealer chooser(parent.control.at(0), {}, "ffmpeg-1");
  chooser.send(0, hello_for(parent));
  EXPECT_FALSE(chooser.receive(300ms).has_value());
  Dealer runner(parent.control.at(0));
  EXPECT_NE(join(runner, parent), 0U);
}

TEST_F(Peers, BrokenFramesOfStrangersAreDropped) {
  auto [backend, host] = start({"ipc://auto"});
  const wire::Parent parent = backend->parent(0);
  Dealer stranger(parent.control.at(0));
  // Cutting only padding off leaves a readable hello: it must be nobody's.
  wire::Hello unknown = hello_for(parent);
  unknown.runner = "ffmpeg-9";
  const auto hello = wire::encode(0, unknown);
  const std::string whole(reinterpret_cast<const char*>(hello.data()), hello.size());
  for (std::size_t size = 0; size < whole.size(); ++size) stranger.send_frames({whole.substr(0, size)});
  stranger.send_frames({whole, "payload", "one frame too many"});
  stranger.send_frames({std::string(1000, '\xff'), std::string(1000, '\0')});
  stranger.send(0, wire::Beat{});
  Dealer runner(parent.control.at(0));
  EXPECT_NE(join(runner, parent), 0U);
}

TEST_F(Peers, AFrameOverTheLimitEndsOnlyThatConnection) {
  auto [backend, host] = start({"ipc://auto"}, 2);
  const wire::Parent one = backend->parent(0);
  const wire::Parent two = backend->parent(1);
  Dealer flooding(one.control.at(0));
  join(flooding, one);
  Dealer runner(two.control.at(0));
  const std::uint64_t session = join(runner, two);
  flooding.send_frames({std::string(limits::kFrameMax + 1, 'x')});
  ASSERT_TRUE(eventually([&] { return backend->destroyed().size() == 1; }));
  auto future = host.pool("ffmpeg").async<tasks::add>(3, 4);
  serve(runner, session, 1);
  EXPECT_EQ(future.get(), 7);
}

TEST_F(Peers, ProofOfDeathFromTheBackendFailsTheCallsAtOnce) {
  OneRunner runner;
  auto future = runner.call_in_flight();
  runner.setup.backend->kill("m-ffmpeg-1", "killed by signal 9");
  const Error error = end_of(future);
  EXPECT_EQ(error.code, ErrorCode::runner_lost);
  EXPECT_NE(error.message.find("killed by signal 9"), std::string::npos) << error.message;
}

std::size_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::size_t size = 0;
  std::size_t resident = 0;
  statm >> size >> resident;
  return resident * 4096;
}

TEST_F(Peers, SixHundredMegabytesBeforeTheHandshakeCostNothing) {
  auto [backend, host] = start({"tcp://127.0.0.1:0"});
  const wire::Parent parent = backend->parent(0);
  const std::string& endpoint = parent.control.at(0);
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in to = loopback(static_cast<std::uint16_t>(std::stoi(endpoint.substr(endpoint.rfind(':') + 1))));
  ASSERT_EQ(::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
  // ZMTP 3.0: a CURVE greeting, then the header of a 600 MB command.
  std::string bytes(64, '\0');
  bytes[0] = '\xff';
  bytes[9] = '\x7f';
  bytes[10] = 3;
  bytes.replace(12, 5, "CURVE");
  bytes += std::string("\x06\0\0\0\0\x23\xc3\x46\0", 9);
  const std::size_t before = resident_bytes();
  ASSERT_GT(::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL), 0);
  const std::string chunk(1 << 20, 'x');
  std::size_t sent = 0;
  while (sent < 600U << 20) {
    const ssize_t n = ::send(fd, chunk.data(), chunk.size(), MSG_NOSIGNAL);
    if (n <= 0) {
      break;  // the host hung up
    }
    sent += static_cast<std::size_t>(n);
  }
  ::close(fd);
  EXPECT_LT(sent, 600U << 20);
  EXPECT_LT(resident_bytes(), before + (64U << 20));
  Dealer runner(parent.control.at(0), keys_of(parent));
  EXPECT_NE(join(runner, parent), 0U);
}

}  // namespace
}  // namespace flame::test
