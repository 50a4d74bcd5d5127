#!/usr/bin/env python3
"""Holds the tree to its rules: sizes, who may include whom, banned calls. Prints `file:line: rule: what to do`.

usage: check_style.py [ROOT]      exit status 1 when a rule is broken
"""
import collections
import fnmatch
import os
import re
import sys

from class_sizes import class_sizes, classes_defined, too_large
from cpp_text import function_lengths, without_comments_and_strings

TOP_DIRECTORIES = ["plugin_sdk", "host", "runner", "backends", "plugins", "tests", "tools"]
SKIPPED_DIRECTORIES = {".git", "build", "corpus", "__pycache__"}
CODE = (".cpp", ".hpp", ".h", ".c")

FILE_LINES_MAX = 400
LINE_COLUMNS_MAX = 120
LINE_LENGTH_EXEMPT = ["*/flame_abi*.h"]  # frozen byte for byte, see tests/abi_compat
FUNCTION_LINES_MAX = 70
README_LINES_MAX = 40
README_LINES_MORE = {"host": 80, "runner": 80}  # each has four walks through its folders

# Which top directories the code of one may include. Host headers are installed as <flame/...>, see host_header().
MAY_INCLUDE = {
    "plugins": {"plugins"},
    "plugin_sdk": {"plugin_sdk"},
    "host": {"host", "plugin_sdk"},
    "runner": {"runner", "plugin_sdk"},
    "backends": {"backends", "plugin_sdk"},
    "tools": set(TOP_DIRECTORIES) - {"tests"},
    "tests": set(TOP_DIRECTORIES),
}
# Which folders beside itself the code of a folder may include: one way only. ".": what lies at the top, and composes.
FOLDERS = {
    "host/src": {
        "policy": set(),
        "config": set(),
        "calls": {"policy"},
        "plugins": {"policy"},
        "trace": {"policy"},
        "transport": {"policy", "calls"},
        "control": {"policy", "calls", "trace"},
        "api": {"policy", "calls", "plugins"},
        "loop": {"policy", "calls", "plugins", "trace", "transport", "control", "api"},
        "setup": {"policy", "calls", "plugins", "trace", "transport", "control", "api", "loop", "config"},
    },
    "runner": {
        "protocol": set(),
        "policy": {"protocol"},
        "os": {"policy"},
        "link": {"policy", "os"},
        "slots": {"protocol"},  # the host drives slots by it, too
        "processes": {"policy", "os", "protocol", "slots"},
        "plugins": {"policy", "os", "link", "slots", "processes"},
        "calls": {"policy", "os", "link", "slots", "processes", "plugins"},
        ".": {"policy", "os", "link", "slots", "processes", "plugins", "calls"},
        "slot": {"protocol"},
        "zygote": {"protocol", "slot"},
    },
}
# policy/ decides: it knows no clock, socket, thread or file.
POLICY = ["host/src/policy/*", "runner/policy/*"]
POLICY_BANNED = re.compile(
    r"^((atomic|barrier|condition_variable|csignal|cstdio|ctime|filesystem|fstream|future|iostream|latch|mutex|"
    r"semaphore|shared_mutex|stop_token|thread)$|(sys/(?!types\.h)|linux/|net|arpa/)|"
    r"(fcntl|poll|pthread|sched|signal|time|unistd)\.h$|plugin_sdk/base/(boot_time|cgroup|event_fd|file|fork_guard|"
    r"line_writer|log|mailbox|shortage|signal_mask|spawn|unique_fd)\.hpp)")
# Public host headers that others than hosts may include: backends implement one interface.
HOST_HEADERS_FOR = {"backends": {"backend.hpp"}, "host": None, "tools": None, "tests": None}

# (what, pattern of the included header, files that may include it, reason)
CONTAINED = [
    ("Boost.DLL", r"boost/dll", ["runner/zygote/loader.cpp"], "only the zygote loads plugins"),
    ("ZeroMQ", r"zmq\.h", ["host/src/transport/router.cpp", "host/src/transport/zap.cpp", "host/src/transport/zmq_*",
                           "runner/link/dealer.cpp", "tools/flame/bench/*", "tests/*"],
     "only the two transports know sockets"),
    ("libcurl", r"curl/", ["backends/fly/*", "tests/unit/backends/*"], "only the Fly HTTP client uses it"),
    ("toml++", r"toml\+\+/", ["host/src/config/*", "plugin_sdk/manifest/manifest.cpp", "tests/*"],
     "only configuration and manifest are TOML"),
    ("FlatBuffers", r"flatbuffers/|_generated\.h", ["plugin_sdk/wire/*", "tests/*"], "only the wire uses it"),
    ("nlohmann/json", r"nlohmann/", ["host/src/control/json.hpp", "tools/flame/*", "tests/*"],
     "only the control socket and the command speak JSON"),
    ("spdlog", r"spdlog/", ["plugin_sdk/base/log.cpp", "tests/*"], "log through plugin_sdk/base/log.hpp"),
]

# (pattern, files that may use it, remedy)
BANNED = [
    (r"\b(?:std::)?system\s*\(\s*[\"\w]", ["tests/integration/edge/*_tasks.cpp"],
     "use plugin_sdk/base/spawn.hpp"),
    (r"(?<![\w.>])dlclose\s*\(", ["tests/unit/plugin_sdk/plugin/*"], "nothing is ever unloaded"),
    (r"\bs?rand\s*\(", [], "use <random>"),
    (r"\b(?:sleep_for|sleep_until|usleep|nanosleep)\s*\(", ["tests/support/eventually.hpp", "tests/fixtures/*"],
     "wait for a condition (tests/support/eventually.hpp)"),
    # executor.cpp: its destructor may run on one of its own threads, which cannot join itself.
    # line_writer.cpp: a thread in a write to a disk that hangs may never end.
    (r"\bthread\b[^;\n]*\.detach\s*\(", ["tests/fixtures/*", "tests/integration/edge/*_tasks.cpp",
                                             "host/src/calls/executor.cpp", "plugin_sdk/base/line_writer.cpp"],
     "join threads"),
    (r"\bgetenv\s*\(", ["plugin_sdk/base/log.cpp", "runner/os/guardian.cpp", "runner/os/log.cpp",
                        "runner/plugins/plugin_store.cpp", "backends/*", "host/src/setup/running_host.cpp",
                        "host/src/config/secret.cpp",
                        "host/src/setup/runtime_dir.cpp", "tools/flame/*", "tests/*"], "pass it in as an option"),
    (r"\b(?:GTEST_SKIP|DISABLED_\w+)", [], "a test runs or does not exist"),
    (r"\bFLAME_ASSERT\(.*(?:[.>](?:insert|erase|(?:try_)?emplace\w*|push\w*|pop\w*|extract|receive)\(|"
     r"\bsend\w*\(|::exchange\(|\+\+|--|[^=!<>]=[^=])", [], "an assertion changes nothing: act, then assert"),
    (r"\bPR_SET_PDEATHSIG\b", ["runner/*", "tests/*"], "never on a runner: a backend thread's end would kill it"),
]
# One dialect: a body of one statement that fits beside its head has no braces. (EXPECT_ and ASSERT_ hide an else.)
BRACES = re.compile(r"^( *)((?:if|for|while) (?:constexpr )?\([^\n]*\)) \{\n"
                    r"\1  (?!(?:if|for|while) |EXPECT_|ASSERT_)([^\n\\]*;)\n\1\}\n(?! *else)", re.MULTILINE)
LEFTOVER = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")

PUBLIC = ["plugin_sdk/include/*", "host/include/*"]
PUBLIC_BANNED = re.compile(
    r"^(flatbuffers/|zmq|boost/asio|asio|functional$|iostream$|filesystem$|regex$|thread$|mutex$)")
# (file, header, reason)
PUBLIC_EXCEPTIONS = {
    ("host/include/flame/asio.hpp", "boost/asio"),  # its purpose
}

INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]')
USING_NAMESPACE = re.compile(r"^using\s+namespace\s+(?!std::(?:\w+::)*\w*literals)\w")


def matches(path, patterns):
    return any(fnmatch.fnmatch(path, pattern) for pattern in patterns)


class Checker:
    def __init__(self, root):
        self.root = root
        self.problems = []
        self.classes = {}  # name: [path, line, data members, functions]
        self.sources = collections.defaultdict(set)  # (top, name of a class): sources that define its functions
        self.host_headers = {name for name in self._names("host/include/flame")} - \
                            {name for name in self._names("plugin_sdk/include/flame")}

    def _names(self, directory):
        path = os.path.join(self.root, directory)
        return os.listdir(path) if os.path.isdir(path) else []

    def report(self, path, line, rule, text):
        self.problems.append(f"{path}:{line}: {rule}: {text}")

    def run(self):
        for top in TOP_DIRECTORIES:
            if not os.path.isdir(os.path.join(self.root, top)):
                continue
            self.check_readme(top)
            for path in self._files(top):
                with open(os.path.join(self.root, path), encoding="utf-8", errors="replace") as file:
                    self.check_file(path, file.read())
        self.check_classes()
        self.check_gate()
        return self.problems

    def check_classes(self):
        for name, (path, line, data, functions) in sorted(self.classes.items()):
            problem = too_large(name, (data, functions, len(self.sources[path.split("/")[0], name])))
            if problem:
                self.report(path, line, "class-size", problem)

    def check_gate(self):
        path = ".ci/run"
        if not os.path.isfile(os.path.join(self.root, path)):
            return
        with open(os.path.join(self.root, path), encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                if "--repeat" in line:
                    self.report(path, number, "gate", "a test that fails once fails the gate: find the race")

    def _files(self, top):
        for directory, subdirectories, names in os.walk(os.path.join(self.root, top)):
            subdirectories[:] = sorted(d for d in subdirectories if d not in SKIPPED_DIRECTORIES)
            for name in sorted(names):
                if name.endswith(CODE) or name.endswith(".py"):
                    yield os.path.relpath(os.path.join(directory, name), self.root)

    def check_readme(self, top):
        path = os.path.join(top, "README.md")
        try:
            with open(os.path.join(self.root, path), encoding="utf-8") as file:
                lines = len(file.readlines())
        except FileNotFoundError:
            self.report(path, 1, "readme", "each top directory has a README")
            return
        most = README_LINES_MORE.get(top, README_LINES_MAX)
        if lines > most:
            self.report(path, lines, "readme", f"{lines} lines, at most {most}")

    def check_file(self, path, text):
        lines = text.split("\n")
        self.check_sizes(path, lines)
        for number, line in enumerate(lines, 1):
            if LEFTOVER.search(line) and not path.startswith("tests/style/"):
                self.report(path, number, "leftover", "finish it or write down why it is so")
        if not path.endswith(CODE):
            return
        if not lines[0].startswith(("//", "/*")):
            self.report(path, 1, "first-line", "start with a comment: what is this file responsible for?")
        code = without_comments_and_strings(text)
        self.check_functions(path, code)
        self.check_calls(path, code)
        self.check_braces(path, text)
        self.count_classes(path, code)
        for number, line in enumerate(lines, 1):
            found = INCLUDE.match(line)
            if found:
                self.check_include(path, number, found.group(1), found.group(2))

    def check_sizes(self, path, lines):
        if len(lines) - 1 > FILE_LINES_MAX:
            self.report(path, len(lines) - 1, "file-length", f"at most {FILE_LINES_MAX} lines: split it")
        for number, line in enumerate(lines, 1):
            if len(line) > LINE_COLUMNS_MAX and not matches(path, LINE_LENGTH_EXEMPT):
                self.report(path, number, "line-length", f"{len(line)} columns, at most {LINE_COLUMNS_MAX}")

    def check_functions(self, path, code):
        for line, length in function_lengths(code):
            if length > FUNCTION_LINES_MAX:
                self.report(path, line, "function-length", f"{length} lines, at most {FUNCTION_LINES_MAX}: split it")

    def check_braces(self, path, text):
        if matches(path, LINE_LENGTH_EXEMPT + ["tests/abi_compat/frozen_*"]):  # byte for byte
            return
        for found in BRACES.finditer(text):
            indent, head, body = found.groups()
            if "//" not in head + body and len(f"{indent}{head} {body}") <= LINE_COLUMNS_MAX:
                self.report(path, text.count("\n", 0, found.start()) + 1, "braces", "a body of one line has none")

    def count_classes(self, path, code):
        if path.startswith("tests/") and not path.startswith("tests/sim/"):
            return  # samples of users' classes, by the same names in several places
        for name, line, data, functions in class_sizes(code):
            known = self.classes.setdefault(name, [path, line, 0, 0])
            if data + functions > known[2] + known[3]:
                self.classes[name] = [path, line, data, functions]
        if path.endswith(".cpp"):
            for name in classes_defined(code):
                self.sources[path.split("/")[0], name].add(path)

    def check_calls(self, path, code):
        is_header = path.endswith((".hpp", ".h"))
        for number, line in enumerate(code.split("\n"), 1):
            for pattern, allowed, remedy in BANNED:
                if re.search(pattern, line) and not matches(path, allowed):
                    self.report(path, number, "banned", f"{line.strip()[:60]}: {remedy}")
            if is_header and USING_NAMESPACE.match(line):
                self.report(path, number, "using-namespace", "not in a header")

    def check_include(self, path, number, kind, header):
        top = path.split("/")[0]
        self.check_layer(path, number, top, kind, header)
        if kind == '"':
            self.check_folder(path, number, header)
        for what, pattern, allowed, reason in CONTAINED:
            if re.match(pattern, header) and not matches(path, allowed):
                self.report(path, number, "contained", f"{what} is included here: {reason}")
        if matches(path, POLICY) and POLICY_BANNED.match(header):
            self.report(path, number, "policy", f"{header}: policy/ knows no clock, socket, thread or file")
        if matches(path, PUBLIC) and PUBLIC_BANNED.match(header):
            if not any(path == file and header.startswith(name) for file, name in PUBLIC_EXCEPTIONS):
                self.report(path, number, "public-include", f"<{header}> in a public header")

    def check_layer(self, path, number, top, kind, header):
        target = header.split("/")[0]
        if kind == '"' and target in TOP_DIRECTORIES and target not in MAY_INCLUDE[top]:
            self.report(path, number, "layer", f"{top} must not include {target}")
        if matches(path, ["plugin_sdk/include/*"]) and kind == '"' and target == "plugin_sdk":
            self.report(path, number, "layer", "include public headers as <flame/...>, nothing else of plugin_sdk")
        if kind == "<" and header.startswith("flame/") and header[6:] in self.host_headers:
            allowed = HOST_HEADERS_FOR.get(top, set())
            if allowed is not None and header[6:] not in allowed:
                self.report(path, number, "layer", f"{top} must not include the host's <{header}>")

    def check_folder(self, path, number, header):
        for root, folders in FOLDERS.items():
            if path.startswith(root + "/") and header.startswith(root + "/"):
                source, target = (os.path.dirname(name)[len(root) + 1:].split("/")[0] or "." for name in (path, header))
                if source != target and target not in folders.get(source, set()):
                    self.report(path, number, "layer", f"{root}: {source} must not include {target} (FOLDERS)")


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else os.getcwd()
    problems = Checker(root).run()
    print("\n".join(problems) if problems else "style: no problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
