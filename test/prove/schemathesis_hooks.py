"""Keeps what Schemathesis makes up within the rules that no schema can say, and away from the world.

Only values that the schema permits are touched, so what is meant to be wrong stays wrong.
"""

import re
from datetime import datetime, timedelta, timezone

import schemathesis

# Nobody listens there: an attempt fails at once, and no stranger is called.
NOWHERE = "http://127.0.0.1:1/"
CURSOR = re.compile(r"^[A-Za-z0-9_-]+$", re.ASCII)
URL = re.compile(r"^https?://[^/?#@\\\s\x00-\x1f\x7f-\x9f]+([/?#][^\\\s\x00-\x1f\x7f-\x9f]*)?$", re.I)
TIME = re.compile(r"^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d([.]\d+)?([Zz]|[+-]\d\d:\d\d)$", re.ASCII)

seen_cursors = set()


@schemathesis.hook
def before_call(context, case, kwargs):
    body = case.body
    jobs = body.get("jobs") if isinstance(body, dict) and "jobs" in body else [body]
    for job in jobs if isinstance(jobs, list) else []:
        if isinstance(job, dict):
            keep_away(job)
    # A cursor is sealed: one that was made up is refused, which its schema cannot say.
    cursor = case.query.get("cursor")
    if isinstance(cursor, str) and CURSOR.match(cursor) and cursor not in seen_cursors:
        del case.query["cursor"]


@schemathesis.hook
def after_call(context, case, response):
    seen_cursors.update(re.findall(r'"next_cursor":"([^"]+)"', response.text))


def keep_away(job):
    destination, retry = job.get("destination"), job.get("retry")
    if isinstance(destination, dict):
        url = destination.get("url")
        if isinstance(url, str) and len(url) <= 2048 and URL.match(url):
            destination["url"] = NOWHERE
        headers = destination.get("headers")
        if isinstance(headers, dict) and all(isinstance(name, str) for name in headers):
            destination["headers"] = {name.lower(): value for name, value in headers.items()}
    time = job.get("execute_at")
    if isinstance(time, str) and TIME.match(time) and is_a_time(time):
        ahead = datetime.now(timezone.utc) + timedelta(days=100)
        job["execute_at"] = ahead.strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(retry, dict):
        base, most = retry.get("base_delay_ms", 500), retry.get("max_delay_ms")
        numbers = isinstance(base, (int, float)) and isinstance(most, (int, float))
        if numbers and 100 <= most < base <= 3_600_000:
            retry["max_delay_ms"] = base


def is_a_time(text):
    try:
        datetime.fromisoformat(text.upper().replace("Z", "+00:00"))
        return True
    except ValueError:
        return False
