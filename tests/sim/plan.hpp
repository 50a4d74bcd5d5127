// What a seed has decided beforehand: the pool, its load, and which kinds of trouble its world knows. Every world knows
// only some of them, so that each is also seen without the others.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <flame/config.hpp>

#include "host/src/policy/types.hpp"
#include "tests/sim/chance.hpp"

namespace flame::sim {

using pool::CallId;
using pool::DigestId;
using pool::RunnerId;

/// How a world ends.
enum class Ending : std::uint8_t {
  drain,       ///< the pool is drained
  host_dies,   ///< the host's process ends: connections close
  host_fades,  ///< the host's machine is gone: nobody is told
};

struct Plan {
  PoolConfig pool;
  std::uint32_t digests = 1;
  Duration busy{};   ///< how long calls and troubles come
  Duration delay{};  ///< of the network, usually
  Duration delay_max{};
  Duration task_min{};
  Duration task_max{};
  Duration between_arrivals{};
  std::uint32_t burst = 1;
  Ending ending = Ending::drain;
  bool local = false;  ///< over ipc: whoever goes, the kernel tells the other side

  // tasks
  bool tasks_fail = false;
  bool tasks_crash = false;
  bool tasks_hang = false;
  bool tasks_deaf = false;     ///< they ignore their stop
  bool slots_fail = false;     ///< a slot's process does not come up
  bool results_large = false;  ///< travel on the other connection
  bool arguments_large = false;
  bool unlinked = false;
  bool brief_tasks = false;        ///< most calls take a moment, and are sent behind each other
  bool slots_say_goodbye = false;  ///< plugins have a stop_slot()
  bool objects = false;            ///< tasks leave objects in their slots: children and tracked resources
  // callers
  bool cancels = false;
  bool storms = false;  ///< everything is cancelled at once
  bool resizes = false;
  bool expects = false;
  bool updates = false;      ///< the versions of a plugin change while it serves
  bool checks_idle = false;  ///< plugins are asked before an idle runner goes
  bool idle_edge = false;    ///< calls come just when runners ask to retire
  // versions
  bool companion = false;      ///< the last digest is another plugin, which stays as it is
  bool load_failures = false;  ///< runners load new versions late, badly or never
  bool records_fail = false;   ///< the store cannot be written
  bool old_runners = false;    ///< some know nothing of all that
  // backends
  std::uint32_t backends = 1;      ///< of the pool, in order
  std::uint64_t machines_max = 0;  ///< of the first; 0: no limit
  Duration lifetime = kForever;    ///< of each machine of the first
  bool twins = false;              ///< other hosts of the same name use the same engines
  bool queues = false;             ///< machines are waited for
  bool full_engines = false;       ///< the first has no room
  bool outages = false;            ///< an engine does not answer for a while
  bool lost_answers = false;       ///< a boot is said to have failed, and there is a machine
  bool end_notices = false;        ///< others end machines, and say so before
  bool lies = false;               ///< backends speak of what is none of their business
  bool poor_lists = false;         ///< lists lag, or are empty once
  bool clock_skew = false;         ///< clocks of hosts differ by less than the reaper allows
  bool slow_boots = false;
  bool failed_boots = false;
  bool permanent_failures = false;
  bool silent_boots = false;  ///< a machine that never dials in
  bool dead_boots = false;    ///< its runner dies before its hello
  bool broken_plugins = false;
  bool late_exits = false;     ///< exits are reported late or never
  bool lost_destroys = false;  ///< the backend cannot do it
  // network and machines
  bool crashes = false;  ///< a runner's processes are killed
  bool disconnects = false;
  bool partitions = false;
  bool freezes = false;       ///< a machine stands still
  bool host_freezes = false;  ///< the host's process does, alone or with all machines
  bool lost_beats = false;    ///< for a short time
  bool full_sockets = false;  ///< the host's sockets take nothing for a while
  bool sigterms = false;
};

[[nodiscard]] Plan make_plan(Chance& chance);

[[nodiscard]] std::vector<DigestId> all_digests(const Plan& plan);

/// Of the plugin whose versions change.
[[nodiscard]] DigestId versions(const Plan& plan);
[[nodiscard]] inline bool is_version(const Plan& plan, DigestId digest) {
  return digest < versions(plan);
}
/// What pools start with.
[[nodiscard]] std::vector<DigestId> first_digests(const Plan& plan);

/// The pool's backends, by name.
[[nodiscard]] std::vector<std::string> backend_names(const Plan& plan);

/// "sim-3".
[[nodiscard]] std::string runner_name(RunnerId runner);
[[nodiscard]] RunnerId runner_of(std::string_view name);

/// As it travels, and back.
[[nodiscard]] std::string digest_text(DigestId digest);
[[nodiscard]] DigestId digest_of(std::string_view text);

}  // namespace flame::sim
