"""The pictures of the documentation, drawn from text.

``python -m tests.docs.pictures`` writes docs/pictures. They are narrow, so that a telephone can
show their text, and drawn for a light page: docs/_static/site.css inverts them on a dark one.
"""

from __future__ import annotations

from collections.abc import Callable
from xml.sax.saxutils import escape

from tests.support.processes import ROOT

FOLDER = ROOT / "docs" / "pictures"
WIDTH = 480

HEAD = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}">
<title>{title}</title>
<style>
text {{ font: 14px sans-serif; fill: #222; text-anchor: middle }}
.left {{ text-anchor: start }}
.right {{ text-anchor: end }}
.note {{ font-size: 13px; fill: #555 }}
.bold {{ font-weight: bold }}
rect {{ fill: #e8eff8; stroke: #4a6fa5 }}
.good {{ fill: #d8efdc; stroke: #2e7d4f }}
.bad {{ fill: #fadfdb; stroke: #b5392b }}
.wait {{ fill: #fdecc8; stroke: #b87a10 }}
.paper {{ fill: #fff; stroke: none }}
.area {{ fill: #fadfdb; stroke: none }}
path {{ stroke: #444; stroke-width: 1.5; fill: none }}
.weak {{ stroke: #999; stroke-dasharray: 4 4 }}
.strong {{ stroke: #2e7d4f; stroke-width: 3 }}
.sharp {{ stroke: #b5392b; stroke-width: 3 }}
.arrow {{ marker-end: url(#head) }}
#head path {{ fill: #444; stroke: none }}
</style>
<marker id="head" viewBox="0 0 8 8" refX="7" refY="4" orient="auto"
 markerWidth="7" markerHeight="7"><path d="M0 0 8 4 0 8z"/></marker>
<rect class="paper" width="{width}" height="{height}"/>
"""


class Picture:
    """Shapes in the order in which they are drawn."""

    def __init__(self, title: str, height: int) -> None:
        head = HEAD.format(width=WIDTH, height=height, title=escape(title))
        self.lines = head.splitlines()

    def text(self, x: float, y: float, text: str, kind: str = "") -> None:
        """Write lines of text, the first one at this place."""
        for number, line in enumerate(text.split("\n")):
            self.lines.append(
                f'<text class="{kind}" x="{x:g}" y="{y + 17 * number:g}">{escape(line)}</text>'
            )

    def box(
        self, x: float, y: float, width: float, height: float, text: str = "", kind: str = ""
    ) -> None:
        """Draw a box with lines of text in its middle."""
        place = f'x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="4"'
        self.lines.append(f'<rect class="{kind}" {place}/>')
        first = y + height / 2 + 5 - 8.5 * text.count("\n")
        self.text(x + width / 2, first, text)

    def path(self, points: str, kind: str = "arrow") -> None:
        """Draw a line through points such as ``0,0 10,20``; by default an arrow."""
        self.lines.append(f'<path class="{kind}" d="M{points}"/>')

    def __str__(self) -> str:
        return "\n".join([*self.lines, "</svg>", ""])


def draw_pipe() -> Picture:
    picture = Picture("From SLS to the SIEM, and the checkpoint back", 170)
    picture.box(10, 20, 120, 60, "SLS\nconsumer group")
    picture.box(180, 20, 140, 60, "your program\nwith sls_syslog")
    picture.box(370, 20, 100, 60, "SIEM")
    picture.path("130,50 178,50")
    picture.path("320,50 368,50")
    picture.text(154, 42, "logs", "note")
    picture.text(344, 42, "syslog", "note")
    picture.path("420,80 420,115 265,115 265,82")
    picture.text(343, 135, "1. “I have read everything”", "note")
    picture.path("235,80 235,115 70,115 70,82")
    picture.text(150, 135, "2. save the checkpoint", "note")
    picture.text(240, 160, "The checkpoint never passes a log that is not confirmed.", "note")
    return picture


def draw_half_close() -> Picture:
    picture = Picture("What the receiver's answer to a half-close proves", 470)
    again = "not confirmed:\nsent again"
    scenes = (
        ("The receiver has read everything", "reads all", "end of stream", "confirmed", "good"),
        ("The receiver dies with bytes unread", "dies", "reset", again, "bad"),
    )
    for number, (title, event, answer, outcome, kind) in enumerate(scenes):
        top = 235 * number
        picture.text(240, top + 22, title, "bold")
        picture.text(90, top + 50, "shipper")
        picture.text(390, top + 50, "receiver")
        picture.path(f"90,{top + 58} 90,{top + 215}", "weak")
        picture.path(f"390,{top + 58} 390,{top + 215}", "weak")
        for y, text in ((85, "logs"), (120, "half-close: “no more comes”")):
            picture.text(240, top + y - 6, text, "note")
            picture.path(f"90,{top + y} 388,{top + y}")
        picture.box(340, top + 132, 100, 28, event, kind)
        picture.text(240, top + 174, answer, "note")
        picture.path(f"390,{top + 180} 92,{top + 180}")
        picture.box(25, top + 188, 130, 40, outcome, kind)
    return picture


def draw_silent() -> Picture:
    picture = Picture("How the silent connection shows that a proxy gives up", 350)
    shipper, proxy, receiver = 70, 245, 410
    for x, name in ((shipper, "shipper"), (proxy, "proxy"), (receiver, "receiver (stopped)")):
        picture.text(x, 20, name)
        picture.path(f"{x},28 {x},300", "weak")
    steps = (
        (55, shipper, proxy, "connection with logs"),
        (95, shipper, proxy, "silent connection"),
        (135, shipper, proxy, "logs, half-close"),
        (195, proxy, shipper, "clean end"),
        (245, proxy, shipper, "silent connection ends"),
    )
    for y, start, end, text in steps:
        picture.text((start + end) / 2, y - 6, text, "note")
        picture.path(f"{start},{y} {end + (2 if end < start else -2)},{y}")
    picture.text((proxy + receiver) / 2, 89, "connects: refused", "note")
    picture.path(f"{proxy},95 {receiver - 14},95")
    picture.text(receiver - 7, 100, "×", "bold")
    picture.text(proxy + 8, 152, "HAProxy tries again\nfor 3 s, then gives up", "left note")
    picture.text(shipper + 8, 212, "looks like an answer", "left note")
    picture.box(15, 262, 215, 36, "no answer: sent again", "bad")
    picture.text(240, 325, "A proxy whose receiver has died", "note")
    picture.text(240, 342, "ends the silent connection too.", "note")
    return picture


def draw_window() -> Picture:
    picture = Picture("The window and the checkpoint of one shard", 370)
    sent, end = 190, 330
    rows = (
        ("While logs are sent", (("confirmed", sent, "good"), ("window: sent", end, "wait")), sent),
        ("Every 5 s: the receiver confirms", (("confirmed", end, "good"),), end),
        ("If that fails", (("confirmed", sent, "good"), ("sent again", end, "bad")), sent),
    )
    for number, (title, parts, checkpoint) in enumerate(rows):
        top = 15 + 110 * number
        picture.text(15, top + 14, title, "left bold")
        start = 15
        for text, stop, kind in (*parts, ("still in SLS", WIDTH - 15, "")):
            picture.box(start, top + 24, stop - start, 34, text, kind)
            start = stop
        picture.path(f"{checkpoint},{top + 84} {checkpoint},{top + 60}")
        picture.text(checkpoint, top + 98, "checkpoint", "note")
    picture.path("15,348 465,348")
    picture.text(240, 364, "logs of one shard, in the order in which SLS delivers them", "note")
    return picture


def draw_failover() -> Picture:
    picture = Picture("How a receiver fails over to the next, and back", 300)
    picture.box(150, 15, 180, 44, "the first receiver\nis in use", "good")
    picture.box(150, 195, 180, 44, "the next receiver\nis in use", "wait")
    picture.path("180,59 180,193")
    picture.text(170, 105, "it fails:", "right bold")
    reasons = "no connection,\nno confirmation;\nwhat is not confirmed\nis sent again"
    picture.text(170, 122, reasons, "right note")
    picture.path("300,195 300,61")
    picture.text(310, 105, "after one minute:", "left bold")
    picture.text(
        310, 122, "nothing is unconfirmed,\nand the first one\nconnects within 3 s", "left note"
    )
    picture.path("330,205 375,205 375,230 332,230")
    picture.text(383, 210, "it fails:", "left bold")
    picture.text(383, 227, "the one after", "left note")
    picture.text(240, 265, "After the last receiver comes the first.", "note")
    picture.text(240, 284, "If it fails again at once, it is left alone for up to 1 h.", "note")
    return picture


def draw_lag() -> Picture:
    picture = Picture("The lag during an outage of the receiver", 400)
    picture.box(180, 20, 120, 340, kind="area")
    picture.text(240, 36, "outage", "note")
    picture.path("40,240 40,15")
    picture.path("40,240 465,240")
    picture.text(48, 28, "received by SLS at", "left note")
    picture.path("40,230 455,35", "sharp")
    picture.text(262, 78, "newest log\nin SLS", "note")
    picture.path("40,230 180,164 300,164 365,77 455,35", "strong")
    picture.text(350, 150, "up to here the\nreceiver has all", "left note")
    picture.path("294,124 294,161")
    picture.path("294,156 294,113")
    picture.text(286, 148, "lag", "right bold")
    picture.path("40,360 40,265")
    picture.path("40,360 465,360")
    picture.text(48, 278, "lag_seconds", "left note")
    picture.path("40,359 180,359 300,280 365,359 455,359", "strong")
    picture.text(240, 388, "time: during the outage the lag grows by a second each second", "note")
    return picture


def draw_stations() -> Picture:
    picture = Picture("The four stations of a batch", 480)
    stations = (
        ("SLS", "", "HTTP"),
        ("consumer", "hooks, cursors,\ncheckpoints", "groups of logs"),
        ("encoding", "logs become\nframed messages", "frames"),
        ("delivery", "kept until confirmed,\nsent again, counted", "bytes"),
        ("network", "sockets, TLS,\nfail over", "syslog"),
        ("receiver", "", ""),
    )
    for number, (name, note, handed) in enumerate(stations):
        top = 15 + 84 * number
        picture.box(180, top, 120, 36, name, "" if note else "wait")
        picture.text(312, top + 14, note, "left note")
        if handed:
            picture.path(f"240,{top + 36} 240,{top + 82}")
            picture.text(248, top + 65, handed, "left note")
    picture.path("180,453 120,453 120,293 178,293")
    picture.text(112, 368, "“has it”", "right note")
    picture.path("180,277 120,277 120,117 178,117")
    picture.text(112, 197, "cursor\nthat is safe", "right note")
    picture.path("180,101 120,101 120,33 178,33")
    picture.text(112, 62, "checkpoint", "right note")
    return picture


PICTURES: dict[str, Callable[[], Picture]] = {
    "pipe": draw_pipe,
    "half-close": draw_half_close,
    "silent-connection": draw_silent,
    "window": draw_window,
    "failover": draw_failover,
    "lag": draw_lag,
    "stations": draw_stations,
}

if __name__ == "__main__":
    for name, draw in PICTURES.items():
        (FOLDER / f"{name}.svg").write_text(str(draw()))
