# Writes pyreadstat.xpt: the same data as make.R, as pyreadstat means them.
import datetime as dt
import pandas as pd
import pyreadstat

d = pd.DataFrame({
    "USUBJID": ["01-001", "01-002", "01-003"],
    "AVAL": [0.1, -118.625, None],
    "BIG": [1e74, 1e-78, 123456789.123],
    "SEQ": [1.0, None, 3.0],
    "ADT": [dt.date(2026, 11, 24), None, dt.date(1959, 12, 31)],
    "ADTM": pd.to_datetime(["2026-11-24 14:05:59", "1960-01-01 00:00:00", None]),
    "TERM": ["Nausea, \"mild\"", "", "x"],
})
labels = ["Unique Subject Identifier", "Analysis Value", "Sizes", "Sequence", "Analysis Date", "Analysis Date/Time", "Term"]
pyreadstat.write_xport(d, "pyreadstat.xpt", file_label="Written by pyreadstat", table_name="ADX", file_format_version=5,
                       column_labels=labels, variable_format={"AVAL": "8.3", "TERM": "$20"})
