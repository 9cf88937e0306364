# One library per folder.

# cambium_library(NAME SOURCES a.cc … DEPS targets …): a static library of this folder.
function(cambium_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC cambium_settings ${ARG_DEPS})
endfunction()

# cambium_program(NAME SOURCES a.cc … DEPS targets …): a program, put into the top of the build folder.
function(cambium_program name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE cambium_settings ${ARG_DEPS})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}")
endfunction()

# cambium_test(NAME SOURCES a.cc … DEPS targets … [TIMEOUT seconds] [LABELS threads] [ARGUMENTS a …]): a GoogleTest program,
# one ctest entry per program, run with these arguments. Those labelled `threads` also run under TSan (target
# cambium_threads_tests, scripts/run-tests).
# The programs share one precompiled header (gtest and the kj headers that every test needs).
function(cambium_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;DEPS;LABELS;ARGUMENTS" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE cambium_settings cambium_test_main ${ARG_DEPS})
  target_precompile_headers(${name} REUSE_FROM cambium_test_main)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests")
  add_test(NAME ${name} COMMAND ${name} --gtest_brief=1 ${ARG_ARGUMENTS})
  set_tests_properties(${name} PROPERTIES TIMEOUT ${ARG_TIMEOUT} LABELS "${ARG_LABELS}")
  if("threads" IN_LIST ARG_LABELS)
    set_property(GLOBAL APPEND PROPERTY CAMBIUM_THREADS_TESTS ${name})
  endif()
endfunction()
