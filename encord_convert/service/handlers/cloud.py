"""Cloud integrations: one for each root of private data the service was started with.

Source: wire protocol, section 8.8.
"""

from __future__ import annotations

from encord_convert.sdk.http.routes import RESOURCE, USER, Query, Verb
from encord_convert.service.calls import ANY_SCOPE, Call, handles


@handles(Query.CLOUD_INTEGRATION, Verb.GET, USER, writes=False)
@handles(Query.CLOUD_INTEGRATION, Verb.GET, RESOURCE, writes=False, scope=ANY_SCOPE)
def integrations(call: Call) -> list[dict[str, str]]:
    """List the clouds whose data can be registered."""
    return [{"id": hash_, "title": root.url} for hash_, root in call.storage.clouds.roots.items()]
