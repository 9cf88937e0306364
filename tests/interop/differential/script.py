"""Sends all cases to one peer, those of a base together: first what they need is made, then they are sent, then their effects are looked at."""

import itertools

from bases import Fresh
from batch import batch
from normal import Normal

TOPICS_AT_ONCE = 100
PARTITIONS = 2


class Script:
    def __init__(self, peer, cases):
        self.peer = peer
        self.cases = cases
        self.answers = {}

    def run(self):
        """{case key: [(API, normalised answer): the case's own, then those of what followed]}"""
        for _, cases in itertools.groupby(self.cases, lambda case: id(case.base)):
            cases = list(cases)
            self.make(cases[0].base, [Fresh(case.number) for case in cases])
            for case in cases:
                self.answers[case.key] = [(case.api, self.normal(case.api, self.send(case)))]
            if cases[0].base.follow:
                self.peer.settle()
                for case in cases:
                    self.follow(case)
        return self.answers

    def make(self, base, all_fresh):
        if "topic" in base.needs:
            for begin in range(0, len(all_fresh), TOPICS_AT_ONCE):
                self.peer.create_topics([fresh.topic for fresh in all_fresh[begin:begin + TOPICS_AT_ONCE]], PARTITIONS,
                                        [("retention.ms", "-1")])
            self.peer.settle()
        for fresh in all_fresh:
            if "records" in base.needs:
                for first in (0, 5):
                    self.peer.produce(fresh.topic, 0, batch(5, first))
            if "offsets" in base.needs:
                self.peer.commit(fresh.group, "plain", {0: 3})
            if "member" in base.needs:
                self.peer.join(fresh.group)
            if "instance" in base.needs:
                self.peer.join(fresh.group, "instance")

    def send(self, case):
        body = case.value
        if case.spoil:
            version = min(max(case.version, self.first(case.api)), self.last(case.api))
            body = case.spoil(self.peer.body(case.api, version, case.base.value(Fresh(case.number))))
        else:
            body = self.peer.body(case.api, case.version, body)
        return self.peer.send(case.api, case.version, body, case.base.patience, case.client_id)

    def first(self, api):
        return self.peer.messages[api + "Request"].versions[0]

    def last(self, api):
        return self.peer.messages[api + "Request"].versions[1]

    def follow(self, case):
        for api, version, value in case.base.follow(Fresh(case.number)):
            body = self.peer.body(api, version, value)
            self.answers[case.key].append((api, self.normal(api, self.peer.send(api, version, body))))

    def normal(self, api, answer):
        return Normal(self.peer, api).value("", answer) if isinstance(answer, dict) else answer
