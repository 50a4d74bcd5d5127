// Objects of this process behind the C ABI: a void* is a heap-allocated ObjectHandle.
#include <flame/detail/local_object.hpp>

#include <flame/context.hpp>

#include "plugin_sdk/sdk/firewall.hpp"

namespace flame::detail {

LocalObjectBase::~LocalObjectBase() = default;

std::uint64_t LocalObjectBase::id() const noexcept {
  return reinterpret_cast<std::uintptr_t>(this);
}

ObjectHandle LocalObjectBase::from_id(std::uint64_t id) noexcept {
  return reinterpret_cast<LocalObjectBase*>(static_cast<std::uintptr_t>(id))->shared_from_this();
}

void destroy_object(void* object) noexcept {
  delete static_cast<ObjectHandle*>(object);
}

flame_status run_object(flame_call* call, void* object, void (*run)(void* local, std::stop_token stop)) noexcept {
  try {
    Context context(call);
    run((*static_cast<ObjectHandle*>(object))->local(), context.stop_token());
    return FLAME_OK;
  } catch (...) {
    return report_current_exception(call);
  }
}

}  // namespace flame::detail
