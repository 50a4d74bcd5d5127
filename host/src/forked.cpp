// A page with MADV_WIPEONFORK (Linux 4.14); without it the process id is asked for.
#include "host/src/forked.hpp"

#include <sys/mman.h>
#include <unistd.h>

namespace flame::pool {
namespace {

std::size_t page_size() noexcept {
  return static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace

ForkGuard::ForkGuard() noexcept : maker_(::getpid()) {
  void* const page = ::mmap(nullptr, page_size(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return;
  if (::madvise(page, page_size(), MADV_WIPEONFORK) != 0) {
    ::munmap(page, page_size());
    return;
  }
  *static_cast<unsigned char*>(page) = 1;
  page_ = static_cast<const volatile unsigned char*>(page);
}

ForkGuard::~ForkGuard() {
  if (page_ != nullptr) ::munmap(const_cast<unsigned char*>(page_), page_size());
}

bool ForkGuard::other_process() const noexcept {
  return ::getpid() != maker_;
}

Error forked_error() {
  return {.code = ErrorCode::shutting_down,
          .message =
              "this process is a fork of the one that made the host, whose threads and runners are not here; "
              "make a Host after fork(), or exec",
          .started = Started::no};
}

}  // namespace flame::pool
