"""What goes wrong: each function does one fault to a `Scene`, while logs flow."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from faults.scene import Scene

TIMES = 10  # so often is killed what is killed


def nothing(scene: Scene) -> None:
    scene.wait_for_logs()


# The receiver and the way to it


def receiver_killed(scene: Scene) -> None:
    for _ in range(TIMES):
        scene.wait_for_logs(20)
        scene.receiver.kill()
        scene.pause(0.1)
        scene.receiver.start()
        scene.back()
    if scene.case.receiver == "kit":
        scene.receiver.tell("bytes_per_second", None)


def receiver_restarted(scene: Scene) -> None:
    for _ in range(3):
        scene.wait_for_logs(20)
        scene.receiver.stop()
        scene.pause(0.3)
        scene.receiver.start()
        scene.back()


def receiver_away(scene: Scene) -> None:
    scene.wait_for_logs()
    scene.receiver.kill()
    scene.pause(3)
    scene.receiver.start()
    scene.back()


def connections_reset(scene: Scene) -> None:
    scene.wait_for_logs()
    for _ in range(15):
        scene.receiver.tell("reset_connections")
        scene.back()
        scene.pause(scene.random.uniform(0.05, 0.6))


def relay_resets(scene: Scene) -> None:
    scene.wait_for_logs()
    for _ in range(TIMES):
        scene.proxy.die()
        scene.proxy.start()
        scene.back()
        scene.pause(scene.random.uniform(0.1, 0.6))


def relay_closes(scene: Scene) -> None:
    scene.wait_for_logs()
    for _ in range(TIMES):
        scene.proxy.close_connections()
        scene.back()
        scene.pause(scene.random.uniform(0.1, 0.6))


def closed_at_once(scene: Scene) -> None:
    scene.wait_for_logs()
    scene.proxy.refusing = True
    scene.proxy.close_connections()
    scene.pause(3)
    scene.proxy.refusing = False
    scene.back()


def hangs(scene: Scene) -> None:
    scene.wait_for_logs()
    scene.receiver.hang()
    scene.pause(3)
    scene.receiver.kill()
    scene.receiver.start(bytes_per_second=None)
    scene.back()


def never_answers_the_close(scene: Scene) -> None:
    scene.wait_for_logs()
    scene.pause(5)
    scene.receiver.tell("answer_half_close", True)
    scene.receiver.tell("reset_connections")
    scene.back()


def black_hole_that_ends(scene: Scene) -> None:
    scene.wait_for_logs()
    scene.proxy.held = True
    scene.pause(3)
    scene.proxy.held = False
    scene.back()


def black_hole_that_dies(scene: Scene) -> None:
    scene.wait_for_logs()
    scene.proxy.held = True
    scene.pause(3)
    scene.proxy.die()
    scene.proxy.start()
    scene.back()


def packets_vanish(scene: Scene) -> None:
    scene.wait_for_logs()
    scene.cable.cut()
    scene.pause(4)
    scene.cable.mend()
    scene.back()


def replaced_unseen(scene: Scene) -> None:
    scene.wait_for_logs()
    scene.cable.cut()
    scene.receiver.kill()  # its farewell vanishes
    scene.pause(4)
    scene.receiver.start()
    scene.cable.mend()
    scene.back()


def name_moves(scene: Scene) -> None:
    scene.wait_for_logs()
    for address in ("127.0.0.2", "127.0.0.1"):
        scene.receiver.kill()
        scene.address_file.write_text(address)
        scene.receiver.start(host=address)
        scene.back()
        scene.wait_for_logs(20)


def refused_at_first(**good: Any) -> Callable[[Scene], None]:
    """A fault that is there from the start: nobody may count a log as delivered under it."""

    def happens(scene: Scene) -> None:
        scene.pause(3)
        scene.claim_nothing_is_confirmed()
        scene.claim("nothing had arrived", not scene.arrivals.total)
        scene.receiver.kill()
        scene.receiver.start(**good)
        scene.back()

    return happens


# The shipper


def shipper_killed(scene: Scene) -> None:
    for _ in range(TIMES):
        scene.wait_for_logs(20)
        scene.shipper.kill()
        scene.shipper.start()
        scene.back()


def shipper_terminated(scene: Scene) -> None:
    for _ in range(TIMES):
        scene.wait_for_logs(20)
        scene.shipper.stop()
        scene.shipper.start()
        scene.back()


def shipper_terminated_while_receiver_hangs(scene: Scene) -> None:
    scene.wait_for_logs()
    scene.receiver.hang()
    scene.pause(2)
    began = time.monotonic()
    scene.shipper.stop()
    scene.claim("the shipper ended within 10 s", time.monotonic() - began < 10)
    scene.receiver.kill()
    scene.receiver.start()
    scene.shipper.start()
    scene.back()


def shipper_frozen(scene: Scene) -> None:
    scene.wait_for_logs()
    scene.another_shipper("second").start()
    scene.pause(1)
    scene.shipper.freeze()
    scene.pause(4)  # by then its shards are the other's
    scene.shipper.thaw()
    scene.back()


def handed_over_in_an_outage(scene: Scene) -> None:
    scene.wait_for_logs()
    scene.receiver.kill()
    second = scene.another_shipper("second")
    second.start()
    scene.pause(3)
    scene.receiver.start()
    scene.back()
    scene.wait_for_logs(20)
    scene.shipper.stop()


# SLS


def answers(operation: str, *, times: int = 5, **fault: Any) -> Callable[[Scene], None]:
    """SLS answers so many requests like that, again and again."""

    def happens(scene: Scene) -> None:
        for _ in range(3):
            scene.wait_for_logs()
            scene.emulator.fail(operation, times=times, **fault)
            scene.pause(1)
        scene.emulator.clear_faults()
        scene.back()

    return happens


def service_away(scene: Scene) -> None:
    scene.wait_for_logs()
    scene.emulator.stop()
    scene.pause(3)
    scene.emulator.start()
    scene.back()


def evicted(scene: Scene) -> None:
    for _ in range(3):
        scene.wait_for_logs(20)
        scene.evict()
        scene.back()
        scene.pause(1)


def split(scene: Scene) -> None:
    scene.wait_for_logs(20)
    child, _ = scene.emulator.split_shard(0)
    scene.wait_for_logs(20)
    scene.emulator.split_shard(child)
