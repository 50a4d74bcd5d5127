// Machines: what the log says of boots, and the logs of machines.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "host/src/loop/machines.hpp"
#include "plugin_sdk/base/limits.hpp"
#include "tests/unit/host/loop/machines_harness.hpp"

namespace flame::pool {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class MachinesLog : public MachinesTest {};

TEST_F(MachinesLog, TheLogOfABootUnderWayIsAskedForByNameAndToldInItsLastLines) {
  boot(1);
  boot(2);
  start(2, "m2");
  hear();
  machines_->ask_log(key(1));
  const std::uint64_t first = backend_->last_ticket;
  machines_->ask_log(key(2));
  machines_->ask_log(key(3));
  EXPECT_THAT(backend_->logs_asked, ElementsAre(name(1) + "  8192", name(2) + " m2 8192"));
  says().logged(first, Error{.code = ErrorCode::not_found, .message = "no such machine"});
  says().logged(backend_->last_ticket, "first\n" + std::string(limits::kLogTailMax - 1, 'x'));
  EXPECT_THAT(told(), ElementsAre("log 2 " + std::string(limits::kLogTailMax - 1, 'x')));
}

TEST_F(MachinesLog, NoLogIsToldOfAMachineThatWasGivenUpNorByABackendThatThrows) {
  boot(1);
  machines_->ask_log(key(1));
  destroy(1);
  says().logged(backend_->last_ticket, std::string("late"));
  boot(2);
  backend_->throws = true;
  machines_->ask_log(key(2));
  EXPECT_THAT(told(), IsEmpty());
}

TEST_F(MachinesLog, APhaseThatIsToldAgainIsNoNews) {
  boot(1);
  for (int i = 0; i < 3; ++i) says().phase(name(1), BootPhase::queued, "Priority");
  says().phase(name(1), BootPhase::queued, "Resources");
  says().phase(name(1), BootPhase::placed, "Resources");
  EXPECT_THAT(told(), ElementsAre("queued 1 Priority", "queued 1 Resources", "placed 1 Resources"));
  const std::vector<std::string> lines = log_->lines();
  const auto is_told = [](const auto& line) { return line.find("a boot has come further") != std::string::npos; };
  EXPECT_EQ(std::ranges::count_if(lines, is_told), 2) << "of `placed` only at level debug";
}

}  // namespace
}  // namespace flame::pool
