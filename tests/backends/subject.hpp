// What the suite needs of an engine beside its backend: how to make it slow, full or deaf, and how time passes there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <flame/backend.hpp>

#include "plugin_sdk/base/clock.hpp"

namespace flame::test {

/// How a boot is to go.
enum class Course : std::uint8_t {
  well,
  slowly,       ///< it takes its time; with `queues` it is queued first
  never_dials,  ///< its runner writes kLastWords and does nothing more
  dies,         ///< its runner writes kLastWords and ends, before it has dialled
  queued,       ///< for queue_time()
  no_room,      ///< in no place of the engine
  answer_lost,  ///< the machine is there, and the answer to the first boot gets lost on the way, if it can
};
enum class EngineState : std::uint8_t { up, slow, down };
enum class Death : std::uint8_t { killed, out_of_memory };

/// Last words of a machine that are looked for in logs and errors.
inline constexpr std::string_view kLastWords = "cannot open the flux capacitor";

/// One engine for one test. What an engine cannot do is not asked of it: rows.cpp says which traits ask for what.
class Subject {
 public:
  virtual ~Subject() = default;

  /// As a host makes it from its table; not opened yet. All of one subject share the engine.
  [[nodiscard]] virtual std::unique_ptr<Backend> backend() = 0;
  /// The host's process is killed: nothing more is heard of this backend, and what it has booted stays.
  virtual void kill(std::unique_ptr<Backend> backend) = 0;

  // --- boots
  /// What a machine is told, with secrets() in it; dialled() knows whether it has used it.
  [[nodiscard]] virtual std::shared_ptr<const BootDescriptor> descriptor(const MachineName& name) = 0;
  /// Prepares request and engine.
  virtual void arrange(BootRequest& request, Course course) = 0;
  [[nodiscard]] virtual bool dialled(const MachineName& name) = 0;
  [[nodiscard]] virtual Duration queue_time() const = 0;

  // --- the engine
  virtual void be(EngineState state) = 0;
  virtual void end(const Machine& machine, Death death) = 0;
  /// The engine is going to end it.
  virtual void announce_end(const Machine& machine, Duration left) = 0;
  /// Machines that there are, whoever knows of them.
  [[nodiscard]] virtual std::size_t machines() = 0;
  [[nodiscard]] virtual bool exists(const Machine& machine) = 0;

  // --- secrets
  /// In each form in which they could be written down.
  [[nodiscard]] virtual std::vector<std::string> secrets() const = 0;
  /// All that the engine's `inspect`, /proc and files show of what runs now.
  [[nodiscard]] virtual std::string exposed() = 0;

  // --- time
  [[nodiscard]] virtual base::Instant now() const = 0;
  /// Lets time pass until `condition` holds; what it says at the end.
  [[nodiscard]] virtual bool until(const std::function<bool()>& condition, Duration patience) = 0;
  /// Lets everything happen that nobody asks for any more, where that costs nothing; else a moment's worth.
  virtual void settle() = 0;

  /// No two hosts have the same run.
  [[nodiscard]] std::uint64_t next_run() noexcept { return ++runs_; }

 private:
  std::uint64_t runs_ = 0;
};

}  // namespace flame::test
