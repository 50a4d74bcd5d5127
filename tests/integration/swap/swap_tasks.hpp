// Contract of the plugin "swap": tasks that say which version they are.
#pragma once

#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>

#include <flame/contract.hpp>

namespace swap {

std::string version();   ///< of the plugin that runs it
std::int64_t process();  ///< pid of the slot
/// Creates `file`.begun, waits until `file`.go exists; gives its version. Heeds no stop request.
std::string hold(flame::Context&, std::string file);
/// As hold(), but ends at a stop request and gives "stopped".
std::string wait(flame::Context&, std::string file);
/// The first attempt kills its process once `file`.go exists; the next gives its version. Idempotent.
std::string die_once(flame::Context&, std::string file);
flame::Bytes echo(flame::Bytes bytes);
/// Only 1.x has it.
std::int32_t old_task();

class Note {
 public:
  std::string version() { return swap::version(); }
};
flame::Tracked<Note> note(flame::Context&);

class Keeper {
 public:
  void run(std::stop_token stop);
  std::string version() { return swap::version(); }
};
std::unique_ptr<Keeper> keeper();

}  // namespace swap
