-- A file of schema version 12: tables as that version made them, and a row or two of each.
PRAGMA auto_vacuum = INCREMENTAL;
BEGIN TRANSACTION;
CREATE TABLE "alert" (
  number INTEGER NOT NULL, grp TEXT NOT NULL, body TEXT NOT NULL, sum INTEGER, PRIMARY KEY (number, grp)
) WITHOUT ROWID;
INSERT INTO "alert" VALUES(1,'{"bank":"a"}','{"rule":"floor","version":2,"group":{"bank":"a"},"labels":{"bank":"a","rule":"floor","team":"pay"},"state":"firing","since_ms":1767225620000,"bad_streak":1,"bad_kind":"firing","good_streak":0,"episode":1,"active":true,"started_ms":1767225620000,"resolved_ms":null,"seen_ms":1767225620000,"window":{"start_ms":1767225610000,"end_ms":1767225620000},"value":2.0,"base":null,"bad_value":2.0,"bad_base":null,"content":"too few","late":false}',7205290269596088718);
CREATE TABLE audit (
  seq INTEGER PRIMARY KEY, time_ms INTEGER NOT NULL, actor TEXT NOT NULL, action TEXT NOT NULL,
  subject TEXT NOT NULL, detail TEXT NOT NULL
, hash TEXT NOT NULL DEFAULT '');
INSERT INTO "audit" VALUES(1,1767225600001,'ann','rule.create','floor','{}','');
CREATE TABLE beside (name TEXT NOT NULL, part INTEGER NOT NULL, body BLOB NOT NULL, sum INTEGER, PRIMARY KEY (name, part));
INSERT INTO "beside" VALUES('processors/usual.profile',0,X'6C6561726E6564',-7068762052432705346);
CREATE TABLE band (seq INTEGER PRIMARY KEY, lower REAL, upper REAL, sum INTEGER);
INSERT INTO "band" VALUES(2,3.0,NULL,6630889429192698966);
CREATE TABLE block (
  id INTEGER PRIMARY KEY, series INTEGER NOT NULL, start_ms INTEGER NOT NULL, end_ms INTEGER NOT NULL,
  step_ms INTEGER NOT NULL, n_rows INTEGER NOT NULL, body BLOB NOT NULL
);
INSERT INTO "block" VALUES(1,1,1767225600000,1767225602000,0,3,X'01030080A0D5EDEE66D00F030202649601DE024E9D0092');
CREATE TABLE "cursor" (
  number INTEGER PRIMARY KEY, rule TEXT NOT NULL, shard INTEGER, start_ms INTEGER, end_ms INTEGER,
  first_ms INTEGER, last_ms INTEGER
, sum INTEGER);
INSERT INTO "cursor" VALUES(1,'floor',0,1767225610000,1767225620000,1767225610000,1767225620000,-5243759215938680401);
CREATE TABLE document (
  kind TEXT NOT NULL, id TEXT NOT NULL, version INTEGER NOT NULL, body TEXT, actor TEXT NOT NULL,
  message TEXT NOT NULL, changed_ms INTEGER NOT NULL, cause TEXT, sum INTEGER, PRIMARY KEY (kind, id, version)
) WITHOUT ROWID;
INSERT INTO "document" VALUES('rule','floor',1,'{"id":"floor","query":{"stream":"orders","measure":"count","by":["bank"]},"window":"10s","absolute":{"min":3}}','ann','',1767225600001,NULL,-1883764727549529610);
INSERT INTO "document" VALUES('rule','floor',2,'{"id":"floor","query":{"stream":"orders","measure":"count","by":["bank"]},"window":"10s","absolute":{"min":5},"receivers":["hook"]}','ann','',1767225600002,NULL,6714604240358130457);
INSERT INTO "document" VALUES('rule','gone',1,'{"id":"gone","query":{"stream":"orders","measure":"count","by":["bank"]},"window":"10s","absolute":{"min":3}}','ann','',1767225600001,NULL,-7174881928200649944);
INSERT INTO "document" VALUES('rule','gone',2,NULL,'ann','',1767225600002,NULL,-6713296605198512064);
INSERT INTO "document" VALUES('switch','block-a',1,'{"id":"block-a","when":"bank == \"a\"","status":"active"}','ann','',1767225600001,NULL,-6163379270059720007);
CREATE TABLE "evaluation" (
  seq INTEGER PRIMARY KEY, rule TEXT NOT NULL, version INTEGER NOT NULL, grp TEXT NOT NULL,
  start_ms INTEGER NOT NULL, end_ms INTEGER NOT NULL, value REAL, base REAL, score REAL,
  outcome TEXT NOT NULL, error TEXT, state TEXT NOT NULL, late INTEGER NOT NULL, evaluated_ms INTEGER NOT NULL,
  number INTEGER NOT NULL, sum INTEGER
);
INSERT INTO "evaluation" VALUES(1,'floor',1,'{"bank":"a"}',1767225600000,1767225610000,4.0,NULL,NULL,'normal',NULL,'normal',0,1767225610001,1,6921458066450819874);
INSERT INTO "evaluation" VALUES(2,'floor',2,'{"bank":"a"}',1767225610000,1767225620000,2.0,NULL,3.0,'breach',NULL,'firing',0,1767225620001,1,-4675011854305272264);
CREATE TABLE event_block (
  id INTEGER PRIMARY KEY, stream INTEGER NOT NULL, start_ms INTEGER NOT NULL, end_ms INTEGER NOT NULL,
  n_events INTEGER NOT NULL, plain_bytes INTEGER NOT NULL, size INTEGER NOT NULL, body BLOB NOT NULL
);
INSERT INTO "event_block" VALUES(1,1,1767225600000,1767225600500,2,45,54,X'28B52FFD202D4D010024020280A0D5EDEE660FE807137B22737461747573223A226F6B227D6661696C6564227D01008A31C738E31FEC');
CREATE TABLE finding (
  key BLOB PRIMARY KEY, scanner TEXT NOT NULL, host TEXT NOT NULL, chk TEXT NOT NULL, port INTEGER,
  level INTEGER NOT NULL, policy TEXT NOT NULL, first_seen_ms INTEGER NOT NULL, last_seen_ms INTEGER NOT NULL,
  last_missed_ms INTEGER, body TEXT NOT NULL
, sum INTEGER);
INSERT INTO "finding" VALUES(X'000102030405060708090A0B0C0D0E0F','nessus','10.0.0.1','11111',443,3,'weekly',1767225600000,1767225600000,NULL,'{}',-8436103137572742247);
CREATE TABLE finding_host (name TEXT PRIMARY KEY, address TEXT NOT NULL, sum INTEGER);
INSERT INTO "finding_host" VALUES('web','10.0.0.1',-8310231006642594656);
CREATE TABLE finding_list (list TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL, sum INTEGER, PRIMARY KEY (list, id)) WITHOUT ROWID;
CREATE TABLE finding_scan (id TEXT PRIMARY KEY, scanner TEXT NOT NULL, at_ms INTEGER NOT NULL, body TEXT NOT NULL, sum INTEGER);
CREATE TABLE history (
  query INTEGER NOT NULL, start_ms INTEGER NOT NULL, end_ms INTEGER NOT NULL, grp TEXT NOT NULL, value REAL, sum INTEGER,
  PRIMARY KEY (query, start_ms, end_ms, grp)
) WITHOUT ROWID;
INSERT INTO "history" VALUES(42,1767225600000,1767225610000,'{"bank":"a"}',2.0,-8489577727303949314);
CREATE TABLE journal (seq INTEGER PRIMARY KEY, body BLOB NOT NULL);
INSERT INTO "journal" VALUES(1,X'010201A0BCD6EDEE6600000000E803000001000000010000000000000000001E40000000000000214001066F72646572730100A0BCD6EDEE66117B22737461747573223A226C617465227DCBFA5979');
CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
INSERT INTO "meta" VALUES('revision.rule',4);
INSERT INTO "meta" VALUES('revision.switch',1);
INSERT INTO "meta" VALUES('schema',12);
INSERT INTO "meta" VALUES('secret',X'000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F202122232425262728292A2B2C2D2E2F303132333435363738393A3B3C3D3E3F404142434445464748494A4B4C4D4E4F505152535455565758595A5B5C5D5E5F606162636465666768696A6B6C6D6E6F707172737475767778797A7B7C7D7E7F808182838485868788898A8B8C8D8E8F909192939495969798999A9B9C9D9E9FA0A1A2A3A4A5A6A7A8A9AAABACADAEAFB0B1B2B3B4B5B6B7B8B9BABBBCBDBEBF');
CREATE TABLE model (
  id TEXT PRIMARY KEY, kind TEXT NOT NULL, data TEXT NOT NULL, threshold REAL NOT NULL, metrics TEXT NOT NULL,
  created_ms INTEGER NOT NULL, body BLOB NOT NULL
);
CREATE TABLE outbox (
  seq INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, receiver TEXT NOT NULL, grp TEXT NOT NULL,
  body TEXT NOT NULL, state INTEGER NOT NULL, attempts INTEGER NOT NULL, due_ms INTEGER NOT NULL, error TEXT,
  done_ms INTEGER
, sum INTEGER);
INSERT INTO "outbox" VALUES(1,'00112233445566778899aabbccddeeff','hook','{}','{"key":"00112233445566778899aabbccddeeff","receiver":"hook","group":{},"alerts":[{"fingerprint":"0123456789abcdef","episode":1,"state":"firing","rule":"floor","labels":{"bank":"a","rule":"floor","team":"pay"},"group":{"bank":"a"},"content":"too few","started_ms":1767225620000,"resolved_ms":null,"window":{"start_ms":1767225610000,"end_ms":1767225620000},"value":2.0,"base":null,"late":false}],"repeat":false,"created_ms":1767225620001}',0,1,1767225630000,'refused',NULL,-5029941778045139052);
CREATE TABLE series (id INTEGER PRIMARY KEY, name TEXT NOT NULL, labels TEXT NOT NULL, sum INTEGER);
INSERT INTO "series" VALUES(1,'cpu','{"host":"a"}',3800401603501496971);
CREATE TABLE shard (id INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, owner TEXT NOT NULL);
CREATE TABLE silence (
  id TEXT PRIMARY KEY, end_ms INTEGER NOT NULL, body TEXT NOT NULL
, sum INTEGER) WITHOUT ROWID;
INSERT INTO "silence" VALUES('00000000000000aa',1767312000000,'{"id":"00000000000000aa","matchers":[{"label":"bank","op":"=","value":"b"}],"start_ms":1767225600000,"end_ms":1767312000000,"author":"ann","comment":"maintenance","created_ms":1767225600000}',-3126268465531017082);
CREATE TABLE stream (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, sum INTEGER);
INSERT INTO "stream" VALUES(1,'orders',-4779519905795464289);
CREATE TABLE "told" (
  receiver TEXT NOT NULL, grp TEXT NOT NULL, alert TEXT NOT NULL, record TEXT NOT NULL, sum INTEGER,
  PRIMARY KEY (receiver, grp, alert)
) WITHOUT ROWID;
INSERT INTO "told" VALUES('hook','{}','','{}',-5443873607816621838);
CREATE INDEX block_by_time ON block (series, start_ms, end_ms, step_ms, n_rows);
CREATE INDEX event_block_by_time ON event_block (stream, start_ms, end_ms, n_events, plain_bytes, size);
CREATE INDEX outbox_by_group ON outbox (state, receiver, grp, seq);
CREATE INDEX audit_by_subject ON audit (subject);
CREATE TRIGGER audit_keeps_its_entries BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit is only added to'); END;
CREATE TRIGGER audit_loses_no_entry BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit is only added to'); END;
CREATE INDEX outbox_open ON outbox (receiver, seq) WHERE state = 0;
CREATE INDEX model_by_kind ON model (kind, created_ms);
CREATE UNIQUE INDEX cursor_by_rule ON "cursor" (rule);
CREATE INDEX cursor_by_shard ON "cursor" (shard);
CREATE UNIQUE INDEX evaluation_once ON evaluation (end_ms, number, grp, start_ms, version);
CREATE INDEX finding_by_place ON finding (scanner, host);
CREATE INDEX finding_scan_by_time ON finding_scan (scanner, at_ms);
COMMIT;
PRAGMA application_id = 1279348306;
PRAGMA user_version = 12;
