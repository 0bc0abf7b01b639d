"""Windows, freezes, holds, approvals, groups, order, rules and versions, on the real engine and a clock that
the tests set."""

import pytest

from lib.wait import stays, wait_until

DAY = "2026-11-23T12:00:00Z"  # a Monday
NIGHT = {"days": ["mon", "tue", "wed", "thu", "fri"], "start": "02:00", "end": "03:00", "tz": "UTC"}
WINDOWS = {"windows": {"night": NIGHT}, "min_remaining": "5m"}


@pytest.fixture
def night(agent_of, registry):
    """night(clock=…, settings…): a started agent with the window `night` and a clock of its own."""
    def make(clock=DAY, **settings):
        return agent_of([registry], clock=clock, settings={**WINDOWS, **settings}, start=True)
    return make


class Apps:
    """Containers by name, each of an image of its own: app("db", v="v1") and so on."""

    def __init__(self, engine, images, repository):
        self.engine, self.images, self.repository = engine, images, repository

    def name(self, app, tag="stable"):
        return self.images.name(f"{self.repository}/{app}", tag)

    def make(self, app, version, tag="stable", **more):
        return self.images.make(f"{self.repository}/{app}", tag, version, **more)

    def run(self, app, tag="stable", version="v1", **labels):
        self.make(app, version, tag)
        self.engine.run(app, self.name(app, tag),
                        labels={"landwaiter." + key.replace("_", "-"): value for key, value in labels.items()})
        self.serves(app, version)

    def serves(self, app, version):
        wait_until(lambda: self.engine.serves(app) == version, 20, f"{app} serves {version}")

    def push(self, agent, app, version, tag="stable", **more):
        """A new image and its notice; returns the push and the digest."""
        digest = self.make(app, version, tag, **more)
        return agent.accepted(self.name(app, tag), digest), digest


@pytest.fixture
def apps(engine, images, repository):
    return Apps(engine, images, repository)


def newest(agent, target):
    """The newest update of docker/TARGET with its history, or None."""
    return agent.newest("docker/" + target)


def in_state(agent, target, holds, what, deadline=30):
    def look():
        agent.alive()
        update = newest(agent, target)
        return update if update and holds(update) else None
    try:
        return wait_until(look, deadline, f"{target} {what}", every=0.1)
    except AssertionError as late:
        raise AssertionError(f"{late}\n{newest(agent, target)}\n{agent.log[-4000:]}") from None


def waits(agent, target, words, until=""):
    """Waits until it is at the gate for the reason `words`, until a time that begins with `until`."""
    return in_state(agent, target, lambda update: update["result"] is None and update["stage"] == "gate" and
                    words in update["reason"] and (update["not_before"] or "").startswith(until),
                    f"waits: {words}, until {until or 'whenever'}")


def ends(agent, target, result, **more):
    return in_state(agent, target, lambda update: update["result"] == result, result, **more)


def begins(agent, target):
    return in_state(agent, target, lambda update: update["stage"] == "observe", "is observed")


def began(update):
    """The last time at which it passed the gate: RFC 3339 in UTC compares as text."""
    return [line["at"] for line in update["history"] if line["stage"] == "gate" and line["event"] == "next"][-1]


def started(engine, *names):
    return {name: (engine.inspect(name)["Id"], engine.inspect(name)["State"]["StartedAt"]) for name in names}


STORY = {  # in the order of the containers' names, which is not the one of the night
    "a-late": {"depends_on": "slow"},
    "b-late": {"depends_on": "slow"},
    "bad": {},
    "db": {},
    "slow": {"depends_on": "web,bad", "soak": "10s"},
    "web1": {"depends_on": "db", "group": "web"},
    "web2": {"depends_on": "db", "group": "web"},
}


def day_of_story(agent, apps):
    """Pushes all day, the dependents' first, twice; returns the older pushes of each."""
    old = {}
    for version in ("v2", "v3"):
        for app in STORY:
            kind = "unhealthy" if app == "bad" else "good"
            push, _ = apps.push(agent, app, version, kind=kind)
            in_state(agent, app, lambda update, push=push: update["push"] == push and update["stage"] == "gate" and
                     "waits" in update["reason"], "waits")
            old.setdefault(app, push)
    return old


def test_a_nights_story(engine, apps, night):
    for app, labels in STORY.items():
        apps.run(app, windows="night", **labels)
    agent = night(freezes=[{"name": "fair", "days": ["wed"], "start": "02:30", "duration": "12h", "tz": "UTC"}])
    before = started(engine, *STORY)

    old = day_of_story(agent, apps)
    agent.set_clock("2026-11-23T23:00:00Z")
    agent.restart()
    agent.set_clock("2026-11-24T01:59:40Z")
    for app in STORY:
        update = waits(agent, app, "window", until="2026-11-24T02:00:00.000Z")
    stays(lambda: started(engine, *STORY) == before, 1, "nothing moves before the window")
    assert {agent.status(push)["updates"][0]["result"] for push in old.values()} == {"superseded"}

    agent.set_clock("2026-11-24T01:59:59Z")
    done = {app: ends(agent, app, "updated") for app in ("db", "web1", "web2")}
    done["bad"] = ends(agent, "bad", "rolled-back")
    begins(agent, "slow")
    agent.set_clock("2026-11-24T02:57:00Z")
    for app in ("a-late", "b-late"):
        waits(agent, app, "window")
    agent.kill9()
    agent.start()
    done["slow"] = ends(agent, "slow", "updated")

    for app in ("db", "web1", "web2", "slow"):
        apps.serves(app, "v3")
    apps.serves("bad", "v1")
    assert started(engine, "bad")["bad"][0] == before["bad"][0], "the old container itself is back"
    assert min(began(update) for update in done.values()) >= "2026-11-24T02:00:00"
    assert min(began(done["web1"]), began(done["web2"])) >= done["db"]["finished"]
    first, second = sorted((done["web1"], done["web2"]), key=began)
    assert began(second) >= first["finished"], "one at a time in a group"
    assert began(done["slow"]) >= max(done[app]["finished"] for app in ("web1", "web2", "bad"))

    for app in ("a-late", "b-late"):
        update = waits(agent, app, "window", until="2026-11-25T02:00:00.000Z")
        assert apps.engine.serves(app) == "v1"
    assert {app: started(engine, app)[app] for app in ("a-late", "b-late")} == \
        {app: before[app] for app in ("a-late", "b-late")}

    agent.set_clock("2026-11-25T02:10:00Z")
    for app in ("a-late", "b-late"):
        assert ends(agent, app, "updated")["finished"] > "2026-11-25T02:10"
        apps.serves(app, "v3")

    agent.set_clock("2026-11-25T02:40:00Z")
    apps.push(agent, "db", "v4")
    update = waits(agent, "db", "freeze fair", until="2026-11-26T02:00:00.000Z")
    agent.restart()
    waits(agent, "db", "freeze fair")
    agent.set_clock("2026-11-25T15:00:00Z")
    waits(agent, "db", "window night is closed")
    assert engine.serves("db") == "v3"
    agent.set_clock("2026-11-26T02:00:00Z")
    ends(agent, "db", "updated")
    apps.serves("db", "v4")

    assert agent.json("audit", "--verify")["ok"] is True
    actors = {entry["actor"] for entry in agent.json("audit")}
    assert "landwaiter" in actors, actors


def test_a_hold_ends_by_itself_or_when_it_is_released(engine, apps, night):
    apps.run("app")
    apps.run("other")
    agent = night()
    path = "/v1/targets/docker/app/hold"
    assert agent.control("POST", path, {"until": "2026-11-23T11:00:00Z"}).status == 400, "that is past"
    held = agent.control("POST", path, {"until": "2026-11-23T18:00:00Z", "reason": "guests"})
    assert held.status == 200, held
    apps.push(agent, "app", "v2")
    apps.push(agent, "other", "v2")

    update = waits(agent, "app", "guests", until="2026-11-23T18:00:00.000Z")
    ends(agent, "other", "updated")
    sentence = agent.run("show", update["id"]).stdout.splitlines()[0]
    for words in ("docker/app", "guests", "2026-11-23", "18:00", "`landwaiter release docker/app`"):
        assert words in sentence, sentence
    target = next(one for one in agent.json("targets") if one["target"] == "docker/app")
    assert target["hold"] == {"until": "2026-11-23T18:00:00.000Z", "reason": "guests"}
    agent.restart()
    waits(agent, "app", "guests")
    assert engine.serves("app") == "v1"
    agent.set_clock("2026-11-23T17:59:59Z")
    ends(agent, "app", "updated")

    assert agent.run("hold", "all", "--reason", "away").returncode == 0
    apps.push(agent, "app", "v3")
    update = waits(agent, "app", "away")
    assert update["not_before"] is None, update
    assert "`landwaiter release all`" in agent.run("show", update["id"]).stdout
    assert agent.run("release", "all").returncode == 0
    ends(agent, "app", "updated")
    apps.serves("app", "v3")
    assert agent.run("release", "all").returncode == 1, "nothing is on hold any more"
    events = [(entry["event"], entry["subject"]) for entry in agent.json("audit")
              if entry["actor"] not in ("landwaiter", "sender ci")]
    assert events == [("released", "all"), ("held", "all"), ("held", "docker/app")], agent.json("audit")
    assert agent.json("audit", "--verify")["ok"] is True


def test_an_approval_lets_it_go(engine, apps, night):
    apps.run("app", approval="required")
    agent = night()
    apps.push(agent, "app", "v2")
    update = waits(agent, "app", "approv", until="2026-11-30T12:00")
    sentence = agent.run("show", update["id"]).stdout.splitlines()[0]
    for words in ("docker/app", "approval", "2026-11-30", f"`landwaiter approve {update['id']}`"):
        assert words in sentence, sentence
    assert engine.serves("app") == "v1"
    assert agent.run("approve", update["id"]).returncode == 0
    ends(agent, "app", "updated")
    apps.serves("app", "v2")
    assert agent.run("approve", update["id"]).returncode == 1, "it is finished"
    entry = next(one for one in agent.json("audit") if one["event"] == "approved")
    assert entry["subject"] == update["id"] and entry["actor"] not in ("", "landwaiter"), entry
    assert update["to"] in entry["detail"], entry


def test_what_nobody_approves_is_cancelled(engine, apps, night):
    apps.run("app", approval="required")
    agent = night(defaults={"approval_expires": "2h", "health": {"soak": "1s"}})
    apps.push(agent, "app", "v2")
    update = waits(agent, "app", "approv")
    agent.set_clock("2026-11-23T13:59:00Z")
    stays(lambda: newest(agent, "app")["result"] is None, 0.5, "it waits")
    agent.set_clock("2026-11-23T14:01:00Z")
    assert "approve" in ends(agent, "app", "cancelled")["reason"]
    assert agent.run("approve", update["id"]).returncode == 1
    assert engine.serves("app") == "v1"


def test_an_approval_is_of_one_digest(engine, apps, night):
    """Approved by day, for the night; by then the tag is another image, which nobody has approved."""
    apps.run("app", approval="required", windows="night")
    agent = night()
    digest = apps.make("app", "v2")
    agent.accepted(apps.name("app"))
    update = waits(agent, "app", "approv")
    assert update["to"] == digest
    assert agent.run("approve", update["id"]).returncode == 0
    waits(agent, "app", "window")
    other = apps.make("app", "v3")
    agent.set_clock("2026-11-24T02:00:00Z")
    update = waits(agent, "app", "approv", until="2026-12-01T02:00")
    assert update["to"] == other and engine.serves("app") == "v1", "it is asked for anew"
    assert agent.run("approve", update["id"]).returncode == 0
    ends(agent, "app", "updated")
    apps.serves("app", "v3")

    apps.push(agent, "app", "v4")
    first = waits(agent, "app", "approv")
    assert agent.run("approve", first["id"]).returncode == 0
    ends(agent, "app", "updated")
    apps.push(agent, "app", "v5")
    waits(agent, "app", "approv")
    assert engine.serves("app") == "v4", "a newer push asks again"


def test_a_newer_version_is_taken_by_its_tag(engine, apps, night):
    apps.run("app", tag="1.4.1", version="1.4.1", policy="minor")
    agent = night()
    for tag in ("2.0.0", "1.4.0"):
        document = agent.wait(apps.push(agent, "app", tag, tag=tag)[0])
        assert [one["result"] for one in document["updates"]] in ([], ["unchanged"]), document
    plan = agent.json("plan", apps.name("app", "2.0.0"))["targets"]
    assert [(one["verdict"], one["target"]) for one in plan] == [("skip", "docker/app")], plan

    document = agent.wait(apps.push(agent, "app", "1.4.2", tag="1.4.2")[0])
    assert [one["result"] for one in document["updates"]] == ["updated"], document
    assert engine.inspect("app")["Config"]["Image"] == apps.name("app", "1.4.2")
    apps.serves("app", "1.4.2")
    assert engine.containers() == ["app"]
    target = agent.json("targets")[0]
    assert target["image"] == apps.name("app", "1.4.2") and target["problem"] is None

    bad = agent.wait(apps.push(agent, "app", "1.5.0", tag="1.5.0", kind="crash")[0])
    assert [one["result"] for one in bad["updates"]] == ["rolled-back"], bad
    assert engine.inspect("app")["Config"]["Image"] == apps.name("app", "1.4.2")


def test_an_older_version_does_not_take_back_a_newer_one_that_waits(engine, apps, night):
    apps.run("app", tag="1.4.1", version="1.4.1", policy="minor", windows="night")
    agent = night()
    apps.push(agent, "app", "1.6.0", tag="1.6.0")
    newer = waits(agent, "app", "window")
    older = agent.wait(apps.push(agent, "app", "1.5.0", tag="1.5.0")[0])
    assert [one["result"] for one in older["updates"]] == ["superseded"], older
    assert agent.show(newer["id"])["result"] is None
    agent.set_clock("2026-11-24T02:30:00Z")
    in_state(agent, "app", lambda _: agent.show(newer["id"])["result"] == "updated", "is updated")
    assert engine.inspect("app")["Config"]["Image"] == apps.name("app", "1.6.0")


def test_plan_and_targets_say_where_settings_come_from(engine, apps, night):
    apps.run("app", soak="2s")
    apps.run("wrong", windows="nihgt,dawn")
    agent = night(rules=[{"match": {"name": "app"}, "windows": ["night"], "health": {"soak": "9s"}},
                         {"match": {"name": "*"}, "windows": ["always"], "group": "all"}])
    one = agent.json("plan", apps.name("app"))["targets"][0]
    sources = {key: one["settings"][key]["source"] for key in ("windows", "group", "soak", "policy")}
    assert sources == {"windows": "rule 1", "group": "rule 2", "soak": "label", "policy": "default"}, one
    assert one["settings"]["windows"]["value"] == ["night"] and one["verdict"] == "unchanged"
    apps.make("app", "v2")

    def verdict():
        return agent.json("plan", apps.name("app"))["targets"][0]["verdict"]
    wait_until(lambda: verdict() == "wait", 5, "what the registry said a second ago is asked again")
    one = agent.json("plan", apps.name("app"))["targets"][0]
    assert "window night" in one["reason"], one
    agent.set_clock("2026-11-24T02:30:00Z")
    assert verdict() == "update"
    assert agent.json("updates", "--all") == [], "a plan changes nothing"

    document = agent.wait(apps.push(agent, "wrong", "v2")[0])
    assert [update["result"] for update in document["updates"]] == ["failed"], document
    targets = {target["target"]: target for target in agent.json("targets")}
    assert "nihgt" in targets["docker/wrong"]["problem"] and targets["docker/app"]["problem"] is None
    assert engine.serves("wrong") == "v1"


def test_the_clock_is_set_across_a_window(engine, apps, night):
    apps.run("app", windows="night", soak="5s")
    agent = night("2026-11-24T02:30:00Z")
    assert agent.json("windows")[0]["open"] is True
    agent.set_clock("2026-11-24T01:00:00Z")
    wait_until(lambda: agent.json("windows")[0]["open"] is False, 5, "the window is closed again")
    apps.push(agent, "app", "v2")
    waits(agent, "app", "window", until="2026-11-24T02:00:00.000Z")
    agent.set_clock("2026-11-24T04:00:00Z")
    waits(agent, "app", "window", until="2026-11-25T02:00:00.000Z")
    agent.set_clock("2026-11-23T20:00:00Z")
    waits(agent, "app", "window", until="2026-11-24T02:00:00.000Z")
    assert engine.serves("app") == "v1"
    agent.set_clock("2026-11-24T02:54:00Z")
    ends(agent, "app", "updated")

    apps.push(agent, "app", "v3")
    begins(agent, "app")
    agent.set_clock("2026-11-23T10:00:00Z")
    ends(agent, "app", "updated", deadline=30)
    apps.serves("app", "v3")


def test_an_engine_that_is_away_when_the_window_opens_days_later(engine, apps, night):
    apps.make("app", "v1")
    engine.run("app", apps.name("app"), labels={"landwaiter.windows": "night"},
               host={"PortBindings": {"8080/tcp": [{"HostIp": "127.0.0.1", "HostPort": ""}]},
                     "RestartPolicy": {"Name": "always"}})
    agent = night("2026-11-27T12:00:00Z")  # a Friday
    apps.push(agent, "app", "v2")
    waits(agent, "app", "window", until="2026-11-30T02:00:00.000Z")
    engine.stop()
    agent.set_clock("2026-11-30T02:00:00Z")
    in_state(agent, "app", lambda update: "window" not in update["reason"], "finds no engine")
    assert newest(agent, "app")["result"] is None, newest(agent, "app")
    engine.start()
    ends(agent, "app", "updated")
    apps.serves("app", "v2")


def test_a_window_that_is_nearly_over_is_not_begun(engine, apps, night):
    apps.run("app", windows="night")
    agent = night("2026-11-24T02:56:00Z")
    apps.push(agent, "app", "v2")
    update = waits(agent, "app", "window", until="2026-11-25T02:00:00.000Z")
    sentence = agent.run("show", update["id"]).stdout.splitlines()[0]
    assert "2026-11-25" in sentence and "5 min" in sentence, sentence
    assert engine.serves("app") == "v1"


def test_a_clock_that_was_never_set_begins_nothing(engine, apps, night):
    apps.run("app")
    agent = night("1970-01-01T00:05:00Z")
    apps.push(agent, "app", "v2")
    assert "1970" in waits(agent, "app", "clock")["reason"]
    agent.set_clock(DAY)
    ends(agent, "app", "updated")


def test_windows_change_with_the_configuration(engine, apps, night):
    apps.run("app", windows="night")
    agent = night()
    apps.push(agent, "app", "v2")
    waits(agent, "app", "window")
    agent.settings["windows"] = {"night": {**NIGHT, "start": "11:00", "end": "13:00"}}
    agent.configure()
    agent.reload()
    ends(agent, "app", "updated")
