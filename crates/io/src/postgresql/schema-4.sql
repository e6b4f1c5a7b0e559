-- Between which values nothing would have been found, of detectors that know.
ALTER TABLE evaluation ADD COLUMN lower double precision, ADD COLUMN upper double precision;
