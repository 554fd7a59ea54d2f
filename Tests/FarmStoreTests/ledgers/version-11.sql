PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE grdb_migrations (identifier TEXT NOT NULL PRIMARY KEY);
INSERT INTO grdb_migrations VALUES('1');
INSERT INTO grdb_migrations VALUES('2');
INSERT INTO grdb_migrations VALUES('3');
INSERT INTO grdb_migrations VALUES('4');
INSERT INTO grdb_migrations VALUES('5');
INSERT INTO grdb_migrations VALUES('6');
INSERT INTO grdb_migrations VALUES('7');
INSERT INTO grdb_migrations VALUES('8');
INSERT INTO grdb_migrations VALUES('9');
INSERT INTO grdb_migrations VALUES('10');
INSERT INTO grdb_migrations VALUES('11');
CREATE TABLE release (
  id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, state TEXT NOT NULL, is_planned INTEGER NOT NULL,
  planned_jobs TEXT NOT NULL, priority INTEGER NOT NULL, harvest TEXT NOT NULL, is_paused INTEGER NOT NULL,
  problem TEXT, changed_at INTEGER NOT NULL
, naming TEXT, naming_object TEXT, archive_after_ms INTEGER, on_change TEXT NOT NULL DEFAULT 'render', on_missing TEXT NOT NULL DEFAULT 'block', still TEXT, assets TEXT NOT NULL DEFAULT '[]', defaults TEXT NOT NULL DEFAULT '{}', archive_night INTEGER, archive_problem TEXT) STRICT;
INSERT INTO "release" VALUES(1,'quick','open',0,'[]',60,'auto',0,NULL,1795714539193228311,NULL,NULL,NULL,'render','block',NULL,'[]','{}',NULL,NULL);
INSERT INTO "release" VALUES(2,'spring','open',1,'["kept","later"]',50,'auto',0,NULL,1795714518721425153,NULL,NULL,NULL,'render','block',NULL,'[]','{}',NULL,NULL);
INSERT INTO "release" VALUES(3,'over','archived',1,'["done"]',50,'auto',0,NULL,1795714533135775410,NULL,NULL,NULL,'render','block',NULL,'[]','{}',NULL,NULL);
INSERT INTO "release" VALUES(4,'loose','open',0,'[]',50,'auto',0,NULL,1795714533261581328,NULL,NULL,NULL,'render','block',NULL,'[]','{}',NULL,NULL);
CREATE TABLE known_file (
  path BLOB PRIMARY KEY, folder BLOB NOT NULL, device INTEGER NOT NULL, inode INTEGER NOT NULL,
  size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, ctime_ns INTEGER NOT NULL
) STRICT;
INSERT INTO known_file VALUES(X'717569636b2f612e626c656e64',X'717569636b',65024,16458274,885432,1795714517988050938,1795714517990908977);
INSERT INTO known_file VALUES(X'72656c65617365732f737072696e672f72656c656173652e79616d6c',X'72656c65617365732f737072696e67',65024,16458642,259,1795714518051682790,1795714518052171940);
INSERT INTO known_file VALUES(X'72656c65617365732f737072696e672f73746f72652f6b6570742e626c656e64',X'72656c65617365732f737072696e672f73746f7265',65024,16458737,862200,1795714518057093861,1795714518057093861);
INSERT INTO known_file VALUES(X'717569636b2f6261642e626c656e64',X'717569636b',65024,16458833,859656,1795714518088816084,1795714518088816084);
INSERT INTO known_file VALUES(X'72656c65617365732f6c6f6f73652f73746f72652f77616974696e672e626c656e64',X'72656c65617365732f6c6f6f73652f73746f7265',65024,16457799,863684,1795714533156645197,1795714533156645197);
INSERT INTO known_file VALUES(X'717569636b2f6b696c6c65642e626c656e64',X'717569636b',65024,16457805,863684,1795714533158323219,1795714533158323219);
CREATE TABLE harvest (
  id INTEGER PRIMARY KEY, release_id INTEGER NOT NULL REFERENCES release(id), is_open INTEGER NOT NULL,
  started_at INTEGER NOT NULL
) STRICT;
INSERT INTO harvest VALUES(1,1,0,1795714518729278858);
CREATE TABLE harvest_move (
  id INTEGER PRIMARY KEY, harvest_id INTEGER NOT NULL REFERENCES harvest(id),
  output_id INTEGER NOT NULL REFERENCES output(id), source TEXT NOT NULL, target TEXT NOT NULL,
  inode INTEGER NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, is_done INTEGER NOT NULL
) STRICT;
INSERT INTO harvest_move VALUES(1,1,1,'quick/out/a/000001.png','dist/quick/a.png',16458881,3231,1795714518700144024,1);
CREATE TABLE delivery (
  path TEXT PRIMARY KEY, release_id INTEGER NOT NULL REFERENCES release(id),
  job_id INTEGER NOT NULL REFERENCES job(id), output_id INTEGER NOT NULL REFERENCES output(id),
  inode INTEGER NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL
) STRICT;
INSERT INTO delivery VALUES('dist/quick/a.png',1,1,1,16458881,3231,1795714518700144024);
CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
INSERT INTO setting VALUES('paused','yes');
CREATE TABLE dependency (
  revision_id INTEGER NOT NULL REFERENCES revision(id), path TEXT NOT NULL, size INTEGER NOT NULL,
  mtime_ns INTEGER NOT NULL, is_seen INTEGER NOT NULL DEFAULT 1, PRIMARY KEY (revision_id, path)
) STRICT, WITHOUT ROWID;
INSERT INTO dependency VALUES(1,'/volume/quick/wood.png',73,1795714515383692235,1);
CREATE TABLE act (
  id INTEGER PRIMARY KEY, at INTEGER NOT NULL, who TEXT NOT NULL, what TEXT NOT NULL, release TEXT, job TEXT,
  detail TEXT
, revision INTEGER) STRICT;
INSERT INTO act VALUES(1,1795714518052538847,'root','planned','spring',NULL,NULL,NULL);
INSERT INTO act VALUES(2,1795714518080834520,'root','planned','over',NULL,NULL,NULL);
INSERT INTO act VALUES(3,1795714533138445612,'root','archived','over',NULL,'archives/over.tar.gz',NULL);
INSERT INTO act VALUES(4,1795714533151581044,'root','paused',NULL,NULL,NULL,NULL);
INSERT INTO act VALUES(5,1795714539194410875,'root','killed','quick','killed',NULL,NULL);
CREATE TABLE dependency_file (
  path TEXT PRIMARY KEY, device INTEGER NOT NULL, inode INTEGER NOT NULL, size INTEGER NOT NULL,
  mtime_ns INTEGER NOT NULL, ctime_ns INTEGER NOT NULL, digest BLOB NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO dependency_file VALUES('/volume/quick/wood.png',65024,16457826,73,1795714515383692235,1795714515383692235,X'50e45b91a090340b11bb51913ad21343e4623941a4da21e17d4fe33773a29c8f');
CREATE TABLE former_delivery (
  path TEXT PRIMARY KEY, inode INTEGER NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE archive (
  id INTEGER PRIMARY KEY, release TEXT NOT NULL, path TEXT NOT NULL, state TEXT NOT NULL, inode INTEGER NOT NULL,
  size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, content_bytes INTEGER NOT NULL, files INTEGER NOT NULL,
  jobs INTEGER NOT NULL, prunes_dist INTEGER NOT NULL, archived_at INTEGER NOT NULL, verified_at INTEGER NOT NULL
, problem TEXT) STRICT;
INSERT INTO archive VALUES(1,'over','archives/over.tar.gz','stored',16457764,109647,1795714533128051637,865692,3,1,1,1795714533132455578,1795714533132455578,NULL);
CREATE TABLE IF NOT EXISTS "job" (
  id INTEGER PRIMARY KEY AUTOINCREMENT, release_id INTEGER NOT NULL REFERENCES release(id), name TEXT NOT NULL,
  path TEXT NOT NULL, owner TEXT NOT NULL, state TEXT NOT NULL, revision INTEGER NOT NULL, problem TEXT,
  created_at INTEGER NOT NULL, changed_at INTEGER NOT NULL, is_adopted INTEGER NOT NULL DEFAULT 0, priority INTEGER, manifest TEXT, manifest_due INTEGER NOT NULL DEFAULT 0, stale TEXT, UNIQUE (release_id, name)
) STRICT;
INSERT INTO job VALUES(1,1,'a','quick/a.blend','root','completed',1,NULL,1795714517995664291,1795714518707190804,0,NULL,'quick/a',0,NULL);
INSERT INTO job VALUES(2,2,'kept','releases/spring/store/kept.blend','root','completed',1,NULL,1795714518160698786,1795714518721425153,0,NULL,'spring/kept',0,NULL);
INSERT INTO job VALUES(4,1,'bad','quick/bad.blend','root','blocked',1,'{"cause":"scene Scene has no camera","class":"no-camera","remedy":"Add a camera to the scene (Shift+A, Camera), make it the active one and save again."}',1795714518194955770,1795714518194955770,0,NULL,NULL,0,NULL);
INSERT INTO job VALUES(5,4,'waiting','releases/loose/store/waiting.blend','root','queued',1,NULL,1795714533261581328,1795714533261581328,0,NULL,NULL,0,NULL);
INSERT INTO job VALUES(6,1,'killed','quick/killed.blend','root','canceled',1,'{"cause":"a person killed it","class":"killed","remedy":"Nothing; a person asked for it. Change and save the file, and it is rendered."}',1795714533263504787,1795714539193228311,0,NULL,'quick/killed',0,NULL);
CREATE TABLE IF NOT EXISTS "revision" (
  id INTEGER PRIMARY KEY AUTOINCREMENT, job_id INTEGER NOT NULL REFERENCES job(id), number INTEGER NOT NULL,
  digest BLOB NOT NULL, state TEXT NOT NULL, frames TEXT NOT NULL, format TEXT NOT NULL, saved_by TEXT,
  blender TEXT, snapshot TEXT, problem TEXT, created_at INTEGER NOT NULL, ended_at INTEGER, scene TEXT, notes TEXT NOT NULL DEFAULT '[]', settings TEXT NOT NULL DEFAULT '{}', told_at INTEGER,
  UNIQUE (job_id, number)
) STRICT;
INSERT INTO revision VALUES(1,1,1,X'e9d351367aac1ba97a38b118ee822a95dafefe4e798005e7aea05e6fac485394','completed','1','PNG','{"major":3,"minor":4}','{"buildHash":"Unknown","canDenoise":false,"devices":["CPU"],"fullVersion":"3.4.1","path":"/usr/bin/blender","version":{"major":3,"minor":4}}',NULL,NULL,1795714517995664291,1795714518707190804,'Scene','[]','{"is_simulated":false,"on_missing":"block","said":{},"wanted":{}}',NULL);
INSERT INTO revision VALUES(2,2,1,X'49370f8a0b113878f4d8e916b4d889db4248af0540934247d9bbfc20fa00cc17','completed','1','PNG','{"major":3,"minor":4}','{"buildHash":"Unknown","canDenoise":false,"devices":["CPU"],"fullVersion":"3.4.1","path":"/usr/bin/blender","version":{"major":3,"minor":4}}',NULL,NULL,1795714518160698786,1795714518721425153,'Scene','[]','{"is_simulated":false,"on_missing":"block","said":{},"wanted":{}}',NULL);
INSERT INTO revision VALUES(4,4,1,X'47cec4879ea03b4335f71e873a1f3a4e8d10bd5e20bceb8650299f92a4ea0ae6','blocked','1','PNG','{"major":3,"minor":4}',NULL,NULL,'{"cause":"scene Scene has no camera","class":"no-camera","remedy":"Add a camera to the scene (Shift+A, Camera), make it the active one and save again."}',1795714518194955770,NULL,'Scene','[]','{"is_simulated":false,"on_missing":"block","said":{},"wanted":{}}',NULL);
INSERT INTO revision VALUES(5,5,1,X'20518beaa38c0524e2d4f2b28ff45c9b2a9169252f4974070ebd20b31bc4fdba','queued','1-6','PNG','{"major":3,"minor":4}',NULL,NULL,NULL,1795714533261581328,NULL,'Scene','[]','{"is_simulated":false,"on_missing":"block","said":{},"wanted":{}}',NULL);
INSERT INTO revision VALUES(6,6,1,X'20518beaa38c0524e2d4f2b28ff45c9b2a9169252f4974070ebd20b31bc4fdba','canceled','1-6','PNG','{"major":3,"minor":4}',NULL,NULL,'{"cause":"a person killed it","class":"killed","remedy":"Nothing; a person asked for it. Change and save the file, and it is rendered."}',1795714533263504787,1795714539193228311,'Scene','[]','{"is_simulated":false,"on_missing":"block","said":{},"wanted":{}}',NULL);
CREATE TABLE IF NOT EXISTS "output" (
  id INTEGER PRIMARY KEY AUTOINCREMENT, revision_id INTEGER NOT NULL REFERENCES revision(id), path TEXT NOT NULL,
  frame INTEGER NOT NULL, state TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, width INTEGER, height INTEGER,
  bytes INTEGER, inode INTEGER, mtime_ns INTEGER, render_ms INTEGER, problem TEXT, facts TEXT, scene TEXT, layer TEXT, tile TEXT, view TEXT, node TEXT, peak_bytes INTEGER, UNIQUE (revision_id, path)
) STRICT;
INSERT INTO output VALUES(1,1,'000001.png',1,'harvested',1,64,64,3231,16458881,1795714518700144024,107,NULL,'{"camera":"Camera","rotations":{}}','Scene',NULL,NULL,NULL,NULL,250384384);
INSERT INTO output VALUES(2,2,'000001.png',1,'done',1,64,64,3247,16458322,1795714518715062565,4,NULL,'{"camera":"Camera","rotations":{}}','Scene',NULL,NULL,NULL,NULL,251310080);
INSERT INTO output VALUES(4,4,'000001.png',1,'owed',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'Scene',NULL,NULL,NULL,NULL,NULL);
INSERT INTO output VALUES(5,5,'000001.png',1,'owed',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'Scene',NULL,NULL,NULL,NULL,NULL);
INSERT INTO output VALUES(6,5,'000002.png',2,'owed',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'Scene',NULL,NULL,NULL,NULL,NULL);
INSERT INTO output VALUES(7,5,'000003.png',3,'owed',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'Scene',NULL,NULL,NULL,NULL,NULL);
INSERT INTO output VALUES(8,5,'000004.png',4,'owed',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'Scene',NULL,NULL,NULL,NULL,NULL);
INSERT INTO output VALUES(9,5,'000005.png',5,'owed',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'Scene',NULL,NULL,NULL,NULL,NULL);
INSERT INTO output VALUES(10,5,'000006.png',6,'owed',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'Scene',NULL,NULL,NULL,NULL,NULL);
INSERT INTO output VALUES(11,6,'000001.png',1,'owed',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'Scene',NULL,NULL,NULL,NULL,NULL);
INSERT INTO output VALUES(12,6,'000002.png',2,'owed',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'Scene',NULL,NULL,NULL,NULL,NULL);
INSERT INTO output VALUES(13,6,'000003.png',3,'owed',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'Scene',NULL,NULL,NULL,NULL,NULL);
INSERT INTO output VALUES(14,6,'000004.png',4,'owed',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'Scene',NULL,NULL,NULL,NULL,NULL);
INSERT INTO output VALUES(15,6,'000005.png',5,'owed',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'Scene',NULL,NULL,NULL,NULL,NULL);
INSERT INTO output VALUES(16,6,'000006.png',6,'owed',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'Scene',NULL,NULL,NULL,NULL,NULL);
CREATE TABLE IF NOT EXISTS "task" (
  id INTEGER PRIMARY KEY AUTOINCREMENT, revision_id INTEGER NOT NULL REFERENCES revision(id), frames TEXT NOT NULL,
  state TEXT NOT NULL, worker TEXT, log TEXT NOT NULL, pid INTEGER, start_ticks INTEGER, problem TEXT,
  started_at INTEGER NOT NULL, ended_at INTEGER
, scene TEXT, layer TEXT, tile TEXT) STRICT;
INSERT INTO task VALUES(1,1,'1','completed','local-1','/volume/.farm/state/logs/quick/a/task-1.log',7509,1352692,NULL,1795714517999658738,1795714518704963741,'Scene',NULL,NULL);
INSERT INTO task VALUES(2,2,'1','completed','local-1','/volume/.farm/state/logs/spring/kept/task-2.log',7509,1352692,NULL,1795714518704156437,1795714518718606069,'Scene',NULL,NULL);
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES('job',6);
INSERT INTO sqlite_sequence VALUES('revision',6);
INSERT INTO sqlite_sequence VALUES('output',16);
INSERT INTO sqlite_sequence VALUES('task',2);
CREATE INDEX known_file_in_folder ON known_file(folder);
CREATE INDEX harvest_move_of ON harvest_move(harvest_id);
CREATE INDEX known_file_by_inode ON known_file(inode);
CREATE INDEX delivery_of_job ON delivery(job_id);
CREATE INDEX dependency_by_path ON dependency(path);
CREATE INDEX harvest_move_of_output ON harvest_move(output_id);
CREATE INDEX delivery_of_output ON delivery(output_id);
CREATE INDEX job_of_farm ON job(release_id, name) WHERE is_adopted = 0;
CREATE INDEX job_by_path ON job(CAST(path AS BLOB));
CREATE INDEX job_manifest_due ON job(id) WHERE manifest_due > 0;
CREATE INDEX job_by_change ON job(release_id, changed_at) WHERE is_adopted = 0;
CREATE INDEX job_stale ON job(release_id) WHERE stale IS NOT NULL;
CREATE INDEX job_at_work ON job(state)
WHERE is_adopted = 0 AND state NOT IN ('completed', 'canceled', 'removed', 'superseded');
CREATE INDEX revision_open ON revision(state) WHERE state IN ('queued', 'active', 'assembling');
CREATE INDEX output_done ON output(revision_id) WHERE state = 'done';
CREATE INDEX task_of_revision ON task(revision_id);
COMMIT;
