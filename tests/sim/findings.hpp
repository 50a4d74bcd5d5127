// What a simulated world has to say: rules that were broken, and, if asked, every event on the way there.
#pragma once

#include <cstdio>
#include <sstream>
#include <string>
#include <vector>

#include "tests/sim/agenda.hpp"

namespace flame::sim {

class Findings {
 public:
  Findings(const Agenda& agenda, bool traced) : agenda_(agenda), traced_(traced) {}

  /// A rule is broken. Nothing that follows is worth much: the world stops.
  template <class... Words>
  void broken(const Words&... words) {
    broken_.push_back(line(words...));
    if (traced_) std::fprintf(stderr, "BROKEN %s\n", broken_.back().c_str());
  }
  template <class... Words>
  void note(const Words&... words) const {
    if (traced_) std::fprintf(stderr, "%s\n", line(words...).c_str());
  }

  [[nodiscard]] bool ok() const noexcept { return broken_.empty(); }
  [[nodiscard]] bool traced() const noexcept { return traced_; }
  [[nodiscard]] const std::vector<std::string>& list() const noexcept { return broken_; }

 private:
  template <class... Words>
  [[nodiscard]] std::string line(const Words&... words) const {
    std::ostringstream out;
    out.setf(std::ios::fixed);
    out.precision(6);
    out << std::chrono::duration<double>(agenda_.now().time_since_epoch() - std::chrono::hours(1)).count() << " s: ";
    (out << ... << words);
    return out.str();
  }

  const Agenda& agenda_;
  bool traced_;
  std::vector<std::string> broken_;
};

}  // namespace flame::sim
