# Fails if a file below PREFIX contains TEXT.
file(GLOB_RECURSE files ${PREFIX}/*)
if(NOT files)
  message(FATAL_ERROR "nothing is installed in ${PREFIX}")
endif()
execute_process(COMMAND grep -rlaF -e ${TEXT} ${PREFIX} OUTPUT_VARIABLE found RESULT_VARIABLE result)
if(NOT result EQUAL 1)  # grep's "no match"
  message(FATAL_ERROR "${TEXT} is in:\n${found}")
endif()
