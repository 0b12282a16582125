"""What answers each call, a module per resource. :mod:`encord_convert.service.app` imports them."""
