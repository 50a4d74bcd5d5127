// A slot process from its first instruction to its end.
#include "runner/slot/slot_process.hpp"

#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <exception>
#include <latch>
#include <memory>
#include <string>
#include <thread>

#include "runner/protocol/channel.hpp"
#include "runner/slot/allocation_probe.hpp"
#include "runner/slot/crash_handler.hpp"
#include "runner/slot/exit_watch.hpp"
#include "runner/slot/slot_limits.hpp"
#include "runner/slot/slot_loop.hpp"
#include "runner/slot/streams.hpp"

namespace flame::slot {
namespace {

constexpr int kAdoptionWait_s = 10;

/// Waits until the process that forked us has ended and the supervisor is our parent; then dies with it.
void join_supervisor(pid_t supervisor) {
  sigset_t wake;
  sigset_t before;
  ::sigemptyset(&wake);
  ::sigaddset(&wake, SIGUSR1);
  ::sigprocmask(SIG_BLOCK, &wake, &before);
  // The kernel tells us with this signal when our present parent ends; the check after it leaves no gap.
  ::prctl(PR_SET_PDEATHSIG, SIGUSR1);
  const timespec step{0, 1'000'000};
  for (int tries = 0; ::getppid() != supervisor; ++tries) {
    if (tries > kAdoptionWait_s * 1000) ::_exit(kExitOrphaned);
    ::sigtimedwait(&wake, nullptr, &step);
  }
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != supervisor) ::_exit(kExitOrphaned);
  const timespec now{};
  while (::sigtimedwait(&wake, nullptr, &now) == SIGUSR1) continue;
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
}

void* map(const base::UniqueFd& memory, std::size_t size) {
  void* address = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, memory.get(), 0);
  if (address == MAP_FAILED) ::_exit(kExitBadRequest);
  return address;
}

struct Mapped {
  ControlPage* page;
  std::byte* arena;
};

Mapped map_slot(SlotEnds& ends) {
  Mapped mapped{static_cast<ControlPage*>(map(ends.control, kControlBytes)),
                static_cast<std::byte*>(map(ends.arena, limits::kArenaBytes))};
  ends.control.reset();
  ends.arena.reset();
  return mapped;
}

void run_slot(SlotShared& shared, const SlotEnds& ends, const Mapped& mapped) {
  adopt_thread(mapped.page);
  watch_exit(mapped.page);
  // On the heap: a task may need every byte of the thread's stack.
  std::make_unique<SlotLoop>(shared, ends.channel.get(), mapped.page, mapped.arena)->run();
}

/// EAGAIN also where the thread's stack finds no room.
std::string lack_of_threads(std::size_t wanted, const std::exception& error) {
  return "its process cannot start " + std::to_string(wanted) + " threads, one for each slot (" + error.what() +
         "). Raise the limit of processes (ulimit -u, the pids limit of the container or cgroup) or limits.memory, or "
         "lower max_concurrency.";
}

/// Threads that run their slots once `all_there` opens: what has been announced would be lost with the process.
std::vector<std::thread> start_threads(SlotProcess& process, SlotShared& shared, const std::vector<Mapped>& mapped,
                                       std::latch& all_there) {
  std::vector<std::thread> threads;
  try {
    for (std::size_t i = 1; i < process.slots.size(); ++i) {
      threads.emplace_back([&, i] {
        all_there.wait();
        run_slot(shared, process.slots[i], mapped[i]);
      });
    }
  } catch (const std::exception& error) {  // no thread, or no memory for its object
    refuse_slots(process.slots, ErrorCode::boot_failed, lack_of_threads(process.slots.size(), error), true);
    ::_exit(0);
  }
  return threads;
}

}  // namespace

void refuse_slots(std::span<const SlotEnds> slots, ErrorCode code, std::string_view reason, bool shortage) {
  reason = reason.substr(0, limits::kTextMax);
  std::vector<std::byte> datagram(sizeof(ReadyMessage) + reason.size());
  auto ready = make_message<ReadyMessage>(Kind::ready, datagram.size());
  ready.verdict = Verdict::discard;
  ready.shortage = shortage ? 1 : 0;
  ready.code = static_cast<std::uint32_t>(code);
  std::memcpy(datagram.data(), &ready, sizeof(ready));
  if (!reason.empty()) std::memcpy(datagram.data() + sizeof(ready), reason.data(), reason.size());
  for (const SlotEnds& slot : slots) {
    static_cast<void>(send_datagram(slot.channel.get(), as_datagram(make_message<HelloMessage>(Kind::hello)), 0));
    static_cast<void>(send_datagram(slot.channel.get(), datagram, 0));
  }
}

void run_slot_process(SlotProcess process, const PluginTable& table, const flame_parent_info& parent) {
  link_allocation_probe();
  join_supervisor(process.supervisor);
  ::setsid();  // kill(0, …) in a task reaches this slot only; fails harmlessly for one that was exec'd in a new session
  ::prctl(PR_SET_NAME, "flame-slot");
  ::dup2(process.out.get(), STDOUT_FILENO);
  ::dup2(process.err.get(), STDERR_FILENO);
  process.out.reset();
  process.err.reset();
  std::vector<Mapped> mapped;
  for (SlotEnds& ends : process.slots) mapped.push_back(map_slot(ends));
  report_crashes_into(mapped.front().page);
  SlotShared shared{.table = table,
                    .parent = parent,
                    .limits = process.limits,
                    .threads = process.threads,
                    .slots = static_cast<std::uint32_t>(process.slots.size())};
  apply_process_limits(shared.limits, static_cast<std::uint32_t>(process.slots.size()));
  std::latch all_there(1);
  std::vector<std::thread> threads = start_threads(process, shared, mapped, all_there);
  fit_thread_stacks(shared.limits);  // after those: tasks run on them
  all_there.count_down();
  run_slot(shared, process.slots.front(), mapped.front());
  for (std::thread& thread : threads) thread.join();
  flush_streams();
  ::_exit(0);
}

}  // namespace flame::slot
