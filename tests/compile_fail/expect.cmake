# Compiles SOURCE with COMPILER and compares the outcome with the source's first line: "// expect: <part of the message>"
# or "// expect: success". HEADERS: options that make the compiler take our headers as it has read them before.
file(STRINGS ${SOURCE} first LIMIT_COUNT 1)
string(REPLACE "// expect: " "" expected "${first}")
execute_process(
  COMMAND ${COMPILER} -std=c++20 -Wno-undefined-internal -Werror=unused-result -fsyntax-only ${HEADERS}
          -I${REPOSITORY}/plugin_sdk/include -I${REPOSITORY}/plugin_sdk/abi -I${REPOSITORY}/host/include ${SOURCE}
  RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
if(expected STREQUAL "success")
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "${SOURCE} should compile:\n${output}")
  endif()
  return()
endif()
if(status EQUAL 0)
  message(FATAL_ERROR "${SOURCE} should not compile")
endif()
string(REPLACE "\n" " " output "${output}")
string(FIND "${output}" "${expected}" at)
if(at EQUAL -1)
  message(FATAL_ERROR "${SOURCE} fails without saying \"${expected}\":\n${output}")
endif()
