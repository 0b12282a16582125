"""CVAT annotation XML. Its page is :mod:`encord_convert.formats.cvat.page`."""
