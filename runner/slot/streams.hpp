// The standard streams of a slot: what they hold is written before a result, and none of it waits for a lock.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstdio>
#include <ios>
#include <locale>

#include "runner/slot/finding.hpp"

namespace flame::slot {

/// Writes what stdout, stderr and their C++ twins hold, each only where its lock is free: a thread that was left behind
/// may sleep with it. Other streams are their owners' business.
void flush_streams();

/// Writes what all streams hold. Only while the process has one thread: another could hold a lock for ever.
void flush_all_streams();

/// Buffers, formats, locales, ties and exception masks of std::cin, std::cout, std::clog and std::cerr as start_slot()
/// left them. Buffers stay as they are once the sync with stdio is lost: libstdc++ destroys the old ones then.
class StreamFormats {
 public:
  StreamFormats();
  void restore() const;
  /// std::ios::sync_with_stdio(false) was called since: for that there is no way back.
  [[nodiscard]] bool lost_sync() const;

 private:
  struct Format {
    std::streambuf* buffer = nullptr;
    std::ostream* tie = nullptr;
    std::ios_base::fmtflags flags{};
    std::ios_base::iostate exceptions{};
    std::streamsize precision = 6;
    std::streamsize width = 0;
    char fill = ' ';
    std::locale locale;
  };
  std::array<Format, 4> formats_;
  bool synchronized_;
};

/// Which files stdin, stdout and stderr name, and how they buffer, as start_slot() left them. One per process.
class StreamBuffers {
 public:
  StreamBuffers();
  void restore_files() const;
  /// After a flush: a buffer that a task has lent may be gone with its call. Not where another thread has the lock.
  void restore_buffers() const;

 private:
  struct Home {
    std::FILE* file = nullptr;
    char* lent = nullptr;  // by the plugin, else the C library's own
    std::size_t size = 0;
    int mode = 0;  // of setvbuf()
  };
  std::array<Home, 3> homes_;
};

/// What the descriptors 0, 1 and 2 were after start_slot(), and the way back to it.
class StandardFiles {
 public:
  /// In a shared process nothing is put back, and the descriptors are taken for what they were: a call of another slot
  /// may be the one that has redirected them.
  explicit StandardFiles(bool shared);
  /// Calls may have redirected them since restore().
  void touched() { ours_ = shared_; }
  /// Puts 1 and 2 back. After a flush: what a task has printed belongs to where it has redirected it. A finding: one
  /// of the three is lost. [three system calls if all is as it was]
  [[nodiscard]] Finding restore();
  /// All that was written to 1 and 2 as they were has been read. False also when that cannot be told.
  [[nodiscard]] bool output_read() const;

 private:
  struct File {
    bool open = false;
    dev_t device = 0;
    ino_t inode = 0;
    mode_t type = 0;
    bool stream = false;  // the C stream writes, or reads, by this descriptor
    friend bool operator==(const File&, const File&) = default;
  };
  [[nodiscard]] static File look(int fd);
  [[nodiscard]] bool put_back(int fd) const;

  bool shared_;
  bool ours_ = true;  // 1 and 2 are as they were
  std::array<File, 3> home_;
  std::array<int, 3> duplicates_ = {-1, -1, -1};  // of 1 and 2
};

}  // namespace flame::slot
