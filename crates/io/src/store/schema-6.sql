-- Version 6: what a group was told is written in pieces, one an alert; '' is the group itself. Messages have a
-- further state: 3, refused by the receiver as they are, so that a later one says what is true by then.
CREATE TABLE told_piece (
  receiver TEXT NOT NULL, grp TEXT NOT NULL, alert TEXT NOT NULL, record TEXT NOT NULL,
  PRIMARY KEY (receiver, grp, alert)
) WITHOUT ROWID;
INSERT INTO told_piece (receiver, grp, alert, record) SELECT receiver, grp, '', record FROM told;
DROP TABLE told;
ALTER TABLE told_piece RENAME TO told;
