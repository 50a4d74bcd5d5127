// The standard output streams of a slot.
#include "runner/slot/streams.hpp"

#include <cstdio>
#include <iostream>

namespace flame::slot {
namespace {

std::array<std::ostream*, 3> streams() {
  return {&std::cout, &std::clog, &std::cerr};
}

// The C++ streams write through the C ones, so their lock is held meanwhile; it may be taken twice by one thread.
template <std::size_t count>
void flush(std::FILE* file, const std::array<std::ostream*, count>& twins) {
  if (::ftrylockfile(file) != 0) return;
  for (std::ostream* twin : twins) {
    try {
      twin->flush();
    } catch (...) {  // the task may have asked for exceptions; its result is what counts
    }
  }
  ::fflush_unlocked(file);
  ::funlockfile(file);
}

}  // namespace

void flush_streams() {
  flush(stdout, std::array{static_cast<std::ostream*>(&std::cout)});
  flush(stderr, std::array{static_cast<std::ostream*>(&std::clog), static_cast<std::ostream*>(&std::cerr)});
}

void flush_all_streams() {
  flush_streams();
  std::fflush(nullptr);
}

StreamFormats::StreamFormats() {
  const auto all = streams();
  for (std::size_t i = 0; i < all.size(); ++i) {
    formats_[i] = {all[i]->rdbuf(),     all[i]->flags(), all[i]->exceptions(),
                   all[i]->precision(), all[i]->width(), all[i]->fill()};
  }
}

void StreamFormats::restore() const {
  const auto all = streams();
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Format& format = formats_[i];
    all[i]->exceptions(std::ios_base::goodbit);
    if (all[i]->rdbuf() != format.buffer) all[i]->rdbuf(format.buffer);
    if (!all[i]->good()) all[i]->clear();
    all[i]->flags(format.flags);
    all[i]->precision(format.precision);
    all[i]->width(format.width);
    all[i]->fill(format.fill);
    all[i]->exceptions(format.exceptions);
  }
}

}  // namespace flame::slot
