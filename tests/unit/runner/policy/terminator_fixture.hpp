// A Terminator in the words of its tests.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "runner/policy/terminator.hpp"

namespace flame::runner {

class TerminatorTest : public testing::Test {
 protected:
  wire::Welcome welcome() const {
    wire::Welcome message;
    message.session = 1;
    message.idle_shutdown_ns = Duration(std::chrono::seconds(10)).count();
    message.shutdown_grace_ns = Duration(std::chrono::seconds(30)).count();
    message.kill_grace_ns = Duration(std::chrono::milliseconds(250)).count();
    return message;
  }
  void serve() { terminator.welcomed(now, welcome()); }
  bool invoke(std::uint64_t id, Duration remaining = kInfinite, bool linked = true, std::uint64_t lease = 0) {
    wire::Invoke message;
    message.id = id;
    message.seq = ++seq;
    message.remaining_ns = base::to_wire(remaining);
    message.linked = linked;
    message.lease = lease;
    return terminator.invoked(now, message);
  }
  void pass(Duration time) {
    now += time;
    terminator.tick(now);
  }
  // "stop 1", "kill 1", "retire 3 must", "leave 0", in order.
  std::string did() { return joined(actions()); }
  // The same where the order means nothing.
  std::string did_sorted() {
    std::vector<std::string> words = actions();
    std::sort(words.begin(), words.end());
    return joined(words);
  }

  Instant now{std::chrono::seconds(1000)};
  std::uint64_t seq = 0;
  Terminator terminator{now, std::chrono::seconds(20)};

 private:
  static std::string word(const TerminatorAction& action) {
    if (const auto* stop = std::get_if<StopTask>(&action)) return "stop " + std::to_string(stop->id);
    if (const auto* kill = std::get_if<KillTask>(&action)) return "kill " + std::to_string(kill->id);
    if (const auto* ask = std::get_if<AskRetire>(&action)) {
      return "retire " + std::to_string(ask->last_seq) + (ask->must ? " must" : "");
    }
    if (std::holds_alternative<CheckIdle>(action)) return "check";
    if (std::holds_alternative<DropIdleCheck>(action)) return "drop";
    return "leave " + std::to_string(std::get<Leave>(action).status);
  }
  std::vector<std::string> actions() {
    std::vector<std::string> words;
    for (const auto& action : terminator.take_actions()) words.push_back(word(action));
    return words;
  }
  static std::string joined(const std::vector<std::string>& words) {
    std::string text;
    for (const std::string& one : words) text += (text.empty() ? "" : ", ") + one;
    return text;
  }
};

}  // namespace flame::runner
