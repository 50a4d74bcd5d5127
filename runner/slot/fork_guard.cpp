// Tells a child that a task forked.
#include "runner/slot/fork_guard.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>

namespace flame::slot {
namespace {

constexpr std::size_t kBytes = 4096;  // any part of a page is a page

}  // namespace

ForkGuard::ForkGuard() : process_(::getpid()) {
  void* page = ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return;
  if (::madvise(page, kBytes, MADV_WIPEONFORK) != 0) {
    ::munmap(page, kBytes);
    return;
  }
  page_ = static_cast<unsigned char*>(page);
  *page_ = 1;
}

ForkGuard::~ForkGuard() {
  if (page_ != nullptr) ::munmap(page_, kBytes);
}

bool ForkGuard::in_child() const {
  if (page_ != nullptr) return *static_cast<volatile const unsigned char*>(page_) == 0;
  return ::getpid() != process_;
}

}  // namespace flame::slot
