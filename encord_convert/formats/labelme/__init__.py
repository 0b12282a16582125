"""LabelMe: the page is :mod:`encord_convert.formats.labelme.page`."""
