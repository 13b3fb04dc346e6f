"""A component whose extra is not installed."""

import library_of_an_extra  # type: ignore[import-not-found]

Remote = library_of_an_extra.Remote
