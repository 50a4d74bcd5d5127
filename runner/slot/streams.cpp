// The standard output streams of a slot.
#include "runner/slot/streams.hpp"

#include <cstdio>
#include <iostream>

namespace flame::slot {
namespace {

std::array<std::ostream*, 3> streams() {
  return {&std::cout, &std::clog, &std::cerr};
}

// To ask changes nothing: libstdc++ ignores the wish to have the sync back.
bool synchronized() {
  return std::ios::sync_with_stdio(true);
}

// The C++ stream writes through the C one, so its lock is held meanwhile; it may be taken twice by one thread. Its
// buffer is asked, not the stream: that would first flush what it is tied to, and wait for the lock of that.
void flush(std::FILE* file, const std::ostream& twin) {
  if (::ftrylockfile(file) != 0) return;
  try {
    if (twin.rdbuf() != nullptr) twin.rdbuf()->pubsync();
  } catch (...) {  // of a buffer of the task's; its result is what counts
  }
  ::fflush_unlocked(file);
  ::funlockfile(file);
}

}  // namespace

void flush_streams() {
  flush(stdout, std::cout);
  flush(stderr, std::clog);
}

void flush_all_streams() {
  flush_streams();
  std::fflush(nullptr);
}

StreamFormats::StreamFormats() : synchronized_(synchronized()) {
  const auto all = streams();
  for (std::size_t i = 0; i < all.size(); ++i) {
    formats_[i] = {all[i]->rdbuf(), all[i]->flags(), all[i]->exceptions(), all[i]->precision(),
                   all[i]->width(), all[i]->fill(),  all[i]->getloc()};
  }
}

bool StreamFormats::lost_sync() const {
  return synchronized_ && !synchronized();
}

void StreamFormats::restore() const {
  const auto all = streams();
  const bool home_lives = !lost_sync();
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Format& format = formats_[i];
    all[i]->exceptions(std::ios_base::goodbit);
    if (home_lives && all[i]->rdbuf() != format.buffer) all[i]->rdbuf(format.buffer);
    if (!all[i]->good()) all[i]->clear();
    if (all[i]->getloc() != format.locale) all[i]->imbue(format.locale);
    all[i]->flags(format.flags);
    all[i]->precision(format.precision);
    all[i]->width(format.width);
    all[i]->fill(format.fill);
    all[i]->exceptions(format.exceptions);
  }
}

}  // namespace flame::slot
