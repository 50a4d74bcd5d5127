// What is behind a Child or Tracked handle, and how the codec turns handles into resource positions and back.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include <flame/child_exit.hpp>
#include <flame/options.hpp>

namespace flame::detail {

/// How the owner of a Child follows and ends it. Implemented by the host library. [any thread]
class ChildControl {
 public:
  virtual ~ChildControl();
  /// Blocks until the child has ended (true) or `timeout` has passed (false); negative: for ever.
  [[nodiscard]] virtual bool wait(Duration timeout) = 0;
  /// How it ended, after wait() said true.
  [[nodiscard]] virtual ChildExit exit() const = 0;
  /// Asks it to end. Never blocks.
  virtual void stop() noexcept = 0;
};

/// An object in a slot. In a plugin: the object itself; in a host: a handle that knows runner and slot and lets the
/// object go when the last copy is destroyed. Implemented by the plugin SDK and by the host library. [any thread]
class Object {
 public:
  virtual ~Object();
  /// The object in this process; nullptr on the host.
  [[nodiscard]] virtual void* local() noexcept = 0;
  /// What the sender puts into Payload::resources. Host: the id of the remote object.
  [[nodiscard]] virtual std::uint64_t id() const noexcept = 0;
  /// Of a child on the host, else nullptr.
  [[nodiscard]] virtual ChildControl* child() noexcept;

 protected:
  Object() = default;
  Object(const Object&) = default;
  Object& operator=(const Object&) = default;
};
using ObjectHandle = std::shared_ptr<Object>;

/// Decoding: gives the object behind entry `index` (1-based) of the message's resource list.
class ObjectSource {
 public:
  virtual ~ObjectSource();
  /// nullptr if there is no such entry, or if it is known not to be of type `type_name` ("video::Index"): the decoder
  /// reports runner_lost with the path of the field then. Called at most once per occurrence in the payload.
  [[nodiscard]] virtual ObjectHandle find(std::uint32_t index, std::string_view type_name) = 0;
};

/// Encoding: gives the 1-based position of `object` in the message's resource list, appending it if need be; 0 if it
/// cannot travel (the encoder throws CallError invalid_argument then). `object` is never null.
class ObjectSink {
 public:
  virtual ~ObjectSink();
  [[nodiscard]] virtual std::uint32_t add(const ObjectHandle& object, std::string_view type_name) = 0;
};

}  // namespace flame::detail
