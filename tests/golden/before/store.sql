BEGIN TRANSACTION;
CREATE TABLE approved (
    rollout    TEXT NOT NULL,
    number     INTEGER NOT NULL,
    into_stage TEXT NOT NULL,
    role       TEXT NOT NULL,
    said_by    TEXT NOT NULL,
    at         REAL NOT NULL,
    until      REAL NOT NULL,
    digest     TEXT NOT NULL,
    token      TEXT NOT NULL,
    note       TEXT NOT NULL,
    PRIMARY KEY (rollout, number, into_stage, role)
);
CREATE TABLE attempt (
    id               INTEGER PRIMARY KEY AUTOINCREMENT,
    rollout          TEXT NOT NULL,
    service          TEXT NOT NULL,
    number           INTEGER NOT NULL,
    state            TEXT NOT NULL,
    stage            TEXT NOT NULL,
    stage_entered_at REAL NOT NULL,
    started_at       REAL NOT NULL,
    started_by       TEXT NOT NULL,
    held             TEXT NOT NULL DEFAULT '',
    pinned           TEXT NOT NULL DEFAULT '{}',
    rollback_ready   TEXT NOT NULL DEFAULT '',
    owner            TEXT,
    leased_until     REAL NOT NULL DEFAULT 0,
    fence            INTEGER NOT NULL DEFAULT 0,
    UNIQUE (rollout, number)
);
INSERT INTO "attempt" VALUES(1,'shop','shop',1,'rolled-back','10%',1.79581867078952789307e+09,1.79581867078952789307e+09,'operator-1','','{"rollback":[{"timeout":10.0,"tries":3,"on_failure":"next","server":"web/stable","weight":100,"sockets":["unix:haproxy.sock"],"kind":"haproxy-weight"},{"timeout":10.0,"tries":3,"on_failure":"next","server":"web/canary","weight":0,"sockets":["unix:haproxy.sock"],"kind":"haproxy-weight"}],"emergency-rollback":[{"timeout":10.0,"tries":3,"on_failure":"next","server":"web/stable","weight":100,"sockets":["unix:haproxy.sock"],"kind":"haproxy-weight"},{"timeout":10.0,"tries":3,"on_failure":"next","server":"web/canary","weight":0,"sockets":["unix:haproxy.sock"],"kind":"haproxy-weight"}],"security-rollback":[{"timeout":10.0,"tries":3,"on_failure":"next","server":"web/stable","weight":100,"sockets":["unix:haproxy.sock"],"kind":"haproxy-weight"},{"timeout":10.0,"tries":3,"on_failure":"next","server":"web/canary","weight":0,"sockets":["unix:haproxy.sock"],"kind":"haproxy-weight"}]}','',NULL,0.0,2);
INSERT INTO "attempt" VALUES(2,'shop','shop',2,'active','10%',1.79581867413914203642e+09,1.79581867413914203642e+09,'operator-1','','{"rollback":[{"timeout":10.0,"tries":3,"on_failure":"next","server":"web/stable","weight":100,"sockets":["unix:haproxy.sock"],"kind":"haproxy-weight"},{"timeout":10.0,"tries":3,"on_failure":"next","server":"web/canary","weight":0,"sockets":["unix:haproxy.sock"],"kind":"haproxy-weight"}],"emergency-rollback":[{"timeout":10.0,"tries":3,"on_failure":"next","server":"web/stable","weight":100,"sockets":["unix:haproxy.sock"],"kind":"haproxy-weight"},{"timeout":10.0,"tries":3,"on_failure":"next","server":"web/canary","weight":0,"sockets":["unix:haproxy.sock"],"kind":"haproxy-weight"}],"security-rollback":[{"timeout":10.0,"tries":3,"on_failure":"next","server":"web/stable","weight":100,"sockets":["unix:haproxy.sock"],"kind":"haproxy-weight"},{"timeout":10.0,"tries":3,"on_failure":"next","server":"web/canary","weight":0,"sockets":["unix:haproxy.sock"],"kind":"haproxy-weight"}]}','',NULL,0.0,1);
CREATE TABLE checked (
    rollout    TEXT NOT NULL,
    number     INTEGER NOT NULL,
    into_stage TEXT NOT NULL,
    question   TEXT NOT NULL,
    passed     INTEGER NOT NULL,
    said_by    TEXT NOT NULL,
    at         REAL NOT NULL,
    note       TEXT NOT NULL,
    PRIMARY KEY (rollout, number, into_stage, question)
);
CREATE TABLE effect (
    run      INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    step     TEXT NOT NULL,
    state    TEXT NOT NULL,
    found    TEXT NOT NULL DEFAULT '',
    cause    TEXT,
    at       REAL NOT NULL,
    PRIMARY KEY (run, position)
);
INSERT INTO "effect" VALUES(1,0,'{"timeout":10.0,"tries":3,"on_failure":"next","server":"web/stable","weight":90,"sockets":["unix:haproxy.sock"],"kind":"haproxy-weight"}','already','HAProxy web/stable on unix:haproxy.sock: weight 90',NULL,1.79581867080938792228e+09);
INSERT INTO "effect" VALUES(1,1,'{"timeout":10.0,"tries":3,"on_failure":"next","server":"web/canary","weight":10,"sockets":["unix:haproxy.sock"],"kind":"haproxy-weight"}','already','HAProxy web/canary on unix:haproxy.sock: weight 10',NULL,1.79581867081199598309e+09);
INSERT INTO "effect" VALUES(2,0,'{"timeout":10.0,"tries":3,"on_failure":"next","server":"web/stable","weight":100,"sockets":["unix:haproxy.sock"],"kind":"haproxy-weight"}','done','HAProxy web/stable on unix:haproxy.sock: weight 90 → 100',NULL,1.79581867091926908495e+09);
INSERT INTO "effect" VALUES(2,1,'{"timeout":10.0,"tries":3,"on_failure":"next","server":"web/canary","weight":0,"sockets":["unix:haproxy.sock"],"kind":"haproxy-weight"}','done','HAProxy web/canary on unix:haproxy.sock: weight 10 → 0',NULL,1795818670.92107);
INSERT INTO "effect" VALUES(3,0,'{"timeout":10.0,"tries":3,"on_failure":"next","server":"web/stable","weight":90,"sockets":["unix:haproxy.sock"],"kind":"haproxy-weight"}','done','HAProxy web/stable on unix:haproxy.sock: weight 100 → 90',NULL,1.79581867415992307663e+09);
INSERT INTO "effect" VALUES(3,1,'{"timeout":10.0,"tries":3,"on_failure":"next","server":"web/canary","weight":10,"sockets":["unix:haproxy.sock"],"kind":"haproxy-weight"}','done','HAProxy web/canary on unix:haproxy.sock: weight 0 → 10',NULL,1795818674.17166);
CREATE TABLE evidence (
    rollout  TEXT NOT NULL,
    number   INTEGER NOT NULL,
    at       REAL NOT NULL,
    kind     TEXT NOT NULL,
    body     TEXT NOT NULL,
    previous TEXT NOT NULL,
    hash     TEXT NOT NULL,
    PRIMARY KEY (rollout, number)
);
INSERT INTO "evidence" VALUES('shop',1,1.79581867078952789307e+09,'decision','{"action":"start","attempt":1,"by":"operator-1","guardrail":"","reason":"asked-for","text":"a new attempt, in stage 10%","tier":"","verdict":"act"}','0000000000000000000000000000000000000000000000000000000000000000','10c79f9857734bb4645d1f0f121d6bd6c7298330af18f9e15abe5e5e63bf3a37');
INSERT INTO "evidence" VALUES('shop',2,1.79581867080938792228e+09,'step','{"action":"start","attempt":1,"found":"HAProxy web/stable on unix:haproxy.sock: weight 90","key":"10%","kind":"haproxy-weight","round":0,"state":"already","step":0,"what":"HAProxy web/stable on unix:haproxy.sock: weight 90"}','10c79f9857734bb4645d1f0f121d6bd6c7298330af18f9e15abe5e5e63bf3a37','5211ddc37ac18accb09428756a321362de30fbe11dd4780e806a7e7af4ef3a56');
INSERT INTO "evidence" VALUES('shop',3,1.79581867081199598309e+09,'step','{"action":"start","attempt":1,"found":"HAProxy web/canary on unix:haproxy.sock: weight 10","key":"10%","kind":"haproxy-weight","round":0,"state":"already","step":1,"what":"HAProxy web/canary on unix:haproxy.sock: weight 10"}','5211ddc37ac18accb09428756a321362de30fbe11dd4780e806a7e7af4ef3a56','ecce4c8125899a2c12dfeee7a7da9c5c43797ff63cbb3ff7983a2d719411bd56');
INSERT INTO "evidence" VALUES('shop',4,1.79581867081199598309e+09,'outcome','{"acted":"2026-11-27T22:31:10.811945+00:00","action":"start","attempt":1,"decided":"2026-11-27T22:31:10.789528+00:00","detected":"2026-11-27T22:31:10.789528+00:00","found":"HAProxy web/canary on unix:haproxy.sock: weight 10","key":"10%","kind":"haproxy-weight","outcome":"done","proved":null,"round":0,"state":"already","step":1,"text":"HAProxy web/stable on unix:haproxy.sock: weight 90; HAProxy web/canary on unix:haproxy.sock: weight 10","what":"HAProxy web/canary on unix:haproxy.sock: weight 10"}','ecce4c8125899a2c12dfeee7a7da9c5c43797ff63cbb3ff7983a2d719411bd56','d449c41c5885ab4552a0c96f8768c8c5d995aceb4c52f8a29df96d7638599f38');
INSERT INTO "evidence" VALUES('shop',5,1.79581867091488909726e+09,'decision','{"action":"rollback","attempt":1,"by":"alert","guardrail":"error-rate","reason":"limit-broken","text":"error-rate is in its critical tier: rollback","tier":"critical","verdict":"act"}','d449c41c5885ab4552a0c96f8768c8c5d995aceb4c52f8a29df96d7638599f38','c12dcb22ee1a5b22aa6cd2cc9fb73bec2fd8ed33bdd9e9425495ab2398a61621');
INSERT INTO "evidence" VALUES('shop',6,1.79581867091926908495e+09,'step','{"action":"rollback","attempt":1,"found":"HAProxy web/stable on unix:haproxy.sock: weight 90 → 100","key":"","kind":"haproxy-weight","round":0,"state":"done","step":0,"what":"HAProxy web/stable on unix:haproxy.sock: weight 100"}','c12dcb22ee1a5b22aa6cd2cc9fb73bec2fd8ed33bdd9e9425495ab2398a61621','4009fd68b95d01de5e89662efca825d05278f5bb6292fd3f1517efb8c3113bf1');
INSERT INTO "evidence" VALUES('shop',7,1795818670.92107,'step','{"action":"rollback","attempt":1,"found":"HAProxy web/canary on unix:haproxy.sock: weight 10 → 0","key":"","kind":"haproxy-weight","round":0,"state":"done","step":1,"what":"HAProxy web/canary on unix:haproxy.sock: weight 0"}','4009fd68b95d01de5e89662efca825d05278f5bb6292fd3f1517efb8c3113bf1','be38f41135837f1d8a12fd5a97d1be85ca9b5c54eae368aee2104959dd6a8573');
INSERT INTO "evidence" VALUES('shop',8,1795818670.92107,'outcome','{"acted":"2026-11-27T22:31:10.921036+00:00","action":"rollback","attempt":1,"decided":"2026-11-27T22:31:10.914889+00:00","detected":"2026-11-27T22:31:10.913862+00:00","found":"HAProxy web/canary on unix:haproxy.sock: weight 10 → 0","key":"","kind":"haproxy-weight","outcome":"done","proved":null,"round":0,"state":"done","step":1,"text":"HAProxy web/stable on unix:haproxy.sock: weight 90 → 100; HAProxy web/canary on unix:haproxy.sock: weight 10 → 0","what":"HAProxy web/canary on unix:haproxy.sock: weight 0"}','be38f41135837f1d8a12fd5a97d1be85ca9b5c54eae368aee2104959dd6a8573','b9a3d91d6cbda75772eb622c96f538c5b24913324dccf9f9d5e0a118c789d095');
INSERT INTO "evidence" VALUES('shop',9,1.79581867307247209546e+09,'decision','{"action":"rollback","attempt":1,"by":"alert","guardrail":"error-rate","reason":"resolved","text":"it stopped firing, which proves nothing and undoes nothing","tier":"critical","verdict":"note"}','b9a3d91d6cbda75772eb622c96f538c5b24913324dccf9f9d5e0a118c789d095','7731fda77c9628ad5a298c1033a27cc525c21b44590f70db7c9c0b7845b27130');
INSERT INTO "evidence" VALUES('shop',10,1.79581867413914203642e+09,'decision','{"action":"start","attempt":2,"by":"operator-1","guardrail":"","reason":"asked-for","text":"a new attempt, in stage 10%","tier":"","verdict":"act"}','7731fda77c9628ad5a298c1033a27cc525c21b44590f70db7c9c0b7845b27130','114d2cec00413020a4d34bcf24a8ae369f6fccc77587f9a0182da06b987c5fc5');
INSERT INTO "evidence" VALUES('shop',11,1.79581867415992307663e+09,'step','{"action":"start","attempt":2,"found":"HAProxy web/stable on unix:haproxy.sock: weight 100 → 90","key":"10%","kind":"haproxy-weight","round":0,"state":"done","step":0,"what":"HAProxy web/stable on unix:haproxy.sock: weight 90"}','114d2cec00413020a4d34bcf24a8ae369f6fccc77587f9a0182da06b987c5fc5','97efc9e45a0ebd8d0e01b5273f38cd45f49bd61e3ab162b0c4c1f7e9346fd718');
INSERT INTO "evidence" VALUES('shop',12,1795818674.17166,'step','{"action":"start","attempt":2,"found":"HAProxy web/canary on unix:haproxy.sock: weight 0 → 10","key":"10%","kind":"haproxy-weight","round":0,"state":"done","step":1,"what":"HAProxy web/canary on unix:haproxy.sock: weight 10"}','97efc9e45a0ebd8d0e01b5273f38cd45f49bd61e3ab162b0c4c1f7e9346fd718','7fad38baee2973771e7ae652cd2a113c1d902712bd22eddd01c14490f62ccfc4');
INSERT INTO "evidence" VALUES('shop',13,1795818674.17166,'outcome','{"acted":"2026-11-27T22:31:14.171620+00:00","action":"start","attempt":2,"decided":"2026-11-27T22:31:14.139142+00:00","detected":"2026-11-27T22:31:14.139142+00:00","found":"HAProxy web/canary on unix:haproxy.sock: weight 0 → 10","key":"10%","kind":"haproxy-weight","outcome":"done","proved":null,"round":0,"state":"done","step":1,"text":"HAProxy web/stable on unix:haproxy.sock: weight 100 → 90; HAProxy web/canary on unix:haproxy.sock: weight 0 → 10","what":"HAProxy web/canary on unix:haproxy.sock: weight 10"}','7fad38baee2973771e7ae652cd2a113c1d902712bd22eddd01c14490f62ccfc4','734845c1e213edfe158125402e83378f38d9e4936b2e1f98091b290974658c08');
INSERT INTO "evidence" VALUES('shop',14,1.79581867429585409164e+09,'decision','{"action":"investigate","attempt":2,"by":"alert","guardrail":"error-rate","reason":"asked-for","text":"error-rate is in its warning tier: people are asked to investigate","tier":"warning","verdict":"tell"}','734845c1e213edfe158125402e83378f38d9e4936b2e1f98091b290974658c08','3f0b3f30cc44ede318ad3807a3165f45a24efc4c0bd50ff16f6d1816566cd682');
CREATE TABLE inbox (
    number      INTEGER PRIMARY KEY AUTOINCREMENT,
    at          REAL NOT NULL,
    source      TEXT NOT NULL,
    body        BLOB NOT NULL,
    result      TEXT,
    reason      TEXT
);
INSERT INTO "inbox" VALUES(3,1795818674.28783,'alertmanager-1',X'7B2276657273696F6E223A202234222C202267726F75704B6579223A20227B7D2F7B726F6C6C6F75743D5C2273686F705C227D3A7B726F6C6C6F75743D5C2273686F705C227D222C20227472756E6361746564416C65727473223A20302C2022737461747573223A2022666972696E67222C20227265636569766572223A202268616E647261696C222C202267726F75704C6162656C73223A207B22726F6C6C6F7574223A202273686F70227D2C2022636F6D6D6F6E4C6162656C73223A207B22726F6C6C6F7574223A202273686F70227D2C2022636F6D6D6F6E416E6E6F746174696F6E73223A207B7D2C202265787465726E616C55524C223A2022687474703A2F2F616C6572746D616E616765722E6578616D706C65222C2022616C65727473223A205B7B22737461747573223A2022666972696E67222C20226C6162656C73223A207B22616C6572746E616D65223A202253686F704572726F72526174655761726E696E67222C2022726F6C6C6F7574223A202273686F70222C202273657276696365223A202273686F70222C202267756172647261696C223A20226572726F722D72617465222C202274696572223A20227761726E696E67222C20227365766572697479223A20227761726E696E67222C2022616374696F6E223A2022696E766573746967617465227D2C2022616E6E6F746174696F6E73223A207B2273756D6D617279223A20226572726F722D7261746520697320626164227D2C20227374617274734174223A2022323032362D31312D32375432323A33313A31342E3233383630395A222C2022656E64734174223A2022303030312D30312D30315430303A30303A30305A222C202267656E657261746F7255524C223A2022687474703A2F2F70726F6D6574686575732E6578616D706C652F6772617068222C202266696E6765727072696E74223A202230313233343536373839616263646566227D5D7D','tell','asked-for: error-rate is in its warning tier: people are asked to investigate');
CREATE TABLE memory (
    name TEXT PRIMARY KEY,
    at   REAL NOT NULL
);
INSERT INTO "memory" VALUES('asked',1.79581867067532205579e+09);
INSERT INTO "memory" VALUES('ready',1.79581867070362806316e+09);
CREATE TABLE migration (name TEXT PRIMARY KEY);
INSERT INTO "migration" VALUES('0001_first.sql');
INSERT INTO "migration" VALUES('0002_gates.sql');
CREATE TABLE reference (
    attempt   INTEGER NOT NULL REFERENCES attempt (id) ON DELETE CASCADE,
    guardrail TEXT NOT NULL,
    reference TEXT NOT NULL,
    value     REAL NOT NULL,
    PRIMARY KEY (attempt, guardrail, reference)
);
CREATE TABLE run (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    attempt      INTEGER NOT NULL REFERENCES attempt (id) ON DELETE CASCADE,
    action       TEXT NOT NULL,
    key          TEXT NOT NULL,
    round        INTEGER NOT NULL,
    state        TEXT NOT NULL,
    asked_by     TEXT NOT NULL,
    reason       TEXT NOT NULL,
    detected_at  REAL NOT NULL,
    decided_at   REAL NOT NULL,
    due_at       REAL NOT NULL,
    acted_at     REAL,
    finished_at  REAL,
    proof        TEXT,
    confirmation TEXT,
    text         TEXT NOT NULL DEFAULT '',
    UNIQUE (attempt, action, key, round)
);
INSERT INTO "run" VALUES(1,1,'start','10%',0,'done','operator-1','a new attempt, in stage 10%',1.79581867078952789307e+09,1.79581867078952789307e+09,1.79581867078947710991e+09,1.79581867081194496149e+09,1.79581867081199598309e+09,NULL,NULL,'HAProxy web/stable on unix:haproxy.sock: weight 90; HAProxy web/canary on unix:haproxy.sock: weight 10');
INSERT INTO "run" VALUES(2,1,'rollback','',0,'done','alert','error-rate is in its critical tier: rollback',1.79581867091386199004e+09,1.79581867091488909726e+09,1.7958186709149930477e+09,1.79581867092103600498e+09,1795818670.92107,NULL,NULL,'HAProxy web/stable on unix:haproxy.sock: weight 90 → 100; HAProxy web/canary on unix:haproxy.sock: weight 10 → 0');
INSERT INTO "run" VALUES(3,2,'start','10%',0,'done','operator-1','a new attempt, in stage 10%',1.79581867413914203642e+09,1.79581867413914203642e+09,1.79581867413908100126e+09,1795818674.17162,1795818674.17166,NULL,NULL,'HAProxy web/stable on unix:haproxy.sock: weight 100 → 90; HAProxy web/canary on unix:haproxy.sock: weight 0 → 10');
CREATE TABLE said (
    attempt INTEGER NOT NULL REFERENCES attempt (id) ON DELETE CASCADE,
    series  TEXT NOT NULL,
    source  TEXT NOT NULL,
    firing  INTEGER NOT NULL,
    at      REAL NOT NULL,
    PRIMARY KEY (attempt, series)
);
INSERT INTO "said" VALUES(1,'4f84518c00fa568e','error-rate/critical',0,1.79581867307247209546e+09);
INSERT INTO "said" VALUES(2,'16d4cddada28785a','error-rate/warning',1,1.79581867429585409164e+09);
CREATE TABLE telling (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    incident TEXT NOT NULL,
    rollout  TEXT NOT NULL,
    attempt  INTEGER NOT NULL,
    tell     TEXT NOT NULL,
    receipt  TEXT NOT NULL DEFAULT '',
    wanted   INTEGER NOT NULL DEFAULT 1,
    sent     INTEGER NOT NULL DEFAULT 0,
    tries    INTEGER NOT NULL DEFAULT 0,
    due_at   REAL NOT NULL,
    problem  TEXT NOT NULL DEFAULT '',
    UNIQUE (incident, tell)
);
CREATE INDEX inbox_undecided ON inbox (number) WHERE result IS NULL;
CREATE INDEX inbox_by_time ON inbox (at);
CREATE INDEX telling_due ON telling (due_at) WHERE wanted > sent;
CREATE INDEX run_open ON run (due_at) WHERE state IN ('waiting', 'open', 'proving');
CREATE INDEX run_by_time ON run (decided_at);
CREATE TRIGGER evidence_is_not_changed BEFORE UPDATE ON evidence
BEGIN SELECT RAISE(ABORT, 'evidence is append-only'); END;
CREATE TRIGGER evidence_is_not_removed BEFORE DELETE ON evidence
BEGIN SELECT RAISE(ABORT, 'evidence is append-only'); END;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('attempt',2);
INSERT INTO "sqlite_sequence" VALUES('run',3);
INSERT INTO "sqlite_sequence" VALUES('inbox',3);
COMMIT;
