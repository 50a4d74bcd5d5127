// Classifies exceptions: bad_alloc, CallError of the codec, std::exception with its nested chain, anything else.
#include "plugin_sdk/sdk/firewall.hpp"

#include <cxxabi.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <exception>
#include <new>
#include <span>
#include <string_view>
#include <system_error>
#include <typeinfo>

#include "plugin_sdk/sdk/demangle.hpp"
#include "plugin_sdk/sdk/throw_site.hpp"

namespace flame::detail {
namespace {

constexpr unsigned kNestedMax = 32;
constexpr std::size_t kThrownTextMax = 16 * 1024;  // the runner cuts messages there

struct Described {
  std::string type;
  std::string message;
};

std::string in_one_line(const Described& described) {
  return described.message.empty() ? described.type : described.type + ": " + described.message;
}

Described describe_outermost(const std::exception& exception) {
  const char* what = exception.what();
  return {demangle(typeid(exception).name()), what == nullptr ? std::string() : std::string(what)};
}

// std::throw_with_nested throws an unnameable class derived from both; the user wrote its first base.
std::string without_nested_wrapper(std::string type) {
  constexpr std::string_view kPrefix = "std::_Nested_exception<";
  if (type.starts_with(kPrefix) && type.ends_with('>')) {
    type = type.substr(kPrefix.size(), type.size() - kPrefix.size() - 1);
  }
  return type;
}

template <class Number>
std::string shortest(Number number) {
  std::array<char, 32> text{};
  return {text.data(), std::to_chars(text.data(), text.data() + text.size(), number).ptr};
}

// What has no what() but can be written down.
std::string text_of_other() {
  try {
    throw;
  } catch (const char* text) {
    return text == nullptr ? std::string() : std::string(text, ::strnlen(text, kThrownTextMax));
  } catch (const std::string& text) {
    return text.substr(0, kThrownTextMax);
  } catch (std::string_view text) {
    return std::string(text.substr(0, kThrownTextMax));
  } catch (const std::error_code& code) {
    return code.message();
  } catch (const std::error_condition& condition) {
    return condition.message();
  } catch (bool value) {
    return value ? "true" : "false";
  } catch (char value) {
    return std::string(1, value);
  } catch (int value) {
    return std::to_string(value);
  } catch (unsigned value) {
    return std::to_string(value);
  } catch (long value) {
    return std::to_string(value);
  } catch (unsigned long value) {
    return std::to_string(value);
  } catch (long long value) {
    return std::to_string(value);
  } catch (unsigned long long value) {
    return std::to_string(value);
  } catch (float value) {
    return shortest(value);
  } catch (double value) {
    return shortest(value);
  } catch (...) {
    return "unknown exception";
  }
}

Described describe_other() {
  const std::type_info* type = abi::__cxa_current_exception_type();
  return {type == nullptr ? "unknown exception" : demangle(type->name()), text_of_other()};
}

// Appends the causes of `exception`, innermost last.
void append_causes(const std::exception& exception, std::string& message, unsigned depth) {
  const auto* nested = dynamic_cast<const std::nested_exception*>(&exception);
  if (nested == nullptr || nested->nested_ptr() == nullptr || depth == kNestedMax) return;
  const auto append = [&message](const Described& cause) {
    message += "\ncaused by " + in_one_line({without_nested_wrapper(cause.type), cause.message});
  };
  try {
    nested->rethrow_nested();
  } catch (const std::exception& cause) {
    append(describe_outermost(cause));
    append_causes(cause, message, depth + 1);
  } catch (...) {
    append(describe_other());
  }
}

void report_throw_site(flame_call* call) noexcept {
  const std::span<void* const> frames = take_throw_site();
  if (frames.empty() || call->api->get_extension == nullptr) return;
  const auto* extension = static_cast<const flame_where_extension*>(call->api->get_extension(FLAME_EXTENSION_WHERE));
  if (extension != nullptr && extension->struct_size >= sizeof(flame_where_extension)) {
    extension->set_where(call, frames.data(), frames.size());
  }
}

}  // namespace

CaughtException describe_current_exception() {
  CaughtException caught;
  Described described;
  try {
    throw;
  } catch (const std::bad_alloc& exception) {
    caught.status = FLAME_OUT_OF_MEMORY;
    described = describe_outermost(exception);
  } catch (const std::exception& exception) {
    described = describe_outermost(exception);
    append_causes(exception, described.message, 0);
  } catch (...) {
    described = describe_other();
  }
  caught.type = without_nested_wrapper(std::move(described.type));
  caught.message = std::move(described.message);
  return caught;
}

flame_status report_current_exception(flame_call* call) noexcept {
  report_throw_site(call);  // first: describing may throw and catch
  try {
    const CaughtException caught = describe_current_exception();
    call->api->set_error(call, caught.type.c_str(), caught.message.c_str());
    return caught.status;
  } catch (...) {  // no memory for the description, or a what() that throws
    call->api->set_error(call, "unknown exception", "an exception that could not be described");
    return FLAME_OUT_OF_MEMORY;
  }
}

flame_status report_current_exception(char* message, std::size_t size) noexcept {
  flame_status status = FLAME_OUT_OF_MEMORY;
  std::string text;
  try {
    const CaughtException caught = describe_current_exception();
    text = in_one_line({caught.type, caught.message});
    status = caught.status;
  } catch (...) {  // an empty text says so, too
  }
  if (size > 0) {
    const std::size_t length = std::min(size - 1, text.size());
    std::memcpy(message, text.data(), length);
    message[length] = '\0';
  }
  return status;
}

}  // namespace flame::detail
