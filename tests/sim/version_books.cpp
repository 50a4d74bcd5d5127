// VersionBooks: a digest on a runner is absent, loading, ready, ending and absent again.
#include "tests/sim/version_books.hpp"

#include <algorithm>

#include "host/src/policy/runner_generations.hpp"

namespace flame::sim {

namespace {

constexpr auto kMost = static_cast<std::ptrdiff_t>(pool::RunnerGenerations::kGenerationsMax);

}  // namespace

void VersionBooks::take(const pool::Event& event) {
  std::visit([this](const auto& one) { hear(one); }, event);
}

void VersionBooks::note(const pool::Action& action) {
  std::visit([this](const auto& one) { see(one); }, action);
}

bool VersionBooks::serves(RunnerId runner, DigestId digest) const {
  const auto digests = runners_.find(runner);
  if (digests == runners_.end()) return false;
  const auto has = digests->second.find(digest);
  return has != digests->second.end() && has->second == Has::ready;
}

bool VersionBooks::changes(RunnerId runner) const {
  const auto digests = runners_.find(runner);
  return digests != runners_.end() &&
         std::ranges::any_of(digests->second, [](const auto& has) { return has.second != Has::ready; });
}

void VersionBooks::hear(const pool::event::Loaded& loaded) {
  Digests& digests = runners_[loaded.runner];
  const auto has = digests.find(loaded.digest);
  if (has == digests.end() || has->second != Has::loading) return;
  if (loaded.error)
    digests.erase(has);
  else
    has->second = Has::ready;
}

void VersionBooks::hear(const pool::event::GenerationEnded& ended) {
  runners_[ended.runner].erase(ended.digest);
}

void VersionBooks::see(const pool::action::Boot& boot) {
  if (std::ranges::count_if(boot.digests, [this](DigestId digest) { return is_version(sim_.plan, digest); }) > kMost)
    sim_.findings.broken("runner ", boot.runner, " is to boot with a third version of its plugin");
}

void VersionBooks::see(const pool::action::Admit& admit) {
  for (const pool::event::RunnerPlugin& plugin : greeted_[admit.runner])
    if (!plugin.error) runners_[admit.runner][plugin.digest] = plugin.digest == candidate_ ? Has::booted : Has::ready;
  greeted_.erase(admit.runner);
}

void VersionBooks::see(const pool::action::Send& send) {
  if (sim_.ledger.lease(send.call) == 0) in_slots_[send.runner].insert(send.call);
}

void VersionBooks::see(const pool::action::Load& load) {
  Digests& digests = runners_[load.runner];
  if (const auto has = digests.find(load.digest); has != digests.end() && has->second == Has::booted) {
    has->second = Has::loading;
    return;
  }
  if (digests.contains(load.digest))
    sim_.findings.broken("runner ", load.runner, " is asked for digest ", load.digest, ", of which it has something");
  const auto others =
      std::ranges::count_if(digests, [this](const auto& has) { return is_version(sim_.plan, has.first); });
  if (others >= kMost) sim_.findings.broken("runner ", load.runner, " is asked for a third version of its plugin");
  digests[load.digest] = Has::loading;
}

void VersionBooks::see(const pool::action::EndGeneration& end) {
  Digests& digests = runners_[end.runner];
  const auto has = digests.find(end.digest);
  if (has == digests.end() || has->second == Has::ending)
    return sim_.findings.broken("runner ", end.runner, " is told to end digest ", end.digest, ", which it has not");
  if (has->second == Has::ready) check_unused(end.runner, end.digest);
  has->second = Has::ending;
}

// Also what is on another runner may have to be tried again.
void VersionBooks::check_unused(RunnerId runner, DigestId digest) {
  if (const auto user = sim_.ledger.open_with(digest))
    sim_.findings.broken("runner ", runner, " is told to end digest ", digest, ", which call ", *user, " is for");
  for (const auto& [where, calls] : in_slots_)
    for (const CallId call : calls)
      if (sim_.ledger.digest(call) == digest)
        sim_.findings.broken("runner ", runner, " is told to end digest ", digest, ", of which call ", call,
                             " is in a slot");
}

void VersionBooks::see(const pool::action::Prepared& report) {
  const auto has = [&](const auto& runner) { return serves(runner.first, report.digest); };
  if (report.ready && std::ranges::none_of(runners_, has))
    sim_.findings.broken("digest ", report.digest, " is said to be ready, and no runner has it");
}

void VersionBooks::see(const pool::action::Destroy& destroy) {
  runners_.erase(destroy.runner);
  in_slots_.erase(destroy.runner);
}

}  // namespace flame::sim
