// What /proc/self/status tells of a slot.
#include "runner/slot/process_status.hpp"

#include <charconv>
#include <cstring>

#include "plugin_sdk/base/limits.hpp"

namespace flame::slot {
namespace {

// Signals 32 and 33 are the C library's own, which it handles from the first pthread_cancel() or setuid() on.
constexpr std::uint64_t kInternalSignals = std::uint64_t{3} << 31;
constexpr std::uint64_t kHashBegin = 0xcbf29ce484222325U;

// Eight bytes at a time: some of these lines are long.
std::uint64_t hash_on(std::uint64_t hash, std::string_view text) {
  constexpr std::uint64_t kPrime = 0x9e3779b97f4a7c15U;
  while (!text.empty()) {
    std::uint64_t word = 0;
    const std::size_t size = text.size() < sizeof(word) ? text.size() : sizeof(word);
    std::memcpy(&word, text.data(), size);
    hash = (hash ^ word) * kPrime;
    hash ^= hash >> 32;
    text.remove_prefix(size);
  }
  return hash;
}

std::uint64_t number(std::string_view text, int base) {
  const std::size_t first = text.find_first_not_of(" \t");
  std::uint64_t value = 0;
  if (first != std::string_view::npos) std::from_chars(text.data() + first, text.data() + text.size(), value, base);
  return value;
}

void take_signals(std::string_view key, std::string_view value, ProcessStatus& status) {
  const std::uint64_t signals = number(value, 16);
  if (key == "SigPnd" || key == "ShdPnd") status.pending |= signals;
  if (key == "SigBlk") status.blocked = signals;
  if (key == "SigIgn") status.ignored = signals & ~kInternalSignals;
  if (key == "SigCgt") status.caught = signals & ~kInternalSignals;
}

// By the first letters: this runs once per line and call.
void take(std::string_view key, std::string_view value, ProcessStatus& status) {
  const auto identity = [&] { status.identity = hash_on(hash_on(status.identity, key), value); };
  switch (key.empty() ? '\0' : key.front()) {
    case 'U':
      if (key == "Umask") status.umask = static_cast<std::uint32_t>(number(value, 8));
      if (key == "Uid") identity();
      break;
    case 'T':
      if (key == "Threads") status.threads = static_cast<std::uint32_t>(number(value, 10));
      break;
    case 'V':
      if (key == "VmData") status.data_bytes = number(value, 10) * limits::KiB;
      break;
    case 'F':
      if (key == "FDSize") status.fd_table = number(value, 10);
      break;
    case 'G':
      if (key == "Gid" || key == "Groups") identity();
      break;
    case 'N':
      if (key == "NSpgid" || key == "NSsid" || key == "NoNewPrivs") identity();
      break;
    case 'S':
      if (key.size() == 6) take_signals(key, value, status);
      if (key.starts_with("Seccomp")) identity();
      break;
    case 'C':
      if (key == "Cpus_allowed") status.placement = hash_on(status.placement, value);
      if (key.starts_with("Cap")) identity();
      break;
    case 'M':
      if (key == "Mems_allowed") status.placement = hash_on(status.placement, value);
      break;
    default:
      break;
  }
}

}  // namespace

ProcessStatus parse_process_status(std::string_view text) {
  ProcessStatus status;
  status.identity = status.placement = kHashBegin;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (const std::size_t colon = line.find(':'); colon != std::string_view::npos) {
      take(line.substr(0, colon), line.substr(colon + 1), status);
    }
  }
  return status.threads == 0 ? ProcessStatus() : status;
}

}  // namespace flame::slot
