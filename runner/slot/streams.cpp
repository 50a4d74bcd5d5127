// The standard streams of a slot.
#include "runner/slot/streams.hpp"

#include <fcntl.h>
#include <stdio_ext.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ext/stdio_sync_filebuf.h>
#include <iostream>
#include <typeinfo>

namespace flame::slot {
namespace {

// Flags of a FILE: part of the C library's ABI, but in none of its headers.
constexpr int kLentBuffer = 0x1;
constexpr int kUnbuffered = 0x2;

// In the place of buffers that tasks have lent. The C library frees its own when it is given another.
constinit std::array<std::array<char, 4096>, 3> own_buffers{};

std::array<std::ios*, 4> streams() {
  return {&std::cin, &std::cout, &std::clog, &std::cerr};
}

std::array<std::FILE*, 3> c_streams() {
  return {stdin, stdout, stderr};
}

int mode_of(std::FILE* file) {
  if ((file->_flags & kUnbuffered) != 0) return _IONBF;
  return ::__flbf(file) != 0 ? _IOLBF : _IOFBF;
}

char* lent_buffer(std::FILE* file) {
  const bool lent = (file->_flags & kLentBuffer) != 0 && file->_IO_buf_base != file->_shortbuf;
  return lent ? file->_IO_buf_base : nullptr;
}

// fclose() takes it away from the stream, which nothing gives back; freopen() may have left it for reading.
bool has_stream(int fd) {
  std::FILE* const file = c_streams()[static_cast<std::size_t>(fd)];
  const bool fit = fd == STDIN_FILENO ? ::__freadable(file) != 0 : ::__fwritable(file) != 0;
  return fit && ::fileno(file) == fd;
}

// What the task's own target did not take is not ours either.
void drop_unwritten(std::FILE* file) {
  if (::ftrylockfile(file) != 0) return;
  ::__fpurge(file);
  ::funlockfile(file);
}

// To ask changes nothing: libstdc++ ignores the wish to have the sync back.
bool synchronized() {
  return std::ios::sync_with_stdio(true);
}

// What this thread has printed is out. Without the lock, which all slots of a process share.
bool is_written(std::FILE* file, const std::ostream& twin) {
  const std::streambuf* const buffer = twin.rdbuf();
  return ::__fpending(file) == 0 &&
         (buffer == nullptr || typeid(*buffer) == typeid(__gnu_cxx::stdio_sync_filebuf<char>));
}

// The C++ stream writes through the C one, so its lock is held meanwhile; it may be taken twice by one thread. Its
// buffer is asked, not the stream: that would first flush what it is tied to, and wait for the lock of that.
void flush(std::FILE* file, const std::ostream& twin) {
  if (is_written(file, twin) || ::ftrylockfile(file) != 0) return;
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
    formats_[i] = {all[i]->rdbuf(),     all[i]->tie(),   all[i]->flags(), all[i]->exceptions(),
                   all[i]->precision(), all[i]->width(), all[i]->fill(),  all[i]->getloc()};
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
    all[i]->tie(format.tie);
    if (all[i]->getloc() != format.locale) all[i]->imbue(format.locale);
    all[i]->flags(format.flags);
    all[i]->precision(format.precision);
    all[i]->width(format.width);
    all[i]->fill(format.fill);
    all[i]->exceptions(format.exceptions);
  }
}

StreamBuffers::StreamBuffers() {
  const auto all = c_streams();
  for (std::size_t i = 0; i < all.size(); ++i) {
    homes_[i] = {all[i], lent_buffer(all[i]), ::__fbufsize(all[i]), mode_of(all[i])};
  }
}

void StreamBuffers::restore_files() const {
  if (stdin != homes_[0].file) stdin = homes_[0].file;
  if (stdout != homes_[1].file) stdout = homes_[1].file;
  if (stderr != homes_[2].file) stderr = homes_[2].file;
}

void StreamBuffers::restore_buffers() const {
  for (std::size_t i = 0; i < homes_.size(); ++i) {
    const Home& home = homes_[i];
    if (::ftrylockfile(home.file) != 0) continue;
    ::clearerr_unlocked(home.file);
    char* const own = own_buffers[i].data();
    char* const lent = lent_buffer(home.file);
    const bool known = lent == home.lent || lent == nullptr || lent == own;
    if (!known || mode_of(home.file) != home.mode) {
      const bool by_plugin = home.lent != nullptr;
      ::setvbuf(home.file, by_plugin ? home.lent : own, home.mode, by_plugin ? home.size : own_buffers[i].size());
    }
    ::funlockfile(home.file);
  }
}

StandardFiles::StandardFiles(bool shared) : shared_(shared) {
  for (int fd = 0; fd < 3; ++fd) home_[static_cast<std::size_t>(fd)] = look(fd);
  if (shared) return;
  duplicates_[STDOUT_FILENO] = ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
  duplicates_[STDERR_FILENO] = ::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
}

StandardFiles::File StandardFiles::look(int fd) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) return {};
  return {true, info.st_dev, info.st_ino, info.st_mode & S_IFMT, has_stream(fd)};
}

Finding StandardFiles::restore() {
  if (shared_) return {};
  for (int fd = 0; fd < 3; ++fd) {
    const File& home = home_[static_cast<std::size_t>(fd)];
    if (!home.open) continue;  // whoever opens something gets this number, as before
    const File now = look(fd);
    if (!now.open || now.stream != home.stream) {
      return {DiscardReason::streams, "the task closed its standard input, output or error"};
    }
    if (now != home && !put_back(fd)) {
      return {DiscardReason::streams, "the task redirected its standard input, output or error for good"};
    }
  }
  ours_ = true;
  return {};
}

// Input has been read ahead into the stream's buffer, so with it there is no way back. A task that has closed all
// descriptors has closed our duplicates, too, and may have opened others under their numbers.
bool StandardFiles::put_back(int fd) const {
  const auto at = static_cast<std::size_t>(fd);
  if (duplicates_[at] < 0) return false;
  drop_unwritten(c_streams()[at]);
  return ::dup2(duplicates_[at], fd) == fd && look(fd) == home_[at];
}

// While calls may have redirected 1 and 2, the duplicates tell. Else those would be one more thing to watch over.
bool StandardFiles::output_read() const {
  int out = 1;
  int err = 1;
  const int out_fd = ours_ ? STDOUT_FILENO : duplicates_[STDOUT_FILENO];
  const int err_fd = ours_ ? STDERR_FILENO : duplicates_[STDERR_FILENO];
  return ::ioctl(out_fd, FIONREAD, &out) == 0 && ::ioctl(err_fd, FIONREAD, &err) == 0 && out == 0 && err == 0;
}

}  // namespace flame::slot
