// The handshake and the way of each message to its session.
#include "host/src/transport/session_table.hpp"

#include <algorithm>
#include <span>
#include <utility>

#include "plugin_sdk/base/random_number.hpp"
#include "plugin_sdk/wire/batch.hpp"

namespace flame::pool {
namespace {

constexpr int kBulkPerTurn = 8;
constexpr int kControlPerTurn = 1024;  // then timers and callers have their turn
// A hostile peer must not fill the log: the first complaints are written, then every thousandth.
constexpr std::uint64_t kComplaintsWritten = 20;
constexpr std::uint64_t kComplaintsEvery = 1000;
constexpr std::size_t kFormerKept = 64;
// Others may keep the sockets busy: then what a peer that has gone still said is waited for in so many turns.
constexpr int kLastWordsTurns = 64;

std::string name_of(const Incoming& message) {
  return message.user.empty() ? "local" : message.user;
}

void keep_last(std::deque<std::uint64_t>& kept, std::uint64_t value) {
  kept.push_back(value);
  if (kept.size() > kFormerKept) kept.pop_front();
}

bool contains(const std::deque<std::uint64_t>& kept, std::uint64_t value) {
  return std::find(kept.begin(), kept.end(), value) != kept.end();
}

template <class... T>
bool is_any(const wire::Body& body) {
  return (std::holds_alternative<T>(body) || ...);
}

}  // namespace

std::uint64_t random_session_id() {
  std::uint64_t id = 0;
  while (id == 0) id = base::random_number();
  return id;
}

SessionTable::SessionTable(Transport& transport, base::Logger log, std::uint64_t incarnation,
                           std::function<std::uint64_t()> new_session)
    : transport_(transport), log_(std::move(log)), incarnation_(incarnation), new_session_(std::move(new_session)) {}

SessionTable::~SessionTable() = default;

void SessionTable::expect(const std::string& name, Expected expected) {
  transport_.allow(expected.public_key, name);
  expected_[name] = std::move(expected);
}

void SessionTable::forget(const std::string& name) {
  if (const auto found = expected_.extract(name)) transport_.revoke(found.mapped().public_key);
}

bool SessionTable::receive(Instant now) {
  // Before the messages: all that these peers have said is in the sockets now.
  const std::vector<PeerId> ended = transport_.disconnected();
  gone_.insert(gone_.end(), ended.begin(), ended.end());
  if (const unsigned refused = transport_.take_refused(); refused > 0) {
    report("connections refused: wrong key or broken handshake", "stranger");
  }
  if (transport_.is_shut() && !std::exchange(shut_, true)) {
    report("too many connections that say nothing: the tcp port takes nobody for a while; let only runners reach it",
           "strangers");
  }
  shut_ = transport_.is_shut();
  const int control = receive(Line::control, kControlPerTurn, now);
  const int bulk = receive(Line::bulk, kBulkPerTurn, now);
  const bool lost = lose_gone(control < kControlPerTurn && bulk < kBulkPerTurn, now);
  return control > 0 || bulk > 0 || lost;
}

// A runner that leaves says its last results and goodbye, then closes: those must not be lost to the closing.
bool SessionTable::lose_gone(bool drained, Instant now) {
  if (gone_.empty() || (!drained && ++last_words_ < kLastWordsTurns)) return false;
  last_words_ = 0;
  for (const PeerId peer : std::exchange(gone_, {})) {
    if (const auto found = by_peer_.find(peer.value); found != by_peer_.end()) {
      lose(*found->second, "the connection was closed", now);
    }
  }
  return true;
}

int SessionTable::receive(Line line, int most, Instant now) {
  int count = 0;
  for (; count < most; ++count) {
    auto message = transport_.receive(line);
    if (!message) break;
    dispatch(std::move(*message), now);
  }
  return count;
}

void SessionTable::dispatch(Incoming&& message, Instant now) {
  const auto known = by_peer_.find(message.peer.value);
  Session* const session = known == by_peer_.end() ? nullptr : known->second;
  if (session != nullptr && message.encrypted && message.user != session->info().name) {
    report("message with another runner's key", name_of(message));
    return;
  }
  auto envelope = message.malformed ? Error{.message = "more than two frames"} : wire::decode(message.envelope.span());
  if (envelope.has_error()) {
    report("not a message of this protocol: " + envelope.error().message, name_of(message));
    if (session != nullptr) {
      lose(*session, "it sent what is no message of this protocol: " + envelope.error().message, now);
    }
    return;
  }
  if (session == nullptr) {
    on_stranger(message, std::move(*envelope), now);
  } else if (envelope->session != session->info().id) {
    report("message of another session", name_of(message));
  } else {
    const auto payload = message.payload ? message.payload->span() : std::span<const std::byte>();
    const auto* batch = std::get_if<wire::Batch>(&envelope->body);
    batch != nullptr ? deliver_batch(*session, *batch, payload, now)
                     : deliver(*session, std::move(envelope->body), payload, now);
  }
}

void SessionTable::deliver_batch(Session& session, const wire::Batch& batch, std::span<const std::byte> frame,
                                 Instant now) {
  const auto entries = wire::unpack_batch(batch, frame);
  if (entries.has_error()) {
    lose(session, "it broke the protocol: " + entries.error().message, now);
    return;
  }
  for (const wire::BatchEntry& entry : *entries) {
    if (session.closed()) return;
    auto envelope = wire::decode(entry.envelope);
    if (envelope.has_error() || is_any<wire::Batch, wire::Hello>(envelope->body)) {
      lose(session, "it broke the protocol: a batch holds what is no message for it", now);
      return;
    }
    if (envelope->session == session.info().id) deliver(session, std::move(envelope->body), entry.payload, now);
  }
}

void SessionTable::on_stranger(const Incoming& message, wire::Envelope&& envelope, Instant now) {
  const bool control = message.peer.line() == Line::control;
  if (const auto* hello = std::get_if<wire::Hello>(&envelope.body); hello != nullptr && control) {
    on_first_hello(message, *hello, now);
  } else if (const auto* bulk = std::get_if<wire::BulkHello>(&envelope.body); bulk != nullptr && !control) {
    on_bulk_hello(message, bulk->session);
  } else if (!contains(former_peers_, message.peer.value)) {
    report("message before hello", name_of(message));
  }
}

const char* SessionTable::objection(const Incoming& message, const wire::Hello& hello) const {
  if (hello.protocol_major != wire::kProtocolMajor) {
    return "host and runner speak different protocol versions: deploy matching releases";
  }
  if (hello.incarnation != incarnation_) return "this runner belongs to another run of the host";
  if (message.encrypted && message.user != hello.runner) return "the key belongs to another runner";
  const auto found = expected_.find(hello.runner);
  if (found == expected_.end()) return "no such runner is expected";
  if (found->second.nonce != hello.nonce) return "wrong nonce";
  return found->second.used ? "this runner has said hello already" : nullptr;
}

void SessionTable::on_first_hello(const Incoming& message, const wire::Hello& hello, Instant now) {
  if (const char* reason = objection(message, hello)) {
    report(std::string("hello refused: ") + reason, name_of(message));
    static_cast<void>(
        transport_.send(message.peer, wire::encode(0, wire::make_refuse(ErrorCode::incompatible, reason)), nullptr));
    return;
  }
  Expected& expected = expected_.find(hello.runner)->second;
  expected.used = true;
  auto session =
      std::make_unique<Session>(Session::Around{transport_, *pools_.at(expected.runner.first), unsent_},
                                SessionInfo{new_session_(), expected.runner.second, hello.runner, message.peer,
                                            expected.payload_max, base::deadline_after(now, expected.boot_timeout),
                                            !message.encrypted, std::min(hello.protocol_minor, wire::kProtocolMinor)});
  Session& opened = *session;
  by_peer_[message.peer.value] = &opened;
  sessions_[opened.info().id] = std::move(session);
  transport_.watch(message.peer, message.fd);
  opened.events().on_hello(opened, hello, now);
}

void SessionTable::on_bulk_hello(const Incoming& message, std::uint64_t id) {
  const auto found = sessions_.find(id);
  if (found == sessions_.end() && contains(former_sessions_, id)) {
    return;  // it ended before its second connection stood
  }
  if (found == sessions_.end() || found->second->bulk() ||
      (message.encrypted && message.user != found->second->info().name)) {
    report("bulk connection that belongs to no session", name_of(message));
    return;
  }
  found->second->attach_bulk(message.peer);
  by_peer_[message.peer.value] = found->second.get();
  transport_.watch(message.peer, message.fd);
}

void SessionTable::deliver(Session& session, wire::Body&& body, std::span<const std::byte> payload, Instant now) {
  if (is_any<wire::Begun, wire::Result, wire::Ended, wire::Output, wire::Progress, wire::Chunk, wire::Credit,
             wire::Abort>(body)) {
    const bool quiet = !is_any<wire::Begun, wire::Result, wire::Ended>(body);
    const Result<void> taken = session.on_message(std::move(body), payload, now);
    if (taken.has_error()) {
      lose(session, "it broke the protocol: " + taken.error().message, now);
      return;
    }
    if (!quiet) return;
  } else if (const auto* answer = std::get_if<wire::Unsupported>(&body)) {
    report("the runner does not know a request: update flame-runner (" + answer->what + ")", session.info().name);
    session.on_unsupported(*answer, now);
  } else if (const auto* newer = std::get_if<wire::Undecoded>(&body)) {
    if (newer->answer.id != 0) session.post(newer->answer);
  } else {
    if (const auto* beat = std::get_if<wire::Beat>(&body)) session.on_beat(*beat);
    return session.events().on_notice(session, body, now);
  }
  session.events().on_heard(session.info().runner, now);
}

Session::Flushed SessionTable::flush(Instant now) {
  Session::Flushed worst = Session::Flushed::done;
  for (Session* const session : std::exchange(unsent_, {})) {
    const Session::Flushed flushed = session->flush(now);
    if (flushed == Session::Flushed::gone) {
      gone_.push_back(session->info().control);
    } else {
      worst = std::max(worst, flushed);
    }
  }
  return worst;
}

void SessionTable::beat_all(Instant now, bool late) {
  std::vector<Session*> overdue;
  for (const auto& [id, session] : sessions_) {
    session->beat();
    if (!late && !session->bulk() && now >= session->info().bulk_by) overdue.push_back(session.get());
  }
  // Payloads that are too large for control would wait without end.
  for (Session* const session : overdue) lose(*session, "the bulk connection did not come within boot_timeout", now);
}

void SessionTable::refuse(Session& session, ErrorCode code, const std::string& reason) {
  log_.warning("runner refused", {{"runner", session.info().name}, {"reason", reason}});
  close(session, wire::make_refuse(code, reason));
}

void SessionTable::close(Session& session, std::optional<wire::Body> farewell) {
  if (session.closed()) return;
  session.close(std::move(farewell));
  std::erase(unsent_, &session);
  transport_.unwatch(session.info().control);
  by_peer_.erase(session.info().control.value);
  keep_last(former_peers_, session.info().control.value);
  if (session.bulk()) {
    transport_.unwatch(*session.bulk());
    by_peer_.erase(session.bulk()->value);
    keep_last(former_peers_, session.bulk()->value);
  }
  keep_last(former_sessions_, session.info().id);
  closed_.push_back(std::move(sessions_.extract(session.info().id).mapped()));
}

// It may be alive and well, and must not wait for us for ever.
void SessionTable::lose(Session& session, const std::string& reason, Instant now) {
  if (!session.closed()) {
    close(session, wire::Bye{.reason = "the host has given this runner up: " + reason});
    session.events().on_lost(session, reason, now);
  }
}

void SessionTable::report(const std::string& what, const std::string& peer) {
  ++complaints_;
  if (complaints_ <= kComplaintsWritten || complaints_ % kComplaintsEvery == 0) {
    log_.warning(what, {{"peer", peer}, {"count", complaints_}});
  }
}

}  // namespace flame::pool
