// A runtime that lives on SIGSEGV, as garbage collectors, WebAssembly engines and mapped databases do: its handler is
// installed in start(), before there are slots.
#include <sigsegv.h>
#include <sys/mman.h>

#include <cstddef>
#include <stdexcept>

#include <flame/plugin.hpp>

#include "plugins/threads/threads.hpp"

namespace threads_signals {
namespace {

constexpr std::size_t kPage = 4096;
constexpr std::int32_t kPagesMax = 1024;

volatile std::int32_t caught = 0;
char* begin = nullptr;
std::size_t bytes = 0;

int on_fault(void* address, int /*serious*/) {
  char* const at = static_cast<char*>(address);
  if (at < begin || at >= begin + bytes) return 0;  // somebody else's
  caught = caught + 1;
  const std::size_t offset = static_cast<std::size_t>(at - begin) / kPage * kPage;
  return ::mprotect(begin + offset, kPage, PROT_READ | PROT_WRITE) == 0 ? 1 : 0;
}

void start() {
  if (::sigsegv_install_handler(&on_fault) != 0) throw std::runtime_error("libsigsegv has no handler here");
}

}  // namespace

threads::Report touch_protected_pages(std::int32_t n) {
  if (n < 1 || n > kPagesMax) throw std::invalid_argument("1 to 1024 pages");
  bytes = static_cast<std::size_t>(n) * kPage;
  void* const memory = ::mmap(nullptr, bytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::runtime_error("no memory");
  begin = static_cast<char*>(memory);
  caught = 0;
  const threads::Report report = threads::measured([n] {
    for (std::int32_t page = 0; page < n; ++page) {
      static_cast<volatile char*>(begin)[static_cast<std::size_t>(page) * kPage] = 1;
    }
    return static_cast<double>(caught);
  });
  ::munmap(memory, bytes);
  return report;
}

}  // namespace threads_signals

FLAME_PLUGIN("threads_signals", "1.0.0", p) {
  p.start<threads_signals::start>();
  p.task<threads_signals::touch_protected_pages>();
}
