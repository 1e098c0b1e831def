"""The faults: each function injects one of them into a `Scene` while logs flow."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from tests.faults.scene import Scene

TIMES = 10  # how often a fault kills, terminates or cuts; the names of the rows say so


def do_nothing(scene: Scene) -> None:
    scene.wait_for_logs()


# The receiver, and the network to it


def kill_receiver(scene: Scene) -> None:
    for _ in range(TIMES):
        scene.wait_for_logs(20)
        scene.receiver.kill()
        scene.pause(0.1)
        scene.receiver.start()
        scene.mark_return()
    if scene.case.receiver == "kit":
        scene.receiver.tell("bytes_per_second", None)


def restart_receiver(scene: Scene) -> None:
    for _ in range(3):
        scene.wait_for_logs(20)
        scene.receiver.stop()
        scene.pause(0.3)
        scene.receiver.start()
        scene.mark_return()


def take_receiver_away(scene: Scene) -> None:
    scene.wait_for_logs()
    scene.receiver.kill()
    scene.pause(3)
    scene.receiver.start()
    scene.mark_return()


def take_receiver_away_longer(scene: Scene) -> None:
    scene.wait_for_logs()
    scene.receiver.kill()
    scene.pause(12)
    scene.receiver.start()
    scene.mark_return()


def flap_receiver(scene: Scene) -> None:
    """Take it away again and again, as long as logs are put: for less and more than 3 seconds."""
    scene.wait_for_logs()
    end = time.monotonic() + scene.case.fault.seconds
    while time.monotonic() < end:
        scene.receiver.kill()
        scene.pause(scene.random.uniform(0.5, 4.5))
        scene.receiver.start()
        scene.mark_return()
        scene.pause(scene.random.uniform(0.5, 3.0))


def replace_receiver_by_silent_one(scene: Scene) -> None:
    scene.wait_for_logs(20)
    scene.receiver.kill()
    scene.receiver.start(answer_half_close=False)
    scene.mark_return()


def raise_limit(scene: Scene) -> None:
    """Take the receiver's limit for a line away, after it has refused one for a while."""
    scene.wait_for_logs()
    scene.pause(8)
    scene.receiver.tell("longest_frame", None)
    scene.mark_return()


def reset_connections(scene: Scene) -> None:
    scene.receiver.tell("reset_connections")


def reset_relay(scene: Scene) -> None:
    scene.proxy.die()
    scene.proxy.start()


def close_relay_connections(scene: Scene) -> None:
    scene.proxy.close_connections()


def cut_often(cut: Callable[[Scene], None], times: int = TIMES) -> Callable[[Scene], None]:
    """Make a fault in which something cuts the connections again and again."""

    def inject(scene: Scene) -> None:
        scene.wait_for_logs()
        for _ in range(times):
            cut(scene)
            scene.mark_return()
            scene.pause(scene.random.uniform(0.05, 0.6))

    return inject


def close_at_once(scene: Scene) -> None:
    scene.wait_for_logs()
    scene.proxy.refusing = True
    scene.proxy.close_connections()
    scene.pause(3)
    scene.proxy.refusing = False
    scene.mark_return()


def hang_receiver(scene: Scene) -> None:
    scene.wait_for_logs()
    scene.receiver.hang()
    scene.pause(3)
    scene.receiver.kill()
    scene.receiver.start(bytes_per_second=None)
    scene.mark_return()


def leave_closes_unanswered(scene: Scene) -> None:
    scene.wait_for_logs()
    scene.pause(5)
    scene.receiver.tell("answer_half_close", True)
    reset_connections(scene)
    scene.mark_return()


def hold_relay(scene: Scene) -> None:
    scene.wait_for_logs()
    scene.proxy.held = True
    scene.pause(3)
    scene.proxy.held = False
    scene.mark_return()


def hold_and_reset_relay(scene: Scene) -> None:
    scene.wait_for_logs()
    scene.proxy.held = True
    scene.pause(3)
    reset_relay(scene)
    scene.mark_return()


def drop_packets(scene: Scene) -> None:
    scene.wait_for_logs()
    scene.cable.cut()
    scene.pause(4)
    scene.cable.mend()
    scene.mark_return()


def replace_receiver_unseen(scene: Scene) -> None:
    scene.wait_for_logs()
    scene.cable.cut()
    scene.receiver.kill()  # its FIN or RST is lost too
    scene.pause(4)
    scene.receiver.start()
    scene.cable.mend()
    scene.mark_return()


def move_name(scene: Scene) -> None:
    scene.wait_for_logs()
    for address in ("127.0.0.2", "127.0.0.1"):
        scene.receiver.kill()
        scene.address_file.write_text(address)
        scene.receiver.start(host=address)
        scene.mark_return()
        scene.wait_for_logs(20)


def refuse_at_first(**good: Any) -> Callable[[Scene], None]:
    """Make a fault in which the receiver refuses the shipper at first.

    While it lasts, no log may count as delivered.

    Args:
        **good: Options of the receiver with which it accepts the shipper after that.
    """

    def inject(scene: Scene) -> None:
        scene.pause(3)
        scene.claim_nothing_is_confirmed()
        scene.claim("nothing had arrived", not scene.arrivals.total)
        scene.receiver.kill()
        scene.receiver.start(**good)
        scene.mark_return()

    return inject


# The shipper


def kill_shipper(scene: Scene) -> None:
    for _ in range(TIMES):
        scene.wait_for_logs(20)
        scene.shipper.kill()
        scene.shipper.start()
        scene.mark_return()


def terminate_shipper(scene: Scene) -> None:
    for _ in range(TIMES):
        scene.wait_for_logs(20)
        scene.shipper.stop()
        scene.shipper.start()
        scene.mark_return()


def terminate_shipper_while_receiver_hangs(scene: Scene) -> None:
    scene.wait_for_logs()
    scene.receiver.hang()
    scene.pause(2)
    scene.claim("the shipper ended on SIGTERM", scene.shipper.stop() == 0)
    scene.receiver.kill()
    scene.receiver.start()
    scene.shipper.start()
    scene.mark_return()


def freeze_shipper(scene: Scene) -> None:
    scene.wait_for_logs()
    scene.make_shipper("second").start()
    scene.wait_until_owned("shipper", "second")
    scene.shipper.freeze()
    scene.wait_until_owned("second")
    scene.wait_for_logs(20)
    scene.shipper.thaw()
    scene.mark_return()


def hand_over_in_outage(scene: Scene) -> None:
    scene.wait_for_logs()
    scene.receiver.kill()
    second = scene.make_shipper("second")
    second.start()
    scene.wait_until_owned("shipper", "second")
    scene.receiver.start()
    scene.mark_return()
    scene.wait_for_logs(20)
    scene.shipper.stop()


# SLS


def fail_requests(operation: str, *, times: int = 5, **fault: Any) -> Callable[[Scene], None]:
    """Make a fault in which SLS fails, three times.

    Args:
        operation: The operation that fails.
        times: The number of requests that fail each time.
        **fault: Arguments of `SlsEmulator.fail`.
    """

    def inject(scene: Scene) -> None:
        for _ in range(3):
            scene.wait_for_logs()
            scene.emulator.fail(operation, times=times, **fault)
            scene.pause(1)
        scene.emulator.clear_faults()
        scene.mark_return()

    return inject


def take_service_away(scene: Scene) -> None:
    scene.wait_for_logs()
    scene.emulator.stop()
    scene.pause(3)
    scene.emulator.start()
    scene.mark_return()


def evict_consumer(scene: Scene) -> None:
    for _ in range(3):
        scene.wait_for_logs(20)
        scene.evict()
        scene.mark_return()
        scene.pause(1)


def split_shards(scene: Scene) -> None:
    scene.wait_for_logs(20)
    child, _ = scene.emulator.split_shard(0)
    scene.wait_for_logs(20)
    scene.emulator.split_shard(child)
