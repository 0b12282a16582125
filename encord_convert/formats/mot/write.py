"""Writes MOT Challenge text: a folder for each sequence."""

from __future__ import annotations

from typing import Any

from encord_convert.formats._annotations import answers_at, ids_of, native_of, plain
from encord_convert.formats._boxes import box_px, decimal
from encord_convert.formats._files import Target, name_fault
from encord_convert.formats._paths import Paths
from encord_convert.formats._sizes import Size, write_sizes
from encord_convert.formats.mot.sequences import CLASSES, INI, LABELS, OBJECT, VISDRONE, base_of
from encord_convert.hub.loss import Carries
from encord_convert.hub.native import Keys
from encord_convert.hub.visibility import frame_size
from encord_convert.losses.narrow import Narrowed
from encord_convert.sdk.objects import LabelRowV2

FAMILY = "mot"


def write_sequences(narrowed: Narrowed, target: Target) -> None:
    """Write ``gt/gt.txt``, ``gt/labels.txt`` and ``seqinfo.ini`` for each row."""
    labels, carries = narrowed.labels, narrowed.carries
    shapes = carries.shapes | carries.approximates
    names = list(dict.fromkeys(item.title for item in labels.ontology.objects if item.shape in shapes))
    own = labels.native.get(FAMILY)
    is_listed = own is None or own.get("labels", True)
    known = None if is_listed else known_numbers(names, bool(own and own.get("visdrone")))
    is_listed = known is None
    numbers = {name: number for number, name in enumerate(names, 1)} if known is None else known
    paths, sizes = Paths(), list[Size]()
    is_empty = True
    for left in narrowed:
        row, written, is_empty = left.row, left.on_frames(), False
        native = native_of(row, FAMILY, labels.native)
        keys = dict(native.row) if native else {}
        file = placed(paths, row, keys.get("(file)", ""), "gt/gt.txt")
        with target.open(file) as stream:
            for line in _lines(row, written, native, keys, numbers, carries):
                stream.write(line.encode("utf-8", "surrogatepass") + b"\n")
        if is_listed and keys.get("(columns)", 9) == 9:
            with target.open(f"{file.rpartition('/')[0]}/{LABELS}".lstrip("/")) as stream:
                stream.write("".join(f"{one_line(name)}\n" for name in names).encode("utf-8", "surrogatepass"))
        write_info(target, row, keys, file, sizes)
    if sizes or is_empty:  # an empty folder would not be created
        write_sizes(target, sizes)


def placed(paths: Paths, row: LabelRowV2, file: str, usual: str) -> str:
    """Return the path of a sequence's file: the source's if still free, else in a folder of its own."""
    stem, dot, ending = file.rpartition(".")
    stem, ending = (stem, dot + ending) if "/" not in ending and stem else (file, "")
    if file and not name_fault(file) and paths.file(stem, ending) == stem:
        return file
    return f"{paths.folder(plain(row.data_title))}/{usual}"


def write_info(target: Target, row: LabelRowV2, keys: Keys, file: str, sizes: list[Size]) -> None:
    """Write the seqinfo.ini of a sequence, or a line of sizes.csv if it has no folder of its own."""
    base = base_of(file)
    if base is None:
        sizes.append(Size(file.removesuffix(".txt"), *frame_size(row, 0), row.data_title, row.number_of_frames))
        return
    with target.open(base + INI) as stream:
        stream.write(info_text(row, keys).encode("utf-8", "surrogatepass"))


def known_numbers(names: list[str], is_visdrone: bool) -> dict[str, int] | None:
    """Return the standard numbers of classes; None if any class has none."""
    known = {f"class {n}": n for n in range(1000)}
    known |= (
        {name: n for n, name in enumerate(VISDRONE)} if is_visdrone else {name: n for n, name in enumerate(CLASSES, 1)}
    )
    known[OBJECT] = -1
    return {name: known[name] for name in names} if all(name in known for name in names) else None


def one_line(text: str) -> str:
    """Return a text without line breaks."""
    return " ".join(text.splitlines()) if text else ""


def info_text(row: LabelRowV2, keys: Keys) -> str:
    """Return the seqinfo.ini of a row; ``keys`` is its native data."""
    width, height = frame_size(row, 0)
    said = {key[8:]: value for key, value in keys.items() if key.startswith("seqinfo.")}
    lower = {key.lower() for key in said}
    info: dict[str, Any] = {"name": one_line(row.data_title)}
    info |= {} if "imdir" in lower else {"imDir": "img1"}
    info |= {"frameRate": row.fps} if row.fps and "framerate" not in lower else {}
    info |= {"seqLength": row.number_of_frames, "imWidth": width, "imHeight": height}
    info |= {} if "imext" in lower else {"imExt": ".jpg"}
    spelled = keys.get("(spelled)", {})
    info = {spelled.get(key, key): value for key, value in info.items()}
    return "".join(["[Sequence]\n", *(f"{key}={value}\n" for key, value in (info | said).items())])


def _lines(row: LabelRowV2, written: Any, native: Any, keys: Keys, numbers: Any, carries: Carries) -> Any:
    """Yield the rows of a sequence, frame by frame."""
    columns, first, shift = keys.get("(columns)", 9), keys.get("(first)", 1), keys.get("(shift)", 0.0)
    is_plain = columns == 9 or any(item.object_name != OBJECT for some in written.values() for item in some)
    if keys.get("(dialect)") != "visdrone" and is_plain and columns != 8:
        columns = 9
    ids = ids_of(row, native, least=1)
    yield from keys.get("comment", ())
    for frame, objects in sorted(written.items()):
        size = frame_size(row, frame)
        for object_ in objects:
            own = native.of(object_.object_hash, frame) if native else {}
            left, top, width, height = box_px(object_._frames[frame].coordinates, size, carries.tolerance_px)
            said, info = answers_at(object_, frame, carries), object_._frames[frame].object_frame_instance_info
            confidence = repr(info.confidence) if info.confidence != 1 else "1"
            cells = [str(frame + first), str(ids[object_.object_hash])]
            cells += [decimal(number) for number in (left - shift, top - shift, width, height)]
            cells.append("0" if "ignored" in said else own.get("conf", confidence))
            class_ = str(numbers[object_.object_name])
            if keys.get("(dialect)") == "visdrone":
                cells += [class_, own.get("truncation", "0"), own.get("occlusion", "0")]
            elif columns == 9:
                cells += [class_, said.get("visibility", "1")]
            else:
                cells += [class_] if columns == 8 else [own.get(axis, "-1") for axis in "xyz"]
            yield ",".join(cells[:columns])
