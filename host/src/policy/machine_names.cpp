// Names, slugs and hashes.
#include "host/src/policy/machine_names.hpp"

#include <chrono>
#include <cstddef>

#include "plugin_sdk/base/digest.hpp"

namespace flame::pool {
namespace {

constexpr std::string_view kBase32 = "0123456789abcdefghjkmnpqrstvwxyz";
constexpr std::size_t kRunLength = 13;  // of 64 bits
constexpr std::size_t kValueMax = 63;   // what Kubernetes takes; the other engines take more

std::string hash(std::string_view text) {
  const base::Digest digest = base::sha256(text);
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < sizeof number; ++i) number = number << 8 | digest.bytes[i];
  return run_id(number);
}

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

std::string slug(std::string_view name, std::size_t length_max) {
  std::string slug;
  for (char c : name) {
    if (slug.size() == length_max) break;
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (is_plain(c)) {
      slug += c;
    } else if (!slug.empty() && slug.back() != '-') {
      slug += '-';
    }
  }
  while (slug.ends_with('-')) slug.pop_back();
  return slug;
}

}  // namespace

std::string run_id(std::uint64_t random) {
  std::string text(kRunLength, '0');
  for (std::size_t i = kRunLength; i-- > 0; random >>= 5) text[i] = kBase32[random & 31];
  return text;
}

MachineName machine_name(std::string_view run, std::uint64_t n) {
  return "flame-" + std::string(run) + "-" + std::to_string(n);
}

bool is_machine_of(std::string_view run, std::string_view name) {
  return name.starts_with("flame-" + std::string(run) + "-");
}

std::string label_value(std::string_view name) {
  const std::string unique = hash(name);
  const std::string readable = slug(name, kValueMax - unique.size() - 1);
  return readable.empty() ? unique : readable + "-" + unique;
}

std::string origin_label(std::string_view boot_id, std::string_view pid_namespace) {
  return hash(std::string(boot_id) + "\n" + std::string(pid_namespace));
}

std::string process_label(std::int64_t pid, std::uint64_t start_time) {
  return std::to_string(pid) + "-" + std::to_string(start_time);
}

std::optional<std::int64_t> machine_until(std::int64_t unix_time, const BackendTraits& traits,
                                          const BootRequest& request) {
  Duration longest{};
  for (const Duration one :
       {traits.max_lifetime, request.boot_timeout, traits.queues ? request.queue_timeout : Duration{}}) {
    if (one >= kForever - longest) return std::nullopt;
    longest += one;
  }
  return unix_time + std::chrono::ceil<std::chrono::seconds>(longest).count();
}

Labels machine_labels(const MachineName& name, std::string_view pool, const HostIdentity& host,
                      std::optional<std::int64_t> until) {
  Labels labels{{"flame-name", name},
                {"flame-host", host.host},
                {"flame-pool", label_value(pool)},
                {"flame-origin", host.origin},
                {"flame-process", host.process}};
  if (until) labels["flame-until"] = std::to_string(*until);
  return labels;
}

}  // namespace flame::pool
