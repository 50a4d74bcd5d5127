// Which digests of its plugins each runner of a pool has, loads or ends while versions change. Knows no calls.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include <flame/error.hpp>

#include "host/src/policy/deadlines.hpp"
#include "host/src/policy/events.hpp"
#include "host/src/policy/generation_tallies.hpp"
#include "host/src/policy/pool_versions.hpp"
#include "host/src/policy/types.hpp"

namespace flame::pool {

/// A digest on a runner: absent → loading → ready → ending → absent, or broken there. Every live runner should have
/// the targets of PoolVersions; what is superseded ends when the owner says that nobody uses it. What is to be done
/// comes out as Steps. Only events about versions, end() and recall() look at all runners. Pure; not thread-safe.
class RunnerGenerations {
 public:
  /// Of one plugin on one runner, those that load or end included: each is a process, and what start() allocates is
  /// there as many times.
  static constexpr std::size_t kGenerationsMax = 2;

  struct Step {
    enum class Kind : std::uint8_t {
      load,   ///< ask the runner to
      serve,  ///< it can serve the digest
      end,    ///< it gets no more calls of the digest: tell it to end it
      gone,   ///< it cannot serve the digest any more
    };
    Kind kind = Kind::load;
    RunnerId runner = 0;
    DigestId digest = 0;
  };
  /// How far the live runners are with a digest.
  struct Standing {
    std::uint32_t ready = 0;
    std::set<RunnerId> loading;
    std::size_t broken = 0;
    std::optional<Error> reason;  ///< why it is broken on one of them
  };

  /// `active`: see PoolVersions. `load_limit`: within it a Load is answered, else it has failed.
  RunnerGenerations(std::vector<DigestId> active, Duration load_limit);

  void on(const event::Prepare& event, Instant now);
  void on(const event::Switch& event, Instant now);
  void on(const event::Abandon& event, Instant now);
  void on(const event::Loaded& event, Instant now);
  void on(const event::GenerationEnded& event, Instant now);
  /// Fails Loads that have not been answered in time; `now` is at or after next_deadline().
  void expire(Instant now);
  void stood_still(Duration pause);
  [[nodiscard]] Instant next_deadline() const { return deadlines_.next(); }

  /// What a runner boots with: targets and what is `wanted`, but no third digest of one plugin. What somebody waits for
  /// goes before what is prepared, and what no other booting runner will have before the rest.
  [[nodiscard]] std::vector<DigestId> boots(RunnerId runner, std::span<const DigestId> wanted);
  /// Some booting runner was asked to have the digest.
  [[nodiscard]] bool boots_with(DigestId digest) const { return booting_with_.contains(digest); }
  /// What the runner was asked to have when it booted.
  [[nodiscard]] const std::vector<DigestId>& asked(RunnerId runner) const { return runners_.at(runner).asked; }
  /// It said hello and is live. `plugins`: those that it was asked to have and has not are there with an error. Of
  /// candidates it is asked whether they start.
  void joined(RunnerId runner, std::span<const event::RunnerPlugin> plugins, Instant now);
  /// It takes no new calls, for good or while it is silent: it is neither asked nor waited for.
  void closed(RunnerId runner);
  /// The opposite.
  void opened(RunnerId runner, Instant now);
  /// It is gone, or does not boot.
  void removed(RunnerId runner);

  /// A call with this digest came. If it is superseded, it is (again) one that leaves.
  void used(DigestId digest) {
    if (versions_.is_superseded(digest)) leaving_.try_emplace(digest, 0);
  }
  /// Superseded digests that runners may have, or somebody uses.
  [[nodiscard]] std::vector<DigestId> leaving() const;
  /// Nobody uses the digest: every live runner that has or loads it is to end it.
  void end(DigestId digest);
  /// Somebody waits for the superseded digest and no runner has it: one that has room loads it, if there is one. Looks
  /// again only after something has changed about runners.
  void recall(DigestId digest, Instant now);

  [[nodiscard]] std::vector<Step> take_steps() { return std::exchange(steps_, {}); }
  [[nodiscard]] const PoolVersions& versions() const noexcept { return versions_; }
  [[nodiscard]] Standing standing(DigestId digest) const;
  /// Another one whenever something has changed that this knows.
  [[nodiscard]] std::uint64_t revision() const noexcept { return revision_; }
  /// Runners that load the digest. Unless it is active or some runner has it: also those that will be asked, since they
  /// end another version.
  [[nodiscard]] std::uint64_t coming(DigestId digest) const;
  /// Runners that load or end a version.
  [[nodiscard]] std::uint64_t changing() const { return tallies_.changing(); }
  /// Superseded versions of its plugin that live runners have. Linear.
  [[nodiscard]] std::vector<DigestId> in_the_way_of(DigestId digest) const;

  /// The runner has no call. If a change has left it without what is active, it is one of take_unfit().
  void fell_idle(RunnerId runner);
  /// Runners that a change has left without what is active, and that may be idle.
  [[nodiscard]] std::vector<RunnerId> take_unfit() { return std::exchange(unfit_, {}); }

 private:
  using State = GenerationState;
  using Timers = Deadlines<std::pair<RunnerId, DigestId>>;
  struct Generation {
    DigestId digest = 0;
    State state = State::absent;
    std::optional<Error> broken;  // it is not asked again
    bool unfit = false;           // broken by a change, not from its boot on
    Instant load_by = kNever;
    Timers::Handle timer;
  };
  struct Runner {
    bool booting = true;
    bool live = false;
    std::vector<DigestId> asked;
    std::vector<Generation> generations;
  };
  template <class Change>
  void change(RunnerId id, Runner& runner, DigestId digest, Change apply);
  void fail(RunnerId id, Runner& runner, DigestId digest, State state, Error error);
  void forgive(DigestId digest);
  [[nodiscard]] bool is_unfit(const Runner& runner) const;
  bool ask(RunnerId id, Runner& runner, DigestId digest, Instant now);
  void ask_for_targets(RunnerId id, Runner& runner, Instant now);
  void boot_over(const Runner& runner);

  Duration load_limit_;
  PoolVersions versions_;
  std::map<DigestId, std::uint64_t> leaving_;  // and the revision in which recall() has looked in vain
  std::map<RunnerId, Runner> runners_;
  GenerationTallies tallies_;  // of live runners
  std::map<DigestId, std::uint32_t> booting_with_;
  Timers deadlines_;
  std::vector<Step> steps_;
  std::vector<RunnerId> unfit_;
  std::uint64_t revision_ = 1;
};

}  // namespace flame::pool
