// See session.hpp.
#include "runner/session.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "plugin_sdk/base/limits.hpp"

namespace flame::runner {

void Session::greeted(Instant now) {
  greeted_ = true;
  heard_at_ = now;
}

void Session::reset() {
  greeted_ = false;
}

Verdict Session::judge(Instant now, const wire::Envelope& envelope) {
  if (open()) {
    if (envelope.session != id_) return Verdict::drop;
    heard_at_ = now;
    return Verdict::deliver;
  }
  if (!greeted_) return Verdict::drop;
  if (const auto* welcome = std::get_if<wire::Welcome>(&envelope.body)) return open_with(now, *welcome);
  if (const auto* refuse = std::get_if<wire::Refuse>(&envelope.body)) {
    reason_ = fmt::format("the host refused this runner ({}): {}", to_string(refuse->code), refuse->reason);
    return Verdict::refused;
  }
  return Verdict::drop;
}

Verdict Session::open_with(Instant now, const wire::Welcome& welcome) {
  if (welcome.protocol_minor > wire::kProtocolMinor) {
    reason_ =
        fmt::format("the host answered with protocol {}.{}, newer than the {}.{} of the hello: update flame-runner",
                    wire::kProtocolMajor, welcome.protocol_minor, wire::kProtocolMajor, wire::kProtocolMinor);
    return Verdict::refused;
  }
  if (welcome.session == 0) return Verdict::drop;
  id_ = welcome.session;
  heard_at_ = now;
  beat_at_ = now;
  return Verdict::opened;
}

std::optional<wire::Beat> Session::beat(Instant now) {
  if (now < beat_at_) return std::nullopt;
  beat_at_ = deadline_after(now, limits::kBeatInterval);
  return wire::Beat{++beats_};
}

bool Session::silent(Instant now) const {
  return open() && now - heard_at_ >= limits::kHostSilence;
}

Instant Session::wake_at() const {
  return open() ? std::min(beat_at_, deadline_after(heard_at_, limits::kHostSilence)) : kNever;
}

}  // namespace flame::runner
