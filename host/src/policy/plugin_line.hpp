// One plugin on one host: which digest each of its pools serves, and how a change goes from asked for to switched.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <flame/error.hpp>

#include "host/src/policy/actions.hpp"
#include "host/src/policy/types.hpp"

namespace flame::pool {

namespace line {

/// A pool's position in the host.
using PoolIndex = std::uint32_t;
/// Of whoever asks for a change; chosen by them, unique in the host.
using Request = std::uint64_t;

/// What one pool serves once a change is done. `before`: what rollback() goes to then; kNoDigest: nothing.
struct Move {
  PoolIndex pool = 0;
  DigestId to = 0;
  DigestId before = kNoDigest;
  bool operator==(const Move&) const = default;
};

/// Feed event::Prepare{digest, replaces} to the pool; each Prepared of it comes back by PluginLine::prepared().
struct Prepare {
  PoolIndex pool = 0;
  DigestId digest = 0;
  DigestId replaces = kNoDigest;
};
/// Write the record of `request`: every pool that it is for, those included that serve the digest already. The outcome
/// comes back by PluginLine::recorded(), at once if there is no store.
struct WriteRecord {
  Request request = 0;
  std::vector<Move> moves;
};
/// In one step of the loop: event::Switch{before, to} for each of these pools, and their snapshots.
struct Switch {
  std::vector<Move> moves;
};
/// Feed event::Abandon{digest} to the pool.
struct Abandon {
  PoolIndex pool = 0;
  DigestId digest = 0;
};
/// Answer the request: once for each. Without `error`: `switched` are the pools that serve another digest now, those
/// that served it before are left out. With `error` nothing was changed.
struct Done {
  Request request = 0;
  std::optional<Error> error;
  std::vector<Move> switched;
};

using Action = std::variant<Prepare, WriteRecord, Switch, Abandon, Done>;
using Actions = std::vector<Action>;

}  // namespace line

/// One change at a time goes from steady through preparing (every pool loads the candidate) and recording (the store's
/// record is written) back to steady. Carry actions out in order, all of them before anything that follows from them is
/// fed, else a Prepare could overtake its Abandon. Pure; not thread-safe. Feed tick() at next_wakeup() at the latest.
class PluginLine {
 public:
  using PoolIndex = line::PoolIndex;
  using Request = line::Request;
  using Actions = line::Actions;

  /// A pool that has the plugin in its `plugins`, and what it starts with. `previous` is the record's "the one before".
  struct Pool {
    PoolIndex pool = 0;
    std::string name;
    DigestId active = 0;
    DigestId previous = kNoDigest;
  };
  struct Activate {
    Request request = 0;
    DigestId digest = 0;
    std::string reference;  ///< of the digest, for people: "video@1.5.0"
    std::vector<PoolIndex> pools;
    Instant deadline = kNever;
  };
  struct Rollback {
    Request request = 0;
    std::vector<PoolIndex> pools;
    Instant deadline = kNever;
  };
  enum class Stage : std::uint8_t { steady, preparing, recording };

  /// `plugin`: its name, for people.
  PluginLine(std::string plugin, const std::vector<Pool>& pools);

  /// Every request is answered by exactly one Done, now or later; `pools` are pools of this line, at least one. A
  /// change that is under way comes first; one to the same digest that is for all these pools is joined: the request
  /// shares its outcome and its deadline. Errors: what a pool says (boot_failed, incompatible, …), what recorded()
  /// says, timed_out with what it waits for, shutting_down.
  void activate(Activate request, Actions& out);
  /// As activate() of what each pool served before, as it is when the request's turn comes. Pools that served nothing
  /// before stay as they are; not_found if that is so of all.
  void rollback(Rollback request, Actions& out);
  /// A pool reports. Reports about other digests than the one being prepared are ignored.
  void prepared(PoolIndex pool, const action::Prepared& report, Actions& out);
  /// The record was written, or `error` says why it could not be. Ignored unless it is awaited.
  void recorded(const std::optional<Error>& error, Actions& out);
  /// A change whose deadline has passed goes on if each pool has a runner that is ready, else it is timed_out. Feed
  /// fresh PoolPolicy::prepared() of its pools before: what they wait for may have ended in part.
  void tick(Instant now, Actions& out);
  /// The host ends: every request, also later ones, is answered with shutting_down.
  void shutdown(Actions& out);

  [[nodiscard]] Stage stage() const noexcept { return stage_; }
  [[nodiscard]] Instant next_wakeup() const;
  [[nodiscard]] DigestId active(PoolIndex pool) const { return pools_.at(pool).active; }
  [[nodiscard]] DigestId previous(PoolIndex pool) const { return pools_.at(pool).previous; }
  /// kNoDigest: no change is under way there.
  [[nodiscard]] DigestId candidate(PoolIndex pool) const;
  /// What the change under way waits for, for people; empty: nothing, or there is none.
  [[nodiscard]] std::string waits_for() const;

 private:
  struct Asked {
    Request request = 0;
    DigestId digest = kNoDigest;  // kNoDigest: what was there before
    std::string reference;
    std::vector<PoolIndex> pools;
    Instant deadline = kNever;
  };
  struct Target {
    DigestId digest = 0;
    bool ready = false;
    std::string waits_for;  // empty with `ready`: prepared
  };

  void ask(Asked asked, Actions& out);
  [[nodiscard]] bool joins(const Asked& asked) const;
  void start_next(Actions& out);
  [[nodiscard]] std::map<PoolIndex, Target> targets_of(const Asked& asked) const;
  void record_once(bool (*ready)(const Target&), Actions& out);
  [[nodiscard]] std::vector<line::Move> moves(bool with_unchanged) const;
  void fail(const Error& error, Actions& out);
  void finish(const std::optional<Error>& error, const std::vector<line::Move>& switched, Actions& out);

  std::string plugin_;
  std::map<PoolIndex, Pool> pools_;
  Stage stage_ = Stage::steady;
  std::vector<Asked> asked_;  // whom the change under way answers; the first one has begun it
  std::map<PoolIndex, Target> targets_;
  std::deque<Asked> queue_;
  bool closed_ = false;
};

}  // namespace flame::pool
