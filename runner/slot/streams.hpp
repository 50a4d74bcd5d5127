// The standard output streams of a slot: what they hold is written before a result, and none of it waits for a lock.
#pragma once

#include <array>
#include <ios>
#include <locale>

namespace flame::slot {

/// Writes what stdout, stderr and their C++ twins hold, each only where its lock is free: a thread that was left behind
/// may sleep with it. Other streams are their owners' business.
void flush_streams();

/// Writes what all streams hold. Only while the process has one thread: another could hold a lock for ever.
void flush_all_streams();

/// Buffers, formats, locales and exception masks of std::cout, std::clog and std::cerr as start_slot() left them.
/// Buffers stay as they are once the sync with stdio is lost: libstdc++ destroys the old ones then.
class StreamFormats {
 public:
  StreamFormats();
  void restore() const;
  /// std::ios::sync_with_stdio(false) was called since: for that there is no way back.
  [[nodiscard]] bool lost_sync() const;

 private:
  struct Format {
    std::streambuf* buffer = nullptr;
    std::ios_base::fmtflags flags{};
    std::ios_base::iostate exceptions{};
    std::streamsize precision = 6;
    std::streamsize width = 0;
    char fill = ' ';
    std::locale locale;
  };
  std::array<Format, 3> formats_;
  bool synchronized_;
};

}  // namespace flame::slot
