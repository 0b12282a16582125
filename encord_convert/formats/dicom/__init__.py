"""DICOM series. Its page is :mod:`encord_convert.formats.dicom.page`."""
