"""Every row of the mapping tables is proved by tests that are there, or says why it is not so."""

import coco_rows
import cvat_rows
import pytest
from proofs import Case

PAGES = {"cvat": cvat_rows, "coco": coco_rows}
ROWS = {
    f"{page}, {table}: {name}": row
    for page, module in PAGES.items()
    for table, rows in module.TABLES.items()
    for name, row in rows.items()
}


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_every_row_is_proved_by_tests_that_are_there(row: Case) -> None:
    assert row.proofs or row.lacks, "it has neither a proof nor a reason"
    assert not row.missing()


@pytest.mark.parametrize("page", PAGES)
def test_the_proof_of_a_code_speaks_of_it(page: str) -> None:
    assert [code for code, row in PAGES[page].CODES.items() if not (row.lacks or row.speaks_of(code))] == []
