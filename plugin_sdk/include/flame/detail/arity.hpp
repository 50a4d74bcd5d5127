// Stamps out one overload per number of parameters. With `const Arg<I>&` parameters instead of a variadic template,
// braces and designated initialisers work in calls, conversions happen in user code, and lvalues are not copied.
#pragma once

/* FLAME_DETAIL_ARITIES(X) expands X(n, PARAMETERS, ARGUMENTS) for n = 0..12. Both lists are in parentheses; PARAMETERS
   needs the callee's type under the name C. A use (undefine your macro afterwards):

     #define FLAME_DETAIL_CALL(n, params, args)                        \
       template <auto F, class C = detail::Callee<F>>                  \
         requires(C::arity == n)                                       \
       typename C::HostResult call(FLAME_DETAIL_UNWRAP params) const { \
         return run<F>(self_ FLAME_DETAIL_COMMA_THEN args);            \
       }
     FLAME_DETAIL_ARITIES(FLAME_DETAIL_CALL) */
#define FLAME_DETAIL_UNWRAP(...) __VA_ARGS__
#define FLAME_DETAIL_COMMA_THEN(...) __VA_OPT__(, ) __VA_ARGS__

#define FLAME_DETAIL_P(i) const typename C::template Arg<i>& a##i
#define FLAME_DETAIL_P1 FLAME_DETAIL_P(0)
#define FLAME_DETAIL_P2 FLAME_DETAIL_P1, FLAME_DETAIL_P(1)
#define FLAME_DETAIL_P3 FLAME_DETAIL_P2, FLAME_DETAIL_P(2)
#define FLAME_DETAIL_P4 FLAME_DETAIL_P3, FLAME_DETAIL_P(3)
#define FLAME_DETAIL_P5 FLAME_DETAIL_P4, FLAME_DETAIL_P(4)
#define FLAME_DETAIL_P6 FLAME_DETAIL_P5, FLAME_DETAIL_P(5)
#define FLAME_DETAIL_P7 FLAME_DETAIL_P6, FLAME_DETAIL_P(6)
#define FLAME_DETAIL_P8 FLAME_DETAIL_P7, FLAME_DETAIL_P(7)
#define FLAME_DETAIL_P9 FLAME_DETAIL_P8, FLAME_DETAIL_P(8)
#define FLAME_DETAIL_P10 FLAME_DETAIL_P9, FLAME_DETAIL_P(9)
#define FLAME_DETAIL_P11 FLAME_DETAIL_P10, FLAME_DETAIL_P(10)
#define FLAME_DETAIL_P12 FLAME_DETAIL_P11, FLAME_DETAIL_P(11)

#define FLAME_DETAIL_ARITIES(X)                                            \
  X(0, (), ())                                                             \
  X(1, (FLAME_DETAIL_P1), (a0))                                            \
  X(2, (FLAME_DETAIL_P2), (a0, a1))                                        \
  X(3, (FLAME_DETAIL_P3), (a0, a1, a2))                                    \
  X(4, (FLAME_DETAIL_P4), (a0, a1, a2, a3))                                \
  X(5, (FLAME_DETAIL_P5), (a0, a1, a2, a3, a4))                            \
  X(6, (FLAME_DETAIL_P6), (a0, a1, a2, a3, a4, a5))                        \
  X(7, (FLAME_DETAIL_P7), (a0, a1, a2, a3, a4, a5, a6))                    \
  X(8, (FLAME_DETAIL_P8), (a0, a1, a2, a3, a4, a5, a6, a7))                \
  X(9, (FLAME_DETAIL_P9), (a0, a1, a2, a3, a4, a5, a6, a7, a8))            \
  X(10, (FLAME_DETAIL_P10), (a0, a1, a2, a3, a4, a5, a6, a7, a8, a9))      \
  X(11, (FLAME_DETAIL_P11), (a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10)) \
  X(12, (FLAME_DETAIL_P12), (a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11))
