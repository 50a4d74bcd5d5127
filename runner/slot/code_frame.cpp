// See code_frame.hpp.
#include "runner/slot/code_frame.hpp"

#include <dlfcn.h>
#include <link.h>

#include <cstring>

namespace flame::slot {
namespace {

// The program itself has no name there.
const char* name_of(const char* path) {
  const char* slash = std::strrchr(path, '/');
  const char* name = slash == nullptr ? path : slash + 1;
  return *name == '\0' ? "flame-zygote" : name;
}

}  // namespace

void describe_frame(CodeFrame& frame, void* address) noexcept {
  frame.module[0] = '\0';
  frame.base = 0;
  // Since glibc 2.35; what the unwinder asks, too. Unlike dladdr() and dl_iterate_phdr() it takes no lock.
  dl_find_object found{};
  if (::_dl_find_object(address, &found) == 0) {
    const char* name = name_of(found.dlfo_link_map->l_name);
    const std::size_t size = ::strnlen(name, sizeof(frame.module) - 1);
    std::memcpy(frame.module, name, size);
    frame.module[size] = '\0';
    frame.base = found.dlfo_link_map->l_addr;
  }
  frame.address.store(reinterpret_cast<std::uint64_t>(address), std::memory_order_relaxed);
}

}  // namespace flame::slot
