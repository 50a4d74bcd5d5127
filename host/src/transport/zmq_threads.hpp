// The threads that libzmq makes: it blocks every signal in them, those of a thread's own faults too.
#pragma once

namespace zmq {
class context_t;
}

namespace flame::pool {

/// Unblocks the signals of faults in the I/O thread and the reaper thread of `context`, so that a fault there reaches
/// the program's own handler like any other. Returns before it is so.
void unblock_faults_in_threads_of(zmq::context_t& context);

}  // namespace flame::pool
