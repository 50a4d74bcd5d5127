// Out-of-line parts of the handles, so that their virtual tables exist once.
#include <flame/detail/object.hpp>

#include <stdexcept>

#include <flame/handles.hpp>

namespace flame::detail {

Object::~Object() = default;
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

}  // namespace flame::detail
