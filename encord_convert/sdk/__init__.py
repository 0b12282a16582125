"""The documented SDK, address for address: what its reference calls ``encord`` is ``encord_convert.sdk`` here.

The label model behaves as the original does, measured, save where that loses or spoils data. A script that the
original runs runs here; where the original fails, this may succeed.

==================================  ==========================================  =======================================
Where                               The original                                Here, and why
==================================  ==========================================  =======================================
reading a row                       leaves half of it when it fails             all or nothing: a row is never half read
any call that fails                 may have changed something                  has changed nothing
keys nobody knows                   dropped                                     kept where they stood, and written
skeletons                           refused                                     read and written
newer shapes, answers, data types   refused                                     carried, so that saving loses nothing
polygons                            one ring                                    several rings, with holes
DICOM series, slices, data links    read or dropped, not written                written as they were read
dates                               lose their zone                             keep it, written in UTC. One read from
                                                                                text that says GMT or UTC still compares
                                                                                with times without zone
dynamic answers                     turn their order round each time, forget    keep order, tracks and flags
                                    ``trackHash``, who gave them, and empty
                                    selections
split dynamic checklists            lose frames                                 united exactly
answers for what is on no frame     fail, or are dropped                        kept and written
labels without an answers entry     fail                                        are unanswered
unknown label status                replaced                                    kept in the JSON
emptied frames                      dropped when read                           kept: they tell a server what is gone
order within a frame                that of the row                             as it was read
a second object of the same hash    leaves traces of the first                  replaces it
adding to a row                     frames not checked                          frames checked
a removed classification            cannot be added again                       can
``overwrite`` on a classification   fails in a row                              works
frame views                         take no classification twice                add it to further frames
copies                              consult the original                        stand alone
answers on removed frames           stay, and make the object invalid           leave with the frame
attributes below dynamic ones       cannot be answered                          can, once their option is chosen
unanswered checklist,
classification                      None                                        an empty list, as for objects
``get_frame_number``                ``KeyError`` for an unknown image           None, as documented
``created_at`` of a read row        text                                        a time, as documented
instances and their row             hold each other                             the row holds the instances; when it is
                                                                                dropped they belong to no row
writing a row                       slower the more frames it has               linear
==================================  ==========================================  =======================================

Kept on purpose: hidden answers stay and are written, since they count again when their option is chosen again.
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
