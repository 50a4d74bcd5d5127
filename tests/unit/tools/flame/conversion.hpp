// The JSON conversion by texts alone: tests need not compile the library of JSON values.
#pragma once

#include <memory>
#include <string>

#include <flame/detail/payload.hpp>
#include <flame/result.hpp>

namespace flame::cli {

class JsonCodec;

class Conversion {
 public:
  /// Throws CallError.
  explicit Conversion(const std::string& schema);

  [[nodiscard]] Result<detail::Payload> encode(const std::string& arguments) const;
  /// The result as text, or what is at `member` in it: "/point/y". Attachments are shown as `attachment` says.
  [[nodiscard]] Result<std::string> decode(const detail::Payload& result, const std::string& member = "",
                                           const std::string& attachment = "") const;
  /// What was encoded and decoded again; the message where one of both failed.
  [[nodiscard]] std::string back(const std::string& arguments, const std::string& member = "") const;
  /// What encode() says is wrong, which is invalid_argument.
  [[nodiscard]] std::string complaint(const std::string& arguments) const;
  [[nodiscard]] std::string signature() const;
  [[nodiscard]] std::string parameters() const;

 private:
  std::shared_ptr<const JsonCodec> codec_;
};

/// What parse_json() made of the text, as text.
[[nodiscard]] Result<std::string> parsed(const std::string& text);

}  // namespace flame::cli
