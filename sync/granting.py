"""Building file statements: fresh epoch secret, commitment and grants for exactly the right recipients (docs/spec.md §7.3).

The granter's place of the wall: recipients come from the verified registry of the file's own side, and from nowhere else.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from shared_schema.certificate import SUITE
from shared_schema.errors import BadGrant
from shared_schema.membership import FileStatement, Genesis, Grant, Members, MoreGrants, NewEpoch, Recover
from sync import keys, sealing
from sync.membership import FileState, epochs_for, missing_grants, recipients
from sync.registry import Registry

Entropy = Callable[[int], bytes]


@dataclass(frozen=True, slots=True)
class Granter:
    """Who grants, in which log, relying on which registry."""

    svc: bytes
    log: bytes
    device: bytes
    registry: Registry

    def _grant(self, to: bytes, cert: bytes, public: bytes, epochs: tuple[int, ...], secrets: Mapping[int, bytes]) -> Grant:
        info = keys.grant_info(self.svc, self.log, epochs[-1], self.device, to)
        return Grant(to, cert, epochs, keys.seal_secrets(public, info, [secrets.get(epoch, keys.NO_SECRET) for epoch in epochs]))

    def _grants(
        self, members: Iterable[bytes], epochs: tuple[int, ...], complete: frozenset[bytes], secrets: Mapping[int, bytes]
    ) -> tuple[Grant, ...]:
        wanted = recipients(self.registry, members, self.registry.seq)
        return tuple(self._grant(to, cert, public, epochs_for(to, epochs, complete), secrets) for to, (cert, public) in sorted(wanted.items()))

    def genesis(self, nonce: bytes, file: str, members: Mapping[bytes, str], secret: bytes) -> Genesis:
        """The first statement of a file, whose epoch 1 has `secret`."""
        return Genesis(
            nonce=nonce,
            file=file,
            side=self.registry.side,
            suite=SUITE,
            members=tuple(sorted(members.items())),
            epoch=1,
            commit=sealing.commitment(secret, keys.context(self.svc, self.log, 1)),
            grants=self._grants(members, (1,), frozenset(), {1: secret}),
            rg=self.registry.head,
        )

    def new_epoch(
        self,
        state: FileState,
        secrets: Mapping[int, bytes],
        secret: bytes,
        add: Mapping[bytes, str] | None = None,
        remove: Iterable[bytes] = (),
    ) -> Members | NewEpoch:
        """A rotation to `secret`, and with `add` or `remove` a change of people in the same statement."""
        gone = set(remove)
        members = {user: role for user, role in state.members.items() if user not in gone} | dict(add or {})
        epoch = state.next_epoch
        grants = self._grants(members, (*state.commits, epoch), state.complete, {**secrets, epoch: secret})
        commit = sealing.commitment(secret, keys.context(self.svc, self.log, epoch))
        if add or gone:
            return Members(tuple(sorted((add or {}).items())), tuple(sorted(gone)), epoch, commit, grants, self.registry.head, state.previous)
        return NewEpoch(epoch, commit, grants, self.registry.head, state.previous)

    def recover(self, state: FileState, secrets: Mapping[int, bytes], secret: bytes, member: tuple[bytes, str], by: bytes) -> Recover:
        """A file that nobody holds any more, brought back: `member` (user, role) is in it, and whoever else was, by a new epoch. `by` is the signature
        of the recovery key that holds it.
        """
        epoch = state.next_epoch
        members = {**state.members, member[0]: member[1]}
        grants = self._grants(members, (*state.commits, epoch), state.complete, {**secrets, epoch: secret})
        commit = sealing.commitment(secret, keys.context(self.svc, self.log, epoch))
        return Recover(member[1], by, epoch, commit, grants, self.registry.head, state.previous)

    def more_grants(self, state: FileState, secrets: Mapping[int, bytes], again: Iterable[bytes] = ()) -> MoreGrants | None:
        """Grants of all epochs for devices of members that have none yet, and once more for `again`; None when that is nobody."""
        wanted = recipients(self.registry, state.members, self.registry.seq)
        epochs = tuple(state.commits)
        devices = sorted({*missing_grants(state, self.registry), *again})
        grants = tuple(self._grant(to, *wanted[to], epochs, secrets) for to in devices)
        return MoreGrants(grants, self.registry.head, state.previous) if grants else None


def check_secret(state: FileState | None, svc: bytes, epoch: int, secret: bytes, held: Mapping[int, bytes]) -> None:
    """§7.3: the recipient's check of one granted secret. Of two epochs with one secret the later is wrong. Raises BadGrant."""
    commit = state.commits.get(epoch) if state else None
    if state is None or commit != sealing.commitment(secret, keys.context(svc, state.log, epoch)):
        raise BadGrant(f"the secret of epoch {epoch} does not match its commitment")
    if held.get(epoch, secret) != secret or any(other == secret for number, other in held.items() if number < epoch):
        raise BadGrant(f"the secret of epoch {epoch} was used before")


def open_grants(statement: FileStatement, granter: bytes, key: keys.ReceivingKey, to: bytes, ctx: tuple[bytes, bytes]) -> dict[int, bytes]:
    """The secrets that `statement` grants to `to`, by epoch; empty if none. `ctx` is (svc, log). Raises BadGrant."""
    for grant in statement.grants:
        if grant.to == to:
            info = keys.grant_info(*ctx, grant.epochs[-1], granter, to)
            opened = zip(grant.epochs, keys.open_secrets(key, info, grant.sealed, len(grant.epochs)), strict=True)
            return {epoch: secret for epoch, secret in opened if secret is not None}
    return {}
