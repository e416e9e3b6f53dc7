"""A server that is away for a while costs nothing but a warning."""

import logging

import pytest

from graticule.core.errors import ConfigError
from graticule.experiments.patient import Patient
from graticule.experiments.runs import Run

RUN = Run(run_id="1", experiment_id="1", name="r")


class Server:
    """Keeps what it is told, while it is there."""

    def __init__(self) -> None:
        self.away, self.told = False, []

    def tell(self, what):
        def call(run):
            if self.away:
                raise ConfigError("MLflow does not answer")
            self.told.append(what)

        return call


def test_what_could_not_be_logged_is_logged_later_in_order(caplog):
    caplog.set_level(logging.WARNING)
    server, patient = Server(), Patient(RUN, pause=0.0)
    patient.do(server.tell(1))
    server.away = True
    for number in (2, 3):
        patient.do(server.tell(number))
    assert (server.told, patient.waiting) == ([1], 2)
    server.away = False
    patient.do(server.tell(4))
    assert server.told == [1, 2, 3, 4]
    assert [record.message for record in caplog.records] == [
        "MLflow does not answer; training goes on, and what is to be logged waits"
    ]


def test_a_server_that_was_away_is_left_alone_for_a_while():
    server, patient = Server(), Patient(RUN, pause=1000.0)
    server.away = True
    patient.do(server.tell(1))
    server.away = False
    patient.do(server.tell(2))
    assert server.told == []
    assert patient.catch_up()
    assert server.told == [1, 2]


def test_in_the_end_it_can_be_asked_to_raise():
    server, patient = Server(), Patient(RUN)
    server.away = True
    patient.do(server.tell(1))
    assert not patient.catch_up()
    with pytest.raises(ConfigError, match="does not answer"):
        patient.catch_up(raising=True)
