// What a call throws, as a value.
#pragma once

#include <utility>

#include <flame/error.hpp>

namespace flame::test {

/// The error that `call` throws as CallError; code none if it throws nothing.
template <class F>
[[nodiscard]] Error error_of(F&& call) {
  try {
    static_cast<void>(std::forward<F>(call)());
  } catch (const CallError& error) {
    return error.error();
  }
  return {};
}

}  // namespace flame::test
