// Looks at the stack before it is unwound. An exception is thrown in two phases: the first only searches a handler, by
// asking the type of each catch clause on the way, while all frames still stand. The firewall's clause for ThrowWatch
// has a type of ours: asked, it notes the stack and says no. So nothing is interposed, and exceptions that the task
// itself catches cost nothing.
#include "plugin_sdk/sdk/throw_site.hpp"

#include <unwind.h>

#include <array>
#include <cstddef>
#include <new>
#include <typeinfo>

#include <flame/detail/throw_watch.hpp>

namespace flame::detail {

#ifdef __GLIBCXX__

namespace {

struct ThrowSite {
  std::array<void*, 40> frames;
  std::size_t count;
};
constinit thread_local ThrowSite site{};

_Unwind_Reason_Code note_frame(_Unwind_Context* context, void*) {
  if (site.count == site.frames.size()) return _URC_END_OF_STACK;
  site.frames[site.count++] = reinterpret_cast<void*>(_Unwind_GetIP(context));
  return _URC_NO_REASON;
}

}  // namespace

// Not in the unnamed namespace: the object below must be visible to the catch clauses of other files.
class ThrowWatchType final : public std::type_info {
 public:
  ThrowWatchType() : std::type_info("N5flame6detail10ThrowWatchE") {}
  bool __do_catch(const std::type_info*, void**, unsigned) const override {
    site.count = 0;
    _Unwind_Backtrace(note_frame, nullptr);
    return false;
  }
};

// typeid(ThrowWatch). The compiler leaves it to the file that defines the class's destructor, and none does. Only its
// place is there when the plugin is loaded: nothing runs at load.
extern std::byte throw_watch_type[sizeof(ThrowWatchType)] asm("_ZTIN5flame6detail10ThrowWatchE");
alignas(ThrowWatchType) std::byte throw_watch_type[sizeof(ThrowWatchType)] = {};

void arm_throw_watch() noexcept {
  [[maybe_unused]] static const bool armed = (new (throw_watch_type) ThrowWatchType, true);
}

std::span<void* const> take_throw_site() noexcept {
  const std::size_t count = site.count;
  site.count = 0;
  return std::span<void* const>(site.frames).first(count);
}

#else

ThrowWatch::~ThrowWatch() = default;

void arm_throw_watch() noexcept {}

std::span<void* const> take_throw_site() noexcept {
  return {};
}

#endif

}  // namespace flame::detail
