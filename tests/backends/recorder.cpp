// One note for each event.
#include "tests/backends/recorder.hpp"

#include <algorithm>

namespace flame::test {

using What = Note::What;

std::optional<Note> Recorder::last(What what, const MachineName& name, std::uint64_t ticket) const {
  const std::lock_guard lock(mutex_);
  for (auto note = notes_.rbegin(); note != notes_.rend(); ++note)
    if (note->what == what && note->name == name && note->ticket == ticket) return *note;
  return std::nullopt;
}

std::size_t Recorder::count(What what, const MachineName& name) const {
  const std::lock_guard lock(mutex_);
  return static_cast<std::size_t>(
      std::ranges::count_if(notes_, [&](const Note& note) { return note.what == what && note.name == name; }));
}

void Recorder::log(int /*level*/, std::string_view line) noexcept {
  keep({.what = What::log, .text = std::string(line)});
}

void Recorder::opened(boost::system::result<EngineFacts, BootFailure> facts) noexcept {
  Note note{.what = What::opened};
  if (facts.has_error())
    note.failure = facts.error();
  else
    note.text = facts->engine + "\n" + facts->image;
  keep(std::move(note));
}

void Recorder::phase(const MachineName& name, BootPhase phase, std::string_view detail) noexcept {
  keep({.what = What::phase, .name = name, .phase = phase, .text = std::string(detail)});
}

void Recorder::booted(const MachineName& name, BootOutcome outcome) noexcept {
  Note note{.what = What::booted, .name = name};
  if (outcome.has_error())
    note.failure = outcome.error();
  else
    note.machine = *outcome;
  keep(std::move(note));
}

void Recorder::ending(const MachineName& name, Duration left, std::string_view why) noexcept {
  keep({.what = What::ending, .name = name, .left = left, .text = std::string(why)});
}

void Recorder::exited(const MachineName& name, MachineExit exit) noexcept {
  keep({.what = What::exited, .name = name, .exit = std::move(exit)});
}

void Recorder::destroyed(const MachineName& name, std::optional<Error> left) noexcept {
  keep({.what = What::destroyed, .name = name, .error = std::move(left)});
}

void Recorder::listed(std::uint64_t ticket, Result<std::vector<Machine>> machines) noexcept {
  Note note{.what = What::listed, .ticket = ticket};
  if (machines.has_value())
    note.machines = std::move(*machines);
  else
    note.error = machines.error();
  keep(std::move(note));
}

void Recorder::logged(std::uint64_t ticket, Result<std::string> text) noexcept {
  Note note{.what = What::logged, .ticket = ticket};
  if (text.has_value())
    note.text = std::move(*text);
  else
    note.error = text.error();
  keep(std::move(note));
}

void Recorder::closed() noexcept {
  keep({.what = What::closed});
}

}  // namespace flame::test
