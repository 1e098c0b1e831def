"""Tables of the keys of CEF's extension, and of LEEF's names for them; limits are characters.

CEF: "Common Event Format, Implementation Standard" of ArcSight, rev. 27, its two dictionaries
for producers and for consumers. LEEF: IBM's "QRadar Log Event Extended Format", the table of
predefined attributes.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = [
    "ADDRESSES",
    "CEF_KEYS",
    "CONSUMER_KEYS",
    "CUSTOM_KEYS",
    "FULL_NAMES",
    "HEADER_NAMES",
    "LEEF_KEYS",
    "LEEF_LABELS",
    "LEEF_NAMES",
    "LEEF_RESERVED_KEYS",
    "RESERVED_KEYS",
    "STRING_KINDS",
    "STRING_LIMITS",
    "Address",
    "CefKey",
    "rank_key",
]


class CefKey(NamedTuple):
    """The type of a key's value; for a string also its limit in characters."""

    kind: str
    limit: int = 0


class Address(NamedTuple):
    """The keys for IPv6 addresses and host names: ``src``, ``dst`` and ``dvc`` hold IPv4 only."""

    ipv6: str
    ipv6_label: str
    host: str


ADDRESSES = {
    "src": Address("c6a2", "Source IPv6 Address", "shost"),
    "dst": Address("c6a3", "Destination IPv6 Address", "dhost"),
    "dvc": Address("c6a1", "Device IPv6 Address", "dvchost"),
}
"""The keys that hold IPv4 only, and where other addresses go."""

_STRINGS = {
    31: "app proto",
    40: "externalId",
    63: "act outcome",
    100: "dvchost",
    128: "deviceInboundInterface deviceOutboundInterface devicePayloadId",
    255: "destinationDnsDomain deviceDnsDomain deviceExternalId deviceNtDomain dntdom dtz fileHash"
    " oldFileHash sntdom sourceDnsDomain",
    1023: "cat destinationServiceName deviceFacility deviceProcessName dhost dpriv dproc duid"
    " duser fileId filePath filePermission fileType flexString1 flexString2 fname msg oldFileId"
    " oldFileName oldFilePath oldFilePermission oldFileType reason request"
    " requestClientApplication requestCookies requestMethod shost sourceServiceName spriv sproc"
    " suid suser",
    2048: "requestContext",
    4000: "cs1 cs2 cs3 cs4 cs5 cs6",
}
_OTHERS = {
    "address": " ".join(ADDRESSES),
    "ipv4": "destinationTranslatedAddress deviceTranslatedAddress sourceTranslatedAddress",
    "ipv6": "c6a1 c6a2 c6a3 c6a4",
    "mac": "dmac dvcmac smac",
    "integer": "deviceDirection dpid dvcpid spid type",
    "long": "cn1 cn2 cn3 flexNumber1 flexNumber2",
    # The standard says "integer" for ports, which end at 65535, and for counts. But the bytes of
    # a long connection do not fit into 32 bits.
    "port": "destinationTranslatedPort dpt sourceTranslatedPort spt",
    "count": "cnt in out",
    # An integer, as the standard says: Elastic drops a larger one.
    "size": "fsize oldFileSize",
    "float": "cfp1 cfp2 cfp3 cfp4",
    "time": "deviceCustomDate1 deviceCustomDate2 end fileCreateTime fileModificationTime"
    " flexDate1 oldFileCreateTime oldFileModificationTime rt start",
}

CEF_KEYS = {
    key: CefKey("string", limit) for limit, keys in _STRINGS.items() for key in keys.split()
} | {key: CefKey(kind) for kind, keys in _OTHERS.items() for key in keys.split()}
"""The standard keys that a producer may send; all other keys are custom."""

STRING_LIMITS = {key: limit for key, (kind, limit) in CEF_KEYS.items() if kind == "string"}
"""The limits of strings in characters, by key."""

_STRING_KINDS = {
    "text": "msg requestClientApplication",
    "url": "request requestContext",
    "long": "cs1 cs2 cs3 cs4 cs5 cs6 flexString1 flexString2 reason",
}
STRING_KINDS = dict.fromkeys(STRING_LIMITS, "name") | {
    key: kind for kind, keys in _STRING_KINDS.items() for key in keys.split()
}
"""What the strings are, by key. A ``text`` may be cut anywhere, a ``url`` behind its host, and
``long`` if it is so long that it is no name, address, hash or number. A ``name`` must never be cut:
half a user, host, path or identifier is another one. Custom keys are ``long``."""

CUSTOM_KEYS = {
    key: 128 if key.startswith("flex") else 1023
    for key in CEF_KEYS
    if key.startswith(("cs", "cn", "cfp", "c6a", "deviceCustomDate", "flex")) and key != "cnt"
}
"""The keys that need a label, and the limit of the label in characters."""

_CONSUMER = """
    agentDnsDomain agentNtDomain agentTranslatedAddress agentTranslatedZoneExternalID
    agentTranslatedZoneURI agentZoneExternalID agentZoneURI agt ahost aid amac art at atz av
    customerExternalID customerURI destinationTranslatedZoneExternalID
    destinationTranslatedZoneURI destinationZoneExternalID destinationZoneURI
    deviceTranslatedZoneExternalID deviceTranslatedZoneURI deviceZoneExternalID deviceZoneURI
    dlat dlong eventId rawEvent slat slong sourceTranslatedZoneExternalID
    sourceTranslatedZoneURI sourceZoneExternalID sourceZoneURI
"""
CONSUMER_KEYS = frozenset(_CONSUMER.split())
"""The keys that only a consumer adds; a producer must not send them."""

LEEF_NAMES = {
    "rt": "devTime",
    "src": "src",
    "c6a2": "src",
    "spt": "srcPort",
    "smac": "srcMAC",
    "sourceTranslatedAddress": "srcPostNAT",
    "sourceTranslatedPort": "srcPostNATPort",
    "suser": "usrName",
    "spriv": "role",
    "dst": "dst",
    "c6a3": "dst",
    "dpt": "dstPort",
    "dmac": "dstMAC",
    "destinationTranslatedAddress": "dstPostNAT",
    "destinationTranslatedPort": "dstPostNATPort",
    "c6a1": "dvc",
    "proto": "proto",
    "cat": "cat",
    "request": "url",
    "in": "srcBytes",
    "out": "dstBytes",
    "sntdom": "domain",
}
"""LEEF's names for keys of CEF; any other key keeps its own name. ``identHostName`` is no name for
``shost``: QRadar reads it only beside ``identSrc``, as the identity of an asset."""

LEEF_LABELS = {"SourcePackets": "srcPackets", "DestinationPackets": "dstPackets"}
"""LEEF's names for values that have only a label in CEF, by that label."""

_LEEF = """
    cat devTime devTimeFormat proto sev src dst srcPort dstPort srcPreNAT dstPreNAT srcPostNAT
    dstPostNAT usrName srcMAC dstMAC srcPreNATPort dstPreNATPort srcPostNATPort dstPostNATPort
    identSrc identHostName identNetBios identGrpName identMAC identSecondlp vSrc vSrcName
    accountName srcBytes dstBytes srcPackets dstPackets totalPackets role realm policy
    resource url groupID domain isLoginEvent isLogoutEvent calLanguage calCountryOrRegion
"""
LEEF_KEYS = frozenset(_LEEF.split())
"""The keys to which LEEF gives a meaning."""

_FULL_NAMES = """
    act deviceAction, agt agentAddress, ahost agentHostName, aid agentId, amac agentMacAddress,
    app applicationProtocol, art agentReceiptTime, at agentType, atz agentTimeZone,
    av agentVersion, cat deviceEventCategory, catdt categoryDeviceType, cnt baseEventCount,
    dhost destinationHostName, dlat destinationGeoLatitude, dlong destinationGeoLongitude,
    dmac destinationMacAddress, dntdom destinationNtDomain, dpid destinationProcessId,
    dpriv destinationUserPrivileges, dproc destinationProcessName, dpt destinationPort,
    dst destinationAddress, dtz deviceTimeZone, duid destinationUserId, duser destinationUserName,
    dvc deviceAddress, dvchost deviceHostName, dvcmac deviceMacAddress, dvcpid deviceProcessId,
    end endTime, fname fileName, fsize fileSize, in bytesIn, mrt managerReceiptTime, msg message,
    out bytesOut, outcome eventOutcome, proto transportProtocol, request requestUrl,
    rt deviceReceiptTime, shost sourceHostName, slat sourceGeoLatitude, slong sourceGeoLongitude,
    smac sourceMacAddress, sntdom sourceNtDomain, spid sourceProcessId,
    spriv sourceUserPrivileges, sproc sourceProcessName, spt sourcePort, src sourceAddress,
    start startTime, suid sourceUserId, suser sourceUserName, type eventType
"""
_FULL_STARTS = {
    "c6a": "deviceCustomIPv6Address",
    "cfp": "deviceCustomFloatingPoint",
    "cn": "deviceCustomNumber",
    "cs": "deviceCustomString",
}
FULL_NAMES = dict(pair.split() for pair in _FULL_NAMES.split(",")) | {
    key: f"{_FULL_STARTS[key[:-1]]}{key[-1]}" for key in CUSTOM_KEYS if key[:-1] in _FULL_STARTS
}
"""The full names of CEF's keys, where they differ. Logstash and Elastic read a full name as the
key: "Common Event Format", the dictionaries' column "Full Name"; keys.go of Elastic's decode_cef;
cef.rb of Logstash's codec."""

HEADER_NAMES = frozenset(
    {
        *("cefVersion", "deviceVendor", "deviceProduct", "deviceVersion", "deviceEventClassId"),
        *("name", "severity", "version", "signatureId", "agentSeverity"),
    }
)
"""Names that readers give to the fields of CEF's header."""

RESERVED_KEYS = frozenset(
    key.lower()
    for key in (
        *(*CONSUMER_KEYS, *CEF_KEYS, *FULL_NAMES, *FULL_NAMES.values(), *HEADER_NAMES),
        *(f"{key}Label" for key in (*CUSTOM_KEYS, *map(FULL_NAMES.get, CUSTOM_KEYS)) if key),
        *LEEF_KEYS,
    )
)
"""Keys with a meaning, in lower case, because some readers ignore the case. A field with such a
name gets another key."""

LEEF_RESERVED_KEYS = frozenset(key.lower() for key in LEEF_KEYS | {"name"})
"""The same for LEEF, in whose events CEF's full names have no meaning."""

_WHERE = {"address", "ipv4", "mac", "port"}
_ENDS = {"act", "outcome"}
_WHO = {
    *("suser", "suid", "spriv", "shost", "sntdom"),
    *("duser", "duid", "dpriv", "dhost", "dntdom", "dvchost"),
}


def rank_key(key: str) -> int:
    """Return the place of a key in an event: the lower the number, the earlier the key.

    A long event loses its end first. So addresses and outcome come first, which are short, then
    users and hosts, then all other keys of CEF, keys with labels, custom keys, and free text last.
    """
    kind = CEF_KEYS[key].kind if key in CEF_KEYS else ""
    if key == "rt":
        return 0
    if kind in _WHERE or key in _ENDS:
        return 1
    if key in _WHO:
        return 2
    if STRING_KINDS.get(key) in {"text", "url"}:
        return 6
    if key in CUSTOM_KEYS:
        return 4
    return 3 if kind else 5
