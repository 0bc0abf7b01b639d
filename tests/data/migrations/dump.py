#!/usr/bin/env python3
"""Writes a state database as SQL: dump.py STATE-DIRECTORY > VERSION-NAME.sql"""

import pathlib
import sqlite3
import sys

with sqlite3.connect(pathlib.Path(sys.argv[1], "landwaiter.db")) as database:
    (version,) = database.execute("PRAGMA user_version").fetchone()
    for line in database.iterdump():
        print(line)
    print(f"PRAGMA user_version={version};")
