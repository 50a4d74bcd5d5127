// See zygote_slots.hpp.
#include "runner/plugins/zygote_slots.hpp"

#include <signal.h>

#include <memory>
#include <utility>

#include "runner/os/process_load.hpp"
#include "runner/processes/crash_report.hpp"
#include "runner/processes/demangler.hpp"

namespace flame::runner {

slot::MakeResult<MadeSlots> ZygoteSlots::make(Instant now, const ForkProcess& wanted) {
  MadeSlots made;
  std::vector<slot::SlotHandle*> handles;
  for (std::uint32_t i = 0; i < wanted.slots; ++i) {
    auto handle = slot::SlotHandle::create(payload_max_, i > 0);
    if (!handle) return std::move(handle).error();
    handles.push_back(handle->get());
    made.slots.push_back(std::move(*handle));
  }
  auto pid = generations_.fork_slots(now, wanted.generation, handles, wanted.threads, wanted.process);
  if (!pid) return std::move(pid).error();
  for (std::uint32_t i = 0; i < handles.size(); ++i) watch(*handles[i], {wanted.process, i});
  made.pid = *pid;
  return made;
}

void ZygoteSlots::watch(slot::SlotHandle& handle, const SlotRef& slot) {
  const auto key = [&slot](Source source) { return Key{source, static_cast<std::uint16_t>(slot.index), slot.process}; };
  poller_.add(handle.channel_fd(), key(Source::slot_channel));
  poller_.add(handle.out_fd(), key(Source::slot_out));
  poller_.add(handle.err_fd(), key(Source::slot_err));
  handle.tell_backlog([this, &handle, channel = key(Source::slot_channel)](bool waits) {
    poller_.watch_writable(handle.channel_fd(), channel, waits);
  });
}

void ZygoteSlots::kill(pid_t pid) {
  ::kill(pid, SIGKILL);
}

std::string ZygoteSlots::why_no_slot(Instant now, GenerationId generation) const {
  return generations_.why_no_slot(now, generation);
}

std::string ZygoteSlots::plugin_name(GenerationId generation) const {
  return generations_.plugin_file(generation).name;
}

bool ZygoteSlots::stops_slots(GenerationId generation) const {
  return generations_.plugin_file(generation).stops_slots;
}

std::vector<std::string> ZygoteSlots::name_frames(GenerationId generation, std::vector<slot::CodeAddress> stack) {
  if (stack.empty()) return {};
  auto found = frame_names_.find(generation);
  if (found == frame_names_.end()) {
    std::erase_if(frame_names_, [this](const auto& known) { return !generations_.has(known.first); });
    PluginFile plugin = generations_.plugin_file(generation);
    const auto demangler = std::make_shared<Demangler>(std::move(plugin.program));
    found =
        frame_names_
            .try_emplace(generation, std::move(plugin.name), std::move(plugin.path),
                         [demangler](std::vector<std::string> names) { return demangler->demangle(std::move(names)); })
            .first;
  }
  return found->second.name(std::move(stack));
}

Duration ZygoteSlots::cpu_time(pid_t pid) const {
  return cpu_time_of(pid);
}

ThreadWatch::Load ZygoteSlots::load(pid_t pid) const {
  return load_of(pid);
}

std::uint64_t ZygoteSlots::oom_kills() const {
  return runner::oom_kills();
}

}  // namespace flame::runner
