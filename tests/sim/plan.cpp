// Plan: how seeds choose.
#include "tests/sim/plan.hpp"

#include <fmt/format.h>

#include <charconv>

namespace flame::sim {

using namespace std::chrono_literals;

namespace {

PoolConfig choose_pool(Chance& chance) {
  PoolConfig pool;
  pool.max = chance.number(1U, 5U);
  pool.min = chance.percent(50) ? 0 : chance.number(0U, pool.max);
  pool.max_concurrency = chance.number(1U, 4U);
  pool.single_use = chance.one_in(6);
  pool.reuse = !chance.one_in(8);
  pool.isolation = chance.one_in(5) ? SlotIsolation::thread : SlotIsolation::process;
  pool.strategy = chance.one_in(2) ? Strategy::least_loaded : Strategy::pack;
  pool.max_queue = chance.one_in(4) ? chance.number(1ULL, 8ULL) : 1000;
  pool.warm = chance.one_in(4) ? chance.number(1U, 3U) : 0;
  pool.spare_slots = chance.number(0U, 2U);
  pool.timeout = chance.between(1s, 20s);
  pool.boot_timeout = chance.between(2s, 20s);
  pool.queue_timeout = 0s;
  pool.shutdown_timeout = chance.between(500ms, 15s);
  pool.idle_shutdown_after = chance.one_in(8) ? kForever : chance.between(200ms, 20s);
  pool.min_idle_shutdown_after = chance.one_in(3) ? chance.between(200ms, 30s) : kForever;
  return pool;
}

void choose_load(Plan& plan, Chance& chance) {
  plan.busy = chance.between(5s, 60s);
  plan.delay = chance.skewed(20us, 40ms);
  plan.delay_max = plan.delay + chance.skewed(10us, 1500ms);
  plan.task_min = chance.skewed(100us, 500ms);
  plan.task_max = plan.task_min + chance.skewed(1ms, 20s);
  plan.burst = chance.number(1U, 12U);
  plan.between_arrivals = plan.busy / chance.number(5, 60);
  plan.digests = chance.one_in(3) ? chance.number(2U, 3U) : 1;
}

void choose_troubles(Plan& plan, Chance& chance) {
  for (bool* trouble : {&plan.crashes, &plan.disconnects, &plan.partitions, &plan.freezes, &plan.host_freezes,
                        &plan.lost_beats, &plan.full_sockets, &plan.sigterms, &plan.slow_boots, &plan.failed_boots,
                        &plan.permanent_failures, &plan.silent_boots, &plan.dead_boots, &plan.broken_plugins,
                        &plan.late_exits, &plan.lost_destroys, &plan.slots_fail})
    *trouble = chance.one_in(5);
}

// Each kind of trouble of engines alone, and some together.
void choose_engines(Plan& plan, Chance& chance) {
  plan.backends = chance.one_in(3) ? 2 : 1;
  if (plan.backends > 1 && chance.one_in(2)) plan.machines_max = chance.number(1ULL, 3ULL);
  if (chance.one_in(4)) plan.lifetime = plan.backends > 1 ? chance.between(15s, 1min) : chance.between(90s, 4min);
  for (bool* trouble : {&plan.twins, &plan.queues, &plan.full_engines, &plan.outages, &plan.lost_answers,
                        &plan.end_notices, &plan.lies, &plan.poor_lists, &plan.clock_skew})
    *trouble = chance.one_in(6);
  if (plan.queues) plan.pool.queue_timeout = chance.between(2s, 60s);
}

// Runners elsewhere cannot take what only this machine has.
void choose_versions(Plan& plan, Chance& chance) {
  plan.digests = chance.number(2U, 4U);
  plan.companion = chance.one_in(4);
  plan.digests += plan.companion ? 1 : 0;
  plan.load_failures = chance.one_in(3);
  plan.records_fail = chance.one_in(4);
  plan.old_runners = chance.one_in(4);
  plan.local = plan.local || chance.one_in(2);
}

}  // namespace

Plan make_plan(Chance& chance) {
  Plan plan;
  plan.pool = choose_pool(chance);
  choose_load(plan, chance);
  for (bool* habit :
       {&plan.tasks_fail, &plan.tasks_crash, &plan.tasks_hang, &plan.tasks_deaf, &plan.results_large,
        &plan.arguments_large, &plan.unlinked, &plan.objects, &plan.cancels, &plan.storms, &plan.resizes, &plan.expects,
        &plan.updates, &plan.brief_tasks, &plan.slots_say_goodbye, &plan.idle_edge, &plan.checks_idle})
    *habit = chance.one_in(3);
  if (!chance.one_in(4)) choose_troubles(plan, chance);
  if (chance.one_in(2)) choose_engines(plan, chance);
  plan.pool.backend = backend_names(plan);
  const std::uint64_t ending = chance.roll(10);
  plan.local = chance.one_in(2);
  if (plan.updates) choose_versions(plan, chance);
  if (plan.local) plan.partitions = plan.lost_beats = false;  // there is no network
  plan.ending = ending == 0 ? Ending::host_dies : ending == 1 && !plan.local ? Ending::host_fades : Ending::drain;
  return plan;
}

std::vector<DigestId> all_digests(const Plan& plan) {
  std::vector<DigestId> digests;
  for (DigestId digest = 0; digest < plan.digests; ++digest) digests.push_back(digest);
  return digests;
}

DigestId versions(const Plan& plan) {
  return plan.updates ? plan.digests - (plan.companion ? 1 : 0) : 0;
}

std::vector<DigestId> first_digests(const Plan& plan) {
  std::vector<DigestId> digests = all_digests(plan);
  if (plan.updates) digests.erase(digests.begin() + 1, digests.begin() + versions(plan));
  return digests;
}

std::vector<std::string> backend_names(const Plan& plan) {
  return plan.backends == 1 ? std::vector<std::string>{"first"} : std::vector<std::string>{"first", "second"};
}

std::string runner_name(RunnerId runner) {
  return fmt::format("sim-{}", runner);
}

RunnerId runner_of(std::string_view name) {
  RunnerId runner = 0;
  std::from_chars(name.data() + std::string_view("sim-").size(), name.data() + name.size(), runner);
  return runner;
}

std::string digest_text(DigestId digest) {
  return fmt::format("{:064x}", digest);
}

DigestId digest_of(std::string_view text) {
  DigestId digest = 0;
  std::from_chars(text.data(), text.data() + text.size(), digest, 16);
  return digest;
}

}  // namespace flame::sim
