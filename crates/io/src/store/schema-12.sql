-- Version 12: between which values nothing would have been found, beside the evaluations of detectors that know. A table of its
-- own, so that the sums of rows that were written before stay what they are.
CREATE TABLE band (seq INTEGER PRIMARY KEY, lower REAL, upper REAL, sum INTEGER);
