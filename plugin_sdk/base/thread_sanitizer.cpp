// What ThreadSanitizer is told in programs that link libzmq, and in slots. Linked only when FLAME_SANITIZE contains
// `thread`.

// A race ends its process, so that somebody notices: a slot's output is the task's. A crash stays a signal.
extern "C" const char* __tsan_default_options();
extern "C" const char* __tsan_default_options() {
  return "halt_on_error=1:second_deadlock_stack=1:handle_segv=0:handle_sigbus=0:handle_abort=0:handle_sigfpe=0:"
         "handle_sigill=0";
}

// libzmq is not instrumented, nor is libsodium, which decrypts in its threads: the lock-free queues that order what
// passes through them cannot be seen. Left out is only what these two read and write themselves, also in copies of
// templates (std::string) that the linker takes from our programs; of what our code does with it, nothing is. Nor is
// libstdc++, which counts those who share an exception: the last one frees it.
extern "C" const char* __tsan_default_suppressions();
extern "C" const char* __tsan_default_suppressions() {
  return "called_from_lib:libzmq.so\n"
         "called_from_lib:libsodium.so\n"
         "race:libzmq.so\n"
         "race:std::__exception_ptr::exception_ptr::_M_release\n";
}
