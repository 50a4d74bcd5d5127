// A session between a transport that keeps what it is given and a pool that keeps what it is told.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <variant>

#include "host/src/transport/session.hpp"
#include "plugin_sdk/base/limits.hpp"
#include "tests/support/fake_transport.hpp"
#include "tests/unit/host/transport/told_pool.hpp"
#include "tests/unit/plugin_sdk/wire/payloads.hpp"

namespace flame::pool {

class SessionTest : public testing::Test {
 protected:
  static constexpr std::uint64_t kSession = 42;
  static constexpr std::uint64_t kPayloadMax = 16 * limits::MiB;
  static constexpr std::chrono::seconds kLimit{1};

  SessionTest() { session_.attach_bulk(bulk_); }

  /// The runner says this.
  Result<void> say(wire::Body body, std::span<const std::byte> payload = {}) {
    return session_.on_message(std::move(body), payload, {});
  }
  void say_well(wire::Body body, std::span<const std::byte> payload = {}) {
    const auto taken = say(std::move(body), payload);
    EXPECT_TRUE(taken.has_value()) << taken.error().message;
  }
  /// The result of `call`, whose bytes are transfer 1 (or another of the runner's).
  static wire::Result by_transfer(CallId call, const detail::Payload& payload, std::uint64_t transfer = 1) {
    auto info = *wire::describe(payload, std::uint64_t{1} << 40);
    info.transfer = transfer;
    return wire::make_result(call, std::move(info), {});
  }
  void chunk(const detail::Payload& payload, std::uint64_t transfer = 1) {
    say_well(wire::Chunk{.transfer = transfer, .offset = 0}, wire::pack(payload));
  }

  static std::shared_ptr<RemoteCall> call_of(CallId id, detail::Payload arguments) {
    static const auto executor = std::make_shared<Executor>([](const char*) {});
    CallRecord record;
    record.set_id(id);
    record.task = "tasks::work";
    record.invoke.digest = std::string(64, 'a');
    record.invoke.payload = *wire::describe(arguments, kPayloadMax);
    record.wire_bytes = wire::wire_size(arguments);
    record.arguments = std::move(arguments);
    return std::make_shared<RemoteCall>(executor, std::make_shared<Inbox>(), std::move(record));
  }
  void send(CallId id, detail::Payload arguments = test::payload_of({"small"})) {
    session_.send(call_of(id, std::move(arguments)), Instant{} + kLimit, 1);
  }
  void flush() {
    while (session_.flush(Instant{}) == Session::Flushed::more) {
    }
  }
  template <typename Message>
  std::optional<Message> heard_by(PeerId peer) {
    const auto heard = transport_.hear(peer);
    if (!heard) return std::nullopt;
    EXPECT_EQ(heard->envelope.session, kSession);
    const auto* message = std::get_if<Message>(&heard->envelope.body);
    EXPECT_NE(message, nullptr) << "message kind " << heard->envelope.body.index();
    return message == nullptr ? std::nullopt : std::optional(*message);
  }

  const PeerId control_ = test::FakeTransport::peer(Line::control);
  const PeerId bulk_ = test::FakeTransport::peer(Line::bulk);
  test::FakeTransport transport_;
  test::ToldPool pool_;
  Unsent unsent_;
  Session session_{Session::Around{transport_, pool_, unsent_},
                   SessionInfo{.id = kSession, .name = "ffmpeg-1", .control = control_, .payload_max = kPayloadMax}};
  const detail::Payload large_ = test::random_payload(1, {100'000, 100});
};

}  // namespace flame::pool
