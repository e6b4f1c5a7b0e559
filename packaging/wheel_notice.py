"""Puts a notice of licences into a wheel, which `cargo xtask libraries` made: python wheel_notice.py WHEEL NOTICE"""

import base64
import hashlib
import os
import sys
import zipfile

wheel, notice = sys.argv[1:]
text = open(notice, "rb").read()
with zipfile.ZipFile(wheel) as old, zipfile.ZipFile(f"{wheel}.new", "w", zipfile.ZIP_DEFLATED) as new:
    record = next(name for name in old.namelist() if name.endswith(".dist-info/RECORD"))
    place = record.replace("RECORD", "licenses/NOTICE")
    for entry in old.infolist():
        if entry.filename != record:
            new.writestr(entry, old.read(entry))
    # Of the same time as the others, so that the same source gives the same wheel.
    new.writestr(zipfile.ZipInfo(place), text, zipfile.ZIP_DEFLATED)
    digest = base64.urlsafe_b64encode(hashlib.sha256(text).digest()).rstrip(b"=").decode()
    line = f"{place},sha256={digest},{len(text)}\n".encode()
    new.writestr(zipfile.ZipInfo(record), line + old.read(record), zipfile.ZIP_DEFLATED)
os.replace(f"{wheel}.new", wheel)
