// See host_link.hpp.
#include "runner/link/host_link.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "plugin_sdk/base/boot_time.hpp"
#include "plugin_sdk/base/limits.hpp"
#include "plugin_sdk/wire/envelope.hpp"
#include "runner/os/log.hpp"

namespace flame::runner {
namespace {

using namespace std::chrono_literals;

// A far host needs several round trips for CURVE, and one on a busy machine may not get to the handshake sooner: giving
// up early would start it anew for ever. Whoever is not there is known at once, by an event.
constexpr Duration kHandshakePatience = 3500ms;
// One try may have stood still with the whole machine.
constexpr int kBulkTriesMin = 5;
constexpr int kMessagesPerTurn = 128;
constexpr auto kControl = static_cast<std::size_t>(Line::control);
constexpr auto kBulk = static_cast<std::size_t>(Line::bulk);
constexpr const char* kClosed = "the connection was closed";
// A host that lets this much of its results wait does not read any more.
constexpr std::size_t kBacklogMax = 256 * limits::MiB;

}  // namespace

HostLink::HostLink(wire::Parent& parent, wire::Hello hello, Poller& poller, HostListener& listener)
    : control_(std::move(parent.control)),
      bulk_(std::move(parent.bulk)),
      hello_(std::move(hello)),
      failsafe_(parent.failsafe_ns > 0 ? Duration(parent.failsafe_ns) : Duration(limits::kFailsafe)),
      poller_(poller),
      listener_(listener),
      dealer_({std::move(parent.host_key), std::move(parent.public_key), std::move(parent.secret_key)}) {}

void HostLink::send(const wire::Body& body, Frame payload) {
  if (state_ != State::open) return;
  outbox_.add(wire::encode(session_.id(), body), std::move(payload));
  if (outbox_.full()) flush();
}

void HostLink::flush() {
  outbox_.flush(session_.id(), [this](std::span<const std::byte> envelope, Frame payload) {
    dealer_.send(Line::control, envelope, std::move(payload));
  });
}

void HostLink::send_bulk(const wire::Body& body, Frame payload) {
  if (state_ != State::open) return;
  dealer_.send(Line::bulk, wire::encode(session_.id(), body), std::move(payload));
}

void HostLink::dial(Instant now) {
  endpoint_ = attempts_++ % control_.size();
  dialled_at_ = now;
  redial_at_ = deadline_after(now, kHandshakePatience);
  session_.reset();
  if (const std::string problem = dial_line(Line::control, control_[endpoint_]); !problem.empty()) {
    return dial_failed(now, control_[endpoint_], problem);
  }
  session_.greeted(now, control_[endpoint_].starts_with("ipc://"));
  dealer_.send(Line::control, wire::encode(0, hello_));
  ready_[kControl] = true;
  // Descriptors of zmq are edge-triggered: what came while the socket was made is not reported again.
  on_event(now, Line::control);
}

std::string HostLink::dial_line(Line line, const std::string& endpoint) {
  poller_.remove(dealer_.fd(line));
  poller_.remove(dealer_.monitor_fd(line));
  std::string problem = dealer_.dial(line, endpoint);
  if (!problem.empty()) return problem;
  const bool control = line == Line::control;
  poller_.add(dealer_.fd(line), {control ? Source::control : Source::bulk, 0, 0});
  poller_.add(dealer_.monitor_fd(line), {control ? Source::control_monitor : Source::bulk_monitor, 0, 0});
  return problem;
}

void HostLink::dial_bulk(Instant now) {
  redial_at_ = kNever;
  dialled_at_ = now;
  if (const std::string problem = dial_line(Line::bulk, bulk_[endpoint_]); !problem.empty()) bulk_failed(now, problem);
}

// A handshake that stood still for too long, with the whole machine perhaps, is begun anew. Whoever cannot be dialled
// for as long as the failsafe allows is no more there for us than a host that cannot be found.
void HostLink::bulk_failed(Instant now, const std::string& why) {
  if (++bulk_failures_ >= kBulkTriesMin && now >= deadline_after(opened_at_, failsafe_)) {
    return lose(now, "the bulk connection did not come to stand: " + why);
  }
  dial_failed(now, bulk_[endpoint_], why);
}

void HostLink::dial_failed(Instant now, const std::string& endpoint, const std::string& why) {
  if (why != last_failure_) log(LogLevel::info, fmt::format("{}: {}; trying again", endpoint, why));
  last_failure_ = why;
  redial_at_ = std::max(now, deadline_after(dialled_at_, limits::kDialInterval));
}

void HostLink::on_ready(Instant now, const Poller::Ready& ready) {
  switch (ready.key.source) {
    case Source::control:
      ready_[kControl] = true;
      return;
    case Source::bulk:
      ready_[kBulk] = true;
      return;
    case Source::control_monitor:
      return on_event(now, Line::control);
    default:
      return on_event(now, Line::bulk);
  }
}

void HostLink::on_event(Instant now, Line line) {
  for (LinkEvent event = dealer_.event(line); event != LinkEvent::none; event = dealer_.event(line)) {
    if (event == LinkEvent::connected) {
      on_connected(line);
    } else if (state_ == State::dialling) {
      const bool gone = event == LinkEvent::disconnected;
      return dial_failed(now, control_[endpoint_], gone ? kClosed : dealer_.failure(line));
    } else if (state_ == State::open) {
      return on_disconnected(now, line, event);
    } else {
      return;
    }
  }
}

void HostLink::on_connected(Line line) {
  if (line == Line::bulk) {
    dealer_.forget_keys();
    more_ = true;  // what waited for the connection
  } else if (state_ == State::dialling) {
    redial_at_ = kNever;  // the failsafe bounds the rest
  }
}

void HostLink::on_disconnected(Instant now, Line line, LinkEvent event) {
  if (line == Line::bulk && !dealer_.was_connected(Line::bulk)) {
    return bulk_failed(now, event == LinkEvent::failed ? dealer_.failure(line) : kClosed);
  }
  pump(now);  // what the host sent before it went
  lose(now, line == Line::control ? kClosed : "the bulk connection was lost");
}

void HostLink::pump(Instant now) {
  more_ = false;
  flush();
  dealer_.flush();
  if (dealer_.queued_bytes(Line::control) > kBacklogMax) return lose(now, "it does not read its results");
  Frame envelope;
  Frame payload;
  int budget = kMessagesPerTurn;
  bool control = std::exchange(ready_[kControl], false) || dealer_.must_recheck(Line::control);
  bool bulk = std::exchange(ready_[kBulk], false) || dealer_.must_recheck(Line::bulk);
  while ((control || bulk) && budget-- > 0) {
    if (control && (control = dealer_.receive(Line::control, envelope, payload))) {
      receive(base::boot_time(), Line::control, envelope, payload);
    } else if (bulk && (bulk = dealer_.receive(Line::bulk, envelope, payload))) {
      receive(base::boot_time(), Line::bulk, envelope, payload);
    }
  }
  ready_[kControl] = control;
  ready_[kBulk] = bulk;
  more_ = control || bulk || dealer_.must_recheck(Line::control) || dealer_.must_recheck(Line::bulk);
}

void HostLink::receive(Instant now, Line line, Frame& envelope, Frame& payload) {
  auto decoded = wire::decode(envelope.span());
  if (!decoded) return log(LogLevel::warning, "a frame from the host was ignored: " + decoded.error().message);
  if (line == Line::bulk && state_ != State::open) return;
  switch (session_.judge(now, *decoded)) {
    case Verdict::drop:
      return log(LogLevel::debug, "a message of another session was dropped");
    case Verdict::refused:
      return lose(now, session_.reason());
    case Verdict::opened:
      return open_with(now, *decoded);
    case Verdict::deliver:
      if (state_ != State::open) return;
      if (const auto* batch = std::get_if<wire::Batch>(&decoded->body)) return receive_batch(now, *batch, payload);
      listener_.on_message(now, decoded->body, payload);
  }
}

void HostLink::receive_batch(Instant now, const wire::Batch& batch, const Frame& frame) {
  const auto entries = wire::unpack_batch(batch, frame.span());
  if (!entries) return log(LogLevel::warning, "a batch from the host was ignored: " + entries.error().message);
  for (const wire::BatchEntry& entry : *entries) {
    auto message = wire::decode(entry.envelope);
    if (!message || message->session != session_.id() || std::holds_alternative<wire::Batch>(message->body)) {
      log(LogLevel::warning, "a message in a batch from the host was ignored");
      continue;
    }
    Frame payload(entry.payload.size());
    if (payload.size() > 0) std::memcpy(payload.data(), entry.payload.data(), payload.size());
    if (state_ == State::open) listener_.on_message(now, message->body, payload);
  }
}

void HostLink::open_with(Instant now, const wire::Envelope& envelope) {
  state_ = State::open;
  redial_at_ = kNever;
  opened_at_ = now;
  if (endpoint_ < bulk_.size()) {
    dial_bulk(opened_at_);
    send_bulk(wire::BulkHello{.session = session_.id()});
  } else {
    dealer_.forget_keys();
  }
  listener_.on_welcome(now, std::get<wire::Welcome>(envelope.body));
  on_event(now, Line::bulk);  // after the welcome: it may pump messages that need it
}

void HostLink::lose(Instant now, const std::string& why) {
  if (state_ == State::lost) return;
  state_ = State::lost;
  redial_at_ = kNever;
  dealer_.forget_keys();
  listener_.on_host_lost(now, why);
}

void HostLink::close(Duration patience) {
  flush();
  dealer_.finish(static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(patience).count()));
}

void HostLink::tick(Instant now) {
  // On a busy machine this turn may come late, after the handshake: another hello would be refused.
  if (state_ == State::dialling && now >= redial_at_) on_event(now, Line::control);
  if (state_ == State::dialling && now >= redial_at_) dial(now);
  if (state_ != State::open) return;
  if (now >= redial_at_) {
    dial_bulk(now);
    on_event(now, Line::bulk);
    if (state_ != State::open) return;
  }
  if (session_.silent(now)) return lose(now, "it has been silent for too long");
  if (const auto beat = session_.beat(now)) send(*beat);
}

Instant HostLink::wake_at() const {
  if (state_ == State::dialling) return redial_at_;
  return state_ == State::open ? std::min(redial_at_, session_.wake_at()) : kNever;
}

}  // namespace flame::runner
