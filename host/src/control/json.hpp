// The JSON library as the control socket uses it, and described structs as objects.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <boost/describe.hpp>
#include <boost/mp11/algorithm.hpp>

#include <flame/options.hpp>

// As in tools/flame/json_codec.hpp.
#ifndef JSON_USE_IMPLICIT_CONVERSIONS
#define JSON_USE_IMPLICIT_CONVERSIONS 0
#endif
#include <nlohmann/json.hpp>

namespace flame::control {

using Json = nlohmann::ordered_json;

/// One line, newline included. Bytes that are no UTF-8 become U+FFFD.
[[nodiscard]] inline std::string json_line(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

namespace detail {

template <class T>
inline constexpr bool kIsOptional = false;
template <class T>
inline constexpr bool kIsOptional<std::optional<T>> = true;
template <class T>
inline constexpr bool kIsVector = false;
template <class T>
inline constexpr bool kIsVector<std::vector<T>> = true;
using Texts = std::map<std::string, std::string>;

template <class S>
using Members = boost::describe::describe_members<S, boost::describe::mod_public>;

template <class T>
std::string key_of(const char* name) {
  constexpr bool is_time = std::is_same_v<T, Duration> || std::is_same_v<T, std::optional<Duration>>;
  return is_time ? std::string(name) + "_ns" : std::string(name);
}

}  // namespace detail

/// Structs are objects with one key per member; empty optionals are left out.
template <class T>
Json write_json(const T& value) {
  if constexpr (std::is_same_v<T, Duration>) {
    return value.count();
  } else if constexpr (std::is_arithmetic_v<T> || std::is_same_v<T, std::string> || std::is_same_v<T, detail::Texts>) {
    return value;
  } else if constexpr (detail::kIsVector<T>) {
    Json list = Json::array();
    for (const auto& element : value) list.push_back(write_json(element));
    return list;
  } else {
    Json object = Json::object();
    boost::mp11::mp_for_each<detail::Members<T>>([&](auto member) {
      using M = std::remove_cvref_t<decltype(value.*member.pointer)>;
      const M& part = value.*member.pointer;
      if constexpr (detail::kIsOptional<M>) {
        if (part) object[detail::key_of<M>(member.name)] = write_json(*part);
      } else {
        object[detail::key_of<M>(member.name)] = write_json(part);
      }
    });
    return object;
  }
}

/// The other way, for JSON from outside: what is missing or of another type keeps its default.
template <class T>
void read_json(const Json& json, T& value) {
  if constexpr (std::is_same_v<T, Duration>) {
    std::int64_t count = 0;
    read_json(json, count);
    value = Duration(count);
  } else if constexpr (std::is_same_v<T, bool>) {
    if (json.is_boolean()) value = json.get<bool>();
  } else if constexpr (std::is_arithmetic_v<T>) {
    if (json.is_number_integer()) value = json.get<T>();
  } else if constexpr (std::is_same_v<T, std::string>) {
    if (json.is_string()) value = json.get<std::string>();
  } else if constexpr (std::is_same_v<T, detail::Texts>) {
    if (!json.is_object()) return;
    for (const auto& [key, text] : json.items()) read_json(text, value[key]);
  } else if constexpr (detail::kIsVector<T>) {
    if (!json.is_array()) return;
    for (const auto& element : json) read_json(element, value.emplace_back());
  } else if constexpr (detail::kIsOptional<T>) {
    read_json(json, value.emplace());
  } else if (json.is_object()) {
    boost::mp11::mp_for_each<detail::Members<T>>([&](auto member) {
      using M = std::remove_cvref_t<decltype(value.*member.pointer)>;
      const auto found = json.find(detail::key_of<M>(member.name));
      if (found != json.end()) read_json(*found, value.*member.pointer);
    });
  }
}

}  // namespace flame::control
