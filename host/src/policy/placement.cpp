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
    Site& site = sites_[i];
    if (site.back_off.waits(now) || !has_room(site)) continue;
    if (suits && !suits(static_cast<BackendIndex>(i))) continue;
    ++site.asked;
    return static_cast<BackendIndex>(i);
  }
  return std::nullopt;
}

void Placement::counted() noexcept {
  for (Site& site : sites_) site.asked = 0;
}

void Placement::failed(BackendIndex backend, const Error& error, Remedy remedy, Duration retry_after, Instant now) {
  Site& site = sites_.at(backend);
  const bool waited = site.back_off.waits(now);
  site.back_off.failed(now, random_());
  if (retry_after > Duration::zero()) site.back_off.not_before(base::deadline_after(now, retry_after));
  fail(site, error, remedy == Remedy::permanent, waited);
}

void Placement::succeeded(BackendIndex backend) {
  Site& site = sites_.at(backend);
  site.back_off.succeeded();
  site.permanent = false;
  if (!std::exchange(site.failure, std::nullopt)) return;
  explain();
}

void Placement::lost_young(BackendIndex backend, const Error& error, Instant now) {
  Site& site = sites_.at(backend);
  const bool waited = site.back_off.waits(now);
  site.back_off.lost_young(now, random_());
  if (site.back_off.waits(now)) fail(site, error, false, waited);
}

// Of boots that have failed together, one that says "permanent" knows more than the others.
void Placement::fail(Site& site, const Error& error, bool permanent, bool waited) {
  site.permanent = permanent || (waited && site.permanent);
  site.failure = error;
  explain();
}

void Placement::explain() {
  failure_.reset();
  for (const Site& site : sites_) {
    if (!site.failure) continue;
    const std::string before = failure_ ? failure_->message + "; " : std::string();
    const std::string said = sites_.size() > 1 ? "backend \"" + site.name + "\": " : std::string();
    failure_ = site.failure;
    failure_->message = before + said + site.failure->message;
  }
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
    if (has_room(site)) continue;
    text += (text.empty() ? "" : "; ") + ("backend \"" + site.name) + "\" has all " +
            std::to_string(room_->max(site.name)) + " machines that it may have (max)";
  }
  return text;
}

bool Placement::has_room(const Site& site) const {
  return room_ == nullptr || room_->free(site.name) > site.asked;
}

}  // namespace flame::pool
