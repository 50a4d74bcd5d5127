// JSON text to values.
#include <utility>

#include "tools/flame/json_codec.hpp"

namespace flame::cli {
namespace {

constexpr int kDepthMax = 512;

}  // namespace

Result<Json> parse_json(std::string_view text) {
  bool too_deep = false;
  const auto watch_depth = [&too_deep](int depth, Json::parse_event_t, Json&) {
    too_deep = too_deep || depth > kDepthMax;
    return depth <= kDepthMax;
  };
  try {
    Json value = Json::parse(text, watch_depth);
    if (too_deep) {
      return Error{.code = ErrorCode::invalid_argument,
                   .message = "the JSON is nested deeper than " + std::to_string(kDepthMax) + " levels."};
    }
    return value;
  } catch (const Json::parse_error& error) {
    std::string what = error.what();
    // "[json.exception.parse_error.101] parse error at line 1, column 5: …": the part for people.
    if (const auto end = what.find("] "); end != std::string::npos) what.erase(0, end + 2);
    return Error{.code = ErrorCode::invalid_argument, .message = "no valid JSON: " + what + "."};
  } catch (const Json::exception&) {
    return Error{.code = ErrorCode::invalid_argument, .message = "no valid JSON: a number is out of range."};
  }
}

}  // namespace flame::cli
