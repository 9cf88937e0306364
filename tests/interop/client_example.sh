#!/bin/bash
# Builds client/example against an install tree of the client library, outside the source tree, and runs it against a broker.
#
#     client_example.sh ADDRESS [BUILD_DIR]     BUILD_DIR: a configured build (default: build/release)
#
# Makes a topic of its own on the broker and leaves it there. Exit code 0: the program wrote and read what it should.
set -euo pipefail

if [ $# -lt 1 ]; then
  echo "usage: $0 ADDRESS [BUILD_DIR]   (ADDRESS: host:port of the broker's Cap'n Proto listener)" >&2
  exit 2
fi
address=$1
source_dir=$(cd "$(dirname "$0")/../.." && pwd)
build_dir=${2:-$source_dir/build/release}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cmake --build "$build_dir" --target cambium_client_package
cmake --install "$build_dir" --component client --prefix "$work/prefix" >/dev/null
cp -r "$source_dir/client/example" "$work/example"  # so that nothing of the source tree is found by accident
cmake -S "$work/example" -B "$work/build" -G Ninja -DCMAKE_CXX_COMPILER=clang++-19 -DCMAKE_C_COMPILER=clang-19 \
  -DCMAKE_PREFIX_PATH="$work/prefix" >/dev/null
cmake --build "$work/build"
timeout 60 "$work/build/client_example" "$address" "client-example-$$-$RANDOM"
