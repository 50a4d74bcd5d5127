// Client: what it says that is not so.
#include "tests/sim/client.hpp"

namespace flame::sim {

using namespace std::chrono_literals;

void Client::lie(const MachineName& about, Chance& chance) {
  if (real_ == nullptr || events_ == nullptr) return;
  const BootFailure failure{.error = {.code = ErrorCode::boot_failed, .message = "a lie"},
                            .remedy = Remedy::permanent,
                            .may_exist = chance.one_in(2)};
  switch (chance.roll(7)) {
    case 0:
      return events_->booted(about, failure);
    case 1:
      return events_->exited(about, {.reason = "a lie"});
    case 2:
      return events_->destroyed(about, std::nullopt);
    case 3:
      return events_->ending(about, 1s, "a lie");
    case 4:
      return events_->phase(about, BootPhase::queued, "a lie");
    case 5:
      return events_->listed(1000 + chance.roll(10), std::vector<flame::Machine>());
    case 6:
      return events_->logged(1000 + chance.roll(10), std::string("a lie"));
  }
}

}  // namespace flame::sim
