// Router against real DEALER sockets: frames both ways, who is let in, what is full or gone.
#include "host/src/transport/router.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <zmq.hpp>

#include "plugin_sdk/base/limits.hpp"
#include "plugin_sdk/base/signal_mask.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/fake_runner.hpp"
#include "tests/support/interrupted.hpp"
#include "tests/support/temp_dir.hpp"

namespace flame::pool {
namespace {

using namespace std::chrono_literals;
using test::eventually;
using testing::ElementsAre;
using testing::HasSubstr;

std::string text(const Bytes& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

/// The other end, which reads only when it is told to.
struct Peer {
  explicit Peer(const std::string& endpoint) {
    dealer.set(zmq::sockopt::linger, 0);
    dealer.set(zmq::sockopt::rcvhwm, 1);
    dealer.set(zmq::sockopt::rcvtimeo, 10'000);
    dealer.connect(endpoint);
  }
  void say(const std::vector<std::string>& frames) {
    for (std::size_t i = 0; i < frames.size(); ++i)
      dealer.send(zmq::buffer(frames[i]), i + 1 < frames.size() ? zmq::send_flags::sndmore : zmq::send_flags::none);
  }
  std::vector<std::string> hear() {
    std::vector<std::string> frames;
    zmq::message_t frame;
    do {
      if (!dealer.recv(frame)) return frames;
      frames.push_back(frame.to_string());
    } while (frame.more());
    return frames;
  }

  zmq::context_t context{1};
  zmq::socket_t dealer{context, zmq::socket_type::dealer};
};

/// `step` without interruptions.
template <class Step>
void whole(Step step) {
  const base::SignalMaskScope blocked(base::all_but_faults());
  step();
}

class RouterTest : public testing::Test {
 protected:
  void bind(std::vector<std::string> tcp = {}) {
    auto router = Router::bind({.control_ipc = "ipc://" + directory_ / "control.ipc",
                                .bulk_ipc = "ipc://" + directory_ / "bulk.ipc",
                                .tcp = std::move(tcp)});
    ASSERT_TRUE(router.has_value()) << router.error().message;
    router_ = std::move(*router);
  }
  std::vector<PeerId> look() {
    for (std::size_t i = 0; i < router_->fds().size(); ++i) router_->readable(i);
    return router_->disconnected();
  }
  Incoming next(Line line = Line::control) {
    std::optional<Incoming> message;
    EXPECT_TRUE(eventually([&] {
      static_cast<void>(look());
      message = router_->receive(line);
      return message.has_value();
    }));
    return message ? std::move(*message) : Incoming{};
  }
  /// Sends until the peer's queue is full; how many it took.
  std::size_t fill(PeerId peer, const Bytes& payload) {
    std::size_t taken = 0;
    while (taken < 10'000 && router_->send(peer, bytes_of("e"), &payload) == Router::Sent::ok) ++taken;
    return taken;
  }

  test::TempDir directory_;
  std::unique_ptr<Router> router_;
};

TEST_F(RouterTest, TellsRunnersAnEndpointOfEachChannelForEachOfItsAddresses) {
  bind({"tcp://127.0.0.1:0", "tcp://127.0.0.1:0"});
  EXPECT_THAT(router_->ipc().control, ElementsAre("ipc://" + directory_ / "control.ipc"));
  EXPECT_THAT(router_->ipc().bulk, ElementsAre("ipc://" + directory_ / "bulk.ipc"));
  EXPECT_THAT(router_->tcp().control, ElementsAre(HasSubstr("127.0.0.1"), HasSubstr("127.0.0.1")));
  EXPECT_EQ(router_->tcp().bulk.size(), 2U);
}

TEST_F(RouterTest, NamesTheEndpointThatItCannotBind) {
  const auto router =
      Router::bind({.control_ipc = "ipc://" + directory_ / "none/control.ipc", .bulk_ipc = {}, .tcp = {}});
  ASSERT_FALSE(router.has_value());
  EXPECT_EQ(router.error().code, ErrorCode::boot_failed);
  EXPECT_THAT(router.error().message, HasSubstr("none/control.ipc"));
}

TEST_F(RouterTest, CarriesEnvelopesAndPayloadsBothWays) {
  bind();
  Peer peer(router_->ipc().control[0]);
  const std::string large(limits::kInlinePayloadMax, 'x');  // shared with libzmq, not copied
  peer.say({"hello"});
  peer.say({"result", large});
  const Incoming hello = next();
  EXPECT_EQ(text(hello.envelope), "hello");
  EXPECT_FALSE(hello.payload.has_value());
  EXPECT_FALSE(hello.malformed || hello.encrypted);
  EXPECT_EQ(hello.peer.line(), Line::control);
  const Incoming result = next();
  EXPECT_TRUE(result.peer == hello.peer);
  EXPECT_EQ(text(result.payload.value_or(Bytes())), large);
  {
    const Bytes payload(large.data(), large.size());
    EXPECT_EQ(router_->send(hello.peer, bytes_of("invoke"), &payload), Router::Sent::ok);
  }
  EXPECT_EQ(router_->send(hello.peer, bytes_of("beat"), nullptr), Router::Sent::ok);
  EXPECT_THAT(peer.hear(), ElementsAre("invoke", large));
  EXPECT_THAT(peer.hear(), ElementsAre("beat"));
}

TEST_F(RouterTest, KeepsTheChannelsApart) {
  bind();
  Peer control(router_->ipc().control[0]);
  Peer bulk(router_->ipc().bulk[0]);
  bulk.say({"chunk"});
  control.say({"beat"});
  EXPECT_EQ(text(next(Line::control).envelope), "beat");
  const Incoming chunk = next(Line::bulk);
  EXPECT_EQ(text(chunk.envelope), "chunk");
  EXPECT_EQ(chunk.peer.line(), Line::bulk);
}

TEST_F(RouterTest, MarksAMessageOfTooManyFrames) {
  bind();
  Peer peer(router_->ipc().control[0]);
  peer.say({"a", "b", "c", "d"});
  peer.say({"next"});
  EXPECT_TRUE(next().malformed);
  EXPECT_EQ(text(next().envelope), "next") << "the rest of it is dropped";
}

TEST_F(RouterTest, DoesNotHearAPeerThatChoosesItsOwnRoutingId) {
  bind();
  test::Dealer impostor(router_->ipc().control[0], {}, "chosen");
  impostor.send_frames({"impostor"});
  Peer peer(router_->ipc().control[0]);
  peer.say({"honest"});
  EXPECT_EQ(text(next().envelope), "honest");
  EXPECT_FALSE(router_->receive(Line::control).has_value());
}

TEST_F(RouterTest, TakesABoundedNumberOfBytesForARunnerThatDoesNotRead) {
  bind();
  Peer peer(router_->ipc().control[0]);
  peer.say({"hello"});
  const PeerId id = next().peer;
  const Bytes payload{std::vector<std::byte>(limits::kInlinePayloadMax)};
  const std::size_t taken = fill(id, payload);
  EXPECT_GE(taken * payload.size(), limits::kRunnerQueueBytes);
  EXPECT_LE(taken * payload.size(), limits::kRunnerQueueBytes + 4 * limits::MiB) << "and what the kernel holds";
  for (std::size_t i = 0; i < taken; ++i) ASSERT_THAT(peer.hear(), testing::SizeIs(2)) << i;
  EXPECT_TRUE(eventually([&] { return router_->send(id, bytes_of("e"), &payload) == Router::Sent::ok; }));
}

TEST_F(RouterTest, TakesAWindowOfChunksForARunnerThatDoesNotRead) {
  bind();
  Peer peer(router_->ipc().bulk[0]);
  peer.say({"hello"});
  const PeerId id = next(Line::bulk).peer;
  const Bytes chunk{std::vector<std::byte>(limits::kChunkMax)};
  const std::size_t taken = fill(id, chunk);
  EXPECT_GE(taken * chunk.size(), limits::kTransferWindow);
  EXPECT_LE(taken * chunk.size(), limits::kTransferWindow + 4 * limits::MiB) << "and what the kernel holds";
}

TEST_F(RouterTest, SeesAWatchedPeerGoAndRefusesWhatIsForIt) {
  bind();
  auto peer = std::make_unique<Peer>(router_->ipc().control[0]);
  Peer unwatched(router_->ipc().control[0]);
  peer->say({"hello"});
  const Incoming hello = next();
  router_->watch(hello.peer, hello.fd);
  unwatched.say({"hello"});
  const Incoming other = next();
  router_->watch(other.peer, other.fd);
  router_->unwatch(other.peer);
  unwatched.dealer.close();
  peer.reset();
  std::vector<PeerId> gone;
  EXPECT_TRUE(eventually([&] { return !(gone = look()).empty(); }));
  ASSERT_EQ(gone.size(), 1U);
  EXPECT_TRUE(gone[0] == hello.peer);
  // libzmq tells its monitor before its socket.
  EXPECT_TRUE(eventually([&] { return router_->send(hello.peer, bytes_of("e"), nullptr) == Router::Sent::gone; }));
}

TEST_F(RouterTest, OverTcpOnlyAnAllowedKeyIsHeardUnderItsRunnersName) {
  bind({"tcp://127.0.0.1:0"});
  const KeyPair keys = make_key_pair();
  const test::Dealer::Keys mine{router_->public_key(), keys.public_key, keys.secret_key};
  test::Dealer stranger(router_->tcp().control[0], test::strange_keys(router_->public_key()));
  stranger.send_frames({"stranger"});
  EXPECT_TRUE(eventually([&] {
    static_cast<void>(look());
    return router_->take_refused() > 0;
  }));
  EXPECT_FALSE(router_->receive(Line::control).has_value());
  router_->allow(keys.public_key, "ffmpeg-1");
  test::Dealer runner(router_->tcp().control[0], mine);
  runner.send_frames({"hello"});
  const Incoming hello = next();
  EXPECT_EQ(text(hello.envelope), "hello");
  EXPECT_TRUE(hello.encrypted);
  EXPECT_EQ(hello.user, "ffmpeg-1");
}

TEST_F(RouterTest, SignalHandlersOfTheProgramCutNothingShort) {
  bind({"tcp://127.0.0.1:0"});
  Peer peer(router_->ipc().control[0]);
  const Bytes large(std::string(limits::kInlinePayloadMax, 'x'));
  const test::Interrupted interrupted(100us);
  const unsigned enough = test::interruptions + 5000;
  for (unsigned round = 0; test::interruptions < enough; ++round) {
    const std::string number = std::to_string(round);
    whole([&] { peer.say({"hello", number}); });
    const Incoming hello = next();
    ASSERT_EQ(text(hello.payload.value_or(Bytes())), number);
    ASSERT_EQ(router_->send(hello.peer, bytes_of(number), &large), Router::Sent::ok);
    whole([&] { ASSERT_THAT(peer.hear(), ElementsAre(number, text(large))); });
  }
}

}  // namespace
}  // namespace flame::pool
