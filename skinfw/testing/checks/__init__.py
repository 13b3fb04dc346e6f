"""The checks, a file for each group of kinds; torch is used throughout."""

from skinfw.testing.check import Check
from skinfw.testing.checks.all_kinds import CHECK as ALL_KINDS
from skinfw.testing.checks.datasets import CHECK as DATASETS
from skinfw.testing.checks.images import CHECK as IMAGES
from skinfw.testing.checks.launchers import CHECK as LAUNCHERS
from skinfw.testing.checks.learning import CHECK as LEARNING
from skinfw.testing.checks.networks import CHECK as NETWORKS
from skinfw.testing.checks.offers import CHECK as OFFERS
from skinfw.testing.checks.results import CHECK as RESULTS
from skinfw.testing.checks.sampling import CHECK as SAMPLING

GROUPS = (OFFERS, ALL_KINDS, DATASETS, SAMPLING, IMAGES, NETWORKS, LEARNING, RESULTS, LAUNCHERS)

CHECKS: tuple[Check, ...] = tuple(check for group in GROUPS for check in group.all)
"""All checks, in the order in which they are tried."""
