"""Run campaigns: `python -m tests.campaigns [NAME ...] [--size N] [--seed N] [--only N]`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from campaigns.campaign import all_campaigns, whole

parser = argparse.ArgumentParser(prog="python -m tests.campaigns", description=__doc__)
parser.add_argument("names", nargs="*", help="campaigns to run; none lists them")
parser.add_argument("--size", type=int, help="cases; else the campaign's own number")
parser.add_argument("--seed", type=int, default=0, help="draws other cases")
parser.add_argument("--only", type=int, help="the one case of this number")
chosen = parser.parse_args()
known = {campaign.name: campaign for campaign in all_campaigns()}
if unknown := set(chosen.names) - set(known):
    parser.error(f"no campaign is called {', '.join(unknown)}; there are {', '.join(known)}")
if not chosen.names:
    for campaign in known.values():
        print(f"{campaign.name:24} {campaign.size:>7,} cases, {campaign.sample} in the tests")
failures = 0
for name in chosen.names:
    if chosen.only is not None:
        figures = known[name].run([chosen.only], chosen.seed)
        print(*figures.failures or [figures.line(name, 0)], sep="\n")
    else:
        figures = whole(known[name], chosen.size or known[name].size, chosen.seed)
    failures += len(figures.failures)
sys.exit(1 if failures else 0)
