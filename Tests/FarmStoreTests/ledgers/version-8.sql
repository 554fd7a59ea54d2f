PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE act (
  id INTEGER PRIMARY KEY, at INTEGER NOT NULL, who TEXT NOT NULL, what TEXT NOT NULL, release TEXT, job TEXT,
  detail TEXT
) STRICT;
INSERT INTO "act" VALUES(1,1795543153724054489,'root','planned','spring',NULL,NULL);
INSERT INTO "act" VALUES(2,1795543155399840052,'root','paused',NULL,NULL,NULL);
INSERT INTO "act" VALUES(3,1795543155660857444,'root','killed','quick','killed',NULL);
CREATE TABLE delivery (
  path TEXT PRIMARY KEY, release_id INTEGER NOT NULL REFERENCES release(id),
  job_id INTEGER NOT NULL REFERENCES job(id), output_id INTEGER NOT NULL REFERENCES output(id),
  inode INTEGER NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL
) STRICT;
INSERT INTO "delivery" VALUES('dist/quick/a.png',1,1,1,11829272,3312,1795543153587603654);
CREATE TABLE dependency (
  revision_id INTEGER NOT NULL REFERENCES revision(id), path TEXT NOT NULL, size INTEGER NOT NULL,
  mtime_ns INTEGER NOT NULL, is_seen INTEGER NOT NULL DEFAULT 1, PRIMARY KEY (revision_id, path)
) STRICT, WITHOUT ROWID;
INSERT INTO "dependency" VALUES(1,'/volume/quick/wood.png',90,1795543152456106422,1);
CREATE TABLE dependency_file (
  path TEXT PRIMARY KEY, device INTEGER NOT NULL, inode INTEGER NOT NULL, size INTEGER NOT NULL,
  mtime_ns INTEGER NOT NULL, ctime_ns INTEGER NOT NULL, digest BLOB NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "dependency_file" VALUES('/volume/quick/wood.png',65024,11829270,90,1795543152456106422,1795543152456106422,X'D3B53DA3D91203AB52A53709833874BAA38BFAA0F5FAB9D7F818A6E66130C61D');
CREATE TABLE former_delivery (
  path TEXT PRIMARY KEY, inode INTEGER NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE grdb_migrations (identifier TEXT NOT NULL PRIMARY KEY);
INSERT INTO "grdb_migrations" VALUES('1');
INSERT INTO "grdb_migrations" VALUES('2');
INSERT INTO "grdb_migrations" VALUES('3');
INSERT INTO "grdb_migrations" VALUES('4');
INSERT INTO "grdb_migrations" VALUES('5');
INSERT INTO "grdb_migrations" VALUES('6');
INSERT INTO "grdb_migrations" VALUES('7');
INSERT INTO "grdb_migrations" VALUES('8');
CREATE TABLE harvest (
  id INTEGER PRIMARY KEY, release_id INTEGER NOT NULL REFERENCES release(id), is_open INTEGER NOT NULL,
  started_at INTEGER NOT NULL
) STRICT;
INSERT INTO "harvest" VALUES(1,1,0,1795543153640850258);
CREATE TABLE harvest_move (
  id INTEGER PRIMARY KEY, harvest_id INTEGER NOT NULL REFERENCES harvest(id),
  output_id INTEGER NOT NULL REFERENCES output(id), source TEXT NOT NULL, target TEXT NOT NULL,
  inode INTEGER NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, is_done INTEGER NOT NULL
) STRICT;
INSERT INTO "harvest_move" VALUES(1,1,1,'quick/out/a/000001.png','dist/quick/a.png',11829272,3312,1795543153587603654,1);
CREATE TABLE job (
  id INTEGER PRIMARY KEY, release_id INTEGER NOT NULL REFERENCES release(id), name TEXT NOT NULL,
  path TEXT NOT NULL, owner TEXT NOT NULL, state TEXT NOT NULL, revision INTEGER NOT NULL, problem TEXT,
  created_at INTEGER NOT NULL, changed_at INTEGER NOT NULL, is_adopted INTEGER NOT NULL DEFAULT 0, priority INTEGER, manifest TEXT, manifest_due INTEGER NOT NULL DEFAULT 0, stale TEXT, UNIQUE (release_id, name)
) STRICT;
INSERT INTO "job" VALUES(1,1,'a','quick/a.blend','root','completed',1,NULL,1795543152587672819,1795543153604859617,0,NULL,'quick/a',0,NULL);
INSERT INTO "job" VALUES(2,2,'kept','releases/spring/store/kept.blend','root','completed',1,NULL,1795543153887994005,1795543153948698713,0,NULL,'spring/kept',0,NULL);
INSERT INTO "job" VALUES(3,1,'bad','quick/bad.blend','root','blocked',1,'{"cause":"scene Scene has no camera","class":"no-camera","remedy":"Add a camera to the scene (Shift+A, Camera), make it the active one and save again."}',1795543154276845256,1795543154276845256,0,NULL,NULL,0,NULL);
INSERT INTO "job" VALUES(4,1,'killed','quick/killed.blend','root','canceled',1,'{"cause":"a person killed it","class":"killed","remedy":"Nothing; a person asked for it. Change and save the file, and it is rendered."}',1795543155537852154,1795543155656743953,0,NULL,'quick/killed',0,NULL);
INSERT INTO "job" VALUES(5,3,'waiting','releases/loose/store/waiting.blend','root','queued',1,NULL,1795543155840105249,1795543155840105249,0,NULL,NULL,0,NULL);
CREATE TABLE known_file (
  path BLOB PRIMARY KEY, folder BLOB NOT NULL, device INTEGER NOT NULL, inode INTEGER NOT NULL,
  size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, ctime_ns INTEGER NOT NULL
) STRICT;
INSERT INTO "known_file" VALUES(X'717569636B2F612E626C656E64',X'717569636B',65024,11829271,468884,1795543152456732845,1795543152456732845);
INSERT INTO "known_file" VALUES(X'72656C65617365732F737072696E672F72656C656173652E79616D6C',X'72656C65617365732F737072696E67',65024,11829275,259,1795543153721326824,1795543153722513191);
INSERT INTO "known_file" VALUES(X'72656C65617365732F737072696E672F73746F72652F6B6570742E626C656E64',X'72656C65617365732F737072696E672F73746F7265',65024,11829285,463892,1795543153737924783,1795543153737924783);
INSERT INTO "known_file" VALUES(X'717569636B2F6261642E626C656E64',X'717569636B',65024,11829298,465388,1795543154154034164,1795543154154034164);
INSERT INTO "known_file" VALUES(X'717569636B2F6B696C6C65642E626C656E64',X'717569636B',65024,11829300,83001,1795543155404732732,1795543155404732732);
INSERT INTO "known_file" VALUES(X'72656C65617365732F6C6F6F73652F73746F72652F77616974696E672E626C656E64',X'72656C65617365732F6C6F6F73652F73746F7265',65024,11829304,83001,1795543155668995225,1795543155668995225);
CREATE TABLE output (
  id INTEGER PRIMARY KEY, revision_id INTEGER NOT NULL REFERENCES revision(id), path TEXT NOT NULL,
  frame INTEGER NOT NULL, state TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, width INTEGER, height INTEGER,
  bytes INTEGER, inode INTEGER, mtime_ns INTEGER, render_ms INTEGER, problem TEXT, facts TEXT, scene TEXT, layer TEXT, tile TEXT, view TEXT, node TEXT, peak_bytes INTEGER, UNIQUE (revision_id, path)
) STRICT;
INSERT INTO "output" VALUES(1,1,'000001.png',1,'harvested',1,64,36,3312,11829272,1795543153587603654,186,NULL,'{"camera":"Camera","rotations":{}}',NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "output" VALUES(2,2,'000001.png',1,'done',1,64,36,3002,11829295,1795543153930609917,8,NULL,'{"camera":"Camera","rotations":{}}',NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "output" VALUES(3,3,'000001.png',1,'owed',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "output" VALUES(4,3,'000002.png',2,'owed',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "output" VALUES(5,4,'000001.png',1,'owed',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "output" VALUES(6,4,'000002.png',2,'owed',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "output" VALUES(7,4,'000003.png',3,'owed',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "output" VALUES(8,4,'000004.png',4,'owed',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "output" VALUES(9,4,'000005.png',5,'owed',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "output" VALUES(10,4,'000006.png',6,'owed',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "output" VALUES(11,5,'000001.png',1,'owed',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "output" VALUES(12,5,'000002.png',2,'owed',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "output" VALUES(13,5,'000003.png',3,'owed',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "output" VALUES(14,5,'000004.png',4,'owed',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "output" VALUES(15,5,'000005.png',5,'owed',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "output" VALUES(16,5,'000006.png',6,'owed',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE release (
  id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, state TEXT NOT NULL, is_planned INTEGER NOT NULL,
  planned_jobs TEXT NOT NULL, priority INTEGER NOT NULL, harvest TEXT NOT NULL, is_paused INTEGER NOT NULL,
  problem TEXT, changed_at INTEGER NOT NULL
, naming TEXT, naming_object TEXT, archive_after_ms INTEGER, on_change TEXT NOT NULL DEFAULT 'render', on_missing TEXT NOT NULL DEFAULT 'block', still TEXT, assets TEXT NOT NULL DEFAULT '[]', defaults TEXT NOT NULL DEFAULT '{}') STRICT;
INSERT INTO "release" VALUES(1,'quick','open',0,'[]',60,'auto',0,NULL,1795543155656743953,NULL,NULL,NULL,'render','block',NULL,'[]','{}');
INSERT INTO "release" VALUES(2,'spring','open',1,'["kept","later"]',50,'auto',0,NULL,1795543153948698713,NULL,NULL,NULL,'render','block',NULL,'[]','{}');
INSERT INTO "release" VALUES(3,'loose','open',0,'[]',50,'auto',0,NULL,1795543155840105249,NULL,NULL,NULL,'render','block',NULL,'[]','{}');
CREATE TABLE revision (
  id INTEGER PRIMARY KEY, job_id INTEGER NOT NULL REFERENCES job(id), number INTEGER NOT NULL,
  digest BLOB NOT NULL, state TEXT NOT NULL, frames TEXT NOT NULL, format TEXT NOT NULL, saved_by TEXT,
  blender TEXT, snapshot TEXT, problem TEXT, created_at INTEGER NOT NULL, ended_at INTEGER, scene TEXT, notes TEXT NOT NULL DEFAULT '[]', settings TEXT NOT NULL DEFAULT '{}',
  UNIQUE (job_id, number)
) STRICT;
INSERT INTO "revision" VALUES(1,1,1,X'2DF3A2C60CA01DA4308F2941240BD056C59A8AA23E2CD86042AA533DEC508ACE','completed','1','PNG','{"major":3,"minor":4}','{"buildHash":"Unknown","canDenoise":false,"devices":["CPU"],"fullVersion":"3.4.1","path":"/usr/bin/blender","version":{"major":3,"minor":4}}',NULL,NULL,1795543152587672819,1795543153604859617,'Scene','[]','{"is_simulated":false,"on_missing":"block"}');
INSERT INTO "revision" VALUES(2,2,1,X'C46AE4CF9BB69E0CA8F4938FB21F753B919D804DED5A2D57F54C41BE94115563','completed','1','PNG','{"major":3,"minor":4}','{"buildHash":"Unknown","canDenoise":false,"devices":["CPU"],"fullVersion":"3.4.1","path":"/usr/bin/blender","version":{"major":3,"minor":4}}',NULL,NULL,1795543153887994005,1795543153948698713,'Scene','[]','{"is_simulated":false,"on_missing":"block"}');
INSERT INTO "revision" VALUES(3,3,1,X'5304AF3C1E9154D2A0BEF1A788DE2627FBD7D365067629E0C091BBA0816E6A46','blocked','1-2','PNG','{"major":3,"minor":4}',NULL,NULL,'{"cause":"scene Scene has no camera","class":"no-camera","remedy":"Add a camera to the scene (Shift+A, Camera), make it the active one and save again."}',1795543154276845256,NULL,'Scene','[]','{"is_simulated":false,"on_missing":"block"}');
INSERT INTO "revision" VALUES(4,4,1,X'D79478E3DAACBC316FDB6016059091188AA8F8A98D28EE1C18DA65E8A81D1A66','canceled','1-6','PNG','{"major":3,"minor":4}',NULL,NULL,'{"cause":"a person killed it","class":"killed","remedy":"Nothing; a person asked for it. Change and save the file, and it is rendered."}',1795543155537852154,1795543155656743953,'Scene','[]','{"is_simulated":false,"on_missing":"block"}');
INSERT INTO "revision" VALUES(5,5,1,X'D79478E3DAACBC316FDB6016059091188AA8F8A98D28EE1C18DA65E8A81D1A66','queued','1-6','PNG','{"major":3,"minor":4}',NULL,NULL,NULL,1795543155840105249,NULL,'Scene','[]','{"is_simulated":false,"on_missing":"block"}');
CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
INSERT INTO "setting" VALUES('paused','yes');
CREATE TABLE task (
  id INTEGER PRIMARY KEY, revision_id INTEGER NOT NULL REFERENCES revision(id), frames TEXT NOT NULL,
  state TEXT NOT NULL, worker TEXT, log TEXT NOT NULL, pid INTEGER, start_ticks INTEGER, problem TEXT,
  started_at INTEGER NOT NULL, ended_at INTEGER
, scene TEXT, layer TEXT, tile TEXT) STRICT;
INSERT INTO "task" VALUES(1,1,'1','completed','local-1','/volume/.farm/state/logs/quick/a/task-1.log',26501,1105806,NULL,1795543152605348664,1795543153597513513,NULL,NULL,NULL);
INSERT INTO "task" VALUES(2,2,'1','completed','local-1','/volume/.farm/state/logs/spring/kept/task-2.log',26501,1105806,NULL,1795543153910343105,1795543153941752402,NULL,NULL,NULL);
CREATE INDEX revision_open ON revision(state) WHERE state IN ('queued', 'active', 'assembling');
CREATE INDEX task_of_revision ON task(revision_id);
CREATE INDEX known_file_in_folder ON known_file(folder);
CREATE INDEX harvest_move_of ON harvest_move(harvest_id);
CREATE INDEX job_of_farm ON job(release_id, name) WHERE is_adopted = 0;
CREATE INDEX known_file_by_inode ON known_file(inode);
CREATE INDEX job_by_path ON job(CAST(path AS BLOB));
CREATE INDEX output_done ON output(revision_id) WHERE state = 'done';
CREATE INDEX delivery_of_job ON delivery(job_id);
CREATE INDEX job_manifest_due ON job(id) WHERE manifest_due > 0;
CREATE INDEX job_by_change ON job(release_id, changed_at) WHERE is_adopted = 0;
CREATE INDEX dependency_by_path ON dependency(path);
CREATE INDEX job_stale ON job(release_id) WHERE stale IS NOT NULL;
CREATE INDEX job_at_work ON job(state)
WHERE is_adopted = 0 AND state NOT IN ('completed', 'canceled', 'removed', 'superseded');
COMMIT;
