// The objects that live in a slot: handed over by tasks and child factories, used by methods, destroyed on request.
#pragma once

#include <flame_abi.h>

#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace flame::slot {

/// Not thread-safe: the slot's thread owns it. Objects that are left are not destroyed: they end with the process.
class ObjectTable {
 public:
  /// The new object's id, 0 when the slot holds as many as it may; the object is not taken then.
  [[nodiscard]] std::uint64_t add(void* object, const flame_object_type& type);
  /// The object if it exists and is of type `type_name`, else nullptr.
  [[nodiscard]] void* find(std::uint64_t id, std::string_view type_name) const;
  /// The object and its type, nullptrs if there is none.
  [[nodiscard]] std::pair<void*, const flame_object_type*> get(std::uint64_t id) const;
  /// Destroys the object; unknown ids are ignored.
  void destroy(std::uint64_t id);
  [[nodiscard]] std::uint32_t size() const { return static_cast<std::uint32_t>(objects_.size()); }

 private:
  struct Entry {
    void* object;
    const flame_object_type* type;
  };
  std::unordered_map<std::uint64_t, Entry> objects_;
  std::uint64_t next_ = 1;
};

}  // namespace flame::slot
