// Handles to objects in slots.
#include "host/src/api/object_handles.hpp"

#include <new>
#include <utility>

#include <flame/detail/calls.hpp>

#include "host/src/api/pool_front.hpp"
#include "host/src/calls/call.hpp"
#include "plugin_sdk/base/make_error.hpp"

namespace flame::pool {
namespace {

ChildExit::Reason reason_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::none:
      return ChildExit::Reason::normal;
    case ErrorCode::crashed:
    case ErrorCode::out_of_memory:
      return ChildExit::Reason::crashed;
    case ErrorCode::cancelled:
    case ErrorCode::timed_out:
    case ErrorCode::shutting_down:
      return ChildExit::Reason::stopped;
    case ErrorCode::runner_lost:
      return ChildExit::Reason::runner_lost;
    default:
      return ChildExit::Reason::exception;
  }
}

// What a Tracked or Child of the host points to.
class RemoteObject final : public detail::Object, private detail::ChildControl {
 public:
  RemoteObject(std::shared_ptr<HeldLease> lease, std::uint64_t id, bool child)
      : lease_(std::move(lease)), id_(id), child_(child) {
    if (!child_) lease_->track();
  }
  ~RemoteObject() override {
    if (!child_) {
      lease_->release(id_);
    } else if (lease_->parts().linked) {
      lease_->stop();
    }
  }
  RemoteObject(const RemoteObject&) = delete;
  RemoteObject& operator=(const RemoteObject&) = delete;

  [[nodiscard]] void* local() noexcept override { return nullptr; }
  [[nodiscard]] std::uint64_t id() const noexcept override { return id_; }
  [[nodiscard]] detail::ChildControl* child() noexcept override { return child_ ? this : nullptr; }
  [[nodiscard]] const std::shared_ptr<HeldLease>& lease() const noexcept { return lease_; }

 private:
  [[nodiscard]] bool wait(Duration timeout) override { return lease_->wait(timeout); }
  [[nodiscard]] ChildExit exit() const override { return lease_->exit(); }
  void stop() noexcept override { lease_->stop(); }

  std::shared_ptr<HeldLease> lease_;
  std::uint64_t id_;
  bool child_;
};

class Handles final : public detail::ObjectSource {
 public:
  explicit Handles(std::vector<detail::ObjectHandle> handles) : handles_(std::move(handles)) {}
  [[nodiscard]] detail::ObjectHandle find(std::uint32_t index, std::string_view) override {
    return index == 0 || index > handles_.size() ? nullptr : handles_[index - 1];
  }

 private:
  std::vector<detail::ObjectHandle> handles_;
};

Result<const RemoteObject*> remote(const detail::PoolFront& core, const detail::ObjectHandle& handle) {
  const auto* object = dynamic_cast<const RemoteObject*>(handle.get());
  if (object == nullptr) {
    return base::refusal(ErrorCode::invalid_argument,
                         "the object is in this process, so a runner cannot use it; dereference the handle instead");
  }
  const HeldLease::Parts& lease = object->lease()->parts();
  if (lease.core.get() != &core) {
    return base::refusal(ErrorCode::invalid_argument, "the object lives in pool \"" + lease.core->name() +
                                                          "\"; it can only be used by calls of that pool");
  }
  return object;
}

}  // namespace

HeldLease::HeldLease(Parts parts)
    : parts_(std::move(parts)), ended_(std::make_shared<LocalCall>(parts_.core->parts().executor, nullptr)) {}

HeldLease::~HeldLease() = default;

void HeldLease::release(std::uint64_t object) noexcept {
  tracked_.fetch_sub(1, std::memory_order_relaxed);
  tell_loop(command::Release{parts_.core->parts().index, {parts_.id, object}});
}

void HeldLease::stop() noexcept {
  tell_loop(command::EndLease{parts_.core->parts().index, {parts_.id}});
}

void HeldLease::tell_loop(Command&& command) noexcept {
  try {
    // Where the loop has ended, so has the lease.
    if (!ended_->ready()) static_cast<void>(parts_.core->parts().inbox->push(std::move(command)));
  } catch (const std::bad_alloc&) {
    // What is there stays until its runner ends.
  }
}

bool HeldLease::wait(Duration timeout) {
  return ended_->wait(timeout);
}

std::optional<Error> HeldLease::gone() const {
  if (!ended_->ready()) return std::nullopt;
  Error error = base::refusal(ErrorCode::runner_lost,
                              "the object is gone: " + (error_ ? error_->message : "it has ended") + "; make it again");
  error.runner = parts_.runner;
  error.plugin = parts_.plugin;
  return error;
}

ChildExit HeldLease::exit() const {
  ChildExit exit;
  if (error_) {
    exit.reason = reason_of(error_->code);
    exit.error = *error_;
  }
  return exit;
}

void HeldLease::end(std::optional<Error> error) {
  error_ = std::move(error);
  if (error_ && error_->runner.empty()) error_->runner = parts_.runner;
  if (error_ && error_->plugin.empty()) error_->plugin = parts_.plugin;
  ended_->complete();
}

std::unique_ptr<detail::ObjectSource> make_handles(const std::shared_ptr<HeldLease>& lease,
                                                   std::span<const std::uint64_t> objects, bool child) {
  std::vector<detail::ObjectHandle> handles;
  handles.reserve(objects.size());
  for (const std::uint64_t object : objects) handles.push_back(std::make_shared<RemoteObject>(lease, object, child));
  return std::make_unique<Handles>(std::move(handles));
}

Result<Destination> find_destination(const detail::PoolFront& core, const detail::CallSpec& spec) {
  Destination destination;
  if (spec.object != nullptr) {
    const auto object = remote(core, spec.object);
    if (object.has_error()) return object.error();
    destination = {(*object)->lease(), (*object)->id()};
  }
  for (const detail::ObjectHandle& handle : spec.objects) {
    const auto object = remote(core, handle);
    if (object.has_error()) return object.error();
    if (destination.lease != nullptr && destination.lease != (*object)->lease()) {
      return base::refusal(
          ErrorCode::invalid_argument,
          "the call uses objects that live in different slots: one call can only use those that one call has "
          "made. Make them in one call, or pass the data itself");
    }
    destination.lease = (*object)->lease();
  }
  return destination;
}

}  // namespace flame::pool

namespace flame::detail {

std::uint32_t ArgumentObjects::add(const ObjectHandle& object, std::string_view) {
  handles.push_back(object);
  ids.push_back(object->id());
  return static_cast<std::uint32_t>(handles.size());
}

std::shared_ptr<CallState> submit_method(CallSpec spec) {
  const auto* object = dynamic_cast<const pool::RemoteObject*>(spec.object.get());
  if (object == nullptr) {
    throw CallError(
        base::refusal(ErrorCode::invalid_argument,
                      "the object is in this process; dereference the handle instead of calling through it"));
  }
  const std::shared_ptr<PoolFront> core = object->lease()->parts().core;
  return core->submit(std::move(spec));
}

}  // namespace flame::detail
