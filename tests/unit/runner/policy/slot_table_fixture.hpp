// A SlotTable, and what it decides in words.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <string>

#include "runner/policy/slot_table.hpp"

namespace flame::runner {

class SlotTableTest : public testing::Test {
 protected:
  static wire::Welcome welcome(std::uint32_t slots, wire::Isolation isolation = wire::Isolation::process) {
    wire::Welcome message;
    message.slots = slots;
    message.isolation = isolation;
    message.spare_slots = 1;
    return message;
  }
  void make(const wire::Welcome& message, std::uint32_t pipelines = 0) { table.emplace(message, pipelines); }
  // "fork 1", "fork 1x4", "grant 7 1.0", "queue 8 1.0", "kill 1", "kill 1 for 7", "fail 7", "trim 1.0",
  // "ahead of 1", "not ahead of 1 for 2".
  std::string did() {
    std::string text;
    for (const auto& action : table->take_actions()) {
      if (!text.empty()) text += ", ";
      if (const auto* fork = std::get_if<ForkProcess>(&action)) {
        text += "fork " + std::to_string(fork->process);
        if (fork->threads) text += "x" + std::to_string(fork->slots);
      } else if (const auto* grant = std::get_if<GrantSlot>(&action)) {
        text += "grant " + std::to_string(grant->invocation) + " " + std::to_string(grant->slot.process) + "." +
                std::to_string(grant->slot.index);
      } else if (const auto* queue = std::get_if<QueueBehind>(&action)) {
        text += "queue " + std::to_string(queue->invocation) + " " + std::to_string(queue->slot.process) + "." +
                std::to_string(queue->slot.index);
      } else if (const auto* kill = std::get_if<KillProcess>(&action)) {
        text += (kill->overdue ? "overdue " : "kill ") + std::to_string(kill->process);
        if (kill->blames) text += " by fault";
      } else if (const auto* fail = std::get_if<FailWaiting>(&action)) {
        text += "fail " + std::to_string(fail->invocation);
      } else if (const auto* idle = std::get_if<TrimSlot>(&action)) {
        text += "trim " + std::to_string(idle->slot.process) + "." + std::to_string(idle->slot.index);
      } else if (const auto* ahead = std::get_if<SlotsAhead>(&action)) {
        text += (ahead->failed == 0 ? "ahead of " : "not ahead of ") + std::to_string(ahead->generation);
        if (ahead->failed != 0) text += " for " + std::to_string(ahead->failed);
      }
    }
    return text;
  }
  void up() { table->generation_up(now, 0, true); }
  void ready(ProcessId process, std::uint32_t index = 0) { table->slot_ready(now, {process, index}); }
  void lease(std::uint64_t id) { table->lease(now, 0, id); }
  void freed(ProcessId process, std::uint32_t index = 0, bool reusable = true) {
    table->slot_freed(now, {process, index}, reusable);
  }
  void pass(Duration time) {
    now += time;
    table->tick(now);
  }

  Instant now{std::chrono::seconds(1000)};
  std::optional<SlotTable> table{std::in_place, welcome(4)};
};

}  // namespace flame::runner
