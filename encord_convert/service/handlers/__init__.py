"""The handlers, a module per resource. :mod:`encord_convert.service.app` imports them."""
