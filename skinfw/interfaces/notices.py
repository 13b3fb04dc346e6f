"""What must be known before any answer of any network is believed, wherever it is shown."""

NOTICE = "Research software, not a medical device: no answer may decide about a patient."

NETWORK_LIMITS = (
    "It answers one of its classes for every image, even for one that shows none of them.",
    "It has seen the cameras, the skin types and the clinics of its data set, and no others.",
)
"""Of every network, whatever it was trained on."""
