"""Which mapping a log gets: by its topic, by the beginning of it, or by its fields."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from sls_syslog.payloads.catalog import FIELDS, MAPPINGS, PREFIXES, SHARED_TOPICS, TOPICS
from sls_syslog.payloads.catalog.choice import (
    choose_mapping,
    choose_mapping_name,
    make_generic_mapping,
)
from sls_syslog.payloads.cef import CefPayload
from tests.support.read_cef import read_cef
from tests.support.samples import SAMPLES


def is_generic(log: Mapping[str, str]) -> bool:
    return choose_mapping(log) is make_generic_mapping(log)


def test_a_log_finds_its_mapping() -> None:
    for sample in SAMPLES:
        expected = MAPPINGS.get(sample.mapping) or make_generic_mapping(sample.log)
        assert choose_mapping(sample.log) is expected, sample.id


def test_every_mapping_has_a_sample_and_is_known_by_something() -> None:
    assert {sample.mapping for sample in SAMPLES} == MAPPINGS.keys() | {"generic"}
    by_shared_topic = {name for _, name in SHARED_TOPICS.values()}
    named = {*TOPICS.values(), *by_shared_topic, *PREFIXES.values(), *FIELDS.values()}
    assert named == set(MAPPINGS)


@pytest.mark.parametrize(
    ("topic", "mapping"),
    [
        ("cloudfirewall_ips_log", "cloud-firewall-event"),
        ("cloudfirewall_vpc_ips_log", "cloud-firewall-event"),
        ("cloudfirewall_vpc_log", "cloud-firewall"),
        ("alb_layer7_access_log", "alb"),
        ("ddoscoo_access_log", "anti-ddos"),
        ("ddos_access_log", "anti-ddos"),
        ("ddosbqp_access_log", "anti-ddos-origin"),
        ("polardbx_sqlaudit", "polardb-x"),
        ("drds_audit_log_drdsxyzabcd_demo_drds_db", "polardb-x"),
        ("drds_audit_log", "polardb-x"),
        ("drds_audit", "generic"),
    ],
)
def test_a_topic_is_known(topic: str, mapping: str) -> None:
    assert choose_mapping_name({"__topic__": topic}) == mapping


def test_a_topic_that_is_known_outweighs_fields_like_those_of_kubernetes() -> None:
    fields = {"auditID": "1", "verb": "get"}
    assert choose_mapping(fields) is MAPPINGS["kubernetes"]
    assert choose_mapping(fields | {"__topic__": "my-cluster"}) is MAPPINGS["kubernetes"]
    assert choose_mapping(fields | {"__topic__": "waf_access_log"}) is MAPPINGS["waf"]


@pytest.mark.parametrize("fields", FIELDS, ids="-".join)
def test_logs_without_a_topic_are_known_by_all_of_their_fields(fields: tuple[str, ...]) -> None:
    log = dict.fromkeys(fields, "1")
    assert choose_mapping_name(log) == FIELDS[fields]
    assert choose_mapping_name({**log, "__topic__": "mine", "more": "1"}) == FIELDS[fields]
    for missing in fields:
        assert is_generic({field: "1" for field in fields if field != missing}), missing


@pytest.mark.parametrize("topic", SHARED_TOPICS)
def test_a_topic_of_other_programs_too_needs_a_field_of_the_service(topic: str) -> None:
    field, name = SHARED_TOPICS[topic]
    log = {"__topic__": topic, "action": "buy", "bytes": "7", "domain": "a.example"}
    assert is_generic(log)
    assert choose_mapping_name({**log, field: "-"}) == name


def test_a_log_of_ones_own_under_a_shared_topic_is_sent_whole() -> None:
    log = {"__time__": "1793678405", "__topic__": "event_log", "url": "/pay", "item": "42"}
    extension = read_cef(CefPayload()(log)).extension
    assert (extension["slsUrl"], extension["item"]) == ("/pay", "42")


def test_no_topic_is_in_two_tables() -> None:
    assert TOPICS.keys().isdisjoint(SHARED_TOPICS)
    assert not [topic for topic in (*TOPICS, *SHARED_TOPICS) if topic.startswith((*PREFIXES,))]


def test_an_unknown_topic_gets_the_generic_form() -> None:
    assert is_generic({"__topic__": "shop", "auditID": "1"})
    assert is_generic({})
