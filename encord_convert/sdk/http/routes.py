"""Every path and every query type of the service, once; the client calls them, the local service answers them.

The envelope API has two addresses. Each request names a *query type* and a logical verb in its body; what the
service is asked in the name of one project, dataset or ontology goes to :data:`RESOURCE`, the rest to :data:`USER`.
REST v2 has paths of its own below :data:`V2`.

Source: wire protocol, sections 1, 6 and 7.
"""

from __future__ import annotations

from collections.abc import Iterator
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
    """Query types of the envelope API."""

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
    """One operation of the envelope API.

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
    Query.ONTOLOGY: ((_BOTH, "GET PUT"), (_USER, "POST")),
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
"""All operations of the envelope API, by query type and verb."""


@dataclass(frozen=True, slots=True)
class PathRoute:
    """One operation of REST v2: an HTTP method and a path with ``{names}``."""

    method: str
    path: str


_PATHS = """
GET     active/{project}/collections
POST    active/{project}/collections
PATCH   active/{project}/collections/{collection}
DELETE  active/{project}/collections/{collection}
POST    active/{project}/collections/{collection}/add-items
POST    active/{project}/collections/{collection}/add-preset-items
GET     active/{project}/collections/{collection}/items
POST    active/{project}/collections/{collection}/remove-items
POST    active/{project}/collections/{collection}/remove-preset-items
POST    active/{project}/import
GET     active/{project}/presets
POST    active/{project}/presets
PATCH   active/{project}/presets/{preset}
DELETE  active/{project}/presets/{preset}
GET     active/{project}/presets/{preset}/raw
POST    active/{project}/sync
GET     analytics/collaborators/timers
GET     analytics/task-actions
GET     analytics/time-spent
GET     cloud-integrations
POST    datasets
GET     datasets/list
GET     datasets/{dataset}/groups
POST    datasets/{dataset}/groups
DELETE  datasets/{dataset}/groups
GET     datasets/{dataset}/users
POST    datasets/{dataset}/users/bulk-delete
POST    dicom-deidentification
GET     dicom-deidentification/{job}
GET     index/collections
POST    index/collections
PATCH   index/collections/{collection}
DELETE  index/collections/{collection}
GET     index/collections/{collection}/accessible-items
POST    index/collections/{collection}/add-items
POST    index/collections/{collection}/add-preset-items
GET     index/collections/{collection}/all-items
POST    index/collections/{collection}/remove-items
POST    index/collections/{collection}/remove-preset-items
GET     index/presets
POST    index/presets
GET     index/presets/{preset}
PATCH   index/presets/{preset}
DELETE  index/presets/{preset}
GET     ontologies
POST    ontologies
GET     ontologies/{ontology}
PUT     ontologies/{ontology}
GET     ontologies/{ontology}/groups
POST    ontologies/{ontology}/groups
DELETE  ontologies/{ontology}/groups
GET     organisation/client-metadata-schema
GET     organisation/client-metadata-schema-v2
POST    organisation/client-metadata-schema-v2
POST    organisation/groups
GET     organisation/groups/{group}
PATCH   organisation/groups/{group}
DELETE  organisation/groups/{group}
GET     organisation/groups/{group}/users
POST    organisation/groups/{group}/users
POST    organisation/groups/{group}/users/bulk-delete
GET     organisation/organisation-tags
POST    organisation/organisation-tags
DELETE  organisation/organisation-tags/{tag}
GET     organisation/users
GET     presigned-urls
GET     projects
POST    projects/cvat-import
GET     projects/cvat-import/{job}
GET     projects/{project}
GET     projects/{project}/branches
GET     projects/{project}/datasets
GET     projects/{project}/editor-logs
GET     projects/{project}/groups
POST    projects/{project}/groups
DELETE  projects/{project}/groups
GET     projects/{project}/issue-tags
POST    projects/{project}/issue-tags
POST    projects/{project}/label-rows/classifications
POST    projects/{project}/labels/copy-branch
GET     projects/{project}/labels/{label}/validation-state
POST    projects/{project}/priorities
PUT     projects/{project}/status
GET     projects/{project}/tags
PUT     projects/{project}/tags/{tag}
DELETE  projects/{project}/tags/{tag}
GET     projects/{project}/users
POST    projects/{project}/users/bulk-delete
POST    projects/{project}/workflow/stages/{stage}/actions
POST    projects/{project}/workflow/stages/{stage}/move-tasks
GET     projects/{project}/workflow/stages/{stage}/tasks
GET     projects/{project}/workflow/stages/{stage}/tasks/{task}/reviews
POST    projects/{project}/workflow/stages/{stage}/tasks/{task}/reviews/actions
GET     storage/folders
POST    storage/folders
POST    storage/folders/move
PATCH   storage/folders/patch-bulk
GET     storage/folders/{folder}
PATCH   storage/folders/{folder}
DELETE  storage/folders/{folder}
POST    storage/folders/{folder}/create-group-items
POST    storage/folders/{folder}/data-upload-jobs
GET     storage/folders/{folder}/data-upload-jobs/{job}
POST    storage/folders/{folder}/data-upload-jobs/{job}/cancel
GET     storage/folders/{folder}/folder-config
GET     storage/folders/{folder}/folders
GET     storage/folders/{folder}/groups
POST    storage/folders/{folder}/groups
DELETE  storage/folders/{folder}/groups
GET     storage/folders/{folder}/items
POST    storage/folders/{folder}/items/delete
POST    storage/folders/{folder}/items/move
PATCH   storage/folders/{folder}/items/{item}
GET     storage/folders/{folder}/items/{item}/child-items
GET     storage/folders/{folder}/items/{item}/summary
GET     storage/folders/{folder}/summary
POST    storage/folders/{folder}/upload-signed-urls
POST    storage/items/get-bulk
PATCH   storage/items/patch-bulk
POST    storage/items/reencode
GET     storage/items/reencode/{job}
GET     storage/items/{item}
GET     storage/search/folders
GET     storage/search/items
GET     user/bearer-token
GET     user/bearer_token
GET     user/current-organisation/groups
"""
"""Methods and paths below :data:`V2`; of two that fit a request the first is meant, so literal parts stand first."""

PATH_ROUTES = tuple(PathRoute(method, f"{V2}/{path}") for method, path in map(str.split, _PATHS.strip().splitlines()))
"""All operations of REST v2."""


def path_route(method: str, path: str) -> PathRoute:
    """Return an operation by its method and path below :data:`V2`.

    Raises
    ------
    ValueError
        There is none.

    >>> path_route("GET", "projects/{project}").path
    '/v2/public/projects/{project}'
    """
    route = PathRoute(method, f"{V2}/{path}")
    if route not in PATH_ROUTES:
        raise ValueError(f"{method} {path} is not a route")
    return route


COLLABORATOR_TIMERS = path_route("GET", "analytics/collaborators/timers")
LABEL_ROW_PRIORITIES = path_route("POST", "projects/{project}/priorities")

_NEWEST = """
datarow         GET POST        datarows                GET      dataset            GET
datasetdata     GET             datasetdatalongpolling  GET POST datasetlinkitems   POST
datasetusers    POST            labelingalgorithm       POST     labellog           GET
labelrow        GET POST PUT    labelrowmetadata        GET      labelworkflowgraphnode POST
project         GET POST        projectcopy             POST     projectdataset     POST DELETE
projectusers    POST            projectwithuserrole     GET      video              POST DELETE
"""


def _pairs(table: str) -> Iterator[tuple[Query, Verb]]:
    query = ""
    for word in table.split():
        if word.islower():
            query = word
        else:
            yield Query(query), Verb(word)


NEWEST = frozenset(_pairs(_NEWEST))
"""What of the envelope API the newest client still asks; see :data:`PATH_ROUTES` for the rest of what it does."""

REQUEST_ID = "X-Request-Id"
"""Header of requests that make something: the same text however often one is sent."""
REQUEST_ID_HONOURED = "X-Request-Id-Honoured"
"""Header of a service that makes a thing only once for a request id; only then are such requests sent again."""


_MAKING = frozenset({Query.LABEL_ROW, Query.MODEL, Query.REENCODE_VIDEO_TASK})
"""What a PUT makes or starts; other PUTs set, or give what is there already."""


def is_repeatable(query: Query, verb: Verb) -> bool:
    """Return whether a query is idempotent on any service.

    Reading does none; most PUTs set; saving label rows stores the same again. Anything else makes or starts something.

    Source: wire protocol, section 6, which repeats every PUT but the list form of beginning label rows.
    """
    if verb is Verb.PUT:
        return query not in _MAKING
    return verb is Verb.GET or (verb is Verb.POST and query is Query.LABEL_ROW)


def is_repeatable_path(route: PathRoute) -> bool:
    """Return whether calling a path of REST v2 is idempotent on any service."""
    return route.method in ("GET", "PUT") or route == LABEL_ROW_PRIORITIES
