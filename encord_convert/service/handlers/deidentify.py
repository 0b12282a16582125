"""De-identification of DICOM files where they lie.

The conditions are looked at in the header as it came. Files that do not meet them are left out of the answer, the order
of the others is kept. If one file cannot be treated, the answer is an error that lists each such file, and nothing is
laid down. Sources are never changed.

Source: wire protocol, section 8.7; DICOM in Encord terms, part C.
"""

from __future__ import annotations

import logging
import shutil
import tempfile
from pathlib import Path

from encord_convert.sdk.exceptions import InvalidArgumentsError, ResourceNotFoundError
from encord_convert.sdk.http.routes import USER, Query, Verb
from encord_convert.service.calls import Call, handles
from encord_convert.service.clouds import Root, beside, name_of
from encord_convert.service.redactions import Job, Outcome, redacted

_LOG = logging.getLogger("encord_convert.service")

MODES = ("REDACT_ALL_TEXT", "REDACT_NO_TEXT", "REDACT_SENSITIVE_TEXT")
MOST_FILES = 10_000


def deidentified(call: Call) -> list[str]:
    """De-identify the files of a call; return the addresses of what was saved."""
    from encord_convert.service.deidentify import NO_OCR, WARNINGS

    root = call.storage.clouds.integration(call.uid)
    urls = call.given("dicom_urls", list)
    if len(urls) > MOST_FILES:
        raise InvalidArgumentsError(f"{len(urls)} files; {MOST_FILES} are the most of one call.")
    for url in urls:
        call.storage.clouds.root(call.uid, url)
    folder = call.given("upload_dir", (str, type(None)), None)
    mode = call.given("redact_pixels_mode", str, "REDACT_NO_TEXT")
    if mode not in MODES:
        raise InvalidArgumentsError(f"redact_pixels_mode is one of {', '.join(MODES)}.")
    tags = call.given("redact_dicom_tags", bool, True)
    conditions = [_condition(item) for item in call.given("save_conditions", (list, type(None)), None) or []]
    beside(root, root.url + "/x", "x", folder)
    with tempfile.TemporaryDirectory(prefix="deidentify-") as name:
        work = Path(name)
        files = [(str(work / f"{number}.in"), str(work / f"{number}.out")) for number in range(len(urls))]
        faults = _gathered(root, urls, files)
        job = Job(files, tags, mode, conditions, [name_of(url) for url in urls])
        outcomes = redacted(job) if files and not faults else []
        faults += [f"{url}: {one.fault}" for url, one in zip(urls, outcomes, strict=False) if one.fault]
        if faults:
            raise InvalidArgumentsError(
                f"Nothing was saved, for {len(faults)} of {len(urls)} files: {' '.join(faults)}"
            )
        saved = _laid_down(root, urls, files, outcomes, folder, call.now)
    said = [*(WARNINGS if tags else ()), *([NO_OCR] if mode == "REDACT_SENSITIVE_TEXT" else ())]
    _report(outcomes, said if saved else [])
    return saved


@handles(Query.DICOM_DEIDENTIFY_TASK, Verb.POST, USER, writes=True, prepare=deidentified, is_long=True)
def answer(call: Call) -> list[str]:
    """Answer where the files lie that were saved."""
    saved: list[str] = call.prepared
    return saved


def _report(outcomes: list[Outcome], warnings: list[str]) -> None:
    """Say in the log what became of each file, by its place in the call: its name could be its patient's."""
    for place, one in enumerate(outcomes):
        if not one.is_saved:
            _LOG.info("File %d is not saved: a condition does not hold.", place)
            continue
        _LOG.info("File %d is saved; %d boxes are painted over, %.1f %% of it.", place, one.boxes, 100 * one.share)
        if one.is_name_identifying:
            _LOG.warning("File %d is named after its patient, and the result still is.", place)
    saved = sum(outcome.is_saved for outcome in outcomes)
    if warnings:
        _LOG.warning("De-identified %d of %d files. %s", saved, len(outcomes), " ".join(warnings))


def _condition(value: object) -> tuple[int, list[str], bool]:
    from encord_convert.service.deidentify import tag_of

    match value:
        case {"condition_type": "IN", "dicom_tag": str(tag), "value": list(texts)} if all(
            isinstance(text, str) for text in texts
        ):
            is_member = True
        case {"condition_type": "NOT_SUBSTR", "dicom_tag": str(tag), "value": str(text)}:
            texts, is_member = [text], False
        case _:
            raise InvalidArgumentsError(
                "A save condition is an object with dicom_tag, condition_type IN or NOT_SUBSTR, and value: a list of "
                "texts for IN, a text for NOT_SUBSTR."
            )
    try:
        return int(tag_of(tag)), texts, is_member
    except ValueError as error:
        raise InvalidArgumentsError(str(error)) from error


def _gathered(root: Root, urls: list[str], files: list[tuple[str, str]]) -> list[str]:
    """Copy the sources together; return what is wrong with them."""
    faults = []
    for url, (incoming, _) in zip(urls, files, strict=True):
        try:
            with root.open(url) as source, Path(incoming).open("wb") as target:
                shutil.copyfileobj(source, target, 1 << 20)
        except ResourceNotFoundError as error:
            faults.append(error.message)
    return faults


def _laid_down(
    root: Root, urls: list[str], files: list[tuple[str, str]], outcomes: list[Outcome], folder: str | None, now: float
) -> list[str]:
    """Lay all results down, or none; return where."""
    saved: list[str] = []
    stamp = int(now * 1e8)
    try:
        for url, (_, outgoing), outcome in zip(urls, files, outcomes, strict=True):
            while outcome.is_saved:
                place = beside(root, url, f"deid_{stamp:018}_{name_of(url)}", folder)
                stamp += 1
                try:
                    root.put(place, Path(outgoing))
                except FileExistsError:
                    continue
                saved.append(place)
                break
    except BaseException:
        for place in saved:
            root.remove(place)
        raise
    return saved
