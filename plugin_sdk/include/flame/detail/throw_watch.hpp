// A type that the exception firewall catches without ever getting it: see sdk/throw_site.cpp.
#pragma once

namespace flame::detail {

/// Nobody makes one. While the unwinder looks for a handler it asks the type of `catch (const ThrowWatch&)`, which then
/// notes where the exception comes from.
class ThrowWatch {
 public:
  ThrowWatch() = delete;
  ThrowWatch(const ThrowWatch&) = delete;
  ThrowWatch& operator=(const ThrowWatch&) = delete;
  virtual ~ThrowWatch();  // the key function: no file that only catches has the type's description
};

}  // namespace flame::detail
