/* A variable of each thread. */
static _Thread_local int count;
__attribute__((constructor)) static void keep(void) {
  ++count;
  __asm__ volatile("" : : "m"(count));
}
