"""Pascal VOC: the page is :mod:`encord_convert.formats.voc.page`."""
