// Where in a payload something is wrong, as a user reads it: "argument f0.tags[3].name", "result.bytes".
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include <flame/detail/type_desc.hpp>
#include <flame/error.hpp>

namespace flame::detail {

class PayloadPath {
 public:
  explicit PayloadPath(const TypeDesc& root) : result_(root.name == "Return"), text_(result_ ? "result" : "argument") {}

  void field(std::string_view name) {
    if (text_ == "result" && name == "value") return;
    text_ += text_ == "argument" ? ' ' : '.';
    text_ += name;
  }
  void element(std::size_t index) { text_ += "[" + std::to_string(index) + "]"; }
  [[nodiscard]] const std::string& text() const noexcept { return text_; }

 private:
  bool result_;
  std::string text_;
};

[[nodiscard]] inline Error payload_error(const PayloadPath& path, ErrorCode code, std::string_view what) {
  Error error;
  error.code = code;
  error.message = (path.text() == "argument" ? "arguments" : path.text()) + ": " + std::string(what);
  return error;
}

}  // namespace flame::detail
