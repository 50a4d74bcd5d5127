// Symbols that are visible when nobody hides them; the inline one is unique with g++.
namespace flaws {
inline int& counter() {
  static int count = 0;
  return count;
}
int next() {
  return ++counter();
}
}  // namespace flaws
