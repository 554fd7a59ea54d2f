PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE grdb_migrations (identifier TEXT NOT NULL PRIMARY KEY);
INSERT INTO grdb_migrations VALUES('1');
INSERT INTO grdb_migrations VALUES('2');
INSERT INTO grdb_migrations VALUES('3');
INSERT INTO grdb_migrations VALUES('4');
INSERT INTO grdb_migrations VALUES('5');
CREATE TABLE release (
  id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, state TEXT NOT NULL, is_planned INTEGER NOT NULL,
  planned_jobs TEXT NOT NULL, priority INTEGER NOT NULL, harvest TEXT NOT NULL, is_paused INTEGER NOT NULL,
  problem TEXT, changed_at INTEGER NOT NULL
, naming TEXT, naming_object TEXT, archive_after_ms INTEGER) STRICT;
INSERT INTO "release" VALUES(1,'quick','open',0,'[]',60,'auto',0,NULL,1795412378054752398,NULL,NULL,NULL);
INSERT INTO "release" VALUES(2,'spring','open',1,'["kept","later"]',50,'auto',0,NULL,1795412375716347397,NULL,NULL,NULL);
INSERT INTO "release" VALUES(3,'loose','open',0,'[]',50,'auto',0,NULL,1795412378292695773,NULL,NULL,NULL);
CREATE TABLE job (
  id INTEGER PRIMARY KEY, release_id INTEGER NOT NULL REFERENCES release(id), name TEXT NOT NULL,
  path TEXT NOT NULL, owner TEXT NOT NULL, state TEXT NOT NULL, revision INTEGER NOT NULL, problem TEXT,
  created_at INTEGER NOT NULL, changed_at INTEGER NOT NULL, is_adopted INTEGER NOT NULL DEFAULT 0, priority INTEGER, manifest TEXT, manifest_due INTEGER NOT NULL DEFAULT 0, UNIQUE (release_id, name)
) STRICT;
INSERT INTO job VALUES(1,1,'a','quick/a.blend','root','completed',1,NULL,1795412371404271908,1795412373482937375,0,NULL,'quick/a',0);
INSERT INTO job VALUES(2,2,'kept','releases/spring/store/kept.blend','root','completed',1,NULL,1795412373969620919,1795412375716347397,0,NULL,'spring/kept',0);
INSERT INTO job VALUES(3,1,'bad','quick/bad.blend','root','blocked',1,'{"cause":"scene Scene has no camera","class":"no-camera","remedy":"Add a camera to the scene (Shift+A, Camera), make it the active one and save again."}',1795412375928516816,1795412377510032619,0,NULL,NULL,0);
INSERT INTO job VALUES(4,1,'killed','quick/killed.blend','root','canceled',1,'{"cause":"a person killed it","class":"killed","remedy":"Nothing; a person asked for it. Change and save the file, and it is rendered."}',1795412377889161046,1795412378054752398,0,NULL,'quick/killed',0);
INSERT INTO job VALUES(5,3,'waiting','releases/loose/store/waiting.blend','root','queued',1,NULL,1795412378292695773,1795412378292695773,0,NULL,NULL,0);
CREATE TABLE revision (
  id INTEGER PRIMARY KEY, job_id INTEGER NOT NULL REFERENCES job(id), number INTEGER NOT NULL,
  digest BLOB NOT NULL, state TEXT NOT NULL, frames TEXT NOT NULL, format TEXT NOT NULL, saved_by TEXT,
  blender TEXT, snapshot TEXT, problem TEXT, created_at INTEGER NOT NULL, ended_at INTEGER, scene TEXT, notes TEXT NOT NULL DEFAULT '[]',
  UNIQUE (job_id, number)
) STRICT;
INSERT INTO revision VALUES(1,1,1,X'f78a4e536b3270f04e6b777247ed447968bd8e7aefaa8184cd1cd38c07c2327a','completed','1','PNG','{"major":3,"minor":4}','{"buildHash":"Unknown","canDenoise":false,"devices":["CPU"],"fullVersion":"3.4.1","path":"/usr/bin/blender","version":{"major":3,"minor":4}}',NULL,NULL,1795412371404271908,1795412373482937375,'Scene','[]');
INSERT INTO revision VALUES(2,2,1,X'f78a4e536b3270f04e6b777247ed447968bd8e7aefaa8184cd1cd38c07c2327a','completed','1','PNG','{"major":3,"minor":4}','{"buildHash":"Unknown","canDenoise":false,"devices":["CPU"],"fullVersion":"3.4.1","path":"/usr/bin/blender","version":{"major":3,"minor":4}}',NULL,NULL,1795412373969620919,1795412375716347397,'Scene','[]');
INSERT INTO revision VALUES(3,3,1,X'29fa0df0a27df0295a0a1972ae1dc3603f426f707f5ad5b1bcc5ce32c7f2e8f7','blocked','1-2','PNG','{"major":3,"minor":4}','{"buildHash":"Unknown","canDenoise":false,"devices":["CPU"],"fullVersion":"3.4.1","path":"/usr/bin/blender","version":{"major":3,"minor":4}}',NULL,'{"cause":"scene Scene has no camera","class":"no-camera","remedy":"Add a camera to the scene (Shift+A, Camera), make it the active one and save again."}',1795412375928516816,NULL,'Scene','[]');
INSERT INTO revision VALUES(4,4,1,X'93536c4d6d0eb15a520281133dd4170c330f2b60bb5fc7aac9c9afb6f858b451','canceled','1-6','PNG','{"major":3,"minor":4}',NULL,NULL,'{"cause":"a person killed it","class":"killed","remedy":"Nothing; a person asked for it. Change and save the file, and it is rendered."}',1795412377889161046,1795412378054752398,'Scene','[]');
INSERT INTO revision VALUES(5,5,1,X'93536c4d6d0eb15a520281133dd4170c330f2b60bb5fc7aac9c9afb6f858b451','queued','1-6','PNG','{"major":3,"minor":4}',NULL,NULL,NULL,1795412378292695773,NULL,'Scene','[]');
CREATE TABLE output (
  id INTEGER PRIMARY KEY, revision_id INTEGER NOT NULL REFERENCES revision(id), path TEXT NOT NULL,
  frame INTEGER NOT NULL, state TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, width INTEGER, height INTEGER,
  bytes INTEGER, inode INTEGER, mtime_ns INTEGER, render_ms INTEGER, problem TEXT, facts TEXT, UNIQUE (revision_id, path)
) STRICT;
INSERT INTO output VALUES(1,1,'000001.png',1,'harvested',1,64,36,2991,16417059,1795412373446748015,302,NULL,'{"camera":"Camera","rotations":{}}');
INSERT INTO output VALUES(2,2,'000001.png',1,'done',1,64,36,3007,16417044,1795412375673734053,265,NULL,'{"camera":"Camera","rotations":{}}');
INSERT INTO output VALUES(3,3,'000001.png',1,'owed',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO output VALUES(4,3,'000002.png',2,'owed',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO output VALUES(5,4,'000001.png',1,'owed',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO output VALUES(6,4,'000002.png',2,'owed',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO output VALUES(7,4,'000003.png',3,'owed',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO output VALUES(8,4,'000004.png',4,'owed',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO output VALUES(9,4,'000005.png',5,'owed',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO output VALUES(10,4,'000006.png',6,'owed',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO output VALUES(11,5,'000001.png',1,'owed',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO output VALUES(12,5,'000002.png',2,'owed',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO output VALUES(13,5,'000003.png',3,'owed',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO output VALUES(14,5,'000004.png',4,'owed',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO output VALUES(15,5,'000005.png',5,'owed',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO output VALUES(16,5,'000006.png',6,'owed',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE task (
  id INTEGER PRIMARY KEY, revision_id INTEGER NOT NULL REFERENCES revision(id), frames TEXT NOT NULL,
  state TEXT NOT NULL, worker TEXT, log TEXT NOT NULL, pid INTEGER, start_ticks INTEGER, problem TEXT,
  started_at INTEGER NOT NULL, ended_at INTEGER
) STRICT;
INSERT INTO task VALUES(1,1,'1','completed','local-1','/srv/farm/.farm/state/logs/quick/a/task-1.log',25340,6045364,NULL,1795412371432917586,1795412373529410249);
INSERT INTO task VALUES(2,2,'1','completed','local-1','/srv/farm/.farm/state/logs/spring/kept/task-2.log',25388,6045621,NULL,1795412374003276359,1795412375757342633);
INSERT INTO task VALUES(3,3,'1-2','failed','local-1','/srv/farm/.farm/state/logs/quick/bad/task-3.log',25423,6045816,'{"cause":"scene Scene has no camera","class":"no-camera","remedy":"Add a camera to the scene (Shift+A, Camera), make it the active one and save again."}',1795412375950402595,1795412377503887247);
CREATE TABLE known_file (
  path BLOB PRIMARY KEY, folder BLOB NOT NULL, device INTEGER NOT NULL, inode INTEGER NOT NULL,
  size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, ctime_ns INTEGER NOT NULL
) STRICT;
INSERT INTO known_file VALUES(X'717569636b2f612e626c656e64',X'717569636b',65024,16418038,463892,1795412370814748015,1795412370814748015);
INSERT INTO known_file VALUES(X'72656c65617365732f737072696e672f72656c656173652e79616d6c',X'72656c65617365732f737072696e67',65024,16418034,259,1795412373762748015,1795412373766160927);
INSERT INTO known_file VALUES(X'72656c65617365732f737072696e672f73746f72652f6b6570742e626c656e64',X'72656c65617365732f737072696e672f73746f7265',65024,16418081,463892,1795412373782672571,1795412373782672571);
INSERT INTO known_file VALUES(X'717569636b2f6261642e626c656e64',X'717569636b',65024,16417075,463892,1795412375814285905,1795412375814285905);
INSERT INTO known_file VALUES(X'717569636b2f6b696c6c65642e626c656e64',X'717569636b',65024,16417091,465388,1795412377752418250,1795412377752418250);
INSERT INTO known_file VALUES(X'72656c65617365732f6c6f6f73652f73746f72652f77616974696e672e626c656e64',X'72656c65617365732f6c6f6f73652f73746f7265',65024,16418178,465388,1795412378073367368,1795412378073367368);
CREATE TABLE harvest (
  id INTEGER PRIMARY KEY, release_id INTEGER NOT NULL REFERENCES release(id), is_open INTEGER NOT NULL,
  started_at INTEGER NOT NULL
) STRICT;
INSERT INTO harvest VALUES(1,1,0,1795412373515809914);
CREATE TABLE harvest_move (
  id INTEGER PRIMARY KEY, harvest_id INTEGER NOT NULL REFERENCES harvest(id),
  output_id INTEGER NOT NULL REFERENCES output(id), source TEXT NOT NULL, target TEXT NOT NULL,
  inode INTEGER NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, is_done INTEGER NOT NULL
) STRICT;
INSERT INTO harvest_move VALUES(1,1,1,'quick/out/a/000001.png','dist/quick/a.png',16417059,2991,1795412373446748015,1);
CREATE TABLE delivery (
  path TEXT PRIMARY KEY, release_id INTEGER NOT NULL REFERENCES release(id),
  job_id INTEGER NOT NULL REFERENCES job(id), output_id INTEGER NOT NULL REFERENCES output(id),
  inode INTEGER NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL
) STRICT;
INSERT INTO delivery VALUES('dist/quick/a.png',1,1,1,16417059,2991,1795412373446748015);
CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
INSERT INTO setting VALUES('paused','yes');
CREATE TABLE dependency (
  revision_id INTEGER NOT NULL REFERENCES revision(id), path TEXT NOT NULL, size INTEGER NOT NULL,
  mtime_ns INTEGER NOT NULL, PRIMARY KEY (revision_id, path)
) STRICT, WITHOUT ROWID;
CREATE TABLE act (
  id INTEGER PRIMARY KEY, at INTEGER NOT NULL, who TEXT NOT NULL, what TEXT NOT NULL, release TEXT, job TEXT,
  detail TEXT
) STRICT;
INSERT INTO act VALUES(1,1795412373773870313,'root','planned','spring',NULL,NULL);
INSERT INTO act VALUES(2,1795412377741610536,'root','paused',NULL,NULL,NULL);
INSERT INTO act VALUES(3,1795412378063921162,'root','killed','quick','killed',NULL);
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
COMMIT;
