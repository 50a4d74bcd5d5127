/* Part of a plugin that needs a shared library. */
int flaws_answer(void);
__attribute__((constructor)) static void keep(void) {
  __asm__ volatile("" : : "r"(flaws_answer()));
}
