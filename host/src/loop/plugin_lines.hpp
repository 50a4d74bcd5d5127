// The lines of all plugins of a host: which pools serve which digest, and the changes under way. Carries out what
// PluginLine decides.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "host/src/calls/commands.hpp"
#include "host/src/loop/pool_driver.hpp"
#include "host/src/policy/plugin_line.hpp"
#include "host/src/trace/status.hpp"

namespace flame::pool {

/// One entry of a pool's `plugins`.
struct LineSpec {
  std::string plugin;     ///< "video"
  std::string reference;  ///< as the configuration has it: "video@1"
  std::uint32_t pool = 0;
  std::size_t place = 0;  ///< in the pool's `plugins`
  DigestId active = 0;
  DigestId previous = kNoDigest;
};

/// Loop thread. What is asked by take() is done at once; what is reported by prepared() waits for turn() or take().
class PluginLines {
 public:
  struct Pools {
    const std::vector<std::shared_ptr<detail::PoolFront>>& fronts;  ///< by position in the host, as `drivers`
    const std::vector<std::unique_ptr<PoolDriver>>& drivers;
    const Catalog* catalog;  ///< null if there are no lines
  };
  /// `lines`: numbered by position, which is what commands name. What `pools` refers to lives longer.
  PluginLines(std::vector<LineSpec> lines, Pools pools);

  void take(command::ChangePlugin&& change, Instant now);
  void take(command::PluginRecorded&& recorded, Instant now);
  /// To be called by the pool's driver.
  void prepared(std::uint32_t pool, const action::Prepared& report) { reports_.push_back({pool, report}); }
  /// Does what there is to do.
  void turn(Instant now);
  [[nodiscard]] Instant next_wakeup() const;
  /// The host shuts down: every change that is not done, also later ones, is answered with shutting_down.
  void shutdown(Instant now);
  /// The loop has ended: what is left is answered with shutting_down and this message.
  void abandon(const std::string& why) noexcept;

  /// Of one pool, in the order of its `plugins`.
  [[nodiscard]] std::vector<control::LineStatus> status(std::uint32_t pool) const;

 private:
  using Number = line::PoolIndex;
  struct Report {
    std::uint32_t pool;
    action::Prepared report;
  };
  /// A change's way back to who asked for it.
  struct Asker {
    Duration drain_within = kForever;
    command::ChangePlugin::Record record;
    command::ChangePlugin::Done done;
  };
  /// What is left of a version before is stopped then.
  struct Drain {
    Instant at;
    std::uint32_t pool = 0;
    DigestId digest = 0;
    DigestId successor = 0;
  };
  /// Feeds the line of `plugin`, and carries out what comes of it. Reports that this leads to wait.
  template <class Feed>
  void feed(const std::string& plugin, Instant now, Feed feed);
  void hand_out_reports(Instant now);
  void look_again(const std::string& plugin, Instant now);
  void drain(Instant now);
  [[nodiscard]] bool serves(std::uint32_t pool, DigestId digest) const;
  void perform(const line::Prepare& prepare, Instant now);
  void perform(line::WriteRecord& record, Instant now);
  void perform(const line::Switch& change, Instant now);
  void perform(const line::Abandon& abandon, Instant now);
  void perform(line::Done& done, Instant now);

  std::vector<LineSpec> specs_;
  Pools pools_;
  std::map<std::string, PluginLine> lines_;  // by plugin
  std::map<line::Request, Asker> askers_;
  std::deque<Report> reports_;
  std::vector<Drain> drains_;
  line::Request last_request_ = 0;
};

}  // namespace flame::pool
