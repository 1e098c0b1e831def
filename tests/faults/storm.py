"""All faults in random order (seeded) while logs are put.

InvalidCursor must not be one of them: it makes ours start at the oldest log, which hides a loss.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from tests.faults.actions import reset_connections, reset_relay
from tests.faults.scene import Scene

CALM_SECONDS = 0.5  # average pause between two faults
MAX_SHARDS = 8  # more would slow down the run


def _kill_receiver(scene: Scene) -> None:
    scene.receiver.kill()
    scene.pause(scene.random.uniform(0, 0.5))
    scene.receiver.start()
    scene.mark_return()


def _hang_receiver(scene: Scene) -> None:
    scene.receiver.hang()
    scene.pause(scene.random.uniform(0.1, 1))
    scene.receiver.go_on()


def _hold_relay(scene: Scene) -> None:
    scene.proxy.held = True
    scene.pause(scene.random.uniform(0.1, 1))
    scene.proxy.held = False


def _leave_closes_unanswered(scene: Scene) -> None:
    scene.receiver.tell("answer_half_close", False)
    scene.pause(scene.random.uniform(0.1, 1))
    scene.receiver.tell("answer_half_close", True)
    reset_connections(scene)


def _spoil_certificate(scene: Scene) -> None:
    for certificate in (scene.random.choice(["expired", "wrong name", "untrusted"]), "good"):
        scene.receiver.kill()
        scene.receiver.start(certificate=certificate)
        scene.pause(scene.random.uniform(0.1, 1))
    scene.mark_return()


def _change_speed(scene: Scene) -> None:
    scene.receiver.tell("bytes_per_second", scene.random.choice([100_000, 1_000_000, None]))


def _kill_shipper(scene: Scene) -> None:
    scene.shipper.kill()
    scene.shipper.start()


def _terminate_shipper(scene: Scene) -> None:
    scene.shipper.stop()
    scene.shipper.start()


def _add_shipper(scene: Scene) -> None:
    second = scene.make_shipper("second")
    second.start()
    scene.pause(scene.random.uniform(1, 3))
    second.stop()


def _fail_requests(scene: Scene) -> None:
    operation = scene.random.choice(
        ["PullLogs", "ConsumerGroupUpdateCheckPoint", "ConsumerGroupHeartBeat"]
    )
    status, code = scene.random.choice([(500, "InternalServerError"), (403, "QuotaExceed")])
    drop = scene.random.random() < 0.3
    scene.emulator.fail(operation, status=status, code=code, drop=drop)


def _cut_service(scene: Scene) -> None:
    scene.emulator.stop()
    scene.pause(scene.random.uniform(0, 0.5))
    scene.emulator.start()


def _split(scene: Scene) -> None:
    writable = [number for number in scene.emulator.end_cursors() if number % 2 == 0]
    newest = max(writable)
    if newest < MAX_SHARDS and newest not in scene.split:
        scene.split.add(newest)
        scene.emulator.split_shard(newest)


ACTIONS: tuple[Callable[[Scene], None], ...] = (
    _kill_receiver,
    _hang_receiver,
    reset_connections,
    reset_relay,
    _hold_relay,
    _leave_closes_unanswered,
    _spoil_certificate,
    _change_speed,
    _kill_shipper,
    _terminate_shipper,
    _add_shipper,
    _fail_requests,
    Scene.evict,
    _cut_service,
    _split,
)


KIT_ONLY = {
    _hang_receiver,
    reset_connections,
    _leave_closes_unanswered,
    _spoil_certificate,
    _change_speed,
}


def rage(scene: Scene) -> None:
    """Inject one fault after another until most logs have been put. Then end all faults."""
    scene.wait_for_logs()
    end = time.monotonic() + scene.case.fault.seconds - CALM_SECONDS
    is_kit = scene.case.receiver == "kit"
    actions = [action for action in ACTIONS if is_kit or action not in KIT_ONLY]
    while time.monotonic() < end:
        scene.random.choice(actions)(scene)
        scene.pause(scene.random.uniform(0, 2 * CALM_SECONDS))
    scene.emulator.clear_faults()
    if is_kit:
        scene.receiver.tell("bytes_per_second", None)
    scene.mark_return()
