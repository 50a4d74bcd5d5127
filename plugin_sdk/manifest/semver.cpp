// Parsing and ordering of semantic versions and plugin references.
#include "plugin_sdk/manifest/semver.hpp"

#include <algorithm>
#include <charconv>
#include <tuple>
#include <utility>

#include <flame/detail/plugin_identity.hpp>

namespace flame::manifest {
namespace {

constexpr std::size_t kVersionBytesMax = 64;
constexpr std::string_view kDigestMark = "sha256:";

Error invalid(std::string message) {
  Error error;
  error.code = ErrorCode::invalid_argument;
  error.message = std::move(message);
  return error;
}

bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}
bool is_lower(char c) noexcept {
  return c >= 'a' && c <= 'z';
}
bool is_identifier_char(char c) noexcept {
  return is_digit(c) || is_lower(c) || (c >= 'A' && c <= 'Z') || c == '-';
}
bool all_digits(std::string_view text) noexcept {
  return std::all_of(text.begin(), text.end(), is_digit);
}

std::pair<std::string_view, std::optional<std::string_view>> split_once(std::string_view text, char separator) {
  const auto at = text.find(separator);
  if (at == std::string_view::npos) return {text, std::nullopt};
  return {text.substr(0, at), text.substr(at + 1)};
}

std::optional<std::uint64_t> parse_number(std::string_view text) {
  if (text.empty() || !all_digits(text) || (text.size() > 1 && text.front() == '0')) return std::nullopt;
  std::uint64_t value = 0;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (status != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

bool valid_identifiers(std::string_view text, bool leading_zero_allowed) {
  std::optional<std::string_view> rest = text;
  while (rest) {
    std::string_view part;
    std::tie(part, rest) = split_once(*rest, '.');
    const bool zero_led = part.size() > 1 && part.front() == '0' && all_digits(part);
    if (part.empty() || !std::all_of(part.begin(), part.end(), is_identifier_char) ||
        (zero_led && !leading_zero_allowed)) {
      return false;
    }
  }
  return true;
}

std::weak_ordering compare_identifier(std::string_view a, std::string_view b) noexcept {
  const bool a_number = all_digits(a);
  const bool b_number = all_digits(b);
  if (a_number != b_number) return a_number ? std::weak_ordering::less : std::weak_ordering::greater;
  if (a_number && a.size() != b.size()) {  // no leading zeros, so the longer number is the larger
    return a.size() <=> b.size();
  }
  return a <=> b;
}

std::weak_ordering compare_prerelease(std::string_view a, std::string_view b) noexcept {
  if (a.empty() || b.empty()) {
    return a.empty() <=> b.empty();  // a release is above its pre-releases
  }
  std::optional<std::string_view> a_rest = a;
  std::optional<std::string_view> b_rest = b;
  while (a_rest && b_rest) {
    std::string_view a_part;
    std::string_view b_part;
    std::tie(a_part, a_rest) = split_once(*a_rest, '.');
    std::tie(b_part, b_rest) = split_once(*b_rest, '.');
    if (const auto order = compare_identifier(a_part, b_part); std::is_neq(order)) return order;
  }
  return a_rest.has_value() <=> b_rest.has_value();
}

bool is_digest_prefix(std::string_view text) noexcept {
  return text.size() >= kDigestPrefixMin && text.size() <= kDigestDigits &&
         std::ranges::all_of(text, [](char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); });
}

}  // namespace

Result<Version> Version::parse(std::string_view text) {
  const auto refuse = [&] {
    return invalid("\"" + std::string(text.substr(0, kVersionBytesMax)) +
                   "\" is no semantic version; write MAJOR.MINOR.PATCH, e.g. \"1.4.0\" or \"1.4.0-rc.1\"");
  };
  if (text.size() > kVersionBytesMax) return refuse();
  const auto [without_build, build] = split_once(text, '+');
  const auto [numbers, prerelease] = split_once(without_build, '-');
  const auto [major_text, after_major] = split_once(numbers, '.');
  const auto [minor_text, patch_text] = split_once(after_major.value_or(""), '.');
  const auto major = parse_number(major_text);
  const auto minor = parse_number(minor_text);
  const auto patch = parse_number(patch_text.value_or(""));
  if (!major || !minor || !patch || (prerelease && !valid_identifiers(*prerelease, false)) ||
      (build && !valid_identifiers(*build, true))) {
    return refuse();
  }
  return Version{*major, *minor, *patch, std::string(prerelease.value_or("")), std::string(build.value_or(""))};
}

std::string Version::to_string() const {
  std::string text = std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(patch);
  if (!prerelease.empty()) text += "-" + prerelease;
  if (!build.empty()) text += "+" + build;
  return text;
}

std::weak_ordering operator<=>(const Version& a, const Version& b) noexcept {
  const auto numbers = std::tie(a.major, a.minor, a.patch) <=> std::tie(b.major, b.minor, b.patch);
  return std::is_neq(numbers) ? std::weak_ordering(numbers) : compare_prerelease(a.prerelease, b.prerelease);
}

bool operator==(const Version& a, const Version& b) noexcept {
  return std::is_eq(a <=> b);
}

Result<PluginReference> PluginReference::parse(std::string_view text) {
  const auto [name, version] = split_once(text, '@');
  if (!detail::is_plugin_name(name)) {
    return invalid(
        "\"" + std::string(text.substr(0, 2 * kVersionBytesMax)) +
        "\" is no plugin reference; write NAME, NAME@1, NAME@1.4, NAME@1.4.0 or NAME@sha256:DIGEST, with NAME "
        "of a-z, 0-9, _ and -, beginning with a letter");
  }
  PluginReference reference;
  reference.name = name;
  if (!version) return reference;
  if (version->starts_with(kDigestMark)) {
    reference.digest = version->substr(kDigestMark.size());
    if (is_digest_prefix(reference.digest)) return reference;
    return invalid("plugin reference \"" + std::string(text.substr(0, 2 * kVersionBytesMax)) +
                   "\": after \"sha256:\" stand the 64 hex digits (0-9, a-f) of a digest, or its first 12 or more");
  }
  const auto [major_text, minor_text] = split_once(*version, '.');
  reference.major = parse_number(major_text);
  if (reference.major && !minor_text) return reference;
  reference.minor = parse_number(minor_text.value_or(""));
  if (reference.major && reference.minor) return reference;
  auto exact = Version::parse(*version);
  if (!exact) {
    return invalid("plugin reference \"" + std::string(text.substr(0, 2 * kVersionBytesMax)) +
                   "\": " + exact.error().message + "; \"1\" and \"1.4\" work here too");
  }
  reference.major = exact->major;
  reference.minor = exact->minor;
  reference.exact = std::move(*exact);
  return reference;
}

std::string PluginReference::to_string() const {
  if (!digest.empty()) return name + "@" + std::string(kDigestMark) + digest;
  if (exact) return name + "@" + exact->to_string();
  std::string text = name;
  if (major) text += "@" + std::to_string(*major);
  if (minor) text += "." + std::to_string(*minor);
  return text;
}

bool PluginReference::matches(std::string_view plugin_name, const Version& version) const noexcept {
  if (plugin_name != name || !digest.empty()) return false;
  if (exact) return *exact == version && exact->build == version.build;
  return version.prerelease.empty() && version.build.empty() && (!major || *major == version.major) &&
         (!minor || *minor == version.minor);
}

bool PluginReference::matches_digest(std::string_view plugin_name, std::string_view plugin_digest) const noexcept {
  return plugin_name == name && !digest.empty() && plugin_digest.starts_with(digest);
}

}  // namespace flame::manifest
