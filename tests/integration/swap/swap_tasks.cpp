// The plugin "swap". SWAP_START: what its start() does; SWAP_LACKS: old_task() is gone.
#include "tests/integration/swap/swap_tasks.hpp"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <stdexcept>

#include <flame/plugin.hpp>

namespace swap {
namespace {

[[maybe_unused]] void crash() {
  ::raise(SIGSEGV);
}
[[maybe_unused]] void hang() {
  while (true) ::pause();
}
[[maybe_unused]] void fail() {
  throw std::runtime_error("no licence for this version");
}

bool exists(const std::string& file) {
  return ::access(file.c_str(), F_OK) == 0;
}
void pause_a_little() {
  ::poll(nullptr, 0, 1);
}

}  // namespace

std::string version() {
  return FLAME_PLUGIN_BUILD_VERSION;
}
std::int64_t process() {
  return ::getpid();
}
std::string hold(flame::Context&, std::string file) {
  std::ofstream(file + ".begun").close();
  while (!exists(file + ".go")) pause_a_little();
  return version();
}
std::string wait(flame::Context& context, std::string file) {
  std::ofstream(file + ".begun").close();
  while (!exists(file + ".go") && !context.stop_requested()) pause_a_little();
  return context.stop_requested() ? "stopped" : version();
}
std::string die_once(flame::Context& context, std::string file) {
  if (context.attempt() > 1) return version();
  std::ofstream(file + ".begun").close();
  while (!exists(file + ".go")) pause_a_little();
  ::kill(::getpid(), SIGKILL);
  return {};
}
flame::Bytes echo(flame::Bytes bytes) {
  return bytes;
}
std::int32_t old_task() {
  return 1;
}
flame::Tracked<Note> note(flame::Context& context) {
  return context.track(std::make_unique<Note>());
}
void Keeper::run(std::stop_token stop) {
  while (!stop.stop_requested()) pause_a_little();
}
std::unique_ptr<Keeper> keeper() {
  return std::make_unique<Keeper>();
}

}  // namespace swap

FLAME_PLUGIN("swap", FLAME_PLUGIN_BUILD_VERSION, p) {
  p.task<swap::version>();
  p.task<swap::process>();
  p.task<swap::hold>();
  p.task<swap::wait>();
  p.task<swap::die_once>({.retries = 2, .idempotent = true});
  p.task<swap::echo>();
#ifndef SWAP_LACKS
  p.task<swap::old_task>();
#endif
  p.task<swap::note>().methods<&swap::Note::version>();
  p.child<swap::keeper>().methods<&swap::Keeper::version>();
#ifdef SWAP_START
  p.start<swap::SWAP_START>();
#endif
}
