// See outbox.hpp.
#include "runner/link/outbox.hpp"

#include <cstring>
#include <utility>

#include "plugin_sdk/wire/envelope.hpp"

namespace flame::runner {

void Outbox::flush(std::uint64_t session, const std::function<void(std::span<const std::byte>, Frame)>& send) {
  for (std::size_t next = 0; next < pending_.size();) {
    batch_.clear();
    std::size_t end = next;
    while (end < pending_.size() && batch_.add(pending_[end].envelope, pending_[end].payload.span())) ++end;
    if (end - next > 1) {
      Frame frame(batch_.bytes().size());
      std::memcpy(frame.data(), batch_.bytes().data(), frame.size());
      send(wire::encode(session, batch_.header()), std::move(frame));
      next = end;
    } else {
      send(pending_[next].envelope, std::move(pending_[next].payload));
      ++next;
    }
  }
  pending_.clear();
}

}  // namespace flame::runner
