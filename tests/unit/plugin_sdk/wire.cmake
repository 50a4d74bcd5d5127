flame_add_test(wire_test NO_UNITY
  SOURCES
    wire/batch_test.cpp
    wire/bulk_test.cpp
    wire/damage_test.cpp
    wire/envelope_test.cpp
    wire/error_code_test.cpp
    wire/parent_test.cpp
    wire/payload_frame_test.cpp
    wire/transfer_test.cpp
  LINK flame_wire)
# The test that compares flame::ErrorCode with the schema reads the generated enum.
get_target_property(flame_wire_includes flame_wire INCLUDE_DIRECTORIES)
target_include_directories(wire_test SYSTEM PRIVATE ${flame_wire_includes})
add_dependencies(wire_test flame_wire)
