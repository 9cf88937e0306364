# Compiler choice, build types and warnings. Every target gets them through `cambium_settings`.

if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  message(FATAL_ERROR
    "g++ ${CMAKE_CXX_COMPILER_VERSION} silently miscompiles C++20 coroutines over kj promises (temporaries in a "
    "co_await expression are copied bitwise). Use clang 19: `cmake --preset release`, or "
    "-DCMAKE_CXX_COMPILER=clang++-19 (Debian package clang-19).")
endif()

option(CAMBIUM_WARNINGS_AS_ERRORS "Treat warnings as errors (on in the presets)" OFF)
set(CAMBIUM_SANITIZE "" CACHE STRING "Sanitizers, for example address,undefined or thread")

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_CXX_SCAN_FOR_MODULES OFF)

# Assertions are kj's and stay on in every build type; -DNDEBUG only concerns the libraries' headers.
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1 -DNDEBUG")
set(CMAKE_CXX_FLAGS_RELASSERT "-O1 -g1" CACHE STRING "Flags of the build type RelAssert" FORCE)
set(CMAKE_EXE_LINKER_FLAGS_RELASSERT "" CACHE STRING "Linker flags of the build type RelAssert" FORCE)
set(CMAKE_SHARED_LINKER_FLAGS_RELASSERT "" CACHE STRING "Linker flags of the build type RelAssert" FORCE)

add_library(cambium_settings INTERFACE)
target_include_directories(cambium_settings INTERFACE "${CMAKE_SOURCE_DIR}" "${CMAKE_BINARY_DIR}")
target_compile_options(cambium_settings INTERFACE -Wall -Wextra -Wno-unused-parameter -fno-omit-frame-pointer)
# capnp 0.9.2 does not compile as C++20 without this; see the header.
target_compile_options(cambium_settings INTERFACE
  "$<$<COMPILE_LANGUAGE:CXX>:SHELL:-include ${CMAKE_SOURCE_DIR}/engine/base/kj_cxx20.h>")
if(CAMBIUM_WARNINGS_AS_ERRORS)
  target_compile_options(cambium_settings INTERFACE -Werror)
endif()
if(CAMBIUM_SANITIZE)
  # vptr checks need type information that Debian's kj hides.
  target_compile_options(cambium_settings INTERFACE -fsanitize=${CAMBIUM_SANITIZE} -fno-sanitize=vptr
    -fno-sanitize-recover=all)
  target_link_options(cambium_settings INTERFACE -fsanitize=${CAMBIUM_SANITIZE} -fno-sanitize=vptr)
  if(CAMBIUM_SANITIZE MATCHES "thread")
    target_compile_options(cambium_settings INTERFACE "-fsanitize-ignorelist=${CMAKE_SOURCE_DIR}/tests/tsan.ignorelist")
  endif()
  if(CAMBIUM_SANITIZE MATCHES "address")
    # kj's exception callbacks insist on lying on the real stack.
    target_compile_options(cambium_settings INTERFACE -fsanitize-address-use-after-return=never)
  endif()
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  target_link_options(cambium_settings INTERFACE -fuse-ld=lld)
endif()
find_program(CAMBIUM_CCACHE ccache)
if(CAMBIUM_CCACHE)
  # The precompiled header of the tests is cached too: that needs these two lines.
  set(CMAKE_CXX_COMPILER_LAUNCHER
    "${CMAKE_COMMAND}" -E env "CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime"
    "CCACHE_BASEDIR=${CMAKE_SOURCE_DIR}" "CCACHE_NOHASHDIR=1" "${CAMBIUM_CCACHE}")
  target_compile_options(cambium_settings INTERFACE
    "$<$<AND:$<COMPILE_LANGUAGE:CXX>,$<CXX_COMPILER_ID:Clang>>:SHELL:-Xclang -fno-pch-timestamp>")
endif()
