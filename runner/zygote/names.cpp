// See names.hpp.
#include "runner/zygote/names.hpp"

#include <cxxabi.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>

#include "plugin_sdk/base/limits.hpp"

namespace flame::slot {
namespace {

constexpr std::size_t kInputMax = 128 * limits::KiB;

// Most names take microseconds. Whoever waits has patience for this and no more.
void bound_this_process() {
  const rlimit cpu{1, 1};
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CPU, &cpu);
  ::setrlimit(RLIMIT_CORE, &none);
  ::setrlimit(RLIMIT_FSIZE, &none);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // their shadow memory counts as data
  const rlimit memory{64 * limits::MiB, 64 * limits::MiB};
  ::setrlimit(RLIMIT_DATA, &memory);
#endif
}

bool write_all(const char* data, std::size_t size) {
  while (size > 0) {
    const ssize_t count = ::write(STDOUT_FILENO, data, size);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    data += count;
    size -= static_cast<std::size_t>(count);
  }
  return true;
}

// At once, so that those before a name that ends us are not lost.
bool answer(const char* name) {
  int status = 0;
  char* text = abi::__cxa_demangle(name, nullptr, nullptr, &status);
  bool written = true;
  if (text != nullptr) written = write_all(text, ::strnlen(text, limits::kWhereTextMax));
  std::free(text);
  return written && write_all("", 1);
}

}  // namespace

int demangle_names() {
  bound_this_process();
  std::string names;
  std::array<char, 16 * limits::KiB> piece;  // not zeroed
  for (ssize_t count = 0; (count = ::read(STDIN_FILENO, piece.data(), piece.size())) > 0 && names.size() < kInputMax;) {
    names.append(piece.data(), static_cast<std::size_t>(count));
  }
  for (std::size_t at = 0; at < names.size(); at += std::strlen(names.c_str() + at) + 1) {
    if (!answer(names.c_str() + at)) return 1;
  }
  return 0;
}

}  // namespace flame::slot
