# Fails when flame_abi.h is not the header whose hash was recorded: a change of the ABI has to be a decision.
file(SHA256 ${HEADER} actual)
file(STRINGS ${EXPECTED} expected LIMIT_COUNT 1)
if(NOT actual STREQUAL expected)
  message(FATAL_ERROR "plugin_sdk/abi/flame_abi.h has changed.\n"
    "If a plugin built from the old header still works (members only appended, FLAME_ABI_MINOR raised), record the new "
    "hash:\n  sha256sum plugin_sdk/abi/flame_abi.h | cut -d' ' -f1 > tests/abi_compat/flame_abi.sha256\n"
    "Otherwise it is a new major: a new header and a new entry symbol.")
endif()
