"""Every version reads what all the others wrote, saves it, and what it saved is read by the next."""

from __future__ import annotations

from shared_rows import BOX, FRAMES, NUMBER, VERSIONS, compared, named, rows_of
from world import check, signed_in, w

WRITTEN = [other for other in VERSIONS if other != NUMBER]


def project_of(other: int) -> object:
    w.me = signed_in(f"v{NUMBER}")
    [found] = w.me.get_projects(title_eq=f"project 0.1.{other}")
    return w.me.get_project(found["project"].project_hash)


def reading(other: int) -> None:
    def read() -> None:
        found = rows_of(project_of(other))
        for title, frames in FRAMES.items():
            found[title].initialise_labels()
            compared(found[title], frames, f"0.1.{other}")

    read.__name__ = f"read_what_{other}_wrote"
    check(read)


def saving(other: int) -> None:
    def save() -> None:
        for title, frames in FRAMES.items():
            row = rows_of(project_of(other))[title]
            row.initialise_labels()
            tip = named(row.ontology_structure, "Car").create_instance()
            tip.set_for_frames(BOX, frames[-1:])
            row.add_object_instance(tip)
            row.save()
            again = rows_of(project_of(other))[title]
            again.initialise_labels()
            hashes = [one.object_hash for one in again.get_object_instances()]
            assert tip.object_hash in hashes
            again.remove_object(next(one for one in again.get_object_instances() if one.object_hash == tip.object_hash))
            again.save()

    save.__name__ = f"save_what_{other}_wrote"
    check(save)


for _other in WRITTEN:
    reading(_other)
    saving(_other)
