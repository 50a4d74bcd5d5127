"""Feeds compile_budget.py logs and sees what it says of them."""
import unittest

import compile_budget

REFERENCE = "1.900 0.100 tests/style/reference_unit.cpp.o"


def names_over_the_budget(*lines):
    return [name for name, _ in compile_budget.too_dear(compile_budget.costs(lines))]


class CompileBudget(unittest.TestCase):
    def test_a_unit_over_the_budget_is_named(self):
        self.assertEqual(names_over_the_budget(REFERENCE, "10.100 0.000 a.cpp.o", "9.800 0.100 b.cpp.o"), ["a.cpp.o"])

    def test_a_busy_machine_makes_no_unit_dearer(self):
        slow = "3.800 0.200 tests/style/reference_unit.cpp.o"
        self.assertEqual(names_over_the_budget(slow, "19.000 0.500 a.cpp.o"), [])
        self.assertEqual(names_over_the_budget(slow, "20.000 0.500 a.cpp.o"), ["a.cpp.o"])

    def test_the_slowest_reference_counts(self):
        slow = "3.800 0.200 tests/style/late/reference_unit.cpp.o"
        self.assertEqual(names_over_the_budget(REFERENCE, slow, "19.000 0.500 a.cpp.o"), [])
        self.assertEqual(names_over_the_budget(slow, REFERENCE, "19.900 0.500 a.cpp.o"), ["a.cpp.o"])

    def test_the_last_compilation_counts_and_none_from_the_cache(self):
        self.assertEqual(names_over_the_budget(REFERENCE, "30.000 0.100 a.cpp.o", "2.000 0.100 a.cpp.o"), [])
        self.assertEqual(names_over_the_budget(REFERENCE, "30.000 0.100 a.cpp.o", "0.010 0.010 a.cpp.o"), ["a.cpp.o"])

    def test_precompiled_headers_are_no_unit(self):
        self.assertEqual(names_over_the_budget(REFERENCE, "30.000 0.100 a.dir/cmake_pch.hxx.gch"), [])

    def test_without_a_reference_nothing_is_known(self):
        self.assertIsNone(compile_budget.too_dear(compile_budget.costs(["30.000 0.100 a.cpp.o"])))


if __name__ == "__main__":
    unittest.main()
