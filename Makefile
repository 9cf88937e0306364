# A menu over the CMake presets (CMakePresets.json): every target is a command or two that can be typed as well.

.PHONY: help dependencies build run test tsan damage interop bench bench-kafka format tidy clean

help:
	@echo "make build     release build: build/release/cambiumd, build/release/cambium"
	@echo "make run       build, then start a broker on ./data with deploy/hybrid.flags"
	@echo "make test      build with assertions and sanitizers, run every test"
	@echo "make tsan      only what concerns threads, under TSan; make test begins with it"
	@echo "make damage    every file of a data directory damaged in every way"
	@echo "make interop   real clients and Apache Kafka's own tools against a real broker; writes docs/compatibility.md"
	@echo "make bench     named workloads beside their probes"
	@echo "make bench-kafka  Kafka clients on our broker, on Apache Kafka and on a null broker"
	@echo "make format    clang-format, in place"
	@echo "make tidy      clang-tidy over every source, and the tidy test"
	@echo "make clean     remove build/"

# Does nothing when everything is there.
dependencies:
	@scripts/install-dependencies

build: dependencies
	@cmake --preset release >build-release.log 2>&1 || { cat build-release.log; exit 1; }
	@rm -f build-release.log
	cmake --build --preset release --target cambiumd cambium

run: build
	build/release/cambiumd --flagfile=deploy/hybrid.flags --data_dir=./data

test: dependencies
	scripts/run-tests

tsan: dependencies
	scripts/run-tests threads

damage: dependencies
	cmake --preset relassert
	cmake --build --preset relassert --target damage_test
	CAMBIUM_DAMAGE=all build/relassert/tests/damage_test

interop: build
	scripts/install-dependencies interop
	cmake --build --preset release --target kafka_messages
	tests/interop/run

bench: build
	bench/run

bench-kafka: build
	scripts/install-dependencies bench
	bench/run kafka

format:
	git ls-files '*.h' '*.cc' | xargs clang-format-19 -i

tidy: dependencies
	python3 tests/tidy/tidy_test.py
	scripts/run-clang-tidy

clean:
	rm -rf build
