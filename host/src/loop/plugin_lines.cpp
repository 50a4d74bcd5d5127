// Requests in, changes of pools out.
#include "host/src/loop/plugin_lines.hpp"

#include <algorithm>
#include <exception>
#include <utility>

#include "plugin_sdk/base/assert.hpp"
#include "plugin_sdk/base/clock.hpp"

namespace flame::pool {

PluginLines::PluginLines(std::vector<LineSpec> lines, Pools pools) : specs_(std::move(lines)), pools_(pools) {
  std::map<std::string, std::vector<PluginLine::Pool>> by_plugin;
  for (Number number = 0; number < specs_.size(); ++number) {
    const LineSpec& spec = specs_[number];
    by_plugin[spec.plugin].push_back({number, pools_.fronts[spec.pool]->name(), spec.active, spec.previous});
  }
  for (const auto& [plugin, members] : by_plugin) lines_.emplace(plugin, PluginLine(plugin, members));
}

template <class Feed>
void PluginLines::feed(const std::string& plugin, Instant now, Feed feed) {
  line::Actions actions;
  feed(lines_.at(plugin), actions);
  for (line::Action& action : actions) std::visit([&](auto& one) { perform(one, now); }, action);
}

void PluginLines::take(command::ChangePlugin&& change, Instant now) {
  command::ChangePlugin::What& what = *change.what;
  const line::Request request = ++last_request_;
  askers_[request] = {what.drain_within, std::move(what.record), std::move(what.done)};
  const Instant deadline = base::deadline_after(now, what.limit);
  feed(what.plugin, now, [&](PluginLine& line, line::Actions& out) {
    if (what.digest == kNoDigest) {
      line.rollback({request, std::move(what.lines), deadline}, out);
    } else {
      line.activate({request, what.digest, std::move(what.reference), std::move(what.lines), deadline}, out);
    }
  });
  hand_out_reports(now);
}

void PluginLines::take(command::PluginRecorded&& recorded, Instant now) {
  feed(recorded.what->plugin, now,
       [&](PluginLine& line, line::Actions& out) { line.recorded(recorded.what->error, out); });
  hand_out_reports(now);
}

// A report is for the line that prepares its digest in that pool; the others pass it over.
void PluginLines::hand_out_reports(Instant now) {
  while (!reports_.empty()) {
    const Report report = std::move(reports_.front());
    reports_.pop_front();
    for (Number number = 0; number < specs_.size(); ++number) {
      if (specs_[number].pool != report.pool) continue;
      feed(specs_[number].plugin, now,
           [&](PluginLine& line, line::Actions& out) { line.prepared(number, report.report, out); });
    }
  }
}

// What the line's pools wait for now: what they reported last may have ended in part.
void PluginLines::look_again(const std::string& plugin, Instant now) {
  for (Number number = 0; number < specs_.size(); ++number) {
    const LineSpec& spec = specs_[number];
    const DigestId candidate = spec.plugin == plugin ? lines_.at(plugin).candidate(number) : kNoDigest;
    if (candidate == kNoDigest) continue;
    feed(plugin, now, [&](PluginLine& line, line::Actions& out) {
      line.prepared(number, pools_.drivers[spec.pool]->prepared(candidate, now), out);
    });
  }
}

void PluginLines::turn(Instant now) {
  hand_out_reports(now);
  if (now < next_wakeup()) return;
  drain(now);
  for (auto& [plugin, line] : lines_) {
    if (line.next_wakeup() > now) continue;
    look_again(plugin, now);
    feed(plugin, now, [&](PluginLine& one, line::Actions& out) { one.tick(now, out); });
  }
  hand_out_reports(now);
}

Instant PluginLines::next_wakeup() const {
  Instant next = kNever;
  for (const auto& [plugin, line] : lines_) next = std::min(next, line.next_wakeup());
  for (const Drain& drain : drains_) next = std::min(next, drain.at);
  return next;
}

bool PluginLines::serves(std::uint32_t pool, DigestId digest) const {
  const auto& plugins = pools_.fronts[pool]->plugins();
  return std::ranges::find(plugins, digest, &CatalogPlugin::id) != plugins.end();
}

// What serves again, after a rollback, is left alone.
void PluginLines::drain(Instant now) {
  const auto due = std::partition(drains_.begin(), drains_.end(), [&](const Drain& one) { return now < one.at; });
  const std::vector<Drain> over(due, drains_.end());
  drains_.erase(due, drains_.end());
  for (const Drain& drain : over) {
    if (serves(drain.pool, drain.digest)) continue;
    pools_.drivers[drain.pool]->on(event::EndVersion{drain.digest, pools_.catalog->plugin(drain.successor).reference},
                                   now);
  }
}

void PluginLines::shutdown(Instant now) {
  for (auto& [plugin, line] : lines_) feed(plugin, now, [](PluginLine& one, line::Actions& out) { one.shutdown(out); });
}

void PluginLines::abandon(const std::string& why) noexcept {
  for (auto& [request, asker] : std::exchange(askers_, {})) {
    try {
      asker.done({request, Error{.code = ErrorCode::shutting_down, .message = why}, {}});
    } catch (const std::exception&) {
      // Its asker sees the promise broken.
    }
  }
}

void PluginLines::perform(const line::Prepare& prepare, Instant now) {
  const std::uint32_t pool = specs_[prepare.pool].pool;
  // What was said of the digest when it was prepared before, and given up, is not about now.
  std::erase_if(reports_, [&](const Report& one) { return one.pool == pool && one.report.digest == prepare.digest; });
  pools_.drivers[pool]->on(event::Prepare{prepare.digest, prepare.replaces}, now);
}

void PluginLines::perform(line::WriteRecord& record, Instant) {
  const auto asker = askers_.find(record.request);
  FLAME_ASSERT(asker != askers_.end(), "a record is written before its request is answered");
  asker->second.record(std::move(record.moves));
}

void PluginLines::perform(const line::Switch& change, Instant now) {
  for (const line::Move& move : change.moves) {
    LineSpec& spec = specs_[move.pool];
    pools_.drivers[spec.pool]->on(event::Switch{move.before, move.to}, now);
    pools_.fronts[spec.pool]->serve(spec.place, pools_.catalog->plugin(move.to));
  }
}

void PluginLines::perform(const line::Abandon& abandon, Instant now) {
  pools_.drivers[specs_[abandon.pool].pool]->on(event::Abandon{abandon.digest}, now);
}

void PluginLines::perform(line::Done& done, Instant now) {
  auto node = askers_.extract(done.request);
  FLAME_ASSERT(!node.empty(), "a request is answered once");
  for (const line::Move& move : done.switched) {
    if (node.mapped().drain_within == kForever) break;
    drains_.push_back(
        {base::deadline_after(now, node.mapped().drain_within), specs_[move.pool].pool, move.before, move.to});
  }
  node.mapped().done(std::move(done));
}

std::vector<control::LineStatus> PluginLines::status(std::uint32_t pool) const {
  const auto reference = [&](DigestId digest) {
    return digest == kNoDigest ? std::string() : pools_.catalog->plugin(digest).reference;
  };
  std::vector<control::LineStatus> lines;
  for (Number number = 0; number < specs_.size(); ++number) {
    const LineSpec& spec = specs_[number];
    if (spec.pool != pool) continue;
    const PluginLine& line = lines_.at(spec.plugin);
    const DigestId candidate = line.candidate(number);
    lines.push_back({.plugin = spec.reference,
                     .active = reference(line.active(number)),
                     .digest = pools_.catalog->plugin(line.active(number)).digest,
                     .previous = reference(line.previous(number)),
                     .candidate = reference(candidate),
                     .waits_for = candidate == kNoDigest ? std::string() : line.waits_for()});
  }
  return lines;
}

}  // namespace flame::pool
