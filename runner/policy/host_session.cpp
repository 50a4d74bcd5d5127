// See host_session.hpp.
#include "runner/policy/host_session.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "plugin_sdk/base/limits.hpp"

namespace flame::runner {
namespace {

// Older ones say nothing that the silence has not said.
constexpr std::size_t kBeatsKept = 256;

Duration given_or(std::int64_t given_ns, Duration usual) {
  return given_ns == 0 ? usual : base::from_wire(given_ns);
}

}  // namespace

void HostSession::greeted(Instant now, bool local) {
  greeted_ = true;
  local_ = local;
  heard_at_ = now;
  echoed_at_ = now;
}

void HostSession::reset() {
  greeted_ = false;
}

Verdict HostSession::judge(Instant now, const wire::Envelope& envelope) {
  if (open()) {
    if (envelope.session != id_) return Verdict::drop;
    heard_at_ = now;
    if (const auto* beat = std::get_if<wire::Beat>(&envelope.body)) echoed(beat->seq);
    return Verdict::deliver;
  }
  if (!greeted_) return Verdict::drop;
  if (const auto* welcome = std::get_if<wire::Welcome>(&envelope.body)) return open_with(now, *welcome);
  if (const auto* refuse = std::get_if<wire::Refuse>(&envelope.body)) {
    reason_ = fmt::format("the host refused this runner ({}): {}", to_string(static_cast<ErrorCode>(refuse->code)),
                          refuse->reason);
    return Verdict::refused;
  }
  return Verdict::drop;
}

Verdict HostSession::open_with(Instant now, const wire::Welcome& welcome) {
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
  beat_interval_ = given_or(welcome.beat_interval_ns, limits::kBeatInterval);
  host_silence_ = given_or(welcome.host_silence_ns, limits::kHostSilence);
  const Duration runner_silence = given_or(welcome.runner_silence_ns, limits::kRunnerSilence);
  lease_ = runner_silence == kInfinite ? kInfinite : runner_silence - beat_interval_;
  standstill_ = base::Standstill(limits::kStandstillBeats * beat_interval_);
  // A host that stood still may welcome us late. Had it given us up since, its goodbye would be on its way: see below.
  be_patient(now, limits::kSilenceBeatsMin * beat_interval_);
  return Verdict::opened;
}

std::optional<wire::Beat> HostSession::beat(Instant now) {
  if (now < beat_at_) return std::nullopt;
  beat_at_ = deadline_after(now, beat_interval_);
  unechoed_.push_back(now);
  if (unechoed_.size() > kBeatsKept) unechoed_.pop_front();
  return wire::Beat{.seq = ++beats_};
}

void HostSession::echoed(std::uint64_t beat) {
  const std::uint64_t first = beats_ - unechoed_.size() + 1;
  if (beat < first || beat > beats_) return;
  echoed_at_ = unechoed_[beat - first];
  unechoed_.erase(unechoed_.begin(), unechoed_.begin() + static_cast<std::ptrdiff_t>(beat - first));
}

bool HostSession::silent(Instant now) {
  if (open()) stood_still(now, standstill_.seen(now));
  return open() && now >= gives_up_at();
}

// The host may have stood still with us. If it did not, it has given us up, and its goodbye or the end of the
// connection says so; for the case that neither can reach us, the wait is no longer than the host's before it tries
// calls again.
void HostSession::stood_still(Instant now, Duration pause) {
  if (pause == Duration::zero()) return;
  heard_at_ = now;
  const bool was_in_time = deadline_after(echoed_at_, lease_) > now - pause;
  if (was_in_time) be_patient(now, pause);
}

void HostSession::be_patient(Instant now, Duration time) {
  patient_until_ = deadline_after(now, std::min<Duration>(time, limits::kSilenceBeatsMin * beat_interval_));
}

Instant HostSession::gives_up_at() const {
  if (local_) return kNever;
  return std::min(deadline_after(heard_at_, host_silence_),
                  std::max(deadline_after(echoed_at_, lease_), patient_until_));
}

Instant HostSession::wake_at() const {
  return open() ? std::min(beat_at_, gives_up_at()) : kNever;
}

}  // namespace flame::runner
