// Slots in processes that zygotes make: what SlotPool uses on a real machine.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "runner/os/poller.hpp"
#include "runner/plugins/generations.hpp"
#include "runner/processes/frame_names.hpp"
#include "runner/processes/slot_system.hpp"

namespace flame::runner {

class ZygoteSlots final : public SlotSystem {
 public:
  /// `poller` and `generations` outlive this object; `payload_max`: of a call, in bytes.
  ZygoteSlots(Poller& poller, Generations& generations, std::uint64_t payload_max)
      : poller_(poller), generations_(generations), payload_max_(payload_max) {}

  /// The poller tells of a slot with the process's id and the slot's index in it.
  [[nodiscard]] slot::MakeResult<MadeSlots> make(Instant now, const ForkProcess& wanted) override;
  void kill(pid_t pid) override;
  [[nodiscard]] std::string why_no_slot(Instant now, GenerationId generation) const override;
  [[nodiscard]] std::string plugin_name(GenerationId generation) const override;
  [[nodiscard]] bool stops_slots(GenerationId generation) const override;
  [[nodiscard]] std::vector<std::string> name_frames(GenerationId generation,
                                                     std::vector<slot::CodeAddress> stack) override;
  [[nodiscard]] Duration cpu_time(pid_t pid) const override;
  [[nodiscard]] ThreadWatch::Load load(pid_t pid) const override;
  [[nodiscard]] std::uint64_t oom_kills() const override;

 private:
  void watch(slot::SlotHandle& handle, const SlotRef& slot);

  Poller& poller_;
  Generations& generations_;
  std::uint64_t payload_max_;
  std::unordered_map<GenerationId, FrameNames> frame_names_;
};

}  // namespace flame::runner
