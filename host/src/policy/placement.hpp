// Where the machines of one pool come from: which of its backends each boot goes to, and which are waited out.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <flame/backend.hpp>
#include <flame/error.hpp>

#include "host/src/policy/back_off.hpp"
#include "host/src/policy/backend_room.hpp"
#include "host/src/policy/types.hpp"

namespace flame::pool {

/// Elastic plans how many boots there are; this says where each goes: to the first backend that has room and is not
/// waited out. What one backend has failed at stops no other. Pure; not thread-safe.
class Placement {
 public:
  /// `backends`: in order of preference, each once; none: a single one without a name. `room`: of the host; outlives
  /// this; null: no backend has a limit. `seed`: of the jitter.
  Placement(std::vector<std::string> backends, std::uint64_t seed, const BackendRoom* room = nullptr);

  using Suits = std::function<bool(BackendIndex)>;
  /// For one boot; nullopt: no backend can take it now. It counts against the room until counted(). `suits`: of those
  /// only; empty: any.
  [[nodiscard]] std::optional<BackendIndex> next(Instant now, const Suits& suits = {});
  /// next() may say so, if `one_leaves` once a machine of it has gone.
  [[nodiscard]] bool can_take(BackendIndex backend, Instant now, bool one_leaves = false) const;
  /// Its last word is no failure, and it has room: a machine that is asked of it is to be expected.
  [[nodiscard]] bool gives(BackendIndex backend) const;
  /// What next() has said before is counted in the room by now.
  void counted() noexcept;

  /// Of one boot there; `retry_after` zero: it did not say.
  void failed(BackendIndex backend, const Error& error, Remedy remedy, Duration retry_after, Instant now);
  void succeeded(BackendIndex backend);
  /// See BackOff. `error`: says so.
  void lost_young(BackendIndex backend, const Error& error, Instant now);
  void proved(BackendIndex backend) noexcept { sites_[backend].back_off.proved(); }

  /// Why the last boots have failed, of each backend whose last one has. That one had no room (Remedy::elsewhere) is no
  /// failure while another is left.
  [[nodiscard]] std::optional<Error> last_failure(Instant now) const;
  /// Every backend's last word is that only another configuration helps.
  [[nodiscard]] bool hopeless() const noexcept;
  /// That, and none is worth another try yet: waiting callers cannot be helped by booting.
  [[nodiscard]] bool failing_for_good(Instant now) const noexcept { return hopeless() && all_wait(now); }
  /// When boots are tried again, if all backends are waited out; kNever: some is not.
  [[nodiscard]] Instant next_retry(Instant now) const noexcept;
  /// When next() may say more than now by the passing of time alone; kNever: it will not.
  [[nodiscard]] Instant wake_at(Instant now) const noexcept;
  /// "backend \"fly\" has all 2 machines that it may have (max)": of all that are full; empty: none is.
  [[nodiscard]] std::string full() const;

  [[nodiscard]] std::size_t size() const noexcept { return sites_.size(); }
  [[nodiscard]] const std::string& name(BackendIndex backend) const { return sites_.at(backend).name; }

 private:
  struct Site {
    std::string name;
    BackOff back_off;
    std::uint64_t asked = 0;  // and not counted in the room yet
    bool permanent = false;
    bool no_room = false;  // that was its failure
    std::optional<Error> failure;
  };

  static void fail(Site& site, const Error& error, Remedy remedy, bool waited);
  [[nodiscard]] bool has_room(const Site& site) const;
  [[nodiscard]] bool all_wait(Instant now) const noexcept;

  std::vector<Site> sites_;
  std::mt19937_64 random_;
  const BackendRoom* room_;
};

}  // namespace flame::pool
