// The parts of a trampoline that do not depend on the function's signature.
#include <flame/detail/plugin_call.hpp>

#include <cstring>
#include <string>

#include "plugin_sdk/sdk/firewall.hpp"
#include "plugin_sdk/sdk/process_parent.hpp"
#include "plugin_sdk/sdk/throw_site.hpp"

namespace flame::detail {
namespace {

flame_status fail(flame_call* call, flame_status status, const char* type, const std::string& message) noexcept {
  call->api->set_error(call, type, message.c_str());
  return status;
}

const flame_input_extension* input_extension(const flame_runner_api& api) {
  if (api.get_extension == nullptr) return nullptr;
  const auto* extension = static_cast<const flame_input_extension*>(api.get_extension(FLAME_EXTENSION_INPUT));
  return extension != nullptr && extension->struct_size >= sizeof(flame_input_extension) ? extension : nullptr;
}

// What keeps the attachments alive beyond the call, or null when they have to be copied.
std::shared_ptr<const void> retain_input(flame_call& call) {
  const flame_input_extension* extension = input_extension(*call.api);
  if (extension == nullptr) return nullptr;
  void* reference = extension->retain(&call);
  return reference == nullptr ? nullptr : std::shared_ptr<void>(reference, extension->release);
}

}  // namespace

ObjectHandle CallObjects::find(std::uint32_t index, std::string_view type_name) {
  const std::string name(type_name);
  const void* object = call_->api->tracked(call_, index, name.c_str());
  return object == nullptr ? nullptr : *static_cast<const ObjectHandle*>(object);
}

std::uint32_t CallObjects::add(const ObjectHandle& object, std::string_view) {
  const auto* local = dynamic_cast<const LocalObjectBase*>(object.get());
  if (local == nullptr) {
    return 0;  // a handle of a host in this process: its object lives elsewhere
  }
  auto crossing = std::make_unique<ObjectHandle>(object);
  const std::uint32_t position = call_->api->track(call_, crossing.get(), &local->type());
  if (position != 0) {
    static_cast<void>(crossing.release());  // the runner's now, until it calls destroy()
  }
  return position;
}

void enter_plugin(const flame_parent_info* parent) noexcept {
  arm_throw_watch();
  set_process_parent(parent);
}

Parent parent_of(const flame_parent_info* parent) {
  return parent == nullptr ? Parent{} : to_parent(*parent);
}

PayloadView input_of(flame_call& call, std::vector<Bytes>& attachments) {
  if (call.attachment_count > 0) {
    const auto owner = retain_input(call);
    attachments.reserve(call.attachment_count);
    for (std::size_t i = 0; i < call.attachment_count; ++i) {
      const flame_view& view = call.attachments[i];
      attachments.push_back(owner == nullptr ? Bytes(view.data, view.size)
                                             : Bytes(owner, reinterpret_cast<const std::byte*>(view.data), view.size));
    }
  }
  return {std::span(reinterpret_cast<const std::byte*>(call.input.data), call.input.size), attachments};
}

void* object_of(const flame_call& call) {
  if (call.object == nullptr) {
    Error error;
    error.code = ErrorCode::invalid_argument;
    error.message = "a method was called without an object";
    throw CallError(std::move(error));
  }
  return (*static_cast<ObjectHandle*>(call.object))->local();
}

flame_status report_bad_arguments(flame_call* call, const Error& error) noexcept {
  const flame_status status = error.code == ErrorCode::runner_lost ? FLAME_RUNNER_LOST : FLAME_INVALID_ARGUMENT;
  return fail(call, status, "", error.message);
}

flame_status report_bad_result(flame_call* call) noexcept {
  try {
    throw;
  } catch (const CallError& error) {
    const bool too_large = error.code() == ErrorCode::too_large;
    return fail(call, too_large ? FLAME_TOO_LARGE : FLAME_TASK_FAILED, too_large ? "" : "flame::CallError",
                error.error().message);
  } catch (...) {
    return report_current_exception(call);
  }
}

flame_status send_result(flame_call* call, const Payload& result) {
  const auto table = result.table.span();
  std::uint8_t* storage = call->api->result_alloc(call, table.size());
  if (storage == nullptr) {
    return fail(call, FLAME_TOO_LARGE, "",
                "the result's " + std::to_string(table.size()) +
                    " bytes exceed the pool's limit; return less or raise payload_max");
  }
  std::memcpy(storage, table.data(), table.size());
  for (const Bytes& attachment : result.attachments) {
    const flame_view view = {reinterpret_cast<const std::uint8_t*>(attachment.data()), attachment.size()};
    if (call->api->result_attach(call, view) != FLAME_OK) {
      return fail(call, FLAME_TOO_LARGE, "",
                  "a result with an attachment of " + std::to_string(attachment.size()) +
                      " bytes exceeds the pool's limit; return less or raise payload_max");
    }
  }
  return FLAME_OK;
}

}  // namespace flame::detail
