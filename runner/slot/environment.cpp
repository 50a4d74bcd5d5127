// The environment of a slot.
#include "runner/slot/environment.hpp"

#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <optional>

namespace flame::slot {
namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kVariableMax = 128 * 1024;  // as long as the kernel passes one on

std::size_t count_variables() {
  std::size_t count = 0;
  while (environ != nullptr && environ[count] != nullptr) ++count;
  return count;
}

// Through the kernel, page by page: putenv() may have been given memory of the task's that is gone.
std::optional<std::string> read_carefully(const char* from) {
  std::string text;
  std::array<char, kPage> piece{};
  while (text.size() < kVariableMax) {
    const auto address = reinterpret_cast<std::uintptr_t>(from) + text.size();
    const std::size_t size = kPage - address % kPage;
    iovec to{piece.data(), size};
    iovec source{reinterpret_cast<void*>(address), size};
    if (::process_vm_readv(::getpid(), &to, 1, &source, 1, 0) != static_cast<ssize_t>(size)) return std::nullopt;
    const std::size_t length = ::strnlen(piece.data(), size);
    text.append(piece.data(), length);
    if (length < size) return text;
  }
  return std::nullopt;
}

}  // namespace

EnvironmentWatch::EnvironmentWatch() {
  const std::size_t count = count_variables();
  for (std::size_t i = 0; i < count; ++i) variables_.emplace_back(environ[i]);
  std::sort(variables_.begin(), variables_.end());
  remember_places();
}

void EnvironmentWatch::remember_places() {
  places_.clear();
  const std::size_t count = count_variables();
  for (std::size_t i = 0; i < count; ++i) {
    const auto found = std::lower_bound(variables_.begin(), variables_.end(), environ[i]);
    places_.push_back({environ[i], static_cast<std::size_t>(found - variables_.begin())});
  }
}

bool EnvironmentWatch::unchanged() {
  if (same_places()) {
    return std::all_of(places_.begin(), places_.end(),
                       [this](const Place& place) { return variables_[place.variable] == place.at; });
  }
  if (!same_contents()) return false;
  remember_places();
  return true;
}

bool EnvironmentWatch::same_places() const {
  if (environ == nullptr) return places_.empty();
  for (std::size_t i = 0; i < places_.size(); ++i) {
    if (environ[i] != places_[i].at) return false;  // also at a shorter one's end
  }
  return environ[places_.size()] == nullptr;
}

bool EnvironmentWatch::same_contents() const {
  if (count_variables() != variables_.size()) return false;
  std::vector<std::string> now;
  for (std::size_t i = 0; i < variables_.size(); ++i) {
    std::optional<std::string> text = read_carefully(environ[i]);
    if (!text) return false;
    now.push_back(std::move(*text));
  }
  std::sort(now.begin(), now.end());
  return now == variables_;
}

}  // namespace flame::slot
