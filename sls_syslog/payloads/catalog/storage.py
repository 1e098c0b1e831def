"""Mappings of File Storage NAS: NFS and SMB."""

from __future__ import annotations

from sls_syslog.payloads.catalog.functions import (
    drop_longer,
    exclude,
    give_if_present,
    join,
    translate,
)
from sls_syslog.payloads.fields import Constant
from sls_syslog.payloads.mapping import EventMapping, Labelled

__all__ = ["NFS", "SMB"]

_PROCEDURES = {
    "0": "NULL",
    "1": "GETATTR",
    "2": "SETATTR",
    "3": "LOOKUP",
    "4": "ACCESS",
    "5": "READLINK",
    "6": "READ",
    "7": "WRITE",
    "8": "CREATE",
    "9": "MKDIR",
    "10": "SYMLINK",
    "11": "MKNOD",
    "12": "REMOVE",
    "13": "RMDIR",
    "14": "RENAME",
    "15": "LINK",
    "16": "READDIR",
    "17": "READDIRPLUS",
    "18": "FSSTAT",
    "19": "FSINFO",
    "20": "PATHCONF",
    "21": "COMMIT",
}
_ERRORS = {
    "1": "NFS3ERR_PERM",
    "2": "NFS3ERR_NOENT",
    "5": "NFS3ERR_IO",
    "13": "NFS3ERR_ACCES",
    "17": "NFS3ERR_EXIST",
    "20": "NFS3ERR_NOTDIR",
    "21": "NFS3ERR_ISDIR",
    "22": "NFS3ERR_INVAL",
    "28": "NFS3ERR_NOSPC",
    "30": "NFS3ERR_ROFS",
    "66": "NFS3ERR_NOTEMPTY",
    "69": "NFS3ERR_DQUOT",
    "70": "NFS3ERR_STALE",
}
_CHANGES = ("setattr", "write", "create", "symlink", "mkdir", "mknod", "rename", "link")
_REMOVALS = ("remove", "rmdir")
# NFSv4 has one procedure for all its operations, with another meaning of the number.
_PROCEDURE = give_if_present(translate("Vers", {"3": "3"}), translate("Proc", _PROCEDURES))

NFS = EventMapping(
    product="NAS",
    event_class_id=join(Constant("nfs"), _PROCEDURE, sep=":"),
    name=join(Constant("NFS"), _PROCEDURE),
    severity=(
        translate("NFSProtocolRc", {"1": "5", "13": "5"}),
        give_if_present(exclude("NFSProtocolRc", "0"), Constant("3")),
        translate(_PROCEDURE, dict.fromkeys(_CHANGES, "3") | dict.fromkeys(_REMOVALS, "4"), "2"),
        Constant("2"),
    ),
    extension={
        "rt": ("microtime", "Microtime"),
        "act": _PROCEDURE,
        "outcome": translate("NFSProtocolRc", {"0": "success"}, "failure"),
        "reason": (translate("NFSProtocolRc", _ERRORS), exclude("NFSProtocolRc", "0")),
        "src": "SourceIp",
        "dst": "Vip",
        "app": Constant("nfs"),
        "externalId": drop_longer("RequestId", 40),
        "deviceExternalId": "Volume",
        "cs1": Labelled("Version", "Vers"),
        "cs2": Labelled("Procedure", "Proc"),
        "cs3": Labelled("Operations", "OpList"),
        "cs4": Labelled("Inode", "ArgIno"),
        "cs5": Labelled("FoundInode", "ResIno"),
        "cs6": Labelled("AccountId", ("owner_id", "User")),
        "cn1": Labelled("ReturnCode", "NFSProtocolRc"),
        "cn2": Labelled("AuthorizationCode", "AuthRc"),
        "cn3": Labelled("Bytes", "RWSize"),
    },
)
"""NAS over NFS, topic ``nas_audit_log``, or any topic with the fields ``NFSProtocolRc``,
``SourceIp`` and ``Volume``.

``RWSize`` is neither ``in`` nor ``out``: the log does not say which way the bytes went.

Sources: "Log fields" of NAS (help/en/nas/user-guide/log-fields-30), "Apsara File Storage NAS" of
Log Audit (help/en/sls/apsara-file-storage-nas); procedures and errors: RFC 1813.
"""

SMB = EventMapping(
    product="NAS",
    event_class_id=Constant("smb"),
    name=join(Constant("SMB"), "OpName"),
    severity=2,
    extension={
        "rt": "ArrivalTime",
        "end": "CompleteTime",
        "act": "OpName",
        "src": "Host",
        "suser": "UserSName",
        "suid": "UserSID",
        "app": Constant("smb"),
        "filePath": "ObjectName",
        "externalId": drop_longer("RequestID", 40),
        "deviceExternalId": "VolumeID",
        "cs1": Labelled("Status", "Status"),
        "cs2": Labelled("Opcode", "Opcode"),
        "cs3": Labelled("SessionId", "SessionID"),
        "cs4": Labelled("Inode", "Inode"),
        "cs5": Labelled("ConnectionId", "ConnID"),
        "cs6": Labelled("AccountId", "UserID"),
        "cn1": Labelled("DurationMs", "TotalTime"),
        "cn2": Labelled("Bytes", "IOBytes"),
        "flexString1": Labelled("HandleId", "PersistentID"),
    },
)
"""NAS over SMB; its logs have no documented topic and are known by the fields ``UserSID``,
``OpName`` and ``VolumeID``.

The values of ``Status`` are not documented, so there is no ``outcome``.

Source: "Log fields" of NAS (help/en/nas/user-guide/log-fields-30).
"""
