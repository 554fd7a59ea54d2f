PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE release (
      id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, state TEXT NOT NULL, is_planned INTEGER NOT NULL,
      planned_jobs TEXT NOT NULL, priority INTEGER NOT NULL, harvest TEXT NOT NULL, is_paused INTEGER NOT NULL,
      problem TEXT, changed_at INTEGER NOT NULL
    ) STRICT
    ;
INSERT INTO "release" VALUES(1,'quick','open',0,'[]',60,'auto',0,NULL,1795402695570349651);
INSERT INTO "release" VALUES(2,'spring','open',1,'["kept","later"]',50,'auto',0,NULL,1795402694874873308);
INSERT INTO "release" VALUES(3,'loose','open',0,'[]',50,'auto',0,NULL,1795402695775174536);
CREATE TABLE job (
      id INTEGER PRIMARY KEY, release_id INTEGER NOT NULL REFERENCES release(id), name TEXT NOT NULL,
      path TEXT NOT NULL, owner TEXT NOT NULL, state TEXT NOT NULL, revision INTEGER NOT NULL, problem TEXT,
      created_at INTEGER NOT NULL, changed_at INTEGER NOT NULL, UNIQUE (release_id, name)
    ) STRICT
    ;
INSERT INTO job VALUES(1,1,'a','quick/a.blend','root','completed',1,NULL,1795402681972931317,1795402685659835032);
INSERT INTO job VALUES(2,2,'kept','releases/spring/store/kept.blend','root','completed',1,NULL,1795402686189151979,1795402694874873308);
INSERT INTO job VALUES(3,1,'bad','quick/bad.blend','root','blocked',1,'{"cause":"scene Scene has no camera","class":"no-camera","remedy":"Add a camera to the scene (Shift+A, Camera), make it the active one and save again."}',1795402686195266227,1795402690505426846);
INSERT INTO job VALUES(4,1,'killed','quick/killed.blend','root','canceled',1,'{"cause":"a person killed it","class":"killed","remedy":"Nothing; a person asked for it. Change and save the file, and it is rendered."}',1795402695052392918,1795402695570349651);
INSERT INTO job VALUES(5,3,'waiting','releases/loose/store/waiting.blend','root','queued',1,NULL,1795402695775174536,1795402695775174536);
CREATE TABLE revision (
      id INTEGER PRIMARY KEY, job_id INTEGER NOT NULL REFERENCES job(id), number INTEGER NOT NULL,
      digest BLOB NOT NULL, state TEXT NOT NULL, frames TEXT NOT NULL, format TEXT NOT NULL, saved_by TEXT,
      blender TEXT, snapshot TEXT, problem TEXT, created_at INTEGER NOT NULL, ended_at INTEGER,
      UNIQUE (job_id, number)
    ) STRICT
    ;
INSERT INTO revision VALUES(1,1,1,X'2d89f510660a89c366efa9c77b247bd79a248a57365b268b0b79952924c04f58','completed','1','PNG','{"major":3,"minor":4}','{"buildHash":"Unknown","canDenoise":false,"devices":["CPU"],"fullVersion":"3.4.1","path":"/usr/bin/blender","version":{"major":3,"minor":4}}',NULL,NULL,1795402681972931317,1795402685659835032);
INSERT INTO revision VALUES(2,2,1,X'2d89f510660a89c366efa9c77b247bd79a248a57365b268b0b79952924c04f58','completed','1','PNG','{"major":3,"minor":4}','{"buildHash":"Unknown","canDenoise":false,"devices":["CPU"],"fullVersion":"3.4.1","path":"/usr/bin/blender","version":{"major":3,"minor":4}}',NULL,NULL,1795402686189151979,1795402694874873308);
INSERT INTO revision VALUES(3,3,1,X'062f3578e9c1db19bba30fa5946e07bd78934ba5baff1ce658a66ead812c39fe','blocked','1-2','PNG','{"major":3,"minor":4}','{"buildHash":"Unknown","canDenoise":false,"devices":["CPU"],"fullVersion":"3.4.1","path":"/usr/bin/blender","version":{"major":3,"minor":4}}',NULL,'{"cause":"scene Scene has no camera","class":"no-camera","remedy":"Add a camera to the scene (Shift+A, Camera), make it the active one and save again."}',1795402686195266227,NULL);
INSERT INTO revision VALUES(4,4,1,X'0dbee042dc4973916f3e90aa6006af2149b2d7af0985a19858bdba105b0582af','canceled','1-6','PNG','{"major":3,"minor":4}','{"buildHash":"Unknown","canDenoise":false,"devices":["CPU"],"fullVersion":"3.4.1","path":"/usr/bin/blender","version":{"major":3,"minor":4}}',NULL,'{"cause":"a person killed it","class":"killed","remedy":"Nothing; a person asked for it. Change and save the file, and it is rendered."}',1795402695052392918,1795402695570349651);
INSERT INTO revision VALUES(5,5,1,X'0dbee042dc4973916f3e90aa6006af2149b2d7af0985a19858bdba105b0582af','queued','1-6','PNG','{"major":3,"minor":4}',NULL,NULL,NULL,1795402695775174536,NULL);
CREATE TABLE output (
      id INTEGER PRIMARY KEY, revision_id INTEGER NOT NULL REFERENCES revision(id), path TEXT NOT NULL,
      frame INTEGER NOT NULL, state TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, width INTEGER, height INTEGER,
      bytes INTEGER, inode INTEGER, mtime_ns INTEGER, render_ms INTEGER, problem TEXT, UNIQUE (revision_id, path)
    ) STRICT
    ;
INSERT INTO output VALUES(1,1,'000001.png',1,'harvested',1,64,36,2990,16703534,1795402685613624236,657,NULL);
INSERT INTO output VALUES(2,2,'000001.png',1,'done',1,64,36,3006,16703563,1795402694831576292,880,NULL);
INSERT INTO output VALUES(3,3,'000001.png',1,'owed',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO output VALUES(4,3,'000002.png',2,'owed',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO output VALUES(5,4,'000001.png',1,'owed',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO output VALUES(6,4,'000002.png',2,'owed',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO output VALUES(7,4,'000003.png',3,'owed',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO output VALUES(8,4,'000004.png',4,'owed',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO output VALUES(9,4,'000005.png',5,'owed',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO output VALUES(10,4,'000006.png',6,'owed',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO output VALUES(11,5,'000001.png',1,'owed',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO output VALUES(12,5,'000002.png',2,'owed',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO output VALUES(13,5,'000003.png',3,'owed',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO output VALUES(14,5,'000004.png',4,'owed',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO output VALUES(15,5,'000005.png',5,'owed',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO output VALUES(16,5,'000006.png',6,'owed',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE task (
      id INTEGER PRIMARY KEY, revision_id INTEGER NOT NULL REFERENCES revision(id), frames TEXT NOT NULL,
      state TEXT NOT NULL, worker TEXT, log TEXT NOT NULL, pid INTEGER, start_ticks INTEGER, problem TEXT,
      started_at INTEGER NOT NULL, ended_at INTEGER
    ) STRICT
    ;
INSERT INTO task VALUES(1,1,'1','completed','local-1','/srv/farm/.farm/state/logs/quick/a/task-1.log',17802,5076418,NULL,1795402681986786746,1795402685900463576);
INSERT INTO task VALUES(2,3,'1-2','failed','local-1','/srv/farm/.farm/state/logs/quick/bad/task-2.log',17841,5076840,'{"cause":"scene Scene has no camera","class":"no-camera","remedy":"Add a camera to the scene (Shift+A, Camera), make it the active one and save again."}',1795402686208040528,1795402690504394227);
INSERT INTO task VALUES(3,2,'1','completed','local-1','/srv/farm/.farm/state/logs/spring/kept/task-3.log',17886,5077270,NULL,1795402690509922641,1795402695108045307);
INSERT INTO task VALUES(4,4,'1-6','canceled','local-1','/srv/farm/.farm/state/logs/quick/killed/task-4.log',17952,5077731,NULL,1795402695115159637,1795402695585718937);
CREATE TABLE known_file (
      path BLOB PRIMARY KEY, folder BLOB NOT NULL, device INTEGER NOT NULL, inode INTEGER NOT NULL,
      size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, ctime_ns INTEGER NOT NULL
    ) STRICT
    ;
INSERT INTO known_file VALUES(X'717569636b2f612e626c656e64',X'717569636b',65024,16703519,463892,1795402678172862697,1795402678172862697);
INSERT INTO known_file VALUES(X'72656c65617365732f737072696e672f73746f72652f6b6570742e626c656e64',X'72656c65617365732f737072696e672f73746f7265',65024,16703541,463892,1795402686082883054,1795402686082883054);
INSERT INTO known_file VALUES(X'717569636b2f6261642e626c656e64',X'717569636b',65024,16703542,463892,1795402686089601441,1795402686089601441);
INSERT INTO known_file VALUES(X'717569636b2f6b696c6c65642e626c656e64',X'717569636b',65024,16703543,465388,1795402694946748015,1795402694946748015);
INSERT INTO known_file VALUES(X'72656c65617365732f6c6f6f73652f73746f72652f77616974696e672e626c656e64',X'72656c65617365732f6c6f6f73652f73746f7265',65024,16703565,465388,1795402695666748015,1795402695666748015);
CREATE TABLE harvest (
      id INTEGER PRIMARY KEY, release_id INTEGER NOT NULL REFERENCES release(id), is_open INTEGER NOT NULL,
      started_at INTEGER NOT NULL
    ) STRICT
    ;
INSERT INTO harvest VALUES(1,1,0,1795402685676519402);
CREATE TABLE harvest_move (
      id INTEGER PRIMARY KEY, harvest_id INTEGER NOT NULL REFERENCES harvest(id),
      output_id INTEGER NOT NULL REFERENCES output(id), source TEXT NOT NULL, target TEXT NOT NULL,
      inode INTEGER NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, is_done INTEGER NOT NULL
    ) STRICT
    ;
INSERT INTO harvest_move VALUES(1,1,1,'quick/out/a/000001.png','dist/quick/a.png',16703534,2990,1795402685613624236,1);
CREATE TABLE delivery (
      path TEXT PRIMARY KEY, release_id INTEGER NOT NULL REFERENCES release(id),
      job_id INTEGER NOT NULL REFERENCES job(id), output_id INTEGER NOT NULL REFERENCES output(id),
      inode INTEGER NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL
    ) STRICT
    ;
INSERT INTO delivery VALUES('dist/quick/a.png',1,1,1,16703534,2990,1795402685613624236);
CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
INSERT INTO setting VALUES('paused','yes');
CREATE TABLE grdb_migrations (identifier TEXT NOT NULL PRIMARY KEY);
INSERT INTO grdb_migrations VALUES('1');
CREATE INDEX revision_open ON revision(state) WHERE state IN ('queued', 'active', 'assembling');
CREATE INDEX task_of_revision ON task(revision_id);
CREATE INDEX known_file_in_folder ON known_file(folder);
CREATE INDEX harvest_move_of ON harvest_move(harvest_id);
COMMIT;
