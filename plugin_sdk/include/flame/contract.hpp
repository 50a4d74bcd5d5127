// The one header that a contract header includes: what function declarations shared by host and plugin are made of.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <boost/describe/class.hpp>
#include <boost/describe/enum.hpp>

#include <flame/bytes.hpp>
#include <flame/error.hpp>
#include <flame/handles.hpp>
#include <flame/naming.hpp>
#include <flame/options.hpp>
#include <flame/parent.hpp>

namespace flame {

/// What a task knows about its invocation; defined in <flame/plugin.hpp>. A leading `flame::Context&` parameter is
/// filled in by the runner and is not on the wire: callers leave it out.
class Context;

}  // namespace flame
