// PoolDriver's hands: one function per action of the policy.
#include <span>
#include <utility>

#include "host/src/loop/plugin_ref.hpp"
#include "host/src/loop/pool_driver.hpp"
#include "host/src/loop/runner_descriptor.hpp"
#include "plugin_sdk/base/assert.hpp"
#include "plugin_sdk/base/clock.hpp"
#include "plugin_sdk/base/limits.hpp"
#include "plugin_sdk/base/make_error.hpp"
#include "plugin_sdk/base/random_number.hpp"

namespace flame::pool {
namespace {

// kForever is -1 on the wire.
std::int64_t wire_time(Duration time) {
  return base::to_wire(time);
}

const BackendTraits& traits_of(const DriverServices& services, const PoolConfig& config, BackendIndex backend) {
  return services.machines->traits(config.backend[backend]);
}

std::string dialled_from(const DriverServices& services, const std::string& backend) {
  const auto found = services.advertise.find(backend);
  return found == services.advertise.end() ? "auto" : found->second;
}

}  // namespace

// What runners of this machine open. Who cleans /tmp may have taken it.
Result<void> PoolDriver::put_files_back(const std::vector<DigestId>& digests) const {
  auto copies = core_->parts().catalog->restore(digests);
  return copies.has_value() ? services_.listeners->renew_ipc() : copies;
}

wire::Parent PoolDriver::parent_for(const action::Boot& boot, std::uint64_t nonce, KeyPair keys) const {
  wire::Parent parent = services_.parent;
  parent.nonce = nonce;
  parent.pool = core_->name();
  parent.runner = runner_name(boot.runner);
  parent.backend = config_.backend[boot.backend];
  for (const DigestId id : boot.digests) parent.plugins.push_back(plugin_ref(core_->parts().catalog->plugin(id)));
  if (!services_.listeners->tcp().control.empty()) {
    parent.host_key = services_.listeners->public_key();
    parent.public_key = std::move(keys.public_key);
    parent.secret_key = std::move(keys.secret_key);
  }
  return parent;
}

BootRequest PoolDriver::request_for(const action::Boot& boot, wire::Parent parent) const {
  BootRequest request{.pool = core_->name(),
                      .runner = runner_name(boot.runner),
                      .queue_timeout = config_.queue_timeout,
                      .boot_timeout = config_.boot_timeout,
                      .env = config_.env,
                      .size = config_.size};
  request.descriptor = std::make_shared<RunnerDescriptor>(
      std::move(parent),
      RunnerDescriptor::Listening{services_.listeners->ipc(), services_.listeners->tcp(),
                                  dialled_from(services_, config_.backend[boot.backend])},
      config_.secret_env);
  if (traits_of(services_, config_, boot.backend).same_files)
    request.plugin_dirs = core_->parts().catalog->directories(boot.digests);
  return request;
}

void PoolDriver::perform(const action::Boot& boot, Instant now) {
  const std::string name = runner_name(boot.runner);
  const std::string& backend = config_.backend[boot.backend];
  if (const auto files = put_files_back(boot.digests); files.has_error()) {
    if (traits_of(services_, config_, boot.backend).same_files || services_.listeners->tcp().control.empty()) {
      return on_boot(boot.runner, BootFailure{.error = files.error(), .remedy = Remedy::permanent}, now);
    }
    services_.log.error("a file of this host is gone and cannot be made again; restart this program",
                        {{"pool", core_->name()}, {"why", files.error().message}});
  }
  const std::uint64_t nonce = base::random_number();
  const RunnerKey key{core_->parts().index, boot.runner};
  KeyPair keys = services_.listeners->make_keys();
  if (!boot.sent_on.empty()) services_.sessions->forget(name);  // the key of the machine that there is not
  services_.sessions->expect(name, {key, nonce, keys.public_key, config_.payload_max, config_.boot_timeout});
  services_.log.debug("booting a runner", {{"pool", core_->name()}, {"runner", name}, {"backend", backend}});
  services_.machines->boot(key, backend, request_for(boot, parent_for(boot, nonce, std::move(keys))));
}

void PoolDriver::perform(const action::Admit& admit) {
  Session* const session = session_of(admit.runner);
  if (session == nullptr) {
    return;  // its connection has ended since: RunnerLost is on its way
  }
  services_.log.debug("runner ready", {{"pool", core_->name()}, {"runner", session->info().name}});
  session->post(wire::Welcome{.session = session->info().id,
                              .protocol_minor = session->info().protocol_minor,
                              .slots = config_.single_use ? 1 : config_.max_concurrency,
                              .isolation = static_cast<wire::Isolation>(config_.isolation),
                              .single_use = config_.single_use,
                              .reuse = config_.reuse,
                              .idle_shutdown_ns = wire_time(admit.idle_shutdown),
                              .shutdown_grace_ns = wire_time(config_.shutdown_timeout),
                              .kill_grace_ns = wire_time(limits::kKillGrace),
                              .payload_max = config_.payload_max,
                              .memory_max = config_.limits.memory,
                              .cpu_time_ns = config_.limits.cpu_time.count(),
                              .open_files_max = config_.limits.open_files,
                              .spare_slots = config_.spare_slots,
                              .beat_interval_ns = wire_time(services_.liveness.beat),
                              .host_silence_ns = wire_time(services_.liveness.host_silence),
                              .runner_silence_ns = wire_time(services_.liveness.runner_silence),
                              .start_limit_ns = wire_time(config_.boot_timeout),
                              .core_dumps = config_.limits.core,
                              .leftover_threads = static_cast<wire::LeftoverThreads>(config_.leftover_threads)});
}

void PoolDriver::perform(const action::Reject& reject) {
  if (const auto node = sessions_.extract(reject.runner)) {
    services_.sessions->refuse(*node.mapped(), ErrorCode::incompatible, reject.reason);
  }
}

void PoolDriver::perform(const action::Send& send, Instant now) {
  Session* const session = session_of(send.runner);
  const auto call = calls_.find(send.call);
  FLAME_ASSERT(call != calls_.end(), "the policy sends open calls");
  if (session == nullptr) {
    return;  // its connection has just ended: RunnerLost is on its way and answers or retries the call
  }
  call->second->ticket.release();  // it waits no more; if it is tried again, it has been let in
  session->send(call->second, base::deadline_after(now, send.remaining), send.attempt);
}

void PoolDriver::perform(const action::CancelRemote& cancel, Instant now) {
  Session* const session = session_of(cancel.runner);
  if (session == nullptr) return;
  if (session->cancel(cancel.call, cancel.reason)) {
    on(event::Ended{cancel.runner, cancel.call}, now);
  } else if (cancel.lease != 0) {
    on(event::DeadlinePassed{cancel.lease}, now);
  }
}

void PoolDriver::perform(const action::Withdraw& withdraw, Instant now) {
  Session* const session = session_of(withdraw.runner);
  if (session != nullptr && session->withdraw(withdraw.call)) on(event::Ended{withdraw.runner, withdraw.call}, now);
}

void PoolDriver::perform(action::Complete& complete) {
  const auto found = calls_.find(complete.call);
  FLAME_ASSERT(found != calls_.end(), "a call is completed once");
  // Forgotten last: should anything throw on the way, abandon() still finds it and answers it.
  answer(found->second, complete);
  calls_.erase(found);
}

void PoolDriver::answer(const std::shared_ptr<RemoteCall>& call, action::Complete& complete) {
  if (!complete.error) {
    FLAME_ASSERT(call->result.has_value(), "a call that succeeded has a result");
    make_handles_for(*call, complete.runner);
    finish(call, std::move(*call->result));
    return;
  }
  Error error = std::move(*complete.error);
  if (error.code == ErrorCode::runner_lost && complete.runner == 0 && call->record.lease != nullptr) {
    error = call->record.lease->gone().value_or(std::move(error));  // the policy forgets leases that are over
  }
  // We answer at the deadline: what its runner finds out about it later comes too late.
  if (error.code == ErrorCode::timed_out && !call->last_warning.empty()) {
    error.message += "; the last warning in its log: " + call->last_warning;
  }
  if (error.plugin.empty()) error.plugin = call->record.plugin;
  if (error.runner.empty() && complete.runner != 0) error.runner = runner_name(complete.runner);
  finish(call, std::move(error));
}

// What its result left in the slot has handles from here on; who drops them lets it go.
void PoolDriver::make_handles_for(RemoteCall& call, RunnerId runner) {
  const std::vector<std::uint64_t>& objects = call.result->resources;
  if (objects.empty()) return;
  const CallRecord& record = call.record;
  std::shared_ptr<HeldLease> lease = record.lease;
  if (lease == nullptr) {
    lease = std::make_shared<HeldLease>(HeldLease::Parts{.core = core_,
                                                         .id = call.id(),
                                                         .digest = record.submit.digest,
                                                         .plugin = record.plugin,
                                                         .runner = runner_name(runner),
                                                         .task = record.task,
                                                         .child = record.child,
                                                         .linked = record.submit.linked});
    leases_[call.id()] = lease;
  }
  call.objects = make_handles(lease, objects, record.child);
}

void PoolDriver::finish(const std::shared_ptr<RemoteCall>& call, Result<detail::Payload> outcome) {
  if (call->ready()) {
    return;  // the loop failed right after its answer
  }
  CallRecord& record = call->record;
  record.arguments = {};
  record.handles.clear();
  call->result.reset();
  if (record.cast && outcome.has_error() && outcome.error().code != ErrorCode::cancelled) {
    core_->cast_failed(call->id(), record.task, outcome.error());
  }
  call->complete(std::move(outcome));
}

void PoolDriver::perform(const action::RetireReply& reply) {
  if (Session* const session = session_of(reply.runner)) session->post(wire::RetireReply{.granted = reply.granted});
}

void PoolDriver::perform(action::ReleaseObjects& release) {
  if (Session* const session = session_of(release.runner)) {
    session->post(wire::Release{.lease = release.lease, .objects = std::move(release.objects)});
  }
}

void PoolDriver::perform(action::LeaseEnded& ended) {
  auto node = leases_.extract(ended.lease);
  if (node.empty()) return;
  const HeldLease::Parts& lease = node.mapped()->parts();
  if (ended.error && ended.error->code != ErrorCode::cancelled && ended.error->code != ErrorCode::shutting_down) {
    services_.log.warning(lease.child ? "a child ended" : "tracked resources were lost",
                          {{"pool", core_->name()},
                           {"runner", lease.runner},
                           {"call", lease.id},
                           {"task", lease.task},
                           {"error", ended.error->to_string()}});
  }
  node.mapped()->end(std::move(ended.error));
}

void PoolDriver::perform(const action::DrainRunner& drain) {
  if (Session* const session = session_of(drain.runner)) session->post(wire::Drain{.grace_ns = wire_time(drain.grace)});
}

std::optional<Error> PoolDriver::cannot_load(const Session& session, DigestId digest) const {
  if (!session.info().takes_plugins())
    return base::make_error(ErrorCode::incompatible,
                            "its flame-runner is older than this host and takes no plugin while it runs: deploy the "
                            "flame-runner of this release");
  if (!traits_of(services_, config_, trace_.runners().backend(session.info().runner)).same_files &&
      !session.info().local)
    return base::make_error(ErrorCode::incompatible,
                            "it runs on another machine, where this host's files are not: it takes the plugins that "
                            "its image has");
  const auto files = put_files_back({digest});
  return files.has_error() ? std::optional(files.error()) : std::nullopt;
}

void PoolDriver::perform(const action::Load& load, Instant now) {
  Session* const session = session_of(load.runner);
  if (session == nullptr) {
    return;  // its connection has ended since: RunnerLost is on its way
  }
  const Catalog& catalog = *core_->parts().catalog;
  const CatalogPlugin& plugin = catalog.plugin(load.digest);
  services_.log.debug("a runner loads a plugin", {{"runner", session->info().name}, {"plugin", plugin.reference}});
  if (auto problem = cannot_load(*session, load.digest)) {
    if (trace_.has(load.runner, plugin.digest)) problem.reset();  // from its boot on: that has to do
    return on(event::Loaded{load.runner, load.digest, std::move(problem)}, now);
  }
  session->post(wire::make_load(plugin_ref(plugin), catalog.directories(std::span(&load.digest, 1)).front()));
}

void PoolDriver::perform(const action::EndGeneration& end, Instant now) {
  Session* const session = session_of(end.runner);
  if (session == nullptr) return;  // as above
  // One that knows no such message keeps the plugin, to which no call goes any more.
  if (!session->info().takes_plugins()) return on(event::GenerationEnded{end.runner, end.digest}, now);
  wire::EndGeneration message;
  message.digest = core_->parts().catalog->plugin(end.digest).digest;
  session->post(std::move(message));
}

void PoolDriver::perform(const action::Prepared& prepared) {
  if (services_.prepared) services_.prepared(core_->parts().index, prepared);
}

void PoolDriver::perform(const action::Destroy& destroy) {
  const RunnerRecord* const record = trace_.runners().find(destroy.runner);
  const bool failed = record != nullptr && record->boot_failed() && !destroy.reason.empty();
  if (failed && draining_.empty())  // else we have given it up
    services_.log.warning("runner did not boot", {{"pool", core_->name()},
                                                  {"runner", runner_name(destroy.runner)},
                                                  {"backend", config_.backend[record->backend]},
                                                  {"error", destroy.reason},
                                                  {"last_output", destroy.log_tail}});
  services_.sessions->forget(runner_name(destroy.runner));
  services_.machines->destroy({core_->parts().index, destroy.runner});
  if (const auto node = sessions_.extract(destroy.runner)) {
    services_.sessions->close(*node.mapped(), wire::Bye{.reason = "the host has let this runner go"});
  }
}

void PoolDriver::perform(const action::Callback& callback) {
  switch (callback.kind) {
    case action::Callback::Kind::grow_start:
      core_->notify(
          GrowStart{core_->name(), callback.count, runner_name(callback.runner), config_.backend[callback.backend]});
      break;
    case action::Callback::Kind::grow_end:
      core_->notify(GrowEnd{core_->name(), callback.count, !callback.error, callback.error.value_or(Error{}),
                            runner_name(callback.runner), config_.backend[callback.backend]});
      break;
    case action::Callback::Kind::shrink:
      core_->notify(Shrink{core_->name(), callback.count, runner_name(callback.runner), callback.reason});
      break;
  }
}

void PoolDriver::perform(const action::Quiet& quiet) {
  const std::string name = runner_name(quiet.runner);
  if (quiet.quiet) {
    services_.log.warning("nothing is heard from a runner, though its connection lives: it gets no new calls",
                          {{"pool", core_->name()}, {"runner", name}});
  } else {
    services_.log.info("a runner is heard again", {{"pool", core_->name()}, {"runner", name}});
  }
}

void PoolDriver::perform(const action::Drained&, Instant now) {
  drained_ = true;
  tell_drained(now);
}

}  // namespace flame::pool
