// Deaths, exceptions, threads and allocators that a user may meet.
#include "crashes_tasks.hpp"

#include <dlfcn.h>
#include <link.h>
#include <malloc.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <mutex>
#include <new>
#include <stdexcept>
#include <system_error>
#include <thread>

#include <flame/plugin.hpp>

namespace crashes {
namespace {

volatile bool survived = false;
rlimit core_in_start{};

void start() {
  ::getrlimit(RLIMIT_CORE, &core_in_start);
}

/// Every machine has it, it is small, and adler32() reads where it is told to.
std::string path_of_zlib() {
  void* library = ::dlopen("libz.so.1", RTLD_NOW | RTLD_LOCAL);
  link_map* map = nullptr;
  if (library == nullptr || ::dlinfo(library, RTLD_DI_LINKMAP, &map) != 0) throw std::runtime_error("no zlib");
  return map->l_name;
}

class Crowd {
 public:
  ~Crowd() {
    {
      const std::lock_guard lock(mutex_);
      over_ = true;
    }
    changed_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }
  void add() {
    threads_.emplace_back([this] {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return over_; });
    });
  }
  [[nodiscard]] std::int32_t size() const { return static_cast<std::int32_t>(threads_.size()); }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool over_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace

void crash_in_the_last_of(std::int32_t count, std::string directory) {
  const std::string original = path_of_zlib();
  using Adler32 = unsigned long (*)(unsigned long, const unsigned char*, unsigned);
  Adler32 last = nullptr;
  for (std::int32_t i = 0; i < count; ++i) {
    const std::string copy = directory + "/module_" + std::to_string(i) + ".so";
    std::filesystem::copy_file(original, copy);
    void* library = ::dlopen(copy.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) throw std::runtime_error(::dlerror());
    last = reinterpret_cast<Adler32>(::dlsym(library, "adler32"));
  }
  last(1, reinterpret_cast<const unsigned char*>(16), 1'000'000);
}

void crash() {
  std::raise(SIGSEGV);
  survived = true;  // so that the call is no jump, and this function is on the stack
}

void throw_without_text() {
  throw std::runtime_error("");
}
void throw_a_literal() {
  throw "a literal";
}
void throw_a_string() {
  throw std::string("a string");
}
void throw_a_number() {
  throw 42;
}

std::vector<std::int64_t> core_limits() {
  rlimit limit{};
  ::getrlimit(RLIMIT_CORE, &limit);
  return {static_cast<std::int64_t>(limit.rlim_cur), static_cast<std::int64_t>(limit.rlim_max),
          ::prctl(PR_GET_DUMPABLE)};
}

std::int64_t core_limit_in_start() {
  return static_cast<std::int64_t>(core_in_start.rlim_cur);
}

std::int32_t idle_threads(std::int32_t count) {
  Crowd crowd;
  try {
    while (crowd.size() < count) crowd.add();
  } catch (const std::system_error&) {
  }
  return crowd.size();
}

void idle_threads_or_throw(std::int32_t count) {
  Crowd crowd;
  while (crowd.size() < count) crowd.add();
}

std::int32_t process_of_joined_threads(std::int32_t count) {
  idle_threads_or_throw(count);
  return ::getpid();
}

void end_thread() {
  ::pthread_exit(nullptr);
}

void cancel_thread() {
  ::pthread_cancel(::pthread_self());
}

std::string variable(std::string name) {
  const char* value = std::getenv(name.c_str());
  return value == nullptr ? "" : value;
}

std::int64_t size_by_jemalloc() {
  // As in programs that were not compiled for it: every name of the family, and what one gives the others take.
  void* memory = std::malloc(100);
  memory = std::realloc(memory, 10'000);
  std::free(std::calloc(10, 10));
  std::free(std::aligned_alloc(64, 640));
  std::free(::memalign(64, 640));
  void* aligned = nullptr;
  if (::posix_memalign(&aligned, 64, 640) == 0) std::free(aligned);
  ::operator delete(::operator new(100));
  using Sallocx = std::size_t (*)(const void*, int);
  const auto sallocx = reinterpret_cast<Sallocx>(::dlsym(RTLD_DEFAULT, "sallocx"));
  const std::int64_t size = sallocx == nullptr ? -1 : static_cast<std::int64_t>(sallocx(memory, 0));
  std::free(memory);
  return size;
}

std::string load(std::string library) {
  return ::dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL) != nullptr ? "" : ::dlerror();
}

}  // namespace crashes

FLAME_PLUGIN("edge_crashes", "1.0.0", p) {
  p.start<crashes::start>();
  p.task<crashes::crash_in_the_last_of>();
  p.task<crashes::crash>();
  p.task<crashes::throw_without_text>();
  p.task<crashes::throw_a_literal>();
  p.task<crashes::throw_a_string>();
  p.task<crashes::throw_a_number>();
  p.task<crashes::core_limits>();
  p.task<crashes::core_limit_in_start>();
  p.task<crashes::idle_threads>();
  p.task<crashes::idle_threads_or_throw>();
  p.task<crashes::process_of_joined_threads>();
  p.task<crashes::end_thread>();
  p.task<crashes::cancel_thread>();
  p.task<crashes::variable>();
  p.task<crashes::size_by_jemalloc>();
  p.task<crashes::load>();
}
