// Tasks that change their process, and tasks that look at it.
#include "tests/integration/edge/hygiene_tasks.hpp"

#include <fcntl.h>
#include <locale.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cfenv>
#include <chrono>
#include <clocale>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <iostream>
#include <locale>
#include <memory>
#include <mutex>
#include <new>
#include <sstream>
#include <stdexcept>
#include <thread>
#include <vector>

#include <flame/plugin.hpp>

namespace hygiene {
namespace {

constexpr std::size_t kBlock = 1 << 20;

std::array<char, 64> buffer = {"FLAME_TEST_BUFFER=first"};
std::vector<std::unique_ptr<char[]>> kept;
locale_t other_locale{};
volatile bool survived = false;
std::array<char, 64> lent{};

struct Handlers {
  std::new_handler no_memory = std::get_new_handler();
  std::terminate_handler terminate = std::get_terminate();
  std::ostream* tie = std::cin.tie();
} home;

struct Holder {
  std::mutex mutex;
  std::condition_variable changed;
  bool holds = false;
  bool released = false;
};
Holder& holder() {
  static auto& one = *new Holder;
  return one;
}

std::unique_ptr<char[]> touched_block() {
  auto block = std::make_unique<char[]>(kBlock);
  for (std::size_t at = 0; at < kBlock; at += 4096) static_cast<volatile char*>(block.get())[at] = 1;
  return block;
}

void require(bool done, const char* what) {
  if (!done) throw std::runtime_error(what);
}

void start_slot() {
  other_locale = ::newlocale(LC_ALL_MASK, "C.UTF-8", locale_t{});
  ::putenv(buffer.data());
  ::signal(SIGPROF, SIG_IGN);
  const itimerval profile{{0, 250'000}, {0, 250'000}};
  ::setitimer(ITIMER_PROF, &profile, nullptr);
}

}  // namespace

std::int64_t process_id() {
  return ::getpid();
}

void round_upwards() {
  std::fesetround(FE_UPWARD);
}
double one_third() {
  volatile double one = 1;
  volatile double three = 3;
  return one / three;
}

void set_variable(std::string name, std::string value) {
  ::setenv(name.c_str(), value.c_str(), 1);
}
std::string variable(std::string name) {
  const char* value = std::getenv(name.c_str());
  return value == nullptr ? "" : value;
}
void overwrite_variable_in_place(std::string value) {
  std::snprintf(buffer.data(), buffer.size(), "FLAME_TEST_BUFFER=%s", value.c_str());
}
void set_variable_for_a_moment() {
  ::setenv("FLAME_TEST_MOMENT", "1", 1);
  ::unsetenv("FLAME_TEST_MOMENT");
}
void lose_a_variable() {
  void* page = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  require(page != MAP_FAILED, "mmap");
  std::strcpy(static_cast<char*>(page), "FLAME_TEST_LOST=1");
  ::putenv(static_cast<char*>(page));
  ::munmap(page, 4096);
}

void use_locale(std::string name) {
  require(std::setlocale(LC_ALL, name.c_str()) != nullptr, "no such locale");
}
std::string locale_name() {
  return std::setlocale(LC_ALL, nullptr);
}
void use_locale_of_thread() {
  ::uselocale(other_locale);
}
bool has_global_locale() {
  return ::uselocale(locale_t{}) == LC_GLOBAL_LOCALE;
}
void imbue_standard_output() {
  std::cout.imbue(std::locale(std::locale::classic(), new std::numpunct<char>));
}
bool standard_output_is_classic() {
  return std::cout.getloc() == std::locale::classic();
}
void print_hexadecimal() {
  std::cout << std::hex << std::showbase;
}
std::string printed_number() {
  std::ostringstream text;
  text.copyfmt(std::cout);
  text << 255;
  return text.str();
}

void ignore_signal(std::int32_t signal) {
  ::signal(signal, SIG_IGN);
}
void exit_at_signal(std::int32_t signal) {
  ::signal(signal, [](int) { ::_exit(3); });
}
void crash() {
  ::raise(SIGSEGV);
  survived = true;  // so that the call is no jump
}
std::int32_t status_of_command(std::string command) {
  const int status = std::system(command.c_str());
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
void lower_open_files(std::uint32_t limit) {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = limit;
  require(::setrlimit(RLIMIT_NOFILE, &files) == 0, "setrlimit");
}
std::uint32_t open_files_limit() {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  return static_cast<std::uint32_t>(files.rlim_cur);
}
void use_one_cpu() {
  cpu_set_t set;
  ::sched_getaffinity(0, sizeof(set), &set);
  for (int cpu = CPU_SETSIZE - 1; CPU_COUNT(&set) > 1; --cpu) CPU_CLR(static_cast<std::size_t>(cpu), &set);
  require(::sched_setaffinity(0, sizeof(set), &set) == 0, "sched_setaffinity");
}
std::uint32_t cpus() {
  cpu_set_t set;
  ::sched_getaffinity(0, sizeof(set), &set);
  return static_cast<std::uint32_t>(CPU_COUNT(&set));
}
void be_nice() {
  require(::setpriority(PRIO_PROCESS, 0, 19) == 0, "setpriority");
}
std::int32_t niceness() {
  return ::getpriority(PRIO_PROCESS, 0);
}
void block_and_raise() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR2);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  ::raise(SIGUSR2);
}

std::int64_t profiler_interval() {
  itimerval profile{};
  ::getitimer(ITIMER_PROF, &profile);
  return profile.it_interval.tv_usec;
}

std::int64_t timer_slack() {
  return ::prctl(PR_GET_TIMERSLACK) / 1000;
}
std::int64_t io_priority() {
  return ::syscall(SYS_ioprio_get, 1, 0);
}
void be_late_and_idle() {
  require(::prctl(PR_SET_TIMERSLACK, 300'000'000UL) == 0, "prctl");
  ::syscall(SYS_ioprio_set, 1, 0, 3 << 13);
}
bool change_root(std::string path) {
  return ::chroot(path.c_str()) == 0;
}
std::uint64_t root_inode() {
  struct stat info {};
  require(::stat("/", &info) == 0, "stat");
  return info.st_ino;
}

void close_descriptor(std::int32_t fd) {
  require(::close(fd) == 0, "close");
}
void close_standard_output() {
  std::fclose(stdout);
  require(::open("/dev/null", O_WRONLY) == STDOUT_FILENO, "open");
}
std::int32_t lowest_free_descriptor() {
  const int fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  ::close(fd);
  return fd;
}
void redirect_output(std::string path, std::string text, bool reopen) {
  if (reopen) {
    require(std::freopen(path.c_str(), "w", stdout) != nullptr, "freopen");
  } else {
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    require(fd >= 0 && ::dup2(fd, STDOUT_FILENO) >= 0 && ::close(fd) == 0, "redirect");
  }
  std::printf("%s\n", text.c_str());
}

void set_handlers() {
  std::set_new_handler([] { throw std::runtime_error("of caller A"); });
  std::set_terminate([] { ::_exit(3); });
  ::pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, nullptr);
  std::cin.tie(nullptr);
  std::cin.setstate(std::ios::failbit);
}
std::string set_handlers_found() {
  std::string found;
  if (std::get_new_handler() != home.no_memory) found += " new_handler";
  if (std::get_terminate() != home.terminate) found += " terminate";
  int state = 0;
  ::pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &state);
  if (state != PTHREAD_CANCEL_ENABLE) found += " cancelstate";
  if (std::cin.tie() != home.tie || !std::cin.good()) found += " cin";
  return found;
}
void lend_standard_output_a_buffer() {
  std::setvbuf(stdout, lent.data(), _IOFBF, lent.size());
}
bool standard_output_uses_that_buffer() {
  lent = {};
  std::printf("x");
  return lent[0] != 0;
}

void leave_reader() {
  int ends[2];
  require(::pipe2(ends, O_CLOEXEC) == 0, "pipe2");
  std::FILE* file = ::fdopen(ends[0], "r");
  int entered[2];
  require(::pipe2(entered, O_CLOEXEC) == 0, "pipe2");
  std::thread([file, done = entered[1]] {
    ::flockfile(file);  // as fgets() below does: so it is held when the task returns
    static_cast<void>(!::write(done, "x", 1));
    std::array<char, 64> line{};
    static_cast<void>(std::fgets(line.data(), line.size(), file));
  }).detach();
  char byte = 0;
  static_cast<void>(!::read(entered[0], &byte, 1));
}
void print_line(std::string text) {
  std::printf("%s\n", text.c_str());
}
void print_unsynchronized(std::string text) {
  std::ios::sync_with_stdio(false);
  std::cout << text;
}
void print_by_cout(std::string text) {
  std::cout << text;
}

void keep_memory(std::uint64_t bytes) {
  for (std::uint64_t got = 0; got < bytes; got += kBlock) kept.push_back(touched_block());
}
std::uint64_t use_memory(std::uint64_t bytes) {
  std::vector<std::unique_ptr<char[]>> blocks;
  while (blocks.size() * kBlock < bytes) blocks.push_back(touched_block());
  return blocks.size() * kBlock;
}
void use_all_memory() {
  std::vector<std::unique_ptr<char[]>> blocks;
  for (;;) blocks.push_back(touched_block());
}
bool hold_memory(std::uint64_t bytes) {
  std::vector<std::unique_ptr<char[]>> blocks;
  while (blocks.size() * kBlock < bytes) blocks.push_back(touched_block());
  std::unique_lock lock(holder().mutex);
  holder().holds = true;
  return holder().changed.wait_for(lock, std::chrono::seconds(20), [] { return holder().released; });
}
bool memory_is_held() {
  const std::lock_guard lock(holder().mutex);
  return holder().holds;
}
void release_memory() {
  const std::lock_guard lock(holder().mutex);
  holder().released = true;
  holder().changed.notify_all();
}
void keep_files(std::uint32_t count) {
  for (std::uint32_t i = 0; i < count; ++i) require(::open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0, "open");
}
bool opens_a_file() {
  const int fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (fd >= 0) ::close(fd);
  return fd >= 0;
}
void leave_child() {
  if (::fork() == 0) {
    for (;;) ::pause();
  }
}

}  // namespace hygiene

FLAME_PLUGIN("edge_hygiene", "1.0.0", p) {
  using namespace hygiene;
  p.start_slot<start_slot>();
  p.task<process_id>();
  p.task<round_upwards>();
  p.task<one_third>();
  p.task<set_variable>();
  p.task<variable>();
  p.task<overwrite_variable_in_place>();
  p.task<set_variable_for_a_moment>();
  p.task<lose_a_variable>();
  p.task<use_locale>();
  p.task<locale_name>();
  p.task<use_locale_of_thread>();
  p.task<has_global_locale>();
  p.task<imbue_standard_output>();
  p.task<standard_output_is_classic>();
  p.task<print_hexadecimal>();
  p.task<printed_number>();
  p.task<ignore_signal>();
  p.task<exit_at_signal>();
  p.task<crash>();
  p.task<status_of_command>();
  p.task<lower_open_files>();
  p.task<open_files_limit>();
  p.task<use_one_cpu>();
  p.task<cpus>();
  p.task<be_nice>();
  p.task<niceness>();
  p.task<block_and_raise>();
  p.task<profiler_interval>();
  p.task<timer_slack>();
  p.task<io_priority>();
  p.task<be_late_and_idle>();
  p.task<change_root>();
  p.task<root_inode>();
  p.task<close_descriptor>();
  p.task<close_standard_output>();
  p.task<lowest_free_descriptor>();
  p.task<redirect_output>();
  p.task<set_handlers>();
  p.task<set_handlers_found>();
  p.task<lend_standard_output_a_buffer>();
  p.task<standard_output_uses_that_buffer>();
  p.task<leave_reader>();
  p.task<print_line>();
  p.task<print_unsynchronized>();
  p.task<print_by_cout>();
  p.task<keep_memory>();
  p.task<use_memory>();
  p.task<use_all_memory>();
  p.task<hold_memory>();
  p.task<memory_is_held>();
  p.task<release_memory>();
  p.task<keep_files>();
  p.task<opens_a_file>();
  p.task<leave_child>();
}
