// The plugin's side of tracked resources and children: the objects themselves, and how they cross the C ABI.
#pragma once

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <stop_token>
#include <string_view>
#include <utility>

#include <flame_abi.h>
#include <flame/detail/names.hpp>
#include <flame/detail/object.hpp>

namespace flame::detail {

/// An object that lives in this process. Crosses the ABI as a pointer to a heap-allocated ObjectHandle, so that
/// plugin code that keeps a copy of the handle keeps the object, too.
class LocalObjectBase : public Object, public std::enable_shared_from_this<LocalObjectBase> {
 public:
  ~LocalObjectBase() override;
  /// Its address: good for the loop-back of flame::testing, where host and slot are one process.
  [[nodiscard]] std::uint64_t id() const noexcept override;
  /// The object with that id, which must be alive.
  [[nodiscard]] static ObjectHandle from_id(std::uint64_t id) noexcept;
  [[nodiscard]] virtual const flame_object_type& type() const noexcept = 0;
};

/// Both for flame_object_type. `object` is an ObjectHandle*.
void destroy_object(void* object) noexcept;
flame_status run_object(flame_call* call, void* object, void (*run)(void* local, std::stop_token stop)) noexcept;

/// A child with `void run(std::stop_token)` has a thread of its own that runs it.
template <class T>
concept HasRun = requires(T& object, std::stop_token stop) {
  object.run(stop);
};

template <class T>
struct ObjectType {
  static flame_status run(void* object, flame_call* call) noexcept {
    return run_object(call, object, [](void* local, std::stop_token stop) {
      if constexpr (HasRun<T>) static_cast<T*>(local)->run(std::move(stop));
    });
  }
  static constexpr flame_object_type kType = {sizeof(flame_object_type), 0, type_name<T>().data(), &destroy_object,
                                              HasRun<T> ? &run : nullptr};
};

template <class T>
class LocalObject final : public LocalObjectBase {
 public:
  explicit LocalObject(std::unique_ptr<T> object) noexcept : object_(std::move(object)) {}
  [[nodiscard]] void* local() noexcept override { return object_.get(); }
  [[nodiscard]] const flame_object_type& type() const noexcept override { return ObjectType<T>::kType; }

 private:
  std::unique_ptr<T> object_;
};

template <class T>
ObjectHandle make_local_object(std::unique_ptr<T> object) {
  if (object == nullptr) throw std::invalid_argument("a null object can be neither tracked nor placed as a child");
  return std::make_shared<LocalObject<T>>(std::move(object));
}

}  // namespace flame::detail
