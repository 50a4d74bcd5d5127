// flame::Result<T>: a value or the Error of a failed call. Included by hosts; contract headers only name it.
#pragma once

#include <boost/system/result.hpp>

#include <flame/error.hpp>

namespace flame {

/// boost::system::result: `if (r)`, `*r`, `r.error()`; `r.value()` throws flame::CallError when there is an Error.
template <class T>
using Result = boost::system::result<T, Error>;

/// Found by boost::system::result through argument-dependent lookup; throws CallError{error}.
[[noreturn]] void throw_exception_from_error(const Error& error, const boost::source_location& where);

}  // namespace flame
