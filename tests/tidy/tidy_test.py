#!/usr/bin/env python3
"""Holds the tree to the rules of CONTRIBUTING.md that a program can check. Prints each breach as file:line: what; exit code 1.

    tests/tidy/tidy_test.py [ROOT]
    tests/tidy/tidy_test.py --canary     the checks against samples that break them: every one must be noticed
"""

import os
import re
import subprocess
import sys

FILE_LINES_MAX = 800
FUNCTION_LINES_MAX = 70
LINE_CHARACTERS_MAX = 120

# A file may include from its own folder and from folders above it in this list (ARCHITECTURE.md).
LAYERS = [
    "schema",
    "engine/base",
    "engine/record",
    "engine/storage",
    "backends/native",
    "backends/rocksdb",
    "engine/partition",
    "engine/retention",
    "engine/metadata",
    "engine/group",
    "engine/broker",
    "server/door",
    "server/kafka/wire",
    "server/kafka",
    "server/rpc",
    "server/http",
    "server/main",
    "client",
    "tools",
    "tests",
    "bench",
]
# Folders that see less than what stands above them.
ONLY = {
    "engine/base": {"engine/base"},
    "engine/record": {"engine/base"},
    "engine/storage": {"engine/base", "engine/record"},
    "backends/native": {"engine/base", "engine/record", "engine/storage"},
    "backends/rocksdb": {"engine/base", "engine/record", "engine/storage"},
    "engine/partition": {"engine/base", "engine/record", "engine/storage"},
    "engine/retention": {"engine/base", "engine/record", "engine/storage", "engine/partition"},
    "server/door": {"engine/base"},
    "server/kafka/wire": {"engine/base"},
    "server/http": {"engine/base", "engine/record", "engine/storage", "engine/partition", "engine/retention", "engine/metadata",
                    "engine/group", "engine/broker", "server/door"},
    "client": {"schema", "engine/base", "engine/record"},
}

# pattern, what to do instead, folders (or files) that may
BANNED = [
    (r"\bdynamic_cast\b", "ask the interface instead", []),
    (r"\.detach\(", "keep the promise in a TaskSet", []),
    (r"\bstd::rand\b|(?<![\w:.])s?rand\(", "take an Entropy, or a seeded generator in a test", []),
    (r"\b(gettimeofday|clock_gettime|std::time)\(|\btime\(nullptr\)", "take a Clock",
     ["server/main", "tools", "bench", "client/example", "tests"]),
    (r"\bsystem_clock\b|\bsteady_clock\b", "take a Clock", ["server/main", "tools", "bench", "client/example", "tests"]),
    (r"\b(u?sleep|nanosleep|sleep_for|sleep_until)\(", "wait for the event itself", ["bench"]),
    (r"\bMutexGuarded\b", "use std::mutex: the race detector cannot look into kj's", []),
    (r"\bstd::thread\b(?!::)|\bpthread_create\(|\bkj::Thread\b", "threads belong to main, the work pool and the engines",
     ["engine/base/thread_work_pool.h", "engine/base/thread_work_pool.cc", "server/main", "backends/rocksdb",
      "backends/native/background_free.h", "backends/native/background_free.cc", "tools", "bench", "tests"]),
    (r"\bstd::(cout|cerr)\b", "return it, or log it", ["tools", "bench", "tests"]),
    (r"#include <gflags/", "flags are read in one place", ["server/main", "tools", "bench", "tests/unit/tools"]),
    (r"#include <glog/", "log through kj", ["server/main", "tools"]),
    (r"#include <rocksdb/", "only the RocksDB engine sees RocksDB", ["backends/rocksdb", "bench", "tests"]),
    (r"\b(DISABLED_\w|GTEST_SKIP)", "a test that does not run is no test", []),
    (r"\b(TODO|FIXME|XXX)\b", "do it, or open an issue", []),
]

SOURCE = re.compile(r"\.(h|cc)$")
FUNCTION_START = re.compile(r"^[A-Za-z_].*\)\s*(const|noexcept(\(\w+\))?|override|final|mutable|\s)*(->[^{]*)?\{$|^\w.*\)\s*:?.*\{$")


def layer_of(path):
    best = None
    for layer in LAYERS:
        if path.startswith(layer + "/") and (best is None or len(layer) > len(best)):
            best = layer
    return best


def without_comments_and_strings(line):
    line = re.sub(r'"(\\.|[^"\\])*"', '""', line)
    return re.sub(r"//.*", "", line)


class Tidy:
    def __init__(self):
        self.breaches = []

    def breach(self, path, line, what):
        self.breaches.append(f"{path}:{line}: {what}")

    def check_source(self, path, text):
        lines = text.split("\n")
        if len(lines) - 1 > FILE_LINES_MAX:
            self.breach(path, FILE_LINES_MAX, f"{len(lines) - 1} lines; split it by noun ({FILE_LINES_MAX} at most)")
        if path.endswith(".h") and "#pragma once" not in text:
            self.breach(path, 1, "a header begins with #pragma once")
        for number, line in enumerate(lines, 1):
            if len(line) > LINE_CHARACTERS_MAX:
                self.breach(path, number, f"{len(line)} characters ({LINE_CHARACTERS_MAX} at most)")
            if line != line.rstrip() or "\t" in line:
                self.breach(path, number, "a tab, or a blank at the end of a line")
            self.check_include(path, number, line)
            self.check_banned(path, number, line)
        self.check_functions(path, lines)

    def check_include(self, path, number, line):
        found = re.match(r'#include "([^"]+)"', line)
        if not found:
            return
        own, other = layer_of(path), layer_of(found.group(1))
        if other is None:
            self.breach(path, number, f'"{found.group(1)}" is not a path from the top of the tree')
            return
        if own is None or own == other:
            return
        allowed = other in ONLY[own] if own in ONLY else LAYERS.index(other) < LAYERS.index(own)
        if not allowed:
            self.breach(path, number, f"{own} may not include {other}")

    def check_banned(self, path, number, line):
        code = without_comments_and_strings(line) if not line.startswith("#include") else line
        for pattern, instead, exempt in BANNED:
            where = line if "TODO" in pattern else code
            if re.search(pattern, where) and not any(path == e or path.startswith(e + "/") for e in exempt):
                self.breach(path, number, f"{re.search(pattern, where).group(0).strip()}: {instead}")

    def check_functions(self, path, lines):
        """Functions at the outermost level: from a line that opens one to the '}' in the first column."""
        start = None
        for number, line in enumerate(lines, 1):
            if start is None and line.endswith("{") and line[:1] not in (" ", "}", "#", "/", "") and re.search(r"\)", line):
                if not re.match(r"(namespace|class|struct|enum|union|extern)\b", line):
                    start = number
            elif start is None and re.match(r"^    .*\{$", line) and number > 1 and re.match(r"^\w.*\($|^\w.*,$", lines[number - 2]):
                start = number - 1
            elif start is not None and line.startswith("}"):
                if number - start + 1 > FUNCTION_LINES_MAX:
                    self.breach(path, start, f"a function of {number - start + 1} lines ({FUNCTION_LINES_MAX} at most)")
                start = None

    def check_type_names(self, headers):
        """A type name stands for one type in its namespace, over all headers: two would silently be mixed up when linked."""
        defined = {}
        for path, text in headers:
            namespaces = re.findall(r"^namespace ([\w:]+) \{", text, re.M)
            for found in re.finditer(r"^(?:struct|class|union|enum class|enum) (\w+)(?: final)?\s*(?::(?!:)[^;{(]*)?\{", text, re.M):
                name = (namespaces[0] if namespaces else "") + "::" + found.group(1)
                line = text.count("\n", 0, found.start()) + 1
                if name in defined:
                    self.breach(path, line, f"{name} is defined in {defined[name]} too")
                defined.setdefault(name, path)

    def check_built(self, path, cmake_texts):
        """Every .cc stands in the CMakeLists.txt of its folder or of one above it."""
        folder = os.path.dirname(path)
        name = path
        while True:
            text = cmake_texts.get(os.path.join(folder, "CMakeLists.txt") if folder else "CMakeLists.txt")
            if text is not None:
                relative = os.path.relpath(name, folder) if folder else name
                if re.search(r"(^|[\s(\"/])" + re.escape(relative) + r"($|[\s)\"])", text):
                    return
            if not folder:
                break
            folder = os.path.dirname(folder)
        self.breach(path, 1, "no CMakeLists.txt builds this file")

    def check_readmes(self, files):
        present = set(files)
        for layer in LAYERS:
            sources = [f for f in files if f.startswith(layer + "/") and SOURCE.search(f)]
            if sources and layer + "/README.md" not in present:
                self.breach(layer, 1, "a folder of sources has a README.md")

    def check_flags(self, options, settings):
        """Every flag of cambiumd is a config that tools can read of a running broker."""
        for flag in re.findall(r"^DEFINE_\w+\(\s*(\w+),", options, re.M):
            if f'"{flag}"_kj' not in settings:
                self.breach("engine/broker/broker_settings.cc", 1, f"--{flag} is no config: give it a name there")


def tracked(root):
    out = subprocess.run(["git", "-C", root, "ls-files", "--cached", "--others", "--exclude-standard"], check=True,
                         capture_output=True, text=True).stdout
    return [f for f in out.split("\n") if f and os.path.isfile(os.path.join(root, f))]


def check_tree(root):
    tidy = Tidy()
    files = tracked(root)
    cmake = {}
    for path in files:
        if os.path.basename(path) == "CMakeLists.txt":
            cmake[path] = open(os.path.join(root, path), encoding="utf-8").read()
    sources = [f for f in files if SOURCE.search(f)]
    for path in sources:
        tidy.check_source(path, open(os.path.join(root, path), encoding="utf-8").read())
        if path.endswith(".cc") and not path.startswith("client/example/"):
            tidy.check_built(path, cmake)
    tidy.check_type_names([(f, open(os.path.join(root, f), encoding="utf-8").read()) for f in sources
                           if f.endswith(".h") and not f.startswith("tests/")])
    tidy.check_readmes(files)
    tidy.check_flags(*(open(os.path.join(root, f), encoding="utf-8").read()
                       for f in ("server/main/options.cc", "engine/broker/broker_settings.cc")))
    print("\n".join(tidy.breaches) if tidy.breaches else f"{len(sources)} sources are tidy")
    return 1 if tidy.breaches else 0


CANARIES = [
    ("engine/base/x.h", "int x;\n", "#pragma once"),
    ("engine/base/x.cc", "x\n" * 801, "801 lines"),
    ("engine/base/x.cc", "// " + "x" * 118 + "\n", "121 characters"),
    ("engine/base/x.cc", '#include "engine/record/record.h"\n', "engine/base may not include engine/record"),
    ("backends/native/x.cc", '#include "engine/partition/partition.h"\n', "backends/native may not include"),
    ("server/rpc/x.cc", '#include "server/main/options.h"\n', "server/rpc may not include"),
    ("engine/base/x.cc", "int f() {\n" + "  g();\n" * 70 + "}\n", "a function of 72 lines"),
    ("engine/base/x.cc", "  sleep(1);\n", "wait for the event itself"),
    ("engine/base/x.cc", "  auto* y = dynamic_cast<Y*>(x);\n", "ask the interface"),
    ("tests/unit/x.cc", "TEST(A, DISABLED_b) {\n}\n", "no test"),
    ("engine/base/x.cc", "// TODO: later\n", "do it"),
    ("engine/base/x.cc", "int x; \n", "a blank at the end"),
    ("server/rpc/x.cc", "#include <rocksdb/db.h>\n", "only the RocksDB engine"),
]


def check_canaries():
    missed = 0
    for path, text, expected in CANARIES:
        tidy = Tidy()
        tidy.check_source(path, text)
        if not any(expected in b for b in tidy.breaches):
            print(f"not noticed: {expected} ({path}); found {tidy.breaches}")
            missed += 1
    tidy = Tidy()
    tidy.check_built("engine/base/lost.cc", {"engine/base/CMakeLists.txt": "found.cc\n"})
    missed += 0 if tidy.breaches else 1
    tidy = Tidy()
    tidy.check_type_names([(f"{folder}/x.h", "namespace cambium {\nstruct Entry {\n};\n}\n") for folder in ("engine", "tools")])
    missed += 0 if tidy.breaches else 1
    tidy = Tidy()
    tidy.check_flags('DEFINE_bool(lost,\n', '"found"_kj')
    missed += 0 if tidy.breaches else 1
    print(f"{len(CANARIES) + 3 - missed} of {len(CANARIES) + 3} breaches noticed")
    return 1 if missed else 0


if __name__ == "__main__":
    if sys.argv[1:] == ["--canary"]:
        sys.exit(check_canaries())
    sys.exit(check_tree(sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(__file__), "..", "..")))
