"""Several runs of pytest, each with an engine and a cluster of its own, take tests from one pile: the first to take a test
runs it. LANDWAITER_E2E_PILE is the directory in which each run notes its tests; without it a run takes all of them."""

import hashlib
import os

PILE = os.environ.get("LANDWAITER_E2E_PILE")


MADE_ONCE = ("image",)  # of the session, and so dear that one run makes it for all


def group_of(item):
    """Tests that share something expensive are taken together: an object that is made once, or a module's fixture with its
    parameter."""
    for name in MADE_ONCE:
        if name in item.fixturenames and not (hasattr(item, "callspec") and name in item.callspec.params):
            return name
    shared = [name for name, made in item._fixtureinfo.name2fixturedefs.items() if made[-1].scope == "module"]
    if not shared:
        return item.nodeid
    values = getattr(item, "callspec", None)
    return " ".join([item.path.name] + [f"{name}={values.params.get(name) if values else None}" for name in shared])


def groups_of(items):
    """The tests in groups, the long or so marked ones first, so that no run is left with one at the end."""
    groups = {}
    for item in items:
        groups.setdefault(group_of(item), []).append(item)
    return sorted(groups.items(), key=lambda group: group[0] not in MADE_ONCE and
                  not any(one.get_closest_marker("long") for one in group[1]))


def take(name):
    """Does this run take the test?"""
    path = os.path.join(PILE, hashlib.sha256(name.encode()).hexdigest()[:32])
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    except FileExistsError:
        return False
    return True


def taken(items):
    """Yields one test after the other, each as late as possible."""
    for name, group in groups_of(items):
        if take(name):
            yield from group


def run(session):
    """As pytest's own loop, for the tests that this run takes."""
    if session.testsfailed and not session.config.option.continue_on_collection_errors:
        raise session.Interrupted(f"{session.testsfailed} errors during collection")
    tests = taken(session.items)
    item = next(tests, None)
    while item is not None:
        following = next(tests, None)
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        if session.shouldfail:
            raise session.Failed(session.shouldfail)
        if session.shouldstop:
            raise session.Interrupted(session.shouldstop)
        item = following
    return True
