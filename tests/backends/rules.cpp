// The rules that hold for every backend in every row: counts and order of events.
#include <map>
#include <string>
#include <vector>

#include "tests/backends/notes.hpp"

namespace flame::test {
namespace {

using What = Note::What;

struct MachineBook {
  Labels labels;
  unsigned boots = 0;     // that are not answered
  unsigned destroys = 0;  // the same
  bool asked = false;
  int phase = -1;
  bool booted = false;
  bool exited = false;
  bool gone = false;  // destroyed() has said so
};

class RuleBook {
 public:
  explicit RuleBook(const BackendTraits& traits) : traits_(traits) {}

  void take(const Note& note) {
    if (closed_ && note.what >= What::log) return broken("something was said after closed()");
    switch (note.what) {
      case What::asks_open:
      case What::asks_close:
      case What::log:
        return;
      case What::opened:
        return expect(++opened_ == 1, "opened() came twice");
      case What::closed:
        closed_ = true;
        return;
      case What::asks_list:
      case What::asks_logs:
        open_[note.ticket] = note.what == What::asks_list ? What::listed : What::logged;
        return;
      case What::listed:
      case What::logged:
        return answered(note);
      case What::asks_boot:
      case What::asks_destroy:
        return asked(note, machines_[note.name]);
      case What::phase:
      case What::booted:
      case What::ending:
      case What::exited:
      case What::destroyed:
        return said(note);
    }
  }

  void end() {
    expect(opened_ > 0, "opened() never came");
    expect(closed_, "closed() never came");
    for (const auto& [ticket, what] : open_) broken("ticket " + std::to_string(ticket) + " was never answered");
    for (const auto& [name, book] : machines_) {
      expect(book.boots == 0, name + ": a boot() was never answered");
      expect(book.destroys == 0, name + ": a destroy() was never answered");
      expect(!traits_.proves_death || !book.booted || !book.gone || book.exited, name + ": exited() never came");
    }
  }

  [[nodiscard]] std::vector<std::string> take_sentences() { return std::move(sentences_); }

 private:
  void broken(std::string sentence) { sentences_.push_back(std::move(sentence)); }
  void expect(bool holds, std::string sentence) {
    if (!holds) broken(std::move(sentence));
  }

  static void asked(const Note& note, MachineBook& book) {
    if (note.what == What::asks_destroy) {
      ++book.destroys;
      return;
    }
    if (!book.asked) book.labels = note.machine->labels;
    book.asked = true;
    if (book.boots++ == 0) book.phase = -1;
  }

  void answered(const Note& note) {
    const auto asked = open_.find(note.ticket);
    if (asked == open_.end() || asked->second != note.what) return broken("an answer came that nobody waits for");
    open_.erase(asked);
  }

  void said(const Note& note) {
    const auto found = machines_.find(note.name);
    if (found == machines_.end()) return broken(note.name + ": nobody has asked for it");
    MachineBook& book = found->second;
    if (book.gone && note.what != What::destroyed) broken(note.name + ": something was said after destroyed()");
    if (note.what == What::phase) return phase(note, book);
    if (note.what == What::booted) return booted(note, book);
    if (note.what == What::destroyed) return destroyed(note, book);
    expect(book.booted, note.name + ": ending() or exited() came before booted()");
    expect(!book.exited, note.name + ": ending() or exited() came after exited()");
    book.exited = book.exited || note.what == What::exited;
    if (note.what == What::exited) expect(!note.exit.reason.empty(), note.name + ": exited() gives no reason");
  }

  void phase(const Note& note, MachineBook& book) {
    expect(book.boots > 0, note.name + ": phase() came and no boot is under way");
    const int phase = static_cast<int>(note.phase);
    expect(phase >= book.phase, note.name + ": its phases run backwards");
    expect(traits_.queues || note.phase != BootPhase::queued, note.name + ": it was queued, and the traits deny it");
    book.phase = phase;
  }

  void booted(const Note& note, MachineBook& book) {
    if (book.boots == 0) return broken(note.name + ": booted() came though no boot() is open");
    --book.boots;
    if (!note.machine) {
      const Error& error = note.failure->error;
      expect(error.code != ErrorCode::none && !error.message.empty(), note.name + ": its failure says nothing");
      return;
    }
    book.booted = true;
    expect(note.machine->name == note.name, note.name + ": its machine has another name");
    expect(note.machine->labels == book.labels, note.name + ": its machine has other labels");
    expect(note.machine->ends_in <= traits_.max_lifetime, note.name + ": it does not end within max_lifetime");
  }

  void destroyed(const Note& note, MachineBook& book) {
    if (book.destroys == 0) return broken(note.name + ": destroyed() came though no destroy() is open");
    --book.destroys;
    expect(book.boots == 0, note.name + ": destroyed() came before booted()");
    if (note.error) return expect(!note.error->message.empty(), note.name + ": destroyed() gives no reason");
    book.gone = true;
  }

  const BackendTraits& traits_;
  std::map<MachineName, MachineBook> machines_;
  std::map<std::uint64_t, What> open_;
  unsigned opened_ = 0;
  bool closed_ = false;
  std::vector<std::string> sentences_;
};

void add(std::string& texts, const Error& error) {
  texts += error.message + "\n" + error.log_tail + "\n" + error.runner + "\n";
  for (const std::string& frame : error.where) texts += frame + "\n";
}

void add(std::string& texts, const Machine& machine) {
  texts += machine.name + "\n" + machine.id + "\n" + machine.place + "\n" + machine.state + "\n";
  for (const auto& [key, value] : machine.labels) texts += key + "=" + value + "\n";
}

}  // namespace

std::string texts_of(const Note& note) {
  std::string texts = note.text + "\n" + note.exit.reason + "\n" + note.exit.log_tail + "\n";
  if (note.failure) add(texts, note.failure->error);
  if (note.error) add(texts, *note.error);
  if (note.machine) add(texts, *note.machine);
  for (const Machine& machine : note.machines) add(texts, machine);
  return texts;
}

std::vector<std::string> broken_rules(const std::vector<Note>& notes, const BackendTraits& traits, bool ended) {
  RuleBook book(traits);
  for (const Note& note : notes) book.take(note);
  if (ended) book.end();
  return book.take_sentences();
}

}  // namespace flame::test
