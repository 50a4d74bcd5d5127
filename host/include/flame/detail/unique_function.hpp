// A move-only owner of one callable. Public headers use it because <functional> costs them compile time.
#pragma once

#include <memory>
#include <type_traits>
#include <utility>

namespace flame::detail {

template <class Signature>
class UniqueFunction;

/// Holds any callable, also a move-only one. Calling an empty one is undefined; test it first.
template <class R, class... A>
class UniqueFunction<R(A...)> {
 public:
  UniqueFunction() noexcept = default;

  template <class F>
  requires(!std::is_same_v<std::remove_cvref_t<F>, UniqueFunction> &&
           std::is_invocable_r_v<R, std::remove_cvref_t<F>&, A...>)
      UniqueFunction(F&& f)  // NOLINT(google-explicit-constructor): a callable is what it stands for
      : holder_(std::make_unique<Holder<std::remove_cvref_t<F>>>(std::forward<F>(f))) {}

  [[nodiscard]] explicit operator bool() const noexcept { return holder_ != nullptr; }
  R operator()(A... args) const { return holder_->call(std::forward<A>(args)...); }

 private:
  struct Base {
    virtual ~Base() = default;
    virtual R call(A... args) = 0;
  };
  template <class F>
  struct Holder final : Base {
    explicit Holder(F f) : function(std::move(f)) {}
    R call(A... args) override { return static_cast<R>(function(std::forward<A>(args)...)); }
    F function;
  };
  std::unique_ptr<Base> holder_;
};

}  // namespace flame::detail
