// What ThreadSanitizer is told in programs that link libzmq. Linked only when FLAME_SANITIZE contains `thread`.

extern "C" const char* __tsan_default_options();
extern "C" const char* __tsan_default_options() {
  return "halt_on_error=1:second_deadlock_stack=1";
}

// libzmq is not instrumented, nor is libsodium, which decrypts in its threads: the lock-free queues that order what
// passes through them cannot be seen. Left out is only what these two read and write themselves; of what our code does
// with it, nothing is.
extern "C" const char* __tsan_default_suppressions();
extern "C" const char* __tsan_default_suppressions() {
  return "called_from_lib:libzmq.so\n"
         "called_from_lib:libsodium.so\n";
}
