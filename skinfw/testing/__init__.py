"""Tests for plugins: what a component of each kind promises, as checks that anybody can run.

`conformance` makes a pytest test of them, `skinfw check-plugin` a table. Lies above everything but
the command line; torch is used throughout.
"""

from skinfw.testing.cases import Case as Case
from skinfw.testing.cases import Outcome as Outcome
from skinfw.testing.cases import Status as Status
from skinfw.testing.cases import grade as grade
from skinfw.testing.cases import plugin_cases as plugin_cases
from skinfw.testing.check import Check as Check
from skinfw.testing.checks import CHECKS as CHECKS
from skinfw.testing.conformance import conformance as conformance
