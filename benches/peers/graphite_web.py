"""The peer of the section `graphite`: graphite-web 1.1.10, installed, timed and served by `cargo xtask bench`.

    graphite_web.py install FOLDER       makes a virtual environment there (with any Python), once
    FOLDER/bin/python graphite_web.py    all else, with the Python of that environment:
      functions DATA END                 times functions on series in memory; JSON on standard output
      serve DATA PORT WORKERS            answers HTTP on loopback, caches off, until it is stopped

DATA is a folder with `whisper/`, files of one-minute series that the benchmark wrote, complete up to END (seconds
since 1970). What else graphite-web needs to keep goes into DATA too.
"""

import gc
import json
import os
import struct
import subprocess
import sys
import time
import venv

# Tried with Python 3.11, as Debian 12 has it; its Django is the last one that graphite-web 1.1.10 allows.
PACKAGES = ["graphite-web==1.1.10", "whisper==1.1.10", "Django==3.0.14", "gunicorn==27.0.1", "setuptools==80.9.0"]
# Of the system: python3-venv, and libcairo2 for the pictures, which are loaded though nobody asks for one.
NEEDED = "import cairocffi, django, graphite.settings, gunicorn, whisper"

STEP_S = 60
DAY_S = 86_400
# (name in the report, call in graphite-web, seconds asked for)
FUNCTIONS = [
    ("holtWintersConfidenceBands", lambda f, c, s: f.holtWintersConfidenceBands(c, s), DAY_S),
    ("movingAverage", lambda f, c, s: f.movingAverage(c, s, 10), 7 * DAY_S),
    ("summarize", lambda f, c, s: f.summarize(c, s, "1h"), 7 * DAY_S),
    ("stdev", lambda f, c, s: f.stdev(c, s, 10), 7 * DAY_S),
    ("movingMedian", lambda f, c, s: f.movingMedian(c, s, 10), 7 * DAY_S),
]
N_SERIES = 4
N_ROUNDS = 5


def install(folder):
    """Leaves the mark `installed` when all is there."""
    python = os.path.join(folder, "bin", "python")
    done = os.path.join(folder, "installed")
    if not os.path.exists(done):
        venv.create(folder, with_pip=True, clear=True)
        quiet = ["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]
        subprocess.check_call([python, *quiet, *PACKAGES], stdout=sys.stderr)
        subprocess.check_call([python, "-W", "ignore", "-c", NEEDED], stdout=sys.stderr)
        open(done, "w").close()


def configure(data):
    """Settings of graphite-web, as a module in `data`; then its own start."""
    storage = os.path.join(data, "storage")
    os.makedirs(os.path.join(storage, "log"), exist_ok=True)
    settings = {
        "SECRET_KEY": "of no use: nothing is kept",
        "STORAGE_DIR": storage,
        "WHISPER_DIR": os.path.join(data, "whisper") + "/",
        "LOG_DIR": os.path.join(storage, "log"),
        "LOG_RENDERING_PERFORMANCE": False,
        "LOG_CACHE_PERFORMANCE": False,
        "TIME_ZONE": "UTC",
        "DEFAULT_CACHE_DURATION": 0,
        "FIND_CACHE_DURATION": 0,
        # A poll of a thousand series takes longer than it allows itself.
        "FETCH_TIMEOUT": 900,
        "FIND_TIMEOUT": 900,
        "CACHES": {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}},
        "CARBONLINK_HOSTS": [],
    }
    with open(os.path.join(data, "peer_settings.py"), "w") as module:
        module.writelines(f"{name} = {value!r}\n" for name, value in settings.items())
    sys.path.insert(0, data)
    os.environ["PYTHONPATH"] = data
    os.environ["DJANGO_SETTINGS_MODULE"] = "graphite.settings"
    os.environ["GRAPHITE_SETTINGS_MODULE"] = "peer_settings"


def values_of(path):
    """The values of a file with one archive whose first slot is its oldest, as a list."""
    with open(path, "rb") as file:
        content = file.read()
    offset, _, n_points = struct.unpack_from("!3L", content, 16)
    return [value for _, value in struct.iter_unpack("!Ld", content[offset : offset + 12 * n_points])]


def functions(data, end):
    """Seconds of one series in each function, the best of some rounds, and the sum of what it answers."""
    configure(data)
    end_s = int(end)
    import django

    django.setup()
    from datetime import datetime, timedelta, timezone
    from graphite.render import functions as graphite
    from graphite.render.datalib import TimeSeries

    folder = os.path.join(data, "whisper", "bench")
    files = sorted(os.listdir(folder))[:N_SERIES]
    stored = {file[:-4]: values_of(os.path.join(folder, file)) for file in files}

    def read(name, start_s):
        values = stored[name][(start_s - end_s) // STEP_S :]
        return TimeSeries("bench." + name, start_s + STEP_S, end_s + STEP_S, STEP_S, values)

    at = lambda time_s: datetime.fromtimestamp(time_s, timezone.utc)
    report = {}
    for name, call, length_s in FUNCTIONS:
        best_s, total = float("inf"), 0.0
        for metric in stored:
            # What a function reads again, from earlier on, is in memory before the clock runs.
            earlier = {}
            context = {"startTime": at(end_s - length_s), "endTime": at(end_s), "args": [("",)], "data": []}

            def again(context, _):
                start_s = int(context["startTime"].timestamp())
                if start_s not in earlier:
                    earlier[start_s] = read(metric, start_s)
                return [earlier[start_s]]

            graphite.evaluateTarget = again
            for round in range(N_ROUNDS + 1):
                asked = [read(metric, end_s - length_s)]
                gc.collect()
                started = time.perf_counter()
                answer = call(graphite, context, asked)
                took_s = time.perf_counter() - started
                if round > 0:
                    best_s = min(best_s, took_s)
            total += sum(value for series in answer for value in series if value is not None)
        report[name] = {"seconds": best_s, "sum": total}
    json.dump(report, sys.stdout)


def serve(data, port, n_workers):
    configure(data)
    arguments = ["-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--workers", n_workers, "--worker-class", "gthread"]
    arguments += ["--threads", "1", "--keep-alive", "600", "--timeout", "900", "--log-level", "error"]
    os.execv(sys.executable, [sys.executable, *arguments, "graphite.wsgi:application"])


def main(arguments):
    commands = {"install": install, "functions": functions, "serve": serve}
    if not arguments or arguments[0] not in commands:
        sys.exit(__doc__)
    commands[arguments[0]](*arguments[1:])


if __name__ == "__main__":
    main(sys.argv[1:])
