// What a runner that has joined may say wrongly, late, or in the words of another version.
#include "plugin_sdk/base/limits.hpp"
#include "plugin_sdk/wire/batch.hpp"
#include "tests/integration/host/peer_support.hpp"
#include "tests/support/newer_minor.hpp"

namespace flame::test {
namespace {

using namespace std::chrono_literals;

class Messages : public PeerTest {
 protected:
  static std::string text(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
  /// Sends messages as one batch of `session`; `count` is what its header claims.
  static void send_batch(Dealer& dealer, std::uint64_t session, const std::vector<std::vector<std::byte>>& messages,
                         std::uint32_t count) {
    wire::BatchWriter batch;
    for (const auto& message : messages) ASSERT_TRUE(batch.add(message, {}));
    const std::string frame = text(batch.bytes());
    dealer.send(session, wire::Batch{.count = count}, &frame);
  }
  /// A result whose 100'000 bytes are to come on `bulk`.
  static void announce_result(OneRunner& runner, std::uint64_t call, std::uint64_t transfer) {
    runner.dealer.send(runner.session, wire::make_result(call, {.parts = {100'000}, .transfer = transfer}, {}));
  }
  static void send_result(Dealer& dealer, std::uint64_t session, std::uint64_t call, std::int64_t bytes) {
    const auto encoded =
        detail::encode_result<tasks::resize_quality>(tasks::Resized{.path = {}, .bytes = bytes}, no_objects());
    const std::string frame = text(wire::pack(encoded));
    dealer.send(session, wire::make_result(call, wire::describe(encoded, 1 << 20).value(), {}), &frame);
    dealer.send(session, wire::make_ended(call));
  }
};

TEST_F(Messages, ARunnerThatBreaksTheProtocolIsLostAndItsCallsAreAnswered) {
  OneRunner runner;
  auto future = runner.call_in_flight();
  runner.dealer.send_frames({"this is no envelope"});
  EXPECT_EQ(end_of(future).code, ErrorCode::runner_lost);
  const auto& backend = runner.setup.backend;
  EXPECT_TRUE(eventually([&] { return backend->destroyed() == std::vector<MachineId>{"m-ffmpeg-1"}; }));
}

TEST_F(Messages, TwoResultsByTransferForOneCallAreABrokenRunner) {
  OneRunner runner;
  auto future = runner.call_in_flight();
  for (const std::uint64_t transfer : {1U, 3U}) announce_result(runner, future.id(), transfer);
  EXPECT_EQ(end_of(future).code, ErrorCode::runner_lost);
}

TEST_F(Messages, AResultWhoseSlotDiedBeforeAllOfItWasSentIsThatDeath) {
  OneRunner runner;
  Dealer bulk(runner.parent.bulk.at(0));
  bulk.send(runner.session, wire::BulkHello{.session = runner.session});
  auto future = runner.call_in_flight();
  announce_result(runner, future.id(), 1);
  Error death{.code = ErrorCode::crashed, .message = "It was killed.", .signal = 9};
  bulk.send(runner.session, wire::make_abort(1, "the slot is gone", death));
  const Error error = end_of(future);
  EXPECT_EQ(error.code, ErrorCode::crashed) << error.to_string();
  EXPECT_EQ(error.signal, 9);
  EXPECT_EQ(error.started, Started::yes);
  EXPECT_EQ(error.message, "The result was not sent to the end. It was killed.");
}

TEST_F(Messages, ARunnersLeaveWaitsForItsResults) {
  OneRunner runner;
  Dealer bulk(runner.parent.bulk.at(0));
  bulk.send(runner.session, wire::BulkHello{.session = runner.session});
  auto future = runner.call_in_flight();
  announce_result(runner, future.id(), 1);
  runner.dealer.send(runner.session, wire::make_ended(future.id()));
  runner.dealer.send(runner.session, wire::Retire{.last_seq = 1, .must = true, .reason = "must"});
  EXPECT_FALSE(runner.dealer.receive(300ms).has_value());
  const std::string bytes(100'000, 'x');
  bulk.send(runner.session, wire::Chunk{.transfer = 1, .offset = 0}, &bytes);
  const auto reply = runner.dealer.receive();
  ASSERT_TRUE(reply && std::holds_alternative<wire::RetireReply>(reply->body));
  EXPECT_NE(error_of([&] { future.get(); }).code, ErrorCode::runner_lost) << "it came whole, though it is no int";
}

TEST_F(Messages, ARunnerThatNamesObjectsOfItsOwnInventionHarmsNobody) {
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
  for (const std::uint64_t id : {call, call, call + 1}) runner.send(session, wire::make_result(id, info, {}), &frame);
  EXPECT_EQ(future.get(), 7);
  EXPECT_EQ(host.pool("ffmpeg").stats().slots_held, 1U) << "it is taken at its word";
  bool cancelled = false;
  for (int released = 0; released < 3 || !cancelled;) {
    const auto message = runner.receive();
    ASSERT_TRUE(message.has_value());
    if (const auto* release = std::get_if<wire::Release>(&message->body)) released += release->lease == call;
    if (const auto* cancel = std::get_if<wire::Cancel>(&message->body)) cancelled = cancel->id == call;
  }
  runner.send(session, wire::make_ended(call, Error{.code = ErrorCode::crashed, .message = "boom"}));
  runner.send(session, wire::make_ended(call));
  EXPECT_TRUE(eventually([&] { return host.pool("ffmpeg").stats().slots_busy == 0; }));
}

TEST_F(Messages, ANewerRunnerIsToldOurMinor) {
  auto [backend, host] = start({"ipc://auto"});
  const wire::Parent parent = backend->parent(0);
  Dealer runner(parent.control.at(0));
  wire::Hello hello = hello_for(parent);
  hello.protocol_minor = wire::kProtocolMinor + 1;
  runner.send(0, hello);
  const auto answer = runner.receive();
  ASSERT_TRUE(answer && std::holds_alternative<wire::Welcome>(answer->body));
  EXPECT_EQ(std::get<wire::Welcome>(answer->body).protocol_minor, wire::kProtocolMinor);
}

TEST_F(Messages, ARunnerThatIsTooOldForSecretsServesNoPoolThatHasSome) {
  auto [backend, host] = start(
      {"ipc://auto"}, 1, [](PoolConfig& pool) { pool.secret_env.insert_or_assign("TOKEN", Secret::literal("hush")); });
  const wire::Parent parent = backend->parent(0);
  EXPECT_EQ(parent.secrets.size(), 1U);
  auto call = host.pool("ffmpeg").async<tasks::add>(3, 4);
  Dealer runner(parent.control.at(0));
  wire::Hello hello = hello_for(parent);
  hello.protocol_minor = wire::kSecretsSinceMinor - 1;
  runner.send(0, hello);
  const Error error = end_of(call);
  EXPECT_EQ(error.code, ErrorCode::incompatible);
  EXPECT_NE(error.message.find("has no secrets for tasks"), std::string::npos) << error.message;
}

TEST_F(Messages, ARequestOfANewerMinorIsAnsweredAndANotificationIsNot) {
  auto [backend, host] = start({"ipc://auto"});
  const wire::Parent parent = backend->parent(0);
  Dealer runner(parent.control.at(0));
  const std::uint64_t session = join(runner, parent);
  const auto send_newer = [&](const wire::Body& body) {
    const auto bytes = of_a_newer_minor(wire::encode(session, body));
    runner.send_frames({std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size())});
  };
  send_newer(wire::Beat{.seq = 7});
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

TEST_F(Messages, ACallThatTheRunnerDoesNotKnowIsIncompatible) {
  auto [backend, host] = start({"ipc://auto"});
  const wire::Parent parent = backend->parent(0);
  Dealer runner(parent.control.at(0));
  const std::uint64_t session = join(runner, parent);
  auto future = host.pool("ffmpeg").async<tasks::add>(3, 4);
  const auto invoke = runner.receive();
  ASSERT_TRUE(invoke && std::holds_alternative<wire::Invoke>(invoke->body));
  runner.send(session, wire::Unsupported{.id = future.id(), .what = "message kind 5"});
  const Error error = error_of([&] { future.get(); });
  EXPECT_EQ(error.code, ErrorCode::incompatible) << error.to_string();
  EXPECT_NE(error.message.find("flame-runner"), std::string::npos) << error.message;
  EXPECT_EQ(error.started, Started::no);
  EXPECT_TRUE(eventually([&] { return host.pool("ffmpeg").stats().slots_busy == 0; }));
  runner.send(session, wire::Unsupported{.id = 12345, .what = "nothing that was asked"});
  auto next = host.pool("ffmpeg").async<tasks::add>(3, 4);
  serve(runner, session, 1);
  EXPECT_EQ(next.get(), 7);
}

TEST_F(Messages, InABatchThatIsNoneEndTheSession) {
  OneRunner runner;
  auto future = runner.call_in_flight();
  send_batch(runner.dealer, runner.session, {wire::encode(runner.session, wire::Beat{.seq = 1})}, 7);
  EXPECT_EQ(end_of(future).code, ErrorCode::runner_lost) << "it claims more messages than it has";
}

TEST_F(Messages, InABatchInABatchEndTheSession) {
  OneRunner runner;
  auto future = runner.call_in_flight();
  send_batch(runner.dealer, runner.session, {wire::encode(runner.session, wire::Batch{.count = 0})}, 1);
  EXPECT_EQ(end_of(future).code, ErrorCode::runner_lost);
}

TEST_F(Messages, OfAnotherSessionAreNoAnswer) {
  OneRunner runner;
  auto future = runner.call_in_flight();
  runner.dealer.send(runner.session + 1,
                     wire::make_failure(future.id(), {.code = ErrorCode::task_failed, .message = "a lie"}));
  runner.dealer.send(runner.session + 1, wire::make_ended(future.id()));
  EXPECT_FALSE(future.wait_for(200ms));
  runner.setup.backend->kill("m-ffmpeg-1", "over");
  EXPECT_EQ(end_of(future).code, ErrorCode::runner_lost);
}

TEST_F(Messages, OfARunnerThatWasGivenUpComeTooLateForTheNextAttempt) {
  auto [backend, host] = start({"ipc://auto"}, 2);
  const wire::Parent one = backend->parent(0);
  Dealer given_up(one.control.at(0));
  const std::uint64_t old_session = join(given_up, one);
  auto future = host.pool("ffmpeg").async<tasks::resize_quality>(tasks::Video{});
  ASSERT_TRUE(given_up.receive().has_value());
  const wire::Parent two = backend->parent(1);
  Dealer next(two.control.at(0));
  const std::uint64_t session = join(next, two);
  backend->kill("m-ffmpeg-1", "as the backend believes");
  const auto again = next.receive();
  ASSERT_TRUE(again && std::holds_alternative<wire::Invoke>(again->body));
  EXPECT_EQ(std::get<wire::Invoke>(again->body).attempt, 2U);
  send_result(given_up, old_session, future.id(), 1);
  EXPECT_FALSE(future.wait_for(200ms));
  send_result(next, session, future.id(), 2);
  EXPECT_EQ(future.get().bytes, 2);
}

}  // namespace
}  // namespace flame::test
