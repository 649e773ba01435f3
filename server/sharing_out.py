"""`fieldkeep migrate`: every side's tables brought to the newest schema, and with `--citus` to their places (server/sharding.py), while no process serves."""

import os

from server import sharding
from server.data_folder import lock_data
from server.engines import Postgres
from server.service import migrate
from server.settings import Settings
from server.sharding import CannotShare
from shared_schema.ids import SIDES


def bring_up_to_date(settings: Settings, *, citus: bool) -> dict[str, list[str]]:
    """The names of the tables that were given a place, by side. Raises InUse, Regressed, CannotShare, and what the database raises."""
    places = {side: settings.place(side) for side in SIDES}
    alone = [side for side, place in places.items() if not isinstance(place, Postgres)]
    if citus and alone:
        raise CannotShare(f"want FIELDKEEP_DATABASE set: a SQLite file has one node ({', '.join(alone)})")
    settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = lock_data(settings.data)
    try:
        for place in places.values():
            if isinstance(place, Postgres) or place.exists():  # a file is begun by `serve`, with its keys
                migrate(place)
        return {side: sharding.share_out(place) for side, place in places.items() if citus and isinstance(place, Postgres)}
    finally:
        os.close(lock)
