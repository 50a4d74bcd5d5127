// See describe.hpp.
#include "tests/sim/describe.hpp"

#include <fmt/format.h>

#include "host/src/policy/boot_progress.hpp"
#include "tests/sim/plan.hpp"

namespace flame::sim {

namespace {

template <class... Visitors>
struct Overloaded : Visitors... {
  using Visitors::operator()...;
};
template <class... Visitors>
Overloaded(Visitors...) -> Overloaded<Visitors...>;

std::string code_of(const std::optional<Error>& error) {
  return error ? std::string(to_string(error->code)) : "success";
}

std::string seconds(Duration time) {
  return time == base::kInfinite ? "no limit" : fmt::format("{:.3f} s", std::chrono::duration<double>(time).count());
}

std::string describe(const pool::Action& action) {
  namespace a = pool::action;
  return std::visit(
      Overloaded{
          [](const a::Boot& x) { return fmt::format("boot {}", x.runner); },
          [](const a::Admit& x) { return fmt::format("admit {}", x.runner); },
          [](const a::Reject& x) { return fmt::format("reject {}", x.runner); },
          [](const a::Send& x) {
            return fmt::format("send {} to {} (attempt {}, {})", x.call, x.runner, x.attempt, seconds(x.remaining));
          },
          [](const a::CancelRemote& x) { return fmt::format("cancel {} on {}", x.call, x.runner); },
          [](const a::Withdraw& x) { return fmt::format("withdraw {} on {}", x.call, x.runner); },
          [](const a::Complete& x) { return fmt::format("complete {}: {}", x.call, code_of(x.error)); },
          [](const a::RetireReply& x) { return fmt::format("{} {}", x.granted ? "grant" : "deny", x.runner); },
          [](const a::DrainRunner& x) { return fmt::format("drain {} ({})", x.runner, seconds(x.grace)); },
          [](const a::Destroy& x) { return fmt::format("destroy {}", x.runner); },
          [](const a::Callback&) { return std::string("callback"); },
          [](const a::Drained&) { return std::string("drained"); },
          [](const a::ReleaseObjects& x) { return fmt::format("release {} of {}", x.objects.size(), x.lease); },
          [](const a::Quiet& x) { return fmt::format("{} is {}", x.runner, x.quiet ? "silent" : "heard again"); },
          [](const a::AttemptFailed& x) { return fmt::format("{} failed on {}", x.call, x.runner); },
          [](const a::LeaseEnded& x) { return fmt::format("lease {} ended: {}", x.lease, code_of(x.error)); },
          [](const a::Load& x) { return fmt::format("load {} on {}", x.digest, x.runner); },
          [](const a::EndGeneration& x) { return fmt::format("end digest {} on {}", x.digest, x.runner); },
          [](const a::AskLog& x) { return fmt::format("ask for the log of {}", x.runner); },
          [](const a::Prepared& x) {
            return fmt::format("prepared {}: {} {}", x.digest,
                               x.error   ? code_of(x.error)
                               : x.ready ? "ready"
                                         : "not yet",
                               x.waits_for);
          },
      },
      action);
}

}  // namespace

std::string describe(const pool::Event& event) {
  namespace e = pool::event;
  return std::visit(
      Overloaded{
          [](const e::Submit& x) {
            return fmt::format("submit {} digest {} ({}{})", x.call, x.digest,
                               x.budget ? seconds(*x.budget) : std::string("pool's limits"),
                               x.idempotent ? fmt::format(", {} retries", x.retries) : "");
          },
          [](const e::Cancel& x) { return fmt::format("cancel {}", x.call); },
          [](const e::BootOk& x) { return fmt::format("boot {} ok", x.runner); },
          [](const e::BootFailed& x) {
            return fmt::format("boot {} failed{}", x.runner, x.remedy == Remedy::permanent ? " for good" : "");
          },
          [](const e::BootReached& x) { return fmt::format("boot {} is {}", x.runner, pool::to_string(x.phase)); },
          [](const e::BootLog& x) { return fmt::format("the log of {}", x.runner); },
          [](const e::MachineEnds& x) {
            return fmt::format("the machine of {} ends in {}", x.runner, seconds(x.left));
          },
          [](const e::RunnerHello& x) { return fmt::format("hello {}", x.runner); },
          [](const e::Heard& x) { return fmt::format("heard {}", x.runner); },
          [](const e::RunnerLost& x) { return fmt::format("lost {}: {}", x.runner, x.reason); },
          [](const e::MachineExited& x) { return fmt::format("exited {}", x.runner); },
          [](const e::Begun& x) { return fmt::format("begun {} on {}", x.call, x.runner); },
          [](const e::Result& x) { return fmt::format("result {} on {}: {}", x.call, x.runner, code_of(x.error)); },
          [](const e::Ended& x) { return fmt::format("ended {} on {}", x.call, x.runner); },
          [](const e::Retire& x) {
            return fmt::format("retire {} ({} of {} seen{})", x.runner, x.last_seq, x.sent_seq, x.must ? ", must" : "");
          },
          [](const e::Tick&) { return std::string("tick"); },
          [](const e::StoodStill& x) { return fmt::format("stood still for {}", seconds(x.pause)); },
          [](const e::Drain& x) { return fmt::format("drain ({})", seconds(x.grace)); },
          [](const e::Resize& x) { return fmt::format("resize {} {}", x.min, x.max); },
          [](const e::Release& x) { return fmt::format("release object {} of {}", x.object, x.lease); },
          [](const e::EndLease& x) { return fmt::format("stop lease {}", x.lease); },
          [](const e::DeadlinePassed& x) { return fmt::format("deadline_passed lease {}", x.lease); },
          [](const e::Expect& x) { return fmt::format("expect {} ({})", x.calls, seconds(x.within)); },
          [](const e::Prepare& x) { return fmt::format("prepare {} for {}", x.digest, x.replaces); },
          [](const e::Switch& x) { return fmt::format("switch {} to {}", x.from, x.to); },
          [](const e::Abandon& x) { return fmt::format("abandon {}", x.digest); },
          [](const e::Loaded& x) { return fmt::format("loaded {} on {}: {}", x.digest, x.runner, code_of(x.error)); },
          [](const e::EndVersion& x) { return fmt::format("digest {} replaced by {}", x.digest, x.successor); },
          [](const e::GenerationEnded& x) { return fmt::format("digest {} ended on {}", x.digest, x.runner); },
      },
      event);
}

std::string describe(const pool::Actions& actions) {
  std::string text;
  for (const pool::Action& action : actions) text += (text.empty() ? " -> " : ", ") + describe(action);
  return text;
}

std::string describe(const wire::Body& body) {
  return std::visit(
      Overloaded{
          [](const wire::Invoke& x) { return fmt::format("invoke {} (seq {})", x.id, x.seq); },
          [](const wire::Cancel& x) { return fmt::format("cancel {}", x.id); },
          [](const wire::Result& x) { return fmt::format("result {}: {}", x.id, to_string(x.error.code)); },
          [](const wire::Ended& x) { return fmt::format("ended {}", x.id); },
          [](const wire::Begun& x) { return fmt::format("begun {}", x.id); },
          [](const wire::Chunk& x) { return fmt::format("chunk {}", x.transfer); },
          [](const wire::Retire& x) { return fmt::format("retire (seen {}{})", x.last_seq, x.must ? ", must" : ""); },
          [](const wire::RetireReply& x) { return std::string(x.granted ? "granted" : "denied"); },
          [](const wire::Drain&) { return std::string("drain"); },
          [](const wire::Load& x) { return "load " + x.plugin.version; },
          [](const wire::Loaded& x) {
            return fmt::format("loaded {}: {}", digest_of(x.digest), to_string(x.error.code));
          },
          [](const wire::EndGeneration& x) { return fmt::format("end digest {}", digest_of(x.digest)); },
          [](const wire::GenerationEnded& x) { return fmt::format("digest {} has ended", digest_of(x.digest)); },
          [](const wire::Bye& x) { return "bye: " + x.reason; },
          [](const wire::Welcome&) { return std::string("welcome"); },
          [](const wire::Refuse& x) { return "refuse: " + x.reason; },
          [](const wire::Hello&) { return std::string("hello"); },
          [](const wire::Beat&) { return std::string("beat"); },
          [](const auto&) { return std::string("?"); },
      },
      body);
}

}  // namespace flame::sim
