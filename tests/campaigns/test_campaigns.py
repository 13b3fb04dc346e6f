"""A sample of every campaign; the whole ones are run by `python -m tests.campaigns NAME`."""

import pytest

from campaigns.campaign import Campaign, all_campaigns


def _marked(campaign: Campaign):
    marks = [pytest.mark.slow] if campaign.slow else []
    return pytest.param(campaign, id=campaign.name, marks=marks)


@pytest.mark.parametrize("campaign", [_marked(own) for own in all_campaigns() if own.sample])
def test_a_sample_of_each_campaign_ends_well(campaign: Campaign) -> None:
    # Spread over the numbers, which often stand for kinds of attack one after the other.
    numbers = range(0, campaign.size, max(1, campaign.size // campaign.sample))[: campaign.sample]
    figures = campaign.run(numbers)
    assert not figures.failures, "\n".join(figures.failures)
    assert sum(figures.outcomes.values()) >= len(numbers)  # a case without an outcome tried nothing
