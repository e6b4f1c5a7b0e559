"""A real graphite-web over a few whisper files: serve.py FOLDER PORT MINUTE, the first minute of the values in Unix seconds.

Two hosts have a value a minute for twenty minutes: `web.a.rate` is 50, and missing in the seventh minute; `web.b.rate` falls
from 50 to 5 after ten.
"""

import os
import sys
import types

folder, port, minute = sys.argv[1], sys.argv[2], int(sys.argv[3])
whisper_folder = os.path.join(folder, "whisper")
os.makedirs(os.path.join(folder, "log"))

settings = types.ModuleType("lanner_graphite_settings")
settings.SECRET_KEY = "of a test"
settings.TIME_ZONE = "UTC"
settings.WHISPER_DIR = whisper_folder
settings.LOG_DIR = os.path.join(folder, "log")
settings.DATABASES = {
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.path.join(folder, "graphite.db")}
}
sys.modules[settings.__name__] = settings
os.environ.update(
    GRAPHITE_ROOT=folder,
    GRAPHITE_STORAGE_DIR=folder,
    GRAPHITE_CONF_DIR=folder,
    GRAPHITE_SETTINGS_MODULE=settings.__name__,
    DJANGO_SETTINGS_MODULE="graphite.settings",
)

import whisper  # noqa: E402


def write(host, value_at):
    path = os.path.join(whisper_folder, "web", host, "rate.wsp")
    os.makedirs(os.path.dirname(path))
    whisper.create(path, [(60, 60 * 24 * 365 * 3)])
    values = [(minute + 60 * at, value_at(at)) for at in range(20)]
    whisper.update_many(path, [(time, value) for time, value in values if value is not None])


write("a", lambda at: None if at == 6 else 50.0)
write("b", lambda at: 50.0 if at < 10 else 5.0)

import django  # noqa: E402
from django.core.management import call_command  # noqa: E402

django.setup()
call_command("migrate", run_syncdb=True, verbosity=0)
call_command("runserver", f"127.0.0.1:{port}", use_reloader=False)
