// The objects that live in a slot.
#include "runner/slot/object_table.hpp"

#include "plugin_sdk/base/limits.hpp"

namespace flame::slot {

std::uint64_t ObjectTable::add(void* object, const flame_object_type& type) {
  if (objects_.size() >= limits::kObjectsPerSlotMax) return 0;
  objects_.emplace(next_, Entry{object, &type});
  return next_++;
}

void* ObjectTable::find(std::uint64_t id, std::string_view type_name) const {
  const auto entry = objects_.find(id);
  if (entry == objects_.end() || type_name != entry->second.type->name) return nullptr;
  return entry->second.object;
}

std::pair<void*, const flame_object_type*> ObjectTable::get(std::uint64_t id) const {
  const auto entry = objects_.find(id);
  if (entry == objects_.end()) return {nullptr, nullptr};
  return {entry->second.object, entry->second.type};
}

void ObjectTable::destroy(std::uint64_t id) {
  const auto node = objects_.extract(id);
  if (!node.empty()) node.mapped().type->destroy(node.mapped().object);
}

}  // namespace flame::slot
