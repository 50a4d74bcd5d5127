// Sends arguments and results through the codec, as host and plugin do.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include <flame/detail/codec.hpp>
#include <flame/result.hpp>

namespace codec_test {

class PlainObject final : public flame::detail::Object {
 public:
  PlainObject(std::uint64_t id, void* local) : id_(id), local_(local) {}
  [[nodiscard]] void* local() noexcept override { return local_; }
  [[nodiscard]] std::uint64_t id() const noexcept override { return id_; }

 private:
  std::uint64_t id_;
  void* local_;
};

/// Knows the objects 1..n of one type.
class Objects final : public flame::detail::ObjectSource, public flame::detail::ObjectSink {
 public:
  explicit Objects(std::string type_name = "work::Index") : type_name_(std::move(type_name)) {}
  flame::detail::ObjectHandle find(std::uint32_t index, std::string_view type_name) override {
    return index <= objects.size() && type_name == type_name_ ? objects[index - 1] : nullptr;
  }
  std::uint32_t add(const flame::detail::ObjectHandle& object, std::string_view type_name) override {
    if (type_name != type_name_) return 0;
    objects.push_back(object);
    return static_cast<std::uint32_t>(objects.size());
  }

  std::vector<flame::detail::ObjectHandle> objects;

 private:
  std::string type_name_;
};

template <auto F, class O = void>
flame::detail::OwnedArguments<F, O> decoded(const flame::detail::Payload& payload, Objects& objects) {
  flame::Error error;
  auto result = flame::detail::decode_arguments<F, O>(payload, objects, error);
  if (!result) throw flame::CallError(error);
  return std::move(*result);
}

/// What the plugin sees of these arguments.
template <auto F, class... A>
auto sent(const A&... arguments) {
  Objects objects;
  return decoded<F>(flame::detail::encode_arguments<F>(arguments...), objects);
}

/// What the host gets of this result.
template <auto F>
auto returned(const typename flame::detail::Callee<F>::Result& result) {
  Objects objects;
  const flame::detail::Payload payload = flame::detail::encode_result<F>(result, objects);
  return flame::detail::decode_result<F>(payload, &objects).value();
}

}  // namespace codec_test
