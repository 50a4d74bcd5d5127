// One generation of a plugin: its file, and the zygote that has it loaded, from its start to its end.
#pragma once

#include <sys/types.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <flame/result.hpp>

#include "plugin_sdk/base/limits.hpp"
#include "plugin_sdk/wire/messages.hpp"
#include "runner/os/poller.hpp"
#include "runner/plugins/plugin_store.hpp"
#include "runner/policy/slot_table.hpp"
#include "runner/slots/zygote_handle.hpp"

namespace flame::runner {

/// For whom plugins are loaded here: what Parent::get() shows.
struct ParentInfo {
  std::string host_name;
  std::string pool;
  std::string runner;
  std::string backend;
};

/// What all generations of a runner have in common.
struct GenerationSetting {
  ParentInfo parent;
  Poller& poller;
  std::string zygote_binary;
  std::uint64_t open_files = 0;         // the soft limit that plugins get; 0: this process's
  std::vector<wire::KeyValue> secrets;  // of tasks: for the environment of zygotes, and nothing else
  // Since the Welcome:
  bool open = false;
  slot::SlotLimits limits{};
  Duration start_limit = limits::kStartLimitDefault;

  /// So long a zygote may leave a request for a slot unanswered.
  [[nodiscard]] Duration answer_limit() const { return std::min<Duration>(start_limit, limits::kForkAnswerMax); }
};

/// Hears of generations. Threads: the supervisor's loop thread only.
class GenerationEvents {
 public:
  /// The plugin is loaded. `stands_by`: slots of it may be made before they are needed.
  virtual void on_up(Instant now, GenerationId id, bool stands_by) = 0;
  /// No slots can be made: its zygote has died. Another one comes, unless on_broken() follows or it ends.
  virtual void on_down(Instant now, GenerationId id) = 0;
  /// It is not up yet, and what waits for it has waited for long enough.
  virtual void on_delay(Instant now, GenerationId id, const Error& why) = 0;
  /// The plugin cannot be used, now and later: Generation::problem().
  virtual void on_broken(Instant now, GenerationId id) = 0;
  /// The zygote has answered a request for slots.
  virtual void on_answer(Instant now, GenerationId id, const slot::ZygoteEvent& answer) = 0;
  /// What its owner's host should know.
  virtual void on_word(wire::Level level, const std::string& text) = 0;

 protected:
  ~GenerationEvents() = default;
};

class Generation {
 public:
  /// `one_try`: it is given up with its first zygote, until is_proven(). `setting` and `events` outlive this object;
  /// the destructor uses neither.
  Generation(GenerationId id, const wire::PluginRef& plugin, bool one_try, const GenerationSetting& setting,
             GenerationEvents& events);

  /// Its file, or why there is none: problem(). Before all else.
  void found(Result<StoredPlugin> file);

  /// Starts the zygote's program, which loads nothing before start(). What goes wrong is told by start(), which tries
  /// again.
  void prepare() { static_cast<void>(make_zygote()); }
  /// The zygote loads the plugin; on_up(), on_delay() or on_broken() follows. After the Welcome.
  void start(Instant now);
  void is_proven() { one_try_ = false; }
  /// The plugin cannot be used: on_broken().
  void fail(Instant now, Error error);
  /// Nobody wants it any more: its zygote is not replaced.
  void end();
  /// SIGKILL for the zygote, if it lives. on_down() follows.
  void kill_zygote();
  /// The same, because it left a request unanswered, which is told as the reason.
  void kill_silent();

  [[nodiscard]] slot::MakeResult<pid_t> fork_slots(std::span<slot::SlotHandle* const> slots, bool threads,
                                                   ProcessId request);
  void on_channel(Instant now);
  void on_output();
  /// The zygote has ended.
  void reaped(Instant now, int status);
  void stood_still(Instant now, Duration pause);
  void tick(Instant now);
  [[nodiscard]] Instant wake_at() const { return std::min(start_at_, zygote_.start_by); }

  [[nodiscard]] const StoredPlugin& plugin() const { return plugin_; }
  [[nodiscard]] std::string name() const { return plugin_.ref.name + "@" + plugin_.ref.version; }
  /// Its file was found.
  [[nodiscard]] bool stored() const { return !plugin_.path.empty(); }
  /// Code none: it is usable, or on its way.
  [[nodiscard]] const Error& problem() const { return problem_; }
  [[nodiscard]] bool up() const { return zygote_.up; }
  /// Of the zygote; 0: none lives.
  [[nodiscard]] pid_t pid() const { return zygote_.pid; }

 private:
  struct Zygote {
    std::unique_ptr<slot::ZygoteHandle> handle;
    pid_t pid = 0;
    bool up = false;
    bool overdue = false;  // was killed because it was not up in time
    bool silent = false;   // was killed because it did not answer
    Instant start_by = kNever;
    Instant up_since = kNever;
    std::string last_output;  // its end, for the report of a death
  };

  [[nodiscard]] std::optional<slot::MakeFailure> make_zygote();
  void start_later(Instant now, slot::MakeFailure failure);
  void on_zygote_ready(Instant now, const slot::ZygoteReady& ready);
  void died(Instant now, int status);
  void restart_later(Instant now, Error why);
  [[nodiscard]] Error describe_end(int status);

  GenerationId id_;
  StoredPlugin plugin_;
  bool one_try_;
  const GenerationSetting& setting_;
  GenerationEvents& events_;
  Error problem_;
  Zygote zygote_;
  bool forkable_ = true;
  bool ends_ = false;
  std::uint32_t deaths_ = 0;
  std::uint32_t shortages_ = 0;  // starts that failed for want of something, one after the other
  Instant start_at_ = kNever;
};

}  // namespace flame::runner
