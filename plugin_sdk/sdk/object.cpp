// Out-of-line parts of the handles, so that their virtual tables exist once.
#include <flame/detail/object.hpp>

#include <stdexcept>
#include <utility>

#include <flame/handles.hpp>

namespace flame {

std::string_view to_string(ChildExit::Reason reason) noexcept {
  static constexpr std::string_view kNames[] = {"normal", "exception", "crashed", "stopped", "runner_lost"};
  const auto index = static_cast<std::size_t>(reason);
  return index < std::size(kNames) ? kNames[index] : "unknown";
}

}  // namespace flame

namespace flame::detail {

Object::~Object() = default;
ChildControl* Object::child() noexcept {
  return nullptr;
}
ChildControl::~ChildControl() = default;
ObjectSource::~ObjectSource() = default;
ObjectSink::~ObjectSink() = default;

void* local_object(const ObjectHandle& handle) {
  void* object = handle == nullptr ? nullptr : handle->local();
  if (object == nullptr) {
    throw std::logic_error(handle == nullptr
                               ? "flame: an empty Tracked handle was dereferenced"
                               : "flame: a Tracked handle can be dereferenced in plugin code only; on the host use "
                                 "call<&T::method>(...), which goes to the slot that holds the object");
  }
  return object;
}

Error empty_handle() {
  Error error;
  error.code = ErrorCode::invalid_argument;
  error.message = "this handle is empty: it was default-made or moved from";
  error.started = Started::no;
  return error;
}

ChildControl& child_of(const ObjectHandle& handle) {
  if (handle == nullptr) throw CallError(empty_handle());
  ChildControl* child = handle->child();
  if (child == nullptr) throw std::logic_error("flame: only a child that Pool::place_child made can be waited for");
  return *child;
}

}  // namespace flame::detail
