flame_add_test(base_test
  SOURCES
    base/clock_test.cpp
    base/digest_test.cpp
    base/file_test.cpp
    base/leftovers_test.cpp
    base/line_writer_test.cpp
    base/log_test.cpp
    base/mailbox_test.cpp
    base/spawn_test.cpp
    base/standstill_test.cpp
    base/suggest_test.cpp
    base/units_test.cpp
  LINK flame_base)
