"""The documented SDK, address for address: what its reference calls ``encord`` is ``encord_convert.sdk`` here.

The label model behaves as the original does, measured, save where that loses or spoils data. A script that the
original runs runs here; where the original fails, this may succeed. The places, each shown by a test:

=====  ====================================  ================================  =========================================
       Where                                 The original                      Here, and why
=====  ====================================  ================================  =========================================
D1     split dynamic checklists              lose frames where ranges meet or  united exactly
                                             overlap
D2     skeletons                             refused                           read and written
D3     DICOM series, slices, data links      read or dropped, not written      written as they were read
D4     dates                                 lose their zone                   keep it, written in UTC. One read from
                                                                               text that says GMT or UTC still compares
                                                                               with times without zone
D5     answers for what is on no frame       fail, or are dropped              kept and written
D6     labels without an answers entry       fail                              are unanswered
D7     a call that fails, reading a row too  may have changed something        has changed nothing: a row is never half
                                                                               read
D8     a second object of the same hash      leaves traces of the first        replaces it
D8b    copies                                consult the original              stand alone
D9     adding to a row                       frames not checked                frames checked
D10b   answers on removed frames; deleted    stay, and make the object         leave with the frame; are gone
       answers                               invalid
D11    classifications that were removed,    cannot be added again, renewed    can
       or are in a row                       or put on a further frame
D12    unanswered checklist, classification  None                              an empty list, as for objects
D13    frames emptied in an earlier session  dropped when read                 kept: they tell a server what is gone.
                                                                               Both write frames emptied since reading
D14    ``manualAnnotation``, ``trackHash``   replaced                          kept
       and ``shouldPropagate`` of answers
D15    empty dynamic selections              written, not read                 written and read
D16    unknown label status                  replaced                          kept in the JSON
D17    ``get_frame_number``; ``created_at``  ``KeyError`` for an unknown       None; a time: as documented
       of a read row                         image; text
D18    boolean buffers with other bytes      spoiled                           every true byte is a pixel
       than 1
D19    a classification without attribute    breaks looking up titles          is passed over
D20    attributes below dynamic ones         cannot be answered                can, once their option is chosen
D21    ``frames_to_ranges`` of repeated      overlapping ranges                ranges of the frames
       frames
D22    writing a row                         slower the more frames it has     linear
D23    an iterator as checklist answer       stored as nothing chosen          stored as what it gives
-      dynamic answers                       turn their order round each time  keep it
-      order within a frame                  that of the row                   as it was read
-      keys nobody knows                     dropped                           kept where they stood, and written
-      reviews, deletion marks               read, not written                 written as they were read
-      newer shapes, answers, data types     refused                           carried, so that saving loses nothing
-      polygons                              one ring                          several rings, with holes
-      instances and their row               hold each other                   the row holds the instances; when it is
                                                                               dropped they belong to no row
-      times of data rows                    lose their zone                   keep it
=====  ====================================  ================================  =========================================

The same as the original, on purpose: hidden answers stay and are written (D10), since they count again when their
option is chosen again.

How the client differs on the wire stands in :mod:`encord_convert.sdk.http`.
"""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING
from typing import Any as _Any

if TYPE_CHECKING:
    from encord_convert.sdk.client import EncordClient as EncordClient
    from encord_convert.sdk.configs import EncordConfig as EncordConfig
    from encord_convert.sdk.dataset import Dataset as Dataset
    from encord_convert.sdk.ontology import Ontology as Ontology
    from encord_convert.sdk.project import Project as Project
    from encord_convert.sdk.user_client import EncordUserClient as EncordUserClient

_HOMES = {
    "Dataset": "dataset",
    "EncordClient": "client",
    "EncordConfig": "configs",
    "EncordUserClient": "user_client",
    "Ontology": "ontology",
    "Project": "project",
}


def __getattr__(name: str) -> _Any:
    # Looked up when asked for: who uses the model alone loads no network library.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(_import_module(f"{__name__}.{_HOMES[name]}"), name)
