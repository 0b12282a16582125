"""YOLO: the page of the format is :mod:`encord_convert.formats.yolo.page`."""
