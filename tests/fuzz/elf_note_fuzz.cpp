// Any bytes as a plugin file: refused with a message, or a manifest that keeps the promises of its header. The rest of
// the program trusts those: names become file names and lines on a terminal.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include <flame/detail/plugin_identity.hpp>

#include "plugin_sdk/base/limits.hpp"
#include "plugin_sdk/manifest/cpu.hpp"
#include "plugin_sdk/manifest/elf_note.hpp"
#include "plugin_sdk/manifest/manifest.hpp"

namespace {

namespace limits = flame::limits;
using flame::manifest::Manifest;

void check(bool ok) {
  if (!ok) std::abort();
}

void check_promises(const Manifest& manifest) {
  check(flame::detail::is_plugin_name(manifest.name));
  const auto version = flame::manifest::Version::parse(manifest.version.to_string());
  check(version.has_value() && *version == manifest.version);
  for (const auto& task : manifest.tasks) {
    check(!task.name.empty() && task.name.size() <= limits::kNameMax);
    check(std::ranges::all_of(task.name, [](char c) { return c >= 0x20 && c < 0x7f; }));
    check(task.retries <= limits::kRetriesMax && task.timeout.count() >= 0);
    check(manifest.find(task.id) == &task);  // none is there twice
  }
  static_cast<void>(flame::manifest::check_abi(manifest));
  static_cast<void>(flame::manifest::check_cpu(manifest));
}

void read_manifest(std::string_view text) {
  const auto manifest = flame::manifest::parse(text);
  manifest ? check_promises(*manifest) : check(!manifest.error().message.empty());
}

}  // namespace

// The same bytes as a file and as the text of a note, so that neither hides the other from the fuzzer.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto note = flame::manifest::read_note(std::as_bytes(std::span(data, size)));
  check(note ? note->size() <= limits::kNoteBytesMax : !note.error().message.empty());
  if (note) read_manifest(*note);
  read_manifest({reinterpret_cast<const char*>(data), size});
  return 0;
}
