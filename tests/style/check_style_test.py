"""Feeds check_style.py trees that break one rule each and sees that rule fire, and no rule on a good tree."""
import os
import subprocess
import sys
import tempfile
import unittest

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "check_style.py")
TOPS = ["plugin_sdk", "host", "runner", "backends", "plugins", "tests", "tools"]


def run_on(files):
    """Exit status and output of a run on a tree that has the READMEs and `files` {path: text}."""
    with tempfile.TemporaryDirectory() as root:
        everything = {f"{top}/README.md": "# x\n" for top in TOPS}
        everything["host/include/flame/host.hpp"] = "// Host.\n"
        everything["host/include/flame/backend.hpp"] = "// Backend.\n#include <memory>\n"
        everything.update(files)
        for path, text in everything.items():
            if text is None:
                continue
            full = os.path.join(root, path)
            os.makedirs(os.path.dirname(full), exist_ok=True)
            with open(full, "w", encoding="utf-8") as file:
                file.write(text)
        done = subprocess.run([sys.executable, SCRIPT, root], capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr


class CheckStyle(unittest.TestCase):
    def assert_fires(self, rule, path, text):
        status, output = run_on({path: text})
        self.assertEqual(status, 1, output)
        self.assertIn(f": {rule}: ", output)
        self.assertIn(path + ":", output)
        self.assertEqual(len(output.strip().split("\n")), 1, "exactly one rule fires: " + output)

    def assert_quiet(self, path, text):
        status, output = run_on({path: text})
        self.assertEqual((status, output.strip()), (0, "style: no problems"))

    def test_a_good_tree_has_no_problems(self):
        self.assert_quiet("host/src/a.cpp", '// A.\n#include "host/src/b.hpp"\nvoid f() {\n}\n')

    def test_long_files_lines_and_functions(self):
        self.assert_fires("file-length", "host/src/a.cpp", "// A.\n" * 401)
        self.assert_quiet("host/src/a.cpp", "// A.\n" * 400)
        self.assert_fires("line-length", "host/src/a.cpp", "// A.\n// " + "x" * 118 + "\n")
        self.assert_quiet("host/src/a.cpp", "// A.\n// " + "ü" * 117 + "\n")
        body = "  g();\n"
        self.assert_fires("function-length", "host/src/a.cpp", "// A.\nvoid f() {\n" + body * 69 + "}\n")
        self.assert_quiet("host/src/a.cpp", "// A.\nvoid f() {\n" + body * 68 + "}\n")

    def test_a_body_of_one_line_has_no_braces(self):
        for head in ["if (a)", "for (int i : a)", "while (next())", "if constexpr (a)"]:
            body = "void f() {\n  " + head + " {\n    g();\n  }\n"
            self.assert_fires("braces", "host/src/a.cpp", "// A.\n" + body + "}\n")
            self.assert_quiet("host/src/a.cpp", "// A.\n" + body.replace("g()", "g" * 110 + "()") + "}\n")
        self.assert_quiet("host/src/a.cpp", "// A.\nvoid f() {\n  if (a) {\n    g();\n  } else {\n    h();\n  }\n}\n")
        self.assert_quiet("host/src/a.cpp", "// A.\nvoid f() {\n  for (;;) {\n    if (a) g();\n  }\n}\n")

    def test_functions_inside_classes_are_counted_and_classes_are_not(self):
        body = "    g();\n"
        self.assert_fires("function-length", "host/src/a.cpp",
                          "// A.\nnamespace n {\nstruct S : public T {\n  int f(int a) const {\n" + body * 69 +
                          "  }\n};\n}\n")
        self.assert_quiet("host/src/a.cpp", "// A.\nstruct S {\n" + "  void f() {\n  }\n\n\n" * 30 + "};\n")

    def test_braces_in_strings_and_comments_do_not_count(self):
        text = "// A.\nvoid f() {\n  g('{', \"{\", R\"({)\");  // {\n  /* { */ h(1'000);\n}\n" + "void k() {\n}\n" * 50
        self.assert_quiet("host/src/a.cpp", text)

    def test_layers(self):
        for path, header in [("plugins/a.cpp", '"host/src/x.hpp"'), ("plugins/a.cpp", '"plugin_sdk/base/log.hpp"'),
                             ("plugins/a.cpp", "<flame/host.hpp>"), ("host/src/a.cpp", '"runner/x.hpp"'),
                             ("host/src/a.cpp", '"backends/local/x.hpp"'), ("runner/a.cpp", '"host/src/x.hpp"'),
                             ("runner/a.cpp", "<flame/host.hpp>"), ("backends/a.cpp", "<flame/host.hpp>"),
                             ("backends/a.cpp", '"host/src/x.hpp"'), ("backends/a.cpp", '"runner/x.hpp"'),
                             ("plugin_sdk/base/a.cpp", '"host/src/x.hpp"'), ("host/src/a.cpp", '"tests/x.hpp"'),
                             ("plugin_sdk/include/flame/a.hpp", '"plugin_sdk/base/log.hpp"')]:
            with self.subTest(path=path, header=header):
                self.assert_fires("layer", path, f"// A.\n#include {header}\n")
        for path, header in [("plugins/a.cpp", "<flame/plugin.hpp>"), ("host/src/a.cpp", '"plugin_sdk/base/log.hpp"'),
                             ("backends/a.cpp", "<flame/backend.hpp>"), ("runner/a.cpp", '"runner/x.hpp"'),
                             ("tools/a.cpp", '"host/src/x.hpp"'), ("tests/a.cpp", '"runner/x.hpp"')]:
            with self.subTest(path=path, header=header):
                self.assert_quiet(path, f"// A.\n#include {header}\n")

    def test_folders_include_each_other_one_way(self):
        for path, header in [("host/src/policy/a.cpp", "host/src/loop/x.hpp"),
                             ("host/src/transport/a.cpp", "host/src/loop/x.hpp"),
                             ("runner/policy/a.cpp", "runner/os/x.hpp"), ("runner/slots/a.cpp", "runner/slot/x.hpp"),
                             ("runner/slots/a.cpp", "runner/policy/x.hpp"), ("runner/slots/a.cpp", "runner/os/x.hpp"),
                             ("runner/slot/a.cpp", "runner/slots/x.hpp"), ("runner/os/a.cpp", "runner/supervisor.hpp"),
                             ("runner/a.cpp", "runner/slot/x.hpp"), ("runner/new/a.cpp", "runner/os/x.hpp")]:
            with self.subTest(path=path, header=header):
                self.assert_fires("layer", path, f'// A.\n#include "{header}"\n')
        for path, header in [("host/src/loop/a.cpp", "host/src/policy/x.hpp"), ("runner/a.cpp", "runner/calls/x.hpp"),
                             ("runner/zygote/a.cpp", "runner/slot/x.hpp"),
                             ("runner/slots/a.cpp", "runner/slots/x.hpp")]:
            with self.subTest(path=path, header=header):
                self.assert_quiet(path, f'// A.\n#include "{header}"\n')

    def test_policies_know_nothing_of_the_world(self):
        for header in ["<thread>", "<mutex>", "<atomic>", "<fstream>", "<sys/socket.h>", "<unistd.h>",
                       '"plugin_sdk/base/boot_time.hpp"', '"plugin_sdk/base/log.hpp"']:
            with self.subTest(header=header):
                self.assert_fires("policy", "runner/policy/a.cpp", f"// A.\n#include {header}\n")
        for header in ["<sys/types.h>", "<map>", '"plugin_sdk/base/clock.hpp"', '"plugin_sdk/wire/messages.hpp"']:
            with self.subTest(header=header):
                self.assert_quiet("host/src/policy/a.hpp", f"// A.\n#include {header}\n")
        self.assert_quiet("runner/os/a.cpp", "// A.\n#include <unistd.h>\n")

    def test_third_party_libraries_are_contained(self):
        for path, header in [("runner/supervisor.cpp", "boost/dll/shared_library.hpp"),
                             ("host/src/pool.cpp", "zmq.hpp"),
                             ("host/src/pool.cpp", "zmq.h"), ("backends/local/a.cpp", "curl/curl.h"),
                             ("host/src/pool.cpp", "toml++/toml.h"), ("host/src/pool.cpp", "flatbuffers/idl.h"),
                             ("runner/a.cpp", "spdlog/spdlog.h")]:
            with self.subTest(path=path, header=header):
                self.assert_fires("contained", path, f"// A.\n#include <{header}>\n")
        self.assert_quiet("runner/zygote/loader.cpp", "// A.\n#include <boost/dll/shared_library.hpp>\n")
        self.assert_quiet("runner/link/dealer.cpp", "// A.\n#include <zmq.hpp>\n")

    def test_large_classes(self):
        many = "".join(f"  int member_{i}_ = 0;\n" for i in range(16))
        self.assert_fires("class-size", "host/src/a.hpp", "// A.\nclass A {\n" + many + "};\n")
        self.assert_quiet("host/src/a.hpp", "// A.\nstruct A {\n" + many + "};\n")  # plain data
        self.assert_fires("class-size", "host/src/a.hpp", "// A.\nstruct A {\n" + many + "  void f();\n};\n")
        functions = "".join(f"  [[nodiscard]] std::map<int, int> f{i}(int a, int b = 1) const;\n" for i in range(36))
        self.assert_fires("class-size", "runner/a.hpp", "// A.\nclass A final : public B {\n" + functions + "};\n")
        with self.subTest("in three sources"):
            status, output = run_on({"host/src/a.hpp": "// A.\nclass A {\n  void f();\n};\n"} |
                                    {f"host/src/{n}.cpp": f"// A.\nvoid A::f{n}() {{\n}}\n" for n in "xyz"})
            self.assertEqual(status, 1, output)
            self.assertIn("A has 3 .cpp files, at most 2", output)
        self.assert_quiet("host/src/a.hpp", "// A.\nclass A {\n  struct In {\n" + many + "  };\n"
                          "  enum class E { a, b };\n  std::function<void(int)> call_;\n"
                          "  std::vector<int> all_{1, 2};\n};\n")

    def test_large_classes_do_not_grow(self):
        many = "".join(f"  int member_{i}_ = 0;\n" for i in range(30))
        self.assert_fires("class-size", "host/src/a.hpp", "// A.\nclass PoolPolicy {\n" + many + "};\n")

    def test_banned_calls(self):
        for call in ['system("ls");', "std::system(text);", "dlclose(handle);", "int x = rand();",
                     "std::this_thread::sleep_for(1s);", "usleep(10);", "std::thread(f).detach();",
                     'getenv("X");', 'FLAME_ASSERT(map.emplace(1, 2).second, "once");',
                     'FLAME_ASSERT((size = read(fd)) > 0, "all");', 'FLAME_ASSERT(++count < 3, "few");']:
            with self.subTest(call=call):
                self.assert_fires("banned", "host/src/a.cpp", f"// A.\nvoid f() {{ {call} }}\n")
        self.assert_fires("banned", "tests/unit/a.cpp", "// A.\nvoid f() { std::this_thread::sleep_for(1s); }\n")
        self.assert_fires("banned", "tests/unit/a.cpp", "// A.\nTEST(A, B) { GTEST_SKIP(); }\n")
        self.assert_fires("banned", "tests/unit/a.cpp", "// A.\nTEST(DISABLED_A, B) {}\n")
        self.assert_fires("banned", "backends/local/a.cpp", "// A.\nvoid f() { prctl(PR_SET_PDEATHSIG, 9); }\n")
        self.assert_quiet("host/src/a.cpp",
                          "// system(x), rand() in a comment\nvoid f() { operand(); g(\"usleep(1)\"); }\n")
        self.assert_quiet("host/src/config/secret.cpp", "// A.\nvoid f() { std::getenv(name); }\n")
        self.assert_quiet("host/src/a.cpp", '// A.\nvoid f() { FLAME_ASSERT(a <= b && c == d && !e.empty(), "so"); }\n')

    def test_using_namespace_in_headers(self):
        self.assert_fires("using-namespace", "host/src/a.hpp", "// A.\nusing namespace std;\n")
        self.assert_quiet("host/src/a.cpp", "// A.\nusing namespace std;\n")
        self.assert_quiet("host/src/a.hpp", "// A.\nusing namespace std::chrono_literals;\n")
        self.assert_quiet("host/src/a.hpp", "// A.\ninline void f() {\n  using namespace wire;\n}\n")

    def test_public_headers_stay_light(self):
        for header in ["functional", "iostream", "filesystem", "regex", "thread", "mutex", "boost/asio.hpp"]:
            with self.subTest(header=header):
                self.assert_fires("public-include", "plugin_sdk/include/flame/a.hpp", f"// A.\n#include <{header}>\n")
        self.assert_quiet("host/src/a.hpp", "// A.\n#include <functional>\n")

    def test_leftovers_and_first_lines(self):
        self.assert_fires("leftover", "host/src/a.cpp", "// A.\n// " + "TO" + "DO: later\n")
        self.assert_fires("first-line", "host/src/a.cpp", "#include <vector>\n")

    def test_the_gate_tries_no_test_twice(self):
        self.assert_fires("gate", ".ci/run", "./tools/test --repeat until-pass:2\n")
        self.assert_quiet(".ci/run", "./tools/test\n")

    def test_readmes(self):
        self.assert_fires("readme", "tools/README.md", "x\n" * 41)
        self.assert_fires("readme", "host/README.md", "x\n" * 81)
        status, output = run_on({"host/README.md": None})
        self.assertEqual(status, 1)
        self.assertIn("host/README.md:1: readme: ", output)


if __name__ == "__main__":
    unittest.main()
