"""The places at which a sweep has killed the agent (base/crashpoint.h)."""

PLACES_MAX = 200  # more would mean that the sweep never ends


def assert_swept(places, lanes, at_least, first=1, step=1):
    """Each step-th place from `first` on, up to at least that one, is among them. Only of the last few may some be missing:
    how often an update is looked at, and so how many places there are, differs by a few from run to run, and so does where
    each of the lanes finds no more of them."""
    missing = next(place for place in range(first, PLACES_MAX, step) if place not in places)
    assert missing > at_least, f"the sweep found hardly any place: is this the test build? {sorted(places)}"
    assert max(places) < missing + 8 * lanes * step, f"more than the last few are missing: {sorted(places)}"
