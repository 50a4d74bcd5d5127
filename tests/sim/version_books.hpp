// Which versions of its plugins each runner has, by the words of a pool's events and actions: holds changes against the
// rules of runners.
#pragma once

#include <cstdint>
#include <map>
#include <set>

#include "host/src/policy/actions.hpp"
#include "host/src/policy/events.hpp"
#include "tests/sim/context.hpp"

namespace flame::sim {

class VersionBooks {
 public:
  explicit VersionBooks(Context& sim) : sim_(sim) {}

  void take(const pool::Event& event);
  void note(const pool::Action& action);

  /// The runner has said that it can serve the digest, and has not been told to end it.
  [[nodiscard]] bool serves(RunnerId runner, DigestId digest) const;
  /// It loads some version, or ends one.
  [[nodiscard]] bool changes(RunnerId runner) const;

 private:
  // `booted`: with what is prepared, and is still to be asked whether it starts
  enum class Has : std::uint8_t { booted, loading, ready, ending };
  using Digests = std::map<DigestId, Has>;

  template <class Other>
  void hear(const Other&) {}
  void hear(const pool::event::Prepare& prepare) { candidate_ = prepare.digest; }
  void hear(const pool::event::Switch&) { candidate_ = pool::kNoDigest; }
  void hear(const pool::event::Abandon&) { candidate_ = pool::kNoDigest; }
  void hear(const pool::event::RunnerHello& hello) { greeted_[hello.runner] = hello.plugins; }
  void hear(const pool::event::Loaded& loaded);
  void hear(const pool::event::GenerationEnded& ended);
  void hear(const pool::event::Ended& ended) { in_slots_[ended.runner].erase(ended.call); }

  template <class Other>
  void see(const Other&) {}
  void see(const pool::action::Boot& boot);
  void see(const pool::action::Admit& admit);
  void see(const pool::action::Send& send);
  void see(const pool::action::Load& load);
  void see(const pool::action::EndGeneration& end);
  void see(const pool::action::Prepared& report);
  void see(const pool::action::Destroy& destroy);

  void check_unused(RunnerId runner, DigestId digest);

  Context& sim_;
  DigestId candidate_ = pool::kNoDigest;
  std::map<RunnerId, std::vector<pool::event::RunnerPlugin>> greeted_;  // and are not admitted yet
  std::map<RunnerId, Digests> runners_;
  std::map<RunnerId, std::set<CallId>> in_slots_;
};

}  // namespace flame::sim
