// Peers that do not behave: wrong keys, wrong names, broken frames, floods. None of them harms the host.
#include "tests/integration/host/fake_runner.hpp"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fstream>

#include "plugin_sdk/base/limits.hpp"
#include "plugin_sdk/wire/payload_frame.hpp"
#include "tests/integration/host/support.hpp"
#include "tests/support/newer_minor.hpp"

namespace flame::test {
namespace {

using namespace std::chrono_literals;

class Peers : public HostTest {
 protected:
  struct Setup {
    std::shared_ptr<RecordingBackend> backend;
    Host host;
  };
  static Setup start(const std::vector<std::string>& listen, std::uint32_t min = 1) {
    HostConfig settings = config([&](PoolConfig& pool) {
      pool.backend = "recording";
      pool.min = min;
      pool.max = min;
      pool.shutdown_timeout = 200ms;
    });
    settings.listen = listen;
    auto backend = std::make_shared<RecordingBackend>();
    return {backend, Host(settings, {backend})};
  }

  /// Answers invocations of tasks::add until `count` were served.
  static void serve(Dealer& dealer, std::uint64_t session, int count) {
    for (int served = 0; served < count;) {
      auto message = dealer.receive();
      ASSERT_TRUE(message.has_value());
      const auto* invoke = std::get_if<wire::Invoke>(&message->body);
      if (invoke == nullptr) {
        continue;
      }
      ++served;
      dealer.send(session, wire::Begun{invoke->id});
      const auto encoded = detail::encode_result<tasks::add>(7, no_objects());
      const auto bytes = wire::pack(encoded);
      const std::string frame(reinterpret_cast<const char*>(bytes.data()), bytes.size());
      const auto info = wire::describe(encoded, 1 << 20).value();
      dealer.send(session, wire::Result{.id = invoke->id, .payload = info, .error = {}, .usage = {}}, &frame);
      dealer.send(session, wire::Ended{invoke->id});
    }
  }
  static detail::ObjectSink& no_objects() {
    struct None final : detail::ObjectSink {
      std::uint32_t add(const detail::ObjectHandle&, std::string_view) override { return 0; }
    };
    static None none;
    return none;
  }

  /// Says hello as `parent` should; the session.
  static std::uint64_t join(Dealer& dealer, const wire::Parent& parent) {
    dealer.send(0, hello_for(parent));
    const auto answer = dealer.receive();
    const auto* welcome = answer ? std::get_if<wire::Welcome>(&answer->body) : nullptr;
    EXPECT_NE(welcome, nullptr);
    return welcome == nullptr ? 0 : welcome->session;
  }
  /// A host and its one runner, which has joined.
  struct OneRunner {
    Setup setup = start({"ipc://auto"});
    wire::Parent parent = setup.backend->parent(0);
    Dealer dealer{parent.control.at(0)};
    std::uint64_t session = join(dealer, parent);

    [[nodiscard]] Pool pool() const { return setup.host.pool("ffmpeg"); }
    /// A call that the runner has heard of.
    [[nodiscard]] Future<std::int32_t> call_in_flight() {
      auto future = pool().async<tasks::add>(3, 4);
      const auto invoke = dealer.receive();
      EXPECT_TRUE(invoke && std::holds_alternative<wire::Invoke>(invoke->body));
      return future;
    }
  };

  /// The call ends at once, not when the runner counts as silent.
  static Error end_of(Future<std::int32_t>& call) {
    EXPECT_TRUE(call.wait_for(5s));
    return error_of([&] { call.get(); });
  }

  static std::string refusal(Dealer& dealer) {
    const auto answer = dealer.receive();
    const auto* refuse = answer ? std::get_if<wire::Refuse>(&answer->body) : nullptr;
    return refuse == nullptr ? "" : refuse->reason;
  }
};

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
  second.send(first.session, wire::Result{.id = future.id()});  // a stranger that guessed the session
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
  bulk.send(0, wire::BulkHello{session});
  Dealer own(one.bulk.at(0), keys_of(one));
  own.send(0, wire::BulkHello{session});
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
  for (std::size_t size = 0; size < whole.size(); ++size) {
    stranger.send_frames({whole.substr(0, size)});
  }
  stranger.send_frames({whole, "payload", "one frame too many"});
  stranger.send_frames({std::string(1000, '\xff'), std::string(1000, '\0')});
  stranger.send(0, wire::Beat{});
  Dealer runner(parent.control.at(0));
  EXPECT_NE(join(runner, parent), 0U);
}

TEST_F(Peers, ARunnerThatBreaksTheProtocolIsLostAndItsCallsAreAnswered) {
  OneRunner runner;
  auto future = runner.call_in_flight();
  runner.dealer.send_frames({"this is no envelope"});
  EXPECT_EQ(end_of(future).code, ErrorCode::runner_lost);
  const auto& backend = runner.setup.backend;
  EXPECT_TRUE(eventually([&] { return backend->destroyed() == std::vector<MachineId>{"m-ffmpeg-1"}; }));
}

TEST_F(Peers, TwoResultsByTransferForOneCallAreABrokenRunner) {
  OneRunner runner;
  auto future = runner.call_in_flight();
  for (const std::uint64_t transfer : {1, 3}) {
    runner.dealer.send(runner.session,
                       wire::Result{.id = future.id(), .payload = {{100'000}, transfer, {}}, .error = {}, .usage = {}});
  }
  EXPECT_EQ(end_of(future).code, ErrorCode::runner_lost);
}

TEST_F(Peers, ARunnersLeaveWaitsForItsResults) {
  OneRunner runner;
  Dealer bulk(runner.parent.bulk.at(0));
  bulk.send(runner.session, wire::BulkHello{runner.session});
  auto future = runner.call_in_flight();
  runner.dealer.send(runner.session,
                     wire::Result{.id = future.id(), .payload = {{100'000}, 1, {}}, .error = {}, .usage = {}});
  runner.dealer.send(runner.session, wire::Ended{future.id()});
  runner.dealer.send(runner.session, wire::Retire{1, true, "must"});
  EXPECT_FALSE(runner.dealer.receive(300ms).has_value());
  const std::string bytes(100'000, 'x');
  bulk.send(runner.session, wire::Chunk{1, 0}, &bytes);
  const auto reply = runner.dealer.receive();
  ASSERT_TRUE(reply && std::holds_alternative<wire::RetireReply>(reply->body));
  EXPECT_NE(error_of([&] { future.get(); }).code, ErrorCode::runner_lost) << "it came whole, though it is no int";
}

TEST_F(Peers, ARunnerThatNamesObjectsOfItsOwnInventionHarmsNobody) {
  auto [backend, host] = start({"ipc://auto"});
  const wire::Parent parent = backend->parent(0);
  Dealer runner(parent.control.at(0));
  const std::uint64_t session = join(runner, parent);
  auto future = host.pool("ffmpeg").async<tasks::add>(3, 4);
  const std::uint64_t call = future.id();
  const auto invoke = runner.receive();
  ASSERT_TRUE(invoke && std::holds_alternative<wire::Invoke>(invoke->body));
  const auto bytes = wire::pack(detail::encode_result<tasks::add>(7, no_objects()));
  const std::string frame(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  auto info = wire::describe(detail::encode_result<tasks::add>(7, no_objects()), 1 << 20).value();
  info.resources = {1, 1, 99};
  for (const std::uint64_t id : {call, call, call + 1}) {
    runner.send(session, wire::Result{.id = id, .payload = info, .error = {}, .usage = {}}, &frame);
  }
  EXPECT_EQ(future.get(), 7);
  EXPECT_EQ(host.pool("ffmpeg").stats().slots_held, 1U) << "it is taken at its word";
  bool cancelled = false;
  for (int released = 0; released < 3 || !cancelled;) {
    const auto message = runner.receive();
    ASSERT_TRUE(message.has_value());
    if (const auto* release = std::get_if<wire::Release>(&message->body)) released += release->lease == call;
    if (const auto* cancel = std::get_if<wire::Cancel>(&message->body)) cancelled = cancel->id == call;
  }
  runner.send(session, wire::Ended{call, Error{.code = ErrorCode::crashed, .message = "boom"}});
  runner.send(session, wire::Ended{call, {}});
  EXPECT_TRUE(eventually([&] { return host.pool("ffmpeg").stats().slots_busy == 0; }));
}

TEST_F(Peers, AnOlderRunnerIsToldTheOlderMinor) {
  auto [backend, host] = start({"ipc://auto"});
  const wire::Parent parent = backend->parent(0);
  Dealer runner(parent.control.at(0));
  wire::Hello hello = hello_for(parent);
  hello.protocol_minor = 0;
  runner.send(0, hello);
  const auto answer = runner.receive();
  ASSERT_TRUE(answer && std::holds_alternative<wire::Welcome>(answer->body));
  EXPECT_EQ(std::get<wire::Welcome>(answer->body).protocol_minor, 0);
}

TEST_F(Peers, ARequestOfANewerMinorIsAnsweredAndANotificationIsNot) {
  auto [backend, host] = start({"ipc://auto"});
  const wire::Parent parent = backend->parent(0);
  Dealer runner(parent.control.at(0));
  const std::uint64_t session = join(runner, parent);
  const auto send_newer = [&](const wire::Body& body) {
    const auto bytes = of_a_newer_minor(wire::encode(session, body));
    runner.send_frames({std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size())});
  };
  send_newer(wire::Beat{7});
  wire::Invoke request;
  request.id = 77;
  send_newer(request);
  const auto answer = runner.receive();
  ASSERT_TRUE(answer.has_value());
  const auto* unsupported = std::get_if<wire::Unsupported>(&answer->body);
  ASSERT_NE(unsupported, nullptr) << "message " << answer->body.index();
  EXPECT_EQ(unsupported->id, 77U);
  EXPECT_EQ(unsupported->what, "message kind 200");
  auto future = host.pool("ffmpeg").async<tasks::add>(3, 4);
  serve(runner, session, 1);
  EXPECT_EQ(future.get(), 7);
}

TEST_F(Peers, ACallThatTheRunnerDoesNotKnowIsIncompatible) {
  auto [backend, host] = start({"ipc://auto"});
  const wire::Parent parent = backend->parent(0);
  Dealer runner(parent.control.at(0));
  const std::uint64_t session = join(runner, parent);
  auto future = host.pool("ffmpeg").async<tasks::add>(3, 4);
  const auto invoke = runner.receive();
  ASSERT_TRUE(invoke && std::holds_alternative<wire::Invoke>(invoke->body));
  runner.send(session, wire::Unsupported{future.id(), "message kind 5"});
  const Error error = error_of([&] { future.get(); });
  EXPECT_EQ(error.code, ErrorCode::incompatible) << error.to_string();
  EXPECT_NE(error.message.find("flame-runner"), std::string::npos) << error.message;
  EXPECT_EQ(error.started, Started::no);
  EXPECT_TRUE(eventually([&] { return host.pool("ffmpeg").stats().slots_busy == 0; }));
  runner.send(session, wire::Unsupported{12345, "nothing that was asked"});
  auto next = host.pool("ffmpeg").async<tasks::add>(3, 4);
  serve(runner, session, 1);
  EXPECT_EQ(next.get(), 7);
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
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<std::uint16_t>(std::stoi(endpoint.substr(endpoint.rfind(':') + 1))));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
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
