// From the C ABI into a plugin's function and back: decode, invoke, encode, and let no exception out.
#pragma once

#include <cxxabi.h>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <flame_abi.h>
#include <flame/context.hpp>
#include <flame/detail/codec.hpp>
#include <flame/detail/local_object.hpp>
#include <flame/detail/throw_watch.hpp>

namespace flame::detail {

#ifdef __GLIBCXX__
/// What unwinds the stack at pthread_exit() and at a cancellation. Who catches it must throw it on; the runner, at the
/// end of the stack, knows what to make of it.
using ForcedUnwind = abi::__forced_unwind;
#else
/// Other libraries have no name for it: nobody throws this.
struct ForcedUnwind {};
#endif

/// Tracked resources of one call: arguments come in and results go out through the runner's api.
class CallObjects final : public ObjectSource, public ObjectSink {
 public:
  explicit CallObjects(flame_call* call) noexcept : call_(call) {}
  [[nodiscard]] ObjectHandle find(std::uint32_t index, std::string_view type_name) override;
  [[nodiscard]] std::uint32_t add(const ObjectHandle& object, std::string_view type_name) override;

 private:
  flame_call* call_;
};

/// Remembers whom this process works for; called first in every entry into the plugin.
void enter_plugin(const flame_parent_info* parent) noexcept;
[[nodiscard]] Parent parent_of(const flame_parent_info* parent);
/// The arguments; `attachments` gets what the view refers to, which plugin code may keep beyond the call.
[[nodiscard]] PayloadView input_of(flame_call& call, std::vector<Bytes>& attachments);
/// The object of a method; throws CallError (invalid_argument) when the runner gave none.
[[nodiscard]] void* object_of(const flame_call& call);
/// Reports arguments that do not decode.
flame_status report_bad_arguments(flame_call* call, const Error& error) noexcept;
/// Reports a result that cannot be encoded; only within a catch clause.
flame_status report_bad_result(flame_call* call) noexcept;
/// Hands an encoded result to the runner.
flame_status send_result(flame_call* call, const Payload& result);
/// Within a catch clause: see sdk/firewall.hpp.
flame_status report_current_exception(flame_call* call) noexcept;
flame_status report_current_exception(char* message, std::size_t size) noexcept;

/// Encodes and sends what F returned. Its exceptions are about the result, not F's own.
// UBSan takes the object of a forced unwind, which is at no address, for a fault.
template <auto F, class O, class... Result>
__attribute__((no_sanitize("null"))) flame_status deliver(flame_call* call, CallObjects& objects, Result&&... result) {
  using Call = Callee<F, O>;
  try {
    if constexpr (sizeof...(Result) == 0) {
      return send_result(call, encode_void_result());
    } else if constexpr (Call::is_factory) {
      const ObjectHandle object = make_local_object<typename Call::Product>(std::forward<Result>(result)...);
      return send_result(call, encode_factory_result(objects.add(object, type_name<typename Call::Product>())));
    } else {
      return send_result(call, encode_result<F, O>(result..., objects));
    }
  } catch (ForcedUnwind&) {
    throw;
  } catch (...) {
    return report_bad_result(call);
  }
}

/// flame_task::invoke of F. O is the object's type for methods, else void. Throws nothing but ForcedUnwind.
template <auto F, class O = void>
__attribute__((no_sanitize("null"))) flame_status invoke_task(flame_call* call) {
  using Call = Callee<F, O>;
  try {
    enter_plugin(call->parent);
    Context context(call);
    CallObjects objects(call);
    std::vector<Bytes> attachments;
    Error error;
    auto arguments = decode_arguments<F, O>(input_of(*call, attachments), objects, error);
    if (!arguments) return report_bad_arguments(call, error);
    typename Call::Object* object = nullptr;
    if constexpr (Call::is_method) object = static_cast<typename Call::Object*>(object_of(*call));
    if constexpr (std::is_void_v<typename Call::Result>) {
      invoke<F, O>(object, context, *arguments);
      return deliver<F, O>(call, objects);
    } else {
      return deliver<F, O>(call, objects, invoke<F, O>(object, context, *arguments));
    }
  } catch (const ThrowWatch&) {  // never entered
    return FLAME_TASK_FAILED;
  } catch (ForcedUnwind&) {
    throw;
  } catch (...) {
    return report_current_exception(call);
  }
}

/// flame_plugin::start, start_slot and stop_slot of F, a `void()` or `void(const Parent&)`.
template <auto F>
flame_status invoke_hook(const flame_parent_info* parent, char* message, std::size_t size) noexcept {
  try {
    enter_plugin(parent);
    if constexpr (std::invocable<decltype(F), const Parent&>) {
      F(parent_of(parent));
    } else {
      F();
    }
    return FLAME_OK;
  } catch (...) {
    return report_current_exception(message, size);
  }
}

/// flame_plugin::idle_check of F, a `bool()` or `bool(const Parent&)`.
template <auto F>
std::int32_t invoke_idle_check(const flame_parent_info* parent, char* message, std::size_t size) noexcept {
  try {
    enter_plugin(parent);
    if constexpr (std::invocable<decltype(F), const Parent&>) {
      return F(parent_of(parent)) ? 1 : 0;
    } else {
      return F() ? 1 : 0;
    }
  } catch (...) {
    static_cast<void>(report_current_exception(message, size));
    return -1;
  }
}

}  // namespace flame::detail
