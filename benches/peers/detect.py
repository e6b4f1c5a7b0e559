"""The peers of the section `detect`: detectors that people in Python use, timed beside `lanner detect` on one table.

    detect.py install FOLDER              makes a virtual environment there (with any Python), once
    detect.py measure TABLE COMMAND...    runs the command and each peer; processor seconds as JSON on standard output
    detect.py peer NAME TABLE             is one peer, for `measure`

TABLE has a first column of times and columns of numbers. Each run is a process of its own, on one thread, and reads the table
itself. Peers that are not installed are left out.
"""

import json
import os
import resource
import subprocess
import sys
import venv

PACKAGES = ["numpy==2.4.6", "pandas==3.1.1", "scikit-learn==1.9.1", "scipy==1.17.1"]
DAY = 1440


def z_score(y):
    window = y.rolling(DAY)
    return ((y - window.mean()) / window.std()).abs()


def median(y):
    off = (y - y.rolling(DAY).median()).abs()
    return off / off.rolling(DAY).median()


def isolation_forest(y):
    from sklearn.ensemble import IsolationForest

    rows = y.to_numpy().reshape(-1, 1)
    return -IsolationForest(random_state=1).fit(rows).score_samples(rows)


PEERS = {"read only": lambda y: y, "z-score": z_score, "median": median, "isolation forest": isolation_forest}


def install(folder):
    venv.create(folder, with_pip=True)
    pip = [os.path.join(folder, "bin/pip"), "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run(pip + PACKAGES, check=True)
    open(os.path.join(folder, "installed"), "w").close()


def peer(name, path):
    import pandas

    table = pandas.read_csv(path, index_col=0, parse_dates=True)
    for column in table:
        PEERS[name](table[column])


def seconds_of(command, codes):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    single = dict(os.environ, OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    ran = subprocess.run(command, env=single, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    if ran.returncode not in codes:
        sys.exit(f"{command}: {ran.stderr.decode()}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def is_installed():
    here = subprocess.run([sys.executable, "-c", "import pandas, sklearn"], stderr=subprocess.DEVNULL)
    return here.returncode == 0


def measure(path, command):
    # The first run reads the file from disk.
    seconds = {"lanner": min(seconds_of(command, (0, 1)) for _ in range(3))}
    for name in PEERS if is_installed() else ():
        seconds[name] = seconds_of([sys.executable, __file__, "peer", name, path], (0,))
    print(json.dumps(seconds))


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["install", folder]:
            install(folder)
        case ["measure", path, *command]:
            measure(path, command)
        case ["peer", name, path]:
            peer(name, path)
        case _:
            sys.exit(__doc__)
