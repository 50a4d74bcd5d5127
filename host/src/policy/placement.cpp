// Placement: a look along the list, and what each backend has said last.
#include "host/src/policy/placement.hpp"

#include <algorithm>
#include <utility>

namespace flame::pool {

Placement::Placement(std::vector<std::string> backends, std::uint64_t seed, const BackendRoom* room)
    : random_(seed), room_(room) {
  if (backends.empty()) backends.emplace_back();
  for (std::string& name : backends) {
    Site& site = sites_.emplace_back();
    site.name = std::move(name);
  }
}

std::optional<BackendIndex> Placement::next(Instant now, const Suits& suits) {
  for (std::size_t i = 0; i < sites_.size(); ++i) {
    const auto backend = static_cast<BackendIndex>(i);
    if (!can_take(backend, now) || (suits && !suits(backend))) continue;
    ++sites_[i].asked;
    return backend;
  }
  return std::nullopt;
}

bool Placement::can_take(BackendIndex backend, Instant now, bool one_leaves) const {
  const Site& site = sites_.at(backend);
  return !site.back_off.waits(now) && (one_leaves || has_room(site));
}

bool Placement::gives(BackendIndex backend) const {
  const Site& site = sites_.at(backend);
  return !site.failure && has_room(site);
}

void Placement::counted() noexcept {
  for (Site& site : sites_) site.asked = 0;
}

void Placement::failed(BackendIndex backend, const Error& error, Remedy remedy, Duration retry_after, Instant now) {
  Site& site = sites_.at(backend);
  const bool waited = site.back_off.waits(now);
  site.back_off.failed(now, random_());
  if (retry_after > Duration::zero()) site.back_off.not_before(base::deadline_after(now, retry_after));
  fail(site, error, remedy, waited);
}

void Placement::succeeded(BackendIndex backend) {
  Site& site = sites_.at(backend);
  site.back_off.succeeded();
  site.permanent = false;
  site.failure.reset();
}

void Placement::lost_young(BackendIndex backend, const Error& error, Instant now) {
  Site& site = sites_.at(backend);
  const bool waited = site.back_off.waits(now);
  site.back_off.lost_young(now, random_());
  if (site.back_off.waits(now)) fail(site, error, Remedy::retry, waited);
}

// Of boots that have failed together, one that says "permanent" knows more than the others.
void Placement::fail(Site& site, const Error& error, Remedy remedy, bool waited) {
  if (waited && site.permanent && remedy != Remedy::permanent) return;
  site.permanent = remedy == Remedy::permanent;
  site.no_room = remedy == Remedy::elsewhere;
  site.failure = error;
}

std::optional<Error> Placement::last_failure(Instant now) const {
  bool another_is_left = false;
  for (BackendIndex backend = 0; backend < sites_.size(); ++backend)
    another_is_left = another_is_left || can_take(backend, now);
  std::optional<Error> all;
  for (const Site& site : sites_) {
    if (!site.failure || (site.no_room && another_is_left)) continue;
    const std::string before = all ? all->message + "; " : std::string();
    const std::string said = sites_.size() > 1 ? "backend \"" + site.name + "\": " : std::string();
    std::string tail = all ? std::move(all->log_tail) : std::string();
    all = site.failure;
    all->message = before + said + site.failure->message;
    if (!tail.empty()) all->log_tail = std::move(tail);  // one log says more than none
  }
  return all;
}

bool Placement::hopeless() const noexcept {
  return std::ranges::all_of(sites_, &Site::permanent);
}

bool Placement::all_wait(Instant now) const noexcept {
  return std::ranges::all_of(sites_, [now](const Site& site) { return site.back_off.waits(now); });
}

Instant Placement::next_retry(Instant now) const noexcept {
  if (!all_wait(now)) return kNever;
  Instant first = kNever;
  for (const Site& site : sites_) first = std::min(first, site.back_off.until());
  return first;
}

Instant Placement::wake_at(Instant now) const noexcept {
  Instant first = kNever;
  for (const Site& site : sites_)
    if (site.back_off.waits(now) && has_room(site)) first = std::min(first, site.back_off.until());
  return first;
}

std::string Placement::full() const {
  std::string text;
  for (const Site& site : sites_) {
    if (room_ == nullptr || room_->free(site.name) > 0) continue;
    text += (text.empty() ? "" : "; ") + ("backend \"" + site.name) + "\" has all " +
            std::to_string(room_->max(site.name)) + " machines that it may have (max)";
  }
  return text;
}

bool Placement::has_room(const Site& site) const {
  return room_ == nullptr || room_->free(site.name) > site.asked;
}

}  // namespace flame::pool
