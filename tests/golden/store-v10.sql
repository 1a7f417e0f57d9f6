PRAGMA application_id = 1414034292;
PRAGMA user_version = 10;
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
, refers INTEGER NOT NULL DEFAULT 0);
CREATE UNIQUE INDEX task_id ON task (id);
CREATE TABLE task_params (seq INTEGER PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE task_result (seq INTEGER PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE task_state (seq INTEGER PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE task_error (
    seq INTEGER NOT NULL, lease INTEGER NOT NULL, attempt INTEGER NOT NULL, at INTEGER NOT NULL, host TEXT NOT NULL,
    generation INTEGER NOT NULL, code TEXT NOT NULL, message TEXT NOT NULL, PRIMARY KEY (seq, lease)
) WITHOUT ROWID;
CREATE TABLE flight (turn INTEGER PRIMARY KEY, seqs BLOB NOT NULL);
CREATE TABLE job (name TEXT PRIMARY KEY, schedule TEXT NOT NULL, anchor INTEGER NOT NULL, cursor INTEGER NOT NULL, gone INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
CREATE TABLE api_job (
    name TEXT PRIMARY KEY,
    definition TEXT NOT NULL,       -- JSON
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE job_pause (name TEXT PRIMARY KEY, since INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE task_log (
    seq INTEGER NOT NULL,
    n INTEGER NOT NULL,             -- the number of its first line among those of the task, from 1
    lines INTEGER NOT NULL,
    lease INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    place INTEGER NOT NULL,         -- of its first line among those of the attempt, from 0
    start INTEGER NOT NULL,         -- how many bytes of the task's log come before it
    bytes INTEGER NOT NULL,
    body TEXT NOT NULL,             -- one JSON document a line
    PRIMARY KEY (seq, n)
) WITHOUT ROWID;
CREATE TABLE queue_pause (queue INTEGER PRIMARY KEY, since INTEGER NOT NULL);
CREATE TABLE idempotency_key (
    key TEXT NOT NULL UNIQUE,
    fingerprint BLOB NOT NULL,      -- of the call
    expires_at INTEGER NOT NULL,
    tasks BLOB NOT NULL             -- what was answered: 17 bytes a task, its id and the code of its state
);
CREATE INDEX idempotency_key_expiring ON idempotency_key (expires_at);
CREATE TABLE retention (id INTEGER PRIMARY KEY CHECK (id = 0), policy TEXT NOT NULL);
CREATE TABLE queue_count (
    queue INTEGER NOT NULL, status TEXT NOT NULL, tasks INTEGER NOT NULL, PRIMARY KEY (queue, status)
) WITHOUT ROWID;
CREATE TABLE ready (
    queue INTEGER NOT NULL, lane INTEGER NOT NULL, priority INTEGER NOT NULL, ready_at INTEGER NOT NULL,
    first INTEGER NOT NULL, tasks INTEGER NOT NULL,
    PRIMARY KEY (queue, lane, priority, ready_at, first)
) WITHOUT ROWID;
CREATE TABLE due (at INTEGER NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (at, seq)) WITHOUT ROWID;
CREATE TABLE expiring (at INTEGER NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (at, seq)) WITHOUT ROWID;
CREATE TABLE cancelled (seq INTEGER PRIMARY KEY);
CREATE TABLE dead (seq INTEGER PRIMARY KEY);
CREATE TABLE ended (at INTEGER NOT NULL, first INTEGER NOT NULL, seqs BLOB, PRIMARY KEY (at, first)) WITHOUT ROWID;
INSERT INTO name (id, what, text) VALUES
(1, 4, 'here'),
(2, 1, 'default'),
(3, 2, 'work'),
(4, 3, 'nightly'),
(5, 1, 'mail'),
(6, 2, 'away');
INSERT INTO task (seq, id, queue, kind, state, reason, lane, priority, lease, attempt, attempts_max, suspensions, interruptions, suspect, follow_ups, ready_at, created_at, started_at, finished_at, expires_at, prune_at, host, job, nominal_at, run_at, timeout, retry, tags, params, result, progress, refers) VALUES
(1, X'01A3186A0BA070008000000000000001', 2, 3, 8, 0, 0, 2, 1, 1, 3, 0, 0, 0, 0, NULL, 1800000900000000, 1800000900000000, 1800000900000000, NULL, 1800087300000000, 1, 4, 1800000900000000, NULL, NULL, '{"attempts":3,"backoff":"fixed","initial":"10s","max":"10m","jitter":0.0}', '["fired by a job","golden"]', CAST('{}' AS BLOB), NULL, NULL, 0),
(2, X'01A3186A0BA070008000000000000002', 2, 3, 8, 0, 0, 1, 1, 1, 3, 0, 0, 0, 0, NULL, 1800000900000000, 1800000900000000, 1800000901234000, NULL, 1800087301234000, 1, NULL, NULL, NULL, NULL, '{"attempts":3,"backoff":"fixed","initial":"10s","max":"10m","jitter":0.0}', '["completed","golden"]', CAST('{"n":1}' AS BLOB), CAST('{"sum":1}' AS BLOB), '{"current":3,"total":4,"message":"three of four","elapsed_us":0,"first":0}', 0),
(3, X'01A3186A107270008000000000000003', 2, 3, 8, 0, 0, 2, 1, 1, 3, 0, 0, 0, 0, NULL, 1800000901234000, 1800000901234000, 1800000901234000, NULL, 1800087301234000, 1, NULL, NULL, NULL, NULL, '{"attempts":3,"backoff":"fixed","initial":"10s","max":"10m","jitter":0.0}', '["completed with large params and a large result","golden"]', NULL, NULL, NULL, 0),
(4, X'01A3186A107270008000000000000004', 2, 3, 10, 1, 0, 2, 3, 3, 3, 0, 0, 0, 0, NULL, 1800000901234000, 1800000921234000, 1800000921234000, NULL, 1800260121234000, 1, NULL, NULL, NULL, NULL, '{"attempts":3,"backoff":"fixed","initial":"10s","max":"10m","jitter":0.0}', '["dead, as all three attempts failed","golden"]', CAST('{}' AS BLOB), NULL, NULL, 0),
(5, X'01A3186A5E9270008000000000000005', 2, 3, 10, 0, 0, 2, 1, 1, 3, 0, 0, 0, 0, NULL, 1800000921234000, 1800000921234000, 1800000921234000, NULL, 1800260121234000, 1, NULL, NULL, NULL, NULL, '{"attempts":3,"backoff":"fixed","initial":"10s","max":"10m","jitter":0.0}', '["dead at once","golden"]', CAST('{}' AS BLOB), NULL, NULL, 0),
(6, X'01A3186A5E9270008000000000000006', 2, 3, 9, 0, 0, 2, 0, 0, 3, 0, 0, 0, 0, NULL, 1800000921234000, NULL, 1800000921234000, NULL, 1800087321234000, NULL, NULL, NULL, NULL, NULL, '{"attempts":3,"backoff":"fixed","initial":"10s","max":"10m","jitter":0.0}', '["cancelled","golden"]', CAST('{}' AS BLOB), NULL, NULL, 0),
(7, X'01A3186A5E9270008000000000000007', 2, 3, 9, 1, 0, 2, 0, 0, 3, 0, 0, 0, 0, NULL, 1800000921234000, NULL, 1800000927234000, NULL, 1800087327234000, NULL, NULL, NULL, NULL, NULL, '{"attempts":3,"backoff":"fixed","initial":"10s","max":"10m","jitter":0.0}', '["cancelled, as it expired","golden"]', CAST('{}' AS BLOB), NULL, NULL, 0),
(8, X'01A3186A760270008000000000000008', 2, 3, 5, 3, 0, 2, 1, 1, 3, 0, 0, 0, 0, 1800000937234000, 1800000927234000, 1800000927234000, NULL, NULL, NULL, 1, NULL, NULL, NULL, 90000000, '{"attempts":3,"backoff":"fixed","initial":"10s","max":"10m","jitter":0.0}', '["retrying","golden"]', CAST('{}' AS BLOB), NULL, NULL, 0),
(9, X'01A3186A760270008000000000000009', 2, 3, 5, 1, 0, 2, 1, 0, 3, 1, 0, 0, 0, 1800008127234000, 1800000927234000, 1800000927234000, NULL, NULL, NULL, 1, NULL, NULL, NULL, NULL, '{"attempts":3,"backoff":"fixed","initial":"10s","max":"10m","jitter":0.0}', '["suspended with a checkpoint","golden"]', CAST('{}' AS BLOB), NULL, NULL, 0),
(10, X'01A3186A76027000800000000000000A', 2, 3, 2, 0, 0, 2, 1, 0, 3, 0, 1, 0, 0, 1800000927234000, 1800000927234000, 1800000927234000, NULL, NULL, NULL, 1, NULL, NULL, NULL, NULL, '{"attempts":3,"backoff":"fixed","initial":"10s","max":"10m","jitter":0.0}', '["interrupted","golden"]', CAST('{}' AS BLOB), NULL, NULL, 0),
(11, X'01A3186A76027000800000000000000B', 2, 3, 5, 0, 0, 2, 0, 0, 3, 0, 0, 0, 0, 1800011727234000, 1800000927234000, NULL, NULL, 1800033327234000, NULL, NULL, NULL, NULL, 1800011727234000, NULL, '{"attempts":3,"backoff":"fixed","initial":"10s","max":"10m","jitter":0.0}', '["scheduled, and expires after that","golden"]', CAST('{}' AS BLOB), NULL, NULL, 0),
(12, X'01A3186A76027000800000000000000C', 2, 3, 3, 0, 0, 0, 1, 1, 3, 0, 0, 0, 0, NULL, 1800000927234000, 1800000927234000, NULL, NULL, NULL, 1, NULL, NULL, NULL, NULL, '{"attempts":3,"backoff":"fixed","initial":"10s","max":"10m","jitter":0.0}', '["of a batch, critical","golden"]', CAST('{}' AS BLOB), NULL, NULL, 0),
(13, X'01A3186A76027000800000000000000D', 2, 3, 2, 0, 0, 1, 0, 0, 3, 0, 0, 0, 0, 1800000927234000, 1800000927234000, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"attempts":3,"backoff":"fixed","initial":"10s","max":"10m","jitter":0.0}', '["of a batch, high","golden"]', CAST('{}' AS BLOB), NULL, NULL, 0),
(14, X'01A3186A76027000800000000000000E', 2, 3, 2, 0, 0, 2, 0, 0, 3, 0, 0, 0, 0, 1800000927234000, 1800000927234000, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"attempts":3,"backoff":"fixed","initial":"10s","max":"10m","jitter":0.0}', '["of a batch, normal","golden"]', CAST('{}' AS BLOB), NULL, NULL, 0),
(15, X'01A3186A76027000800000000000000F', 2, 3, 2, 0, 0, 3, 0, 0, 3, 0, 0, 0, 0, 1800000927234000, 1800000927234000, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"attempts":3,"backoff":"fixed","initial":"10s","max":"10m","jitter":0.0}', '["of a batch, low","golden"]', CAST('{}' AS BLOB), NULL, NULL, 0),
(16, X'01A3186A760270008000000000000010', 5, 3, 2, 0, 0, 2, 0, 0, 3, 0, 0, 0, 0, 1800000927234000, 1800000927234000, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"attempts":3,"backoff":"fixed","initial":"10s","max":"10m","jitter":0.0}', '["queued in a queue that is paused","golden"]', CAST('{}' AS BLOB), NULL, NULL, 0),
(17, X'01A3186A760270008000000000000011', 2, 6, 2, 0, 1, 2, 0, 0, 3, 0, 0, 0, 0, 1800000927234000, 1800000927234000, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"attempts":3,"backoff":"fixed","initial":"10s","max":"10m","jitter":0.0}', '["held, as its kind is away","golden"]', CAST('{}' AS BLOB), NULL, NULL, 0),
(18, X'01A3186A760270008000000000000012', 2, 3, 2, 0, 0, 2, 0, 0, 5, 0, 0, 0, 0, 1800000927234000, 1800000927234000, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '["queued, with the default policy","golden"]', CAST('{}' AS BLOB), NULL, NULL, 0),
(19, X'01A3186A760270008000000000000013', 2, 3, 2, 0, 0, 2, 0, 0, 3, 0, 0, 0, 0, 1800000927234000, 1800000927234000, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"attempts":3,"backoff":"fixed","initial":"10s","max":"10m","jitter":0.0}', '["queued, and refers","golden"]', CAST('{"key":"${env:KEY}"}' AS BLOB), NULL, NULL, 1),
(20, X'01A3186A760270008000000000000014', 2, 3, 2, 0, 0, 2, 0, 0, 3, 0, 0, 0, 0, 1800000927234000, 1800000927234000, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"attempts":3,"backoff":"fixed","initial":"10s","max":"10m","jitter":0.0}', '["queued once","golden"]', CAST('{}' AS BLOB), NULL, NULL, 0),
(21, X'01A3186A760270008000000000000015', 2, 3, 3, 0, 0, 0, 1, 1, 3, 0, 0, 0, 1, NULL, 1800000927234000, 1800000927234000, NULL, NULL, NULL, 1, NULL, NULL, NULL, NULL, '{"attempts":3,"backoff":"fixed","initial":"10s","max":"10m","jitter":0.0}', '["running, with a checkpoint","golden"]', CAST('{}' AS BLOB), NULL, NULL, 0),
(22, X'01A3186A760270008000000000000016', 2, 3, 3, 1, 0, 0, 1, 1, 3, 0, 0, 0, 0, NULL, 1800000927234000, 1800000927234000, NULL, NULL, NULL, 1, NULL, NULL, NULL, NULL, '{"attempts":3,"backoff":"fixed","initial":"10s","max":"10m","jitter":0.0}', '["running, to be cancelled","golden"]', CAST('{}' AS BLOB), NULL, NULL, 0),
(23, X'01A3186A760271648CD11E2309B9014B', 2, 3, 2, 0, 0, 2, 0, 0, 3, 0, 0, 0, 0, 1800000927234000, 1800000927234000, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"attempts":3,"backoff":"fixed","initial":"10s","max":"10m","jitter":0.0}', '["made by another","golden"]', CAST('{}' AS BLOB), NULL, NULL, 0);
INSERT INTO task_params (seq, body) VALUES
(3, CAST('{"text":"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"}' AS BLOB));
INSERT INTO task_result (seq, body) VALUES
(3, CAST('{"text":"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"}' AS BLOB));
INSERT INTO task_state (seq, body) VALUES
(9, CAST('{"page":7}' AS BLOB)),
(10, CAST('{"page":2}' AS BLOB)),
(21, CAST('{"page":1}' AS BLOB));
INSERT INTO task_error (seq, lease, attempt, at, host, generation, code, message) VALUES
(4, 1, 1, 1800000901234000, 'here', 7, 'broken', 'no answer'),
(4, 2, 2, 1800000911234000, 'here', 7, 'broken', 'no answer again'),
(4, 3, 3, 1800000921234000, 'here', 7, 'broken', 'no answer at all'),
(5, 1, 1, 1800000921234000, 'here', 7, 'broken', 'the file is no image'),
(8, 1, 1, 1800000927234000, 'here', 7, 'broken', 'the disk is full');
INSERT INTO flight (turn, seqs) VALUES
(11, X'0C0901');
INSERT INTO job (name, schedule, anchor, cursor, gone) VALUES
('gone', 'every 15m', 1800000000000000, 1800000000000000, 1),
('nightly', 'every 15m', 1800000000000000, 1800000900000000, 0),
('over-http', 'every 1h', 1800000900000000, 1800000900000000, 0);
INSERT INTO api_job (name, definition, version, created_at, updated_at) VALUES
('over-http', '{"kind":"work","params":{"ratio":1.10},"schedule":{"every":"1h"},"priority":"normal","timeout":"30s","tags":["a"]}', 3, 1800000900000000, 1800000900000000);
INSERT INTO job_pause (name, since) VALUES
('over-http', 1800000900000000);
INSERT INTO task_log (seq, n, lines, lease, attempt, place, start, bytes, body) VALUES
(2, 1, 2, 1, 1, 0, 0, 164, '{"at":"2027-01-15T08:00:00Z","level":"info","target":"work","message":"begun"}
{"at":"2027-01-15T08:00:00Z","level":"info","target":"work","message":"nearly done"}
'),
(4, 1, 2, 3, 3, 0, 0, 206, '{"at":"2027-01-15T08:00:00Z","level":"info","target":"work","message":"the last one"}
{"at":"2027-01-15T08:15:21.234000Z","level":"error","target":"taskhost","message":"The task is dead (attempts spent)."}
');
INSERT INTO queue_pause (queue, since) VALUES
(5, 1800000927234000);
INSERT INTO idempotency_key (key, fingerprint, expires_at, tasks) VALUES
('order-17', X'1111111111111111111111111111111111111111111111111111111111111111', 1800087327234000, X'01A3186A76027000800000000000001402');
INSERT INTO retention (id, policy) VALUES
(0, ' 86400000000 86400000000 259200000000
');
INSERT INTO queue_count (queue, status, tasks) VALUES
(2, 'cancelled', 2),
(2, 'completed', 3),
(2, 'dead', 2),
(2, 'queued', 9),
(2, 'retrying', 1),
(2, 'running', 3),
(2, 'scheduled', 2),
(5, 'queued', 1);
INSERT INTO ready (queue, lane, priority, ready_at, first, tasks) VALUES
(2, 0, 1, 1800000927234000, 13, 1),
(2, 0, 2, 1800000927234000, 10, 1),
(2, 0, 2, 1800000927234000, 14, 1),
(2, 0, 2, 1800000927234000, 18, 1),
(2, 0, 2, 1800000927234000, 19, 1),
(2, 0, 2, 1800000927234000, 20, 1),
(2, 0, 2, 1800000927234000, 23, 1),
(2, 0, 3, 1800000927234000, 15, 1),
(2, 1, 2, 1800000927234000, 17, 1),
(5, 0, 2, 1800000927234000, 16, 1);
INSERT INTO due (at, seq) VALUES
(1800000937234000, 8),
(1800008127234000, 9),
(1800011727234000, 11);
INSERT INTO expiring (at, seq) VALUES
(1800033327234000, 11);
INSERT INTO cancelled (seq) VALUES
(6),
(7);
INSERT INTO dead (seq) VALUES
(4),
(5);
INSERT INTO ended (at, first, seqs) VALUES
(1800087300000000, 1, NULL),
(1800087301234000, 2, NULL),
(1800087301234000, 3, NULL),
(1800087321234000, 6, NULL),
(1800087327234000, 7, NULL),
(1800260121234000, 4, X'0401'),
(1800605721234000, 4, NULL),
(1800605721234000, 5, NULL);
