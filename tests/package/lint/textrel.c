/* An address within the code: it is known only when the library has been loaded. */
__asm__(
    ".text\n"
    ".globl flaws_address\n"
    "flaws_address: .quad flaws_address\n");
extern const char flaws_address[];
__attribute__((constructor)) static void keep(void) {
  __asm__ volatile("" : : "r"(flaws_address));
}
