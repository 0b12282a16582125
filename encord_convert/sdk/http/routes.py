"""Every path and every query type of the service, once; the client calls them, the local service answers them.

The older half of the API has two addresses. Each request names a *query type* and a logical verb in its body; what the
service is asked in the name of one project, dataset or ontology goes to :data:`RESOURCE`, the rest to :data:`USER`.
The younger half has paths of its own below :data:`V2`.

Source: wire protocol, sections 1, 6 and 7.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

USER = "/public/user"
"""What is not tied to one resource."""
RESOURCE = "/public"
"""What is done in the name of the resource that the headers name."""
V2 = "/v2/public"

DEFAULT_DOMAIN = "https://api.encord.com"
WEBSOCKET = "wss://ws.encord.com/websocket"


class Verb(StrEnum):
    """The logical verb of a query; on the wire every one is an HTTP POST."""

    GET = "GET"
    POST = "POST"
    PUT = "PUT"
    DELETE = "DELETE"


class Query(StrEnum):
    """Query types, as they stand in the envelope."""

    API_KEY_META = "apikeymeta"
    CLOUD_INTEGRATION = "cloudintegration"
    DATASET = "dataset"
    DATASET_API_KEY = "datasetapikey"
    DATASET_DATA = "datasetdata"
    DATASET_DATA_LONG_POLLING = "datasetdatalongpolling"
    DATASET_LINK_ITEMS = "datasetlinkitems"
    DATASET_USERS = "datasetusers"
    DATASET_WITH_USER_ROLE = "datasetwithuserrole"
    DATA_ROW = "datarow"
    DATA_ROWS = "datarows"
    DICOM_DEIDENTIFY_TASK = "dicomdeidentifytask"
    DICOM_SERIES = "dicomseries"
    IMAGE_GROUP = "imagegroup"
    IMAGE_GROUP_OCR = "imagegroupocr"
    IMAGES = "images"
    LABELING_ALGORITHM = "labelingalgorithm"
    LABEL_LOG = "labellog"
    LABEL_ROW = "labelrow"
    LABEL_ROW_METADATA = "labelrowmetadata"
    LABEL_STATUS = "labelstatus"
    LABEL_WORKFLOW_GRAPH_NODE = "labelworkflowgraphnode"
    MODEL = "model"
    MODEL_CONFIGURATION = "modelconfiguration"
    ONTOLOGY = "ontology"
    ONTOLOGY_WITH_USER_ROLE = "ontologywithuserrole"
    PROJECT = "project"
    PROJECT_API_KEY = "projectapikey"
    PROJECT_COPY = "projectcopy"
    PROJECT_DATASET = "projectdataset"
    PROJECT_IMPORTER = "projectimporter"
    PROJECT_IMPORTER_CVAT_INFO = "projectimportercvatinfo"
    PROJECT_USERS = "projectusers"
    PROJECT_WITH_USER_ROLE = "projectwithuserrole"
    REENCODE_VIDEO_TASK = "reencodevideotask"
    REVIEW = "review"
    SIGNED_DICOMS_URL = "signeddicomsurl"
    SIGNED_IMAGES_URL = "signedimagesurl"
    SIGNED_VIDEO_URL = "signedvideourl"
    SINGLE_IMAGE = "singleimage"
    TRAINING_METADATA = "trainingmetadata"
    VIDEO = "video"


@dataclass(frozen=True, slots=True)
class Route:
    """One operation of the older half.

    Parameters
    ----------
    query : Query
    verb : Verb
    endpoints : tuple of str
        :data:`USER`, :data:`RESOURCE` or both.
    """

    query: Query
    verb: Verb
    endpoints: tuple[str, ...]


_USER = (USER,)
_RESOURCE = (RESOURCE,)
_BOTH = (USER, RESOURCE)

_TABLE: dict[Query, tuple[tuple[tuple[str, ...], str], ...]] = {
    Query.API_KEY_META: ((_RESOURCE, "GET"),),
    Query.CLOUD_INTEGRATION: ((_BOTH, "GET"),),
    Query.DATASET: ((_RESOURCE, "GET"), (_USER, "POST")),
    Query.DATASET_API_KEY: ((_USER, "GET POST PUT"),),
    Query.DATASET_DATA: ((_RESOURCE, "GET"),),
    Query.DATASET_DATA_LONG_POLLING: ((_RESOURCE, "GET POST"),),
    Query.DATASET_LINK_ITEMS: ((_RESOURCE, "POST"),),
    Query.DATASET_USERS: ((_RESOURCE, "POST"),),
    Query.DATASET_WITH_USER_ROLE: ((_USER, "GET"),),
    Query.DATA_ROW: ((_RESOURCE, "GET POST"),),
    Query.DATA_ROWS: ((_RESOURCE, "GET"),),
    Query.DICOM_DEIDENTIFY_TASK: ((_USER, "POST"),),
    Query.DICOM_SERIES: ((_RESOURCE, "POST"),),
    Query.IMAGE_GROUP: ((_RESOURCE, "POST DELETE"),),
    Query.IMAGE_GROUP_OCR: ((_RESOURCE, "GET"),),
    Query.IMAGES: ((_RESOURCE, "PUT"),),
    Query.LABELING_ALGORITHM: ((_RESOURCE, "POST"),),
    Query.LABEL_LOG: ((_RESOURCE, "GET"),),
    Query.LABEL_ROW: ((_RESOURCE, "GET POST PUT"),),
    Query.LABEL_ROW_METADATA: ((_RESOURCE, "GET"),),
    Query.LABEL_STATUS: ((_RESOURCE, "POST"),),
    Query.LABEL_WORKFLOW_GRAPH_NODE: ((_RESOURCE, "POST"),),
    Query.MODEL: ((_RESOURCE, "POST PUT DELETE"),),
    Query.MODEL_CONFIGURATION: ((_RESOURCE, "GET"),),
    Query.ONTOLOGY: ((_RESOURCE, "GET PUT"), (_USER, "POST")),
    Query.ONTOLOGY_WITH_USER_ROLE: ((_USER, "GET"),),
    Query.PROJECT: ((_RESOURCE, "GET"), (_BOTH, "POST")),
    Query.PROJECT_API_KEY: ((_USER, "GET POST PUT"),),
    Query.PROJECT_COPY: ((_RESOURCE, "POST"),),
    Query.PROJECT_DATASET: ((_RESOURCE, "POST DELETE"),),
    Query.PROJECT_IMPORTER: ((_USER, "POST"),),
    Query.PROJECT_IMPORTER_CVAT_INFO: ((_USER, "POST"),),
    Query.PROJECT_USERS: ((_RESOURCE, "POST"),),
    Query.PROJECT_WITH_USER_ROLE: ((_USER, "GET"),),
    Query.REENCODE_VIDEO_TASK: ((_RESOURCE, "GET PUT"),),
    Query.REVIEW: ((_RESOURCE, "PUT"),),
    Query.SIGNED_DICOMS_URL: ((_RESOURCE, "GET"),),
    Query.SIGNED_IMAGES_URL: ((_RESOURCE, "GET"),),
    Query.SIGNED_VIDEO_URL: ((_RESOURCE, "GET"),),
    Query.SINGLE_IMAGE: ((_RESOURCE, "POST"),),
    Query.TRAINING_METADATA: ((_RESOURCE, "GET"),),
    Query.VIDEO: ((_RESOURCE, "POST PUT DELETE"),),
}

ROUTES: dict[tuple[Query, Verb], Route] = {
    (query, Verb(verb)): Route(query, Verb(verb), endpoints)
    for query, rows in _TABLE.items()
    for endpoints, verbs in rows
    for verb in verbs.split()
}
"""All operations of the older half, by query type and verb."""


@dataclass(frozen=True, slots=True)
class PathRoute:
    """One operation of the younger half: an HTTP method and a path with ``{names}``."""

    method: str
    path: str


COLLABORATOR_TIMERS = PathRoute("GET", V2 + "/analytics/collaborators/timers")
LABEL_ROW_PRIORITIES = PathRoute("POST", V2 + "/projects/{project_hash}/priorities")

PATH_ROUTES = (COLLABORATOR_TIMERS, LABEL_ROW_PRIORITIES)
"""All operations of the younger half."""

REQUEST_ID = "X-Request-Id"
"""Header of requests that make something: the same text however often one is sent."""
REQUEST_ID_HONOURED = "X-Request-Id-Honoured"
"""Header of a service that makes a thing only once for a request id; only then are such requests sent again."""


_MAKING = frozenset({Query.LABEL_ROW, Query.MODEL, Query.REENCODE_VIDEO_TASK})
"""What a PUT makes or starts; other PUTs set, or give what is there already."""


def is_repeatable(query: Query, verb: Verb) -> bool:
    """Tell whether sending a query twice does no harm, whatever the service.

    Reading does none; most PUTs set; saving label rows stores the same again. Anything else makes or starts something.

    Source: wire protocol, section 6, which repeats every PUT but the list form of beginning label rows.
    """
    if verb is Verb.PUT:
        return query not in _MAKING
    return verb is Verb.GET or (verb is Verb.POST and query is Query.LABEL_ROW)
