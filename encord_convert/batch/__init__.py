"""Many conversions: planned from globs or a manifest, done by workers, resumed after any end.

>>> from encord_convert import batch
>>> todo = batch.plan(["fixtures/cvat/images-task-minimal", "fixtures/cvat/job-points"], to="coco", out="out")
>>> [job.target for job in todo.jobs]
['out/images-task-minimal', 'out/job-points']
>>> with batch.run(todo, engine="serial", dry_run=True) as result:
...     batch.account(result)["jobs"]
{'done': 2, 'failed': 0, 'left_out': 0}
"""

from encord_convert.batch.plan import Job, Plan, plan
from encord_convert.batch.run import Result, run
from encord_convert.batch.summary import account, write_report

__all__ = ["Job", "Plan", "Result", "account", "plan", "run", "write_report"]
