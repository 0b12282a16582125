"""Cloud integrations.

Source: wire protocol, section 8.8.
"""

from __future__ import annotations

from sqlalchemy import select

from encord_convert.sdk.http.routes import RESOURCE, USER, Query, Verb
from encord_convert.service.calls import ANY_SCOPE, Call, handles
from encord_convert.service.store.tables import INTEGRATIONS


@handles(Query.CLOUD_INTEGRATION, Verb.GET, USER, writes=False)
@handles(Query.CLOUD_INTEGRATION, Verb.GET, RESOURCE, writes=False, scope=ANY_SCOPE)
def integrations(call: Call) -> list[dict[str, str]]:
    """List the clouds whose data can be registered."""
    rows = call.db.execute(select(INTEGRATIONS).order_by(INTEGRATIONS.c.title))
    return [{"id": row.integration_hash, "title": row.title} for row in rows]
