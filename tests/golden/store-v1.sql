PRAGMA application_id = 1414034292;
PRAGMA user_version = 1;
CREATE TABLE name (id INTEGER PRIMARY KEY, what INTEGER NOT NULL, text TEXT NOT NULL, UNIQUE (what, text));
CREATE TABLE task (
    seq INTEGER PRIMARY KEY,
    id BLOB NOT NULL,
    queue INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    state INTEGER NOT NULL,         -- 2 queued, 3 running, 4 blocked, 5 waits for a time, 8 completed, 9 cancelled, 10 dead
    reason INTEGER NOT NULL,        -- its meaning depends on the state
    lane INTEGER NOT NULL,          -- 0 open, 1 held: its kind cannot run here
    priority INTEGER NOT NULL,      -- 0 critical .. 3 low
    lease INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    attempts_max INTEGER NOT NULL,
    suspensions INTEGER NOT NULL,
    interruptions INTEGER NOT NULL,
    suspect INTEGER NOT NULL,
    follow_ups INTEGER NOT NULL,    -- how many tasks its attempts made; a follow-up's id derives from (id, number)
    ready_at INTEGER,               -- when it is or becomes ready; this and all times: microseconds since 1970
    created_at INTEGER NOT NULL,
    started_at INTEGER,
    finished_at INTEGER,
    expires_at INTEGER,
    prune_at INTEGER,
    host INTEGER,                   -- of the latest attempt
    job INTEGER,
    nominal_at INTEGER,
    run_at INTEGER,
    timeout INTEGER,                -- microseconds
    retry TEXT,                     -- JSON; NULL: the default policy
    tags TEXT,                      -- JSON; NULL: none
    params BLOB,                    -- JSON; NULL: in task_params
    result BLOB,                    -- JSON; NULL: none, or in task_result
    progress TEXT                   -- JSON
);
CREATE TABLE task_params (seq INTEGER PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE task_result (seq INTEGER PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE task_state (seq INTEGER PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE task_error (
    seq INTEGER NOT NULL, lease INTEGER NOT NULL, attempt INTEGER NOT NULL, at INTEGER NOT NULL, host TEXT NOT NULL,
    generation INTEGER NOT NULL, code TEXT NOT NULL, message TEXT NOT NULL, PRIMARY KEY (seq, lease)
) WITHOUT ROWID;
CREATE TABLE flight (turn INTEGER PRIMARY KEY, seqs BLOB NOT NULL);
CREATE TABLE job (name TEXT PRIMARY KEY, schedule TEXT NOT NULL, anchor INTEGER NOT NULL, cursor INTEGER NOT NULL) WITHOUT ROWID;
CREATE UNIQUE INDEX task_id ON task (id);
CREATE INDEX task_ready ON task (queue, lane, priority, ready_at, seq) WHERE state = 2;
CREATE INDEX task_due ON task (ready_at) WHERE state = 5;
CREATE INDEX task_expiring ON task (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX task_ended ON task (prune_at) WHERE state >= 8;
INSERT INTO name (id, what, text) VALUES
(1, 4, 'here'),
(2, 1, 'default'),
(3, 2, 'work'),
(4, 3, 'nightly'),
(5, 1, 'mail'),
(6, 2, 'away');
INSERT INTO task (seq, id, queue, kind, state, reason, lane, priority, lease, attempt, attempts_max, suspensions, interruptions, suspect, follow_ups, ready_at, created_at, started_at, finished_at, expires_at, prune_at, host, job, nominal_at, run_at, timeout, retry, tags, params, result, progress) VALUES
(1, X'01A3186A0BA070008000000000000001', 2, 3, 8, 0, 0, 2, 1, 1, 3, 0, 0, 0, 0, NULL, 1800000900000000, 1800000900000000, 1800000900000000, NULL, 1800087300000000, 1, 4, 1800000900000000, NULL, NULL, '{"attempts":3,"backoff":"fixed","initial":"10s","max":"10m","jitter":0.0}', '["fired by a job","golden"]', CAST('{}' AS BLOB), NULL, NULL),
(2, X'01A3186A0BA070008000000000000002', 2, 3, 8, 0, 0, 1, 1, 1, 3, 0, 0, 0, 0, NULL, 1800000900000000, 1800000900000000, 1800000901234000, NULL, 1800087301234000, 1, NULL, NULL, NULL, NULL, '{"attempts":3,"backoff":"fixed","initial":"10s","max":"10m","jitter":0.0}', '["completed","golden"]', CAST('{"n":1}' AS BLOB), CAST('{"sum":1}' AS BLOB), '{"current":3,"total":4,"message":"three of four","elapsed_us":0,"first":0}'),
(3, X'01A3186A107270008000000000000003', 2, 3, 8, 0, 0, 2, 1, 1, 3, 0, 0, 0, 0, NULL, 1800000901234000, 1800000901234000, 1800000901234000, NULL, 1800087301234000, 1, NULL, NULL, NULL, NULL, '{"attempts":3,"backoff":"fixed","initial":"10s","max":"10m","jitter":0.0}', '["completed with large params and a large result","golden"]', NULL, NULL, NULL),
(4, X'01A3186A107270008000000000000004', 2, 3, 10, 1, 0, 2, 3, 3, 3, 0, 0, 0, 0, NULL, 1800000901234000, 1800000921234000, 1800000921234000, NULL, 1800605721234000, 1, NULL, NULL, NULL, NULL, '{"attempts":3,"backoff":"fixed","initial":"10s","max":"10m","jitter":0.0}', '["dead, as all three attempts failed","golden"]', CAST('{}' AS BLOB), NULL, NULL),
(5, X'01A3186A5E9270008000000000000005', 2, 3, 10, 0, 0, 2, 1, 1, 3, 0, 0, 0, 0, NULL, 1800000921234000, 1800000921234000, 1800000921234000, NULL, 1800605721234000, 1, NULL, NULL, NULL, NULL, '{"attempts":3,"backoff":"fixed","initial":"10s","max":"10m","jitter":0.0}', '["dead at once","golden"]', CAST('{}' AS BLOB), NULL, NULL),
(6, X'01A3186A5E9270008000000000000006', 2, 3, 9, 0, 0, 2, 0, 0, 3, 0, 0, 0, 0, NULL, 1800000921234000, NULL, 1800000921234000, NULL, 1800087321234000, NULL, NULL, NULL, NULL, NULL, '{"attempts":3,"backoff":"fixed","initial":"10s","max":"10m","jitter":0.0}', '["cancelled","golden"]', CAST('{}' AS BLOB), NULL, NULL),
(7, X'01A3186A5E9270008000000000000007', 2, 3, 9, 1, 0, 2, 0, 0, 3, 0, 0, 0, 0, NULL, 1800000921234000, NULL, 1800000927234000, NULL, 1800087327234000, NULL, NULL, NULL, NULL, NULL, '{"attempts":3,"backoff":"fixed","initial":"10s","max":"10m","jitter":0.0}', '["cancelled, as it expired","golden"]', CAST('{}' AS BLOB), NULL, NULL),
(8, X'01A3186A760270008000000000000008', 2, 3, 5, 3, 0, 2, 1, 1, 3, 0, 0, 0, 0, 1800000937234000, 1800000927234000, 1800000927234000, NULL, NULL, NULL, 1, NULL, NULL, NULL, 90000000, '{"attempts":3,"backoff":"fixed","initial":"10s","max":"10m","jitter":0.0}', '["retrying","golden"]', CAST('{}' AS BLOB), NULL, NULL),
(9, X'01A3186A760270008000000000000009', 2, 3, 5, 1, 0, 2, 1, 0, 3, 1, 0, 0, 0, 1800008127234000, 1800000927234000, 1800000927234000, NULL, NULL, NULL, 1, NULL, NULL, NULL, NULL, '{"attempts":3,"backoff":"fixed","initial":"10s","max":"10m","jitter":0.0}', '["suspended with a checkpoint","golden"]', CAST('{}' AS BLOB), NULL, NULL),
(10, X'01A3186A76027000800000000000000A', 2, 3, 2, 0, 0, 2, 1, 0, 3, 0, 1, 0, 0, 1800000927234000, 1800000927234000, 1800000927234000, NULL, NULL, NULL, 1, NULL, NULL, NULL, NULL, '{"attempts":3,"backoff":"fixed","initial":"10s","max":"10m","jitter":0.0}', '["interrupted","golden"]', CAST('{}' AS BLOB), NULL, NULL),
(11, X'01A3186A76027000800000000000000B', 2, 3, 5, 0, 0, 2, 0, 0, 3, 0, 0, 0, 0, 1800011727234000, 1800000927234000, NULL, NULL, 1800033327234000, NULL, NULL, NULL, NULL, 1800011727234000, NULL, '{"attempts":3,"backoff":"fixed","initial":"10s","max":"10m","jitter":0.0}', '["scheduled, and expires after that","golden"]', CAST('{}' AS BLOB), NULL, NULL),
(12, X'01A3186A76027000800000000000000C', 2, 3, 3, 0, 0, 0, 1, 1, 3, 0, 0, 0, 0, NULL, 1800000927234000, 1800000927234000, NULL, NULL, NULL, 1, NULL, NULL, NULL, NULL, '{"attempts":3,"backoff":"fixed","initial":"10s","max":"10m","jitter":0.0}', '["of a batch, critical","golden"]', CAST('{}' AS BLOB), NULL, NULL),
(13, X'01A3186A76027000800000000000000D', 2, 3, 2, 0, 0, 1, 0, 0, 3, 0, 0, 0, 0, 1800000927234000, 1800000927234000, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"attempts":3,"backoff":"fixed","initial":"10s","max":"10m","jitter":0.0}', '["of a batch, high","golden"]', CAST('{}' AS BLOB), NULL, NULL),
(14, X'01A3186A76027000800000000000000E', 2, 3, 2, 0, 0, 2, 0, 0, 3, 0, 0, 0, 0, 1800000927234000, 1800000927234000, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"attempts":3,"backoff":"fixed","initial":"10s","max":"10m","jitter":0.0}', '["of a batch, normal","golden"]', CAST('{}' AS BLOB), NULL, NULL),
(15, X'01A3186A76027000800000000000000F', 2, 3, 2, 0, 0, 3, 0, 0, 3, 0, 0, 0, 0, 1800000927234000, 1800000927234000, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"attempts":3,"backoff":"fixed","initial":"10s","max":"10m","jitter":0.0}', '["of a batch, low","golden"]', CAST('{}' AS BLOB), NULL, NULL),
(16, X'01A3186A760270008000000000000010', 5, 3, 2, 0, 0, 2, 0, 0, 3, 0, 0, 0, 0, 1800000927234000, 1800000927234000, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"attempts":3,"backoff":"fixed","initial":"10s","max":"10m","jitter":0.0}', '["queued in a queue that is paused","golden"]', CAST('{}' AS BLOB), NULL, NULL),
(17, X'01A3186A760270008000000000000011', 2, 6, 2, 0, 1, 2, 0, 0, 3, 0, 0, 0, 0, 1800000927234000, 1800000927234000, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"attempts":3,"backoff":"fixed","initial":"10s","max":"10m","jitter":0.0}', '["held, as its kind is away","golden"]', CAST('{}' AS BLOB), NULL, NULL),
(18, X'01A3186A760270008000000000000012', 2, 3, 2, 0, 0, 2, 0, 0, 5, 0, 0, 0, 0, 1800000927234000, 1800000927234000, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '["queued, with the default policy","golden"]', CAST('{}' AS BLOB), NULL, NULL),
(19, X'01A3186A760270008000000000000013', 2, 3, 3, 0, 0, 0, 1, 1, 3, 0, 0, 0, 1, NULL, 1800000927234000, 1800000927234000, NULL, NULL, NULL, 1, NULL, NULL, NULL, NULL, '{"attempts":3,"backoff":"fixed","initial":"10s","max":"10m","jitter":0.0}', '["running, with a checkpoint","golden"]', CAST('{}' AS BLOB), NULL, NULL),
(20, X'01A3186A760270008000000000000014', 2, 3, 3, 1, 0, 0, 1, 1, 3, 0, 0, 0, 0, NULL, 1800000927234000, 1800000927234000, NULL, NULL, NULL, 1, NULL, NULL, NULL, NULL, '{"attempts":3,"backoff":"fixed","initial":"10s","max":"10m","jitter":0.0}', '["running, to be cancelled","golden"]', CAST('{}' AS BLOB), NULL, NULL),
(21, X'01A3186A76027872B9EA60E839755BBE', 2, 3, 2, 0, 0, 2, 0, 0, 3, 0, 0, 0, 0, 1800000927234000, 1800000927234000, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"attempts":3,"backoff":"fixed","initial":"10s","max":"10m","jitter":0.0}', '["made by another","golden"]', CAST('{}' AS BLOB), NULL, NULL);
INSERT INTO task_params (seq, body) VALUES
(3, CAST('{"text":"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"}' AS BLOB));
INSERT INTO task_result (seq, body) VALUES
(3, CAST('{"text":"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"}' AS BLOB));
INSERT INTO task_state (seq, body) VALUES
(9, CAST('{"page":7}' AS BLOB)),
(10, CAST('{"page":2}' AS BLOB)),
(19, CAST('{"page":1}' AS BLOB));
INSERT INTO task_error (seq, lease, attempt, at, host, generation, code, message) VALUES
(4, 1, 1, 1800000901234000, 'here', 7, 'broken', 'no answer'),
(4, 2, 2, 1800000911234000, 'here', 7, 'broken', 'no answer again'),
(4, 3, 3, 1800000921234000, 'here', 7, 'broken', 'no answer at all'),
(5, 1, 1, 1800000921234000, 'here', 7, 'broken', 'the file is no image'),
(8, 1, 1, 1800000927234000, 'here', 7, 'broken', 'the disk is full');
INSERT INTO flight (turn, seqs) VALUES
(11, X'0C0701');
INSERT INTO job (name, schedule, anchor, cursor) VALUES
('gone', 'every 15m', 1800000000000000, 1800000000000000),
('nightly', 'every 15m', 1800000000000000, 1800000900000000);
