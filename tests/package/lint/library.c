/* A shared library that a plugin needs. */
int flaws_answer(void) {
  return 42;
}
