# Tests of the codec: types, schema, encoder, verifier, decoder.
flame_add_test(codec_test
  SOURCES
    codec/bytes_test.cpp
    codec/callee_test.cpp
    codec/error_test.cpp
    codec/evolution_test.cpp
    codec/fingerprints.cpp
    codec/handles_test.cpp
    codec/round_trip_test.cpp
    codec/verifier_test.cpp
  LINK flame_sdk)

# A reader that flatc generates from the schema that the codec prints.
set(codec_dir ${CMAKE_CURRENT_LIST_DIR}/codec)
set(codec_generated ${CMAKE_CURRENT_BINARY_DIR}/codec)
file(MAKE_DIRECTORY ${codec_generated})
add_executable(codec_print_schema ${codec_dir}/print_schema.cpp)
target_link_libraries(codec_print_schema PRIVATE flame_sdk flame_options)
add_custom_command(OUTPUT ${codec_generated}/everything_generated.h ${codec_generated}/monster_generated.h
  COMMAND codec_print_schema > ${codec_generated}/everything.fbs
  COMMAND ${FLAME_FLATC} --cpp -o ${codec_generated} ${codec_generated}/everything.fbs
  COMMAND ${FLAME_FLATC} --cpp --gen-object-api --reflect-types -o ${codec_generated}
          ${codec_dir}/monster.fbs
  DEPENDS codec_print_schema ${codec_dir}/monster.fbs
  VERBATIM)
add_custom_target(codec_generated_readers
  DEPENDS ${codec_generated}/everything_generated.h ${codec_generated}/monster_generated.h)
flame_add_test(codec_flatc_test SOURCES codec/flatc_test.cpp LINK flame_sdk flame_base ${FLAME_FLATBUFFERS})
add_dependencies(codec_flatc_test codec_generated_readers)
target_include_directories(codec_flatc_test SYSTEM PRIVATE ${codec_generated})
target_compile_definitions(codec_flatc_test PRIVATE FLAME_TEST_FLATC="${FLAME_FLATC}")

# Hosts and plugins may come from different compilers: the pinned fingerprints hold under clang, too.
find_program(FLAME_CLANGXX NAMES clang++ clang++-14)
if(FLAME_CLANGXX)
  add_test(NAME codec_test.FingerprintsAreTheSameUnderClang
    COMMAND ${FLAME_CLANGXX} -std=c++20 -fsyntax-only -I${PROJECT_SOURCE_DIR}
            -I${PROJECT_SOURCE_DIR}/plugin_sdk/include ${codec_dir}/fingerprints.cpp)
endif()
# flatc's enum tables, seen through the sanitizers' instrumentation.
target_compile_options(codec_flatc_test PRIVATE $<$<CXX_COMPILER_ID:GNU>:-Wno-stringop-overread>)
