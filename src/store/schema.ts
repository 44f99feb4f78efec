/**
 * The history database, version by version: `MIGRATIONS[n]` leads from version n to n + 1 (`PRAGMA user_version`).
 * Times are milliseconds since 1970 (UTC); states are the plug-in codes 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN. docs/history.md
 * explains every table to a person with `sqlite3`.
 */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

  CREATE TABLE runs (
    run INTEGER PRIMARY KEY,
    started_at INTEGER NOT NULL,
    duration_ms INTEGER,
    due INTEGER NOT NULL, ok INTEGER NOT NULL, warning INTEGER NOT NULL, critical INTEGER NOT NULL, unknown INTEGER NOT NULL,
    skipped INTEGER NOT NULL,
    items INTEGER NOT NULL,
    late_ms INTEGER
  );

  CREATE TABLE checks (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, status TEXT NOT NULL);

  CREATE TABLE results (
    check_number INTEGER NOT NULL,
    run INTEGER NOT NULL,
    at INTEGER NOT NULL,
    state INTEGER NOT NULL,
    scheduled INTEGER NOT NULL,
    withheld TEXT,
    code TEXT,
    output TEXT,
    metrics TEXT,
    parts TEXT,
    duration REAL NOT NULL,
    PRIMARY KEY (check_number, run)
  ) WITHOUT ROWID;

  CREATE TABLE packed (
    check_number INTEGER NOT NULL,
    day TEXT NOT NULL,
    results INTEGER NOT NULL,
    content BLOB NOT NULL,
    PRIMARY KEY (check_number, day)
  ) WITHOUT ROWID;

  CREATE TABLE days (
    check_number INTEGER NOT NULL,
    day TEXT NOT NULL,
    ok_s INTEGER NOT NULL, warning_s INTEGER NOT NULL, critical_s INTEGER NOT NULL, unknown_s INTEGER NOT NULL,
    unmeasured_s INTEGER NOT NULL,
    results INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    latency TEXT NOT NULL,
    metrics TEXT NOT NULL,
    PRIMARY KEY (check_number, day)
  ) WITHOUT ROWID;

  CREATE TABLE past (check_number INTEGER PRIMARY KEY, day TEXT NOT NULL, summary TEXT NOT NULL);

  CREATE TABLE events (
    event INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    run INTEGER NOT NULL,
    kind TEXT NOT NULL,
    check_id TEXT,
    host TEXT,
    state INTEGER,
    onset INTEGER NOT NULL,
    reason TEXT NOT NULL,
    output TEXT NOT NULL,
    told INTEGER NOT NULL
  );
  CREATE INDEX events_by_check ON events (check_id, at);
  CREATE INDEX events_by_time ON events (at);

  CREATE TABLE messages (
    message INTEGER PRIMARY KEY,
    recipient TEXT NOT NULL,
    transport TEXT NOT NULL,
    message_id TEXT NOT NULL UNIQUE,
    subject TEXT NOT NULL,
    content BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('frozen', 'sent', 'failed')),
    attempts INTEGER NOT NULL DEFAULT 0,
    attempted_at INTEGER,
    next_at INTEGER NOT NULL,
    may_have_arrived INTEGER NOT NULL DEFAULT 0,
    sent_at INTEGER,
    answer TEXT
  );
  CREATE INDEX messages_by_state ON messages (state, next_at);

  CREATE TABLE items (
    item INTEGER PRIMARY KEY,
    run INTEGER NOT NULL,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    check_id TEXT,
    host TEXT,
    state INTEGER,
    onset INTEGER NOT NULL,
    reason TEXT NOT NULL,
    contact TEXT NOT NULL,
    recipient TEXT NOT NULL,
    priority TEXT NOT NULL,
    content TEXT NOT NULL,
    message INTEGER REFERENCES messages (message),
    fallback_of INTEGER,
    closed TEXT,
    UNIQUE (run, subject, kind, recipient)
  );
  CREATE INDEX items_by_message ON items (message);
  CREATE INDEX items_pending ON items (recipient) WHERE message IS NULL AND closed IS NULL;
  CREATE INDEX items_by_subject ON items (subject, recipient);

  CREATE VIEW readable_results AS
    SELECT c.id AS "check", r.run, strftime('%Y-%m-%dT%H:%M:%SZ', r.at / 1000, 'unixepoch') AS time,
      CASE r.state WHEN 0 THEN 'OK' WHEN 1 THEN 'WARNING' WHEN 2 THEN 'CRITICAL' ELSE 'UNKNOWN' END AS state,
      r.code, r.output, r.withheld, r.scheduled, r.duration, r.metrics, r.parts
    FROM results r JOIN checks c ON c.number = r.check_number;

  CREATE VIEW readable_events AS
    SELECT strftime('%Y-%m-%dT%H:%M:%SZ', at / 1000, 'unixepoch') AS time, run, kind, check_id AS "check", host,
      CASE state WHEN 0 THEN 'OK' WHEN 1 THEN 'WARNING' WHEN 2 THEN 'CRITICAL' WHEN 3 THEN 'UNKNOWN' END AS state,
      strftime('%Y-%m-%dT%H:%M:%SZ', onset / 1000, 'unixepoch') AS onset, reason, output, told
    FROM events;

  CREATE VIEW readable_days AS
    SELECT c.id AS "check", d.day, d.ok_s, d.warning_s, d.critical_s, d.unknown_s, d.unmeasured_s, d.results, d.failures,
      round(100.0 * (d.ok_s + d.warning_s) / nullif(d.ok_s + d.warning_s + d.critical_s, 0), 3) AS availability
    FROM days d JOIN checks c ON c.number = d.check_number;

  CREATE VIEW readable_checks AS
    SELECT id AS "check", json_extract(status, '$.latest.state') AS state,
      CASE WHEN json_extract(status, '$.problem') IS NULL AND json_extract(status, '$.streak') IS NOT NULL THEN 'soft' ELSE 'hard' END
        AS state_type,
      json_extract(status, '$.latest.output') AS output,
      strftime('%Y-%m-%dT%H:%M:%SZ', json_extract(status, '$.since') / 1000, 'unixepoch') AS since,
      strftime('%Y-%m-%dT%H:%M:%SZ', json_extract(status, '$.latest.at') / 1000, 'unixepoch') AS last_result
    FROM checks;

  CREATE VIEW readable_mail AS
    SELECT m.message, m.recipient, m.subject, m.state, m.attempts, m.answer, i.kind, i.check_id AS "check", i.reason
    FROM messages m JOIN items i ON i.message = m.message;
  `,
  // Histograms are lists of pairs instead of objects, which are slow to read. The sums are made anew from the days.
  `
  UPDATE days SET latency = histogram_pairs(latency);
  UPDATE checks SET status = status_with_pairs(status);
  DELETE FROM past;
  `,
  // An item may wait: for its contact's hours, the daily digest, or the recipient's budget.
  `
  ALTER TABLE items ADD COLUMN wait TEXT;
  ALTER TABLE items ADD COLUMN release_at INTEGER NOT NULL DEFAULT 0;
  `,
  `
  CREATE TABLE acknowledgements (
    acknowledgement INTEGER PRIMARY KEY,
    check_id TEXT NOT NULL,
    at INTEGER NOT NULL,
    until INTEGER NOT NULL,
    author TEXT NOT NULL,
    note TEXT NOT NULL,
    public_note TEXT,
    ended_at INTEGER,
    ended_because TEXT
  );
  CREATE INDEX acknowledgements_held ON acknowledgements (check_id) WHERE ended_at IS NULL;

  CREATE TABLE downtimes (
    downtime INTEGER PRIMARY KEY,
    target TEXT NOT NULL,
    from_at INTEGER NOT NULL,
    duration_s INTEGER NOT NULL,
    repeats TEXT,
    zone TEXT NOT NULL,
    flexible_s INTEGER,
    begun_window INTEGER,
    begun_at INTEGER,
    told_until INTEGER NOT NULL,
    at INTEGER NOT NULL,
    author TEXT NOT NULL,
    note TEXT NOT NULL,
    removed_at INTEGER,
    removed_by TEXT,
    over_at INTEGER
  );
  CREATE INDEX downtimes_held ON downtimes (downtime) WHERE over_at IS NULL;

  CREATE TABLE changes (
    change INTEGER PRIMARY KEY,
    target TEXT NOT NULL,
    at INTEGER NOT NULL,
    until INTEGER NOT NULL,
    author TEXT NOT NULL,
    note TEXT NOT NULL
  );
  CREATE INDEX changes_by_end ON changes (until);

  CREATE TABLE replies (
    reply TEXT PRIMARY KEY,
    at INTEGER NOT NULL,
    sender TEXT NOT NULL,
    outcome TEXT NOT NULL
  ) WITHOUT ROWID;

  CREATE VIEW readable_people AS
    SELECT strftime('%Y-%m-%dT%H:%M:%SZ', at / 1000, 'unixepoch') AS time, 'acknowledged' AS act, check_id AS target, author, note,
      strftime('%Y-%m-%dT%H:%M:%SZ', until / 1000, 'unixepoch') AS until, coalesce(ended_because, 'holds') AS stands
    FROM acknowledgements
    UNION ALL
    SELECT strftime('%Y-%m-%dT%H:%M:%SZ', at / 1000, 'unixepoch'), 'downtime', target, author, note,
      CASE repeats WHEN 'weekly' THEN 'weekly from ' ELSE '' END ||
        strftime('%Y-%m-%dT%H:%M:%SZ', from_at / 1000, 'unixepoch') || ' for ' || duration_s || ' s',
      CASE WHEN removed_by IS NOT NULL THEN 'removed by ' || removed_by WHEN over_at IS NULL THEN 'holds' ELSE 'over' END
    FROM downtimes
    UNION ALL
    SELECT strftime('%Y-%m-%dT%H:%M:%SZ', at / 1000, 'unixepoch'), 'change', target, author, note,
      strftime('%Y-%m-%dT%H:%M:%SZ', until / 1000, 'unixepoch'), ''
    FROM changes;
  `,
  // Outages while a downtime held are counted apart.
  `
  ALTER TABLE days ADD COLUMN planned_s INTEGER NOT NULL DEFAULT 0;
  UPDATE checks SET status = status_with_planned(status);
  DELETE FROM past;
  DROP VIEW readable_days;
  CREATE VIEW readable_days AS
    SELECT c.id AS "check", d.day, d.ok_s, d.warning_s, d.critical_s, d.unknown_s, d.unmeasured_s, d.planned_s, d.results, d.failures,
      round(100.0 * (d.ok_s + d.warning_s) / nullif(d.ok_s + d.warning_s + d.critical_s, 0), 3) AS availability
    FROM days d JOIN checks c ON c.number = d.check_number;
  `,
  // What each host said last of itself.
  `
  CREATE TABLE reports (host TEXT PRIMARY KEY, run INTEGER NOT NULL, created_at INTEGER NOT NULL, content TEXT NOT NULL) WITHOUT ROWID;
  `,
  // The whole fleet, by day (`YYYY-MM-DD`), and what was done in a month (`YYYY-MM`), as JSON.
  `
  CREATE TABLE fleet (day TEXT PRIMARY KEY, content TEXT NOT NULL) WITHOUT ROWID;
  `,
  // What the public page says of planned work.
  'ALTER TABLE downtimes ADD COLUMN public_note TEXT',
];

/** SQL functions that migrations use; values that are in the newer form already stay as they are. */
export const MIGRATION_FUNCTIONS: Readonly<Record<string, (json: string) => string>> = {
  histogram_pairs: (json) => JSON.stringify(toPairs(JSON.parse(json))),
  status_with_pairs(json) {
    const status = JSON.parse(json) as { hours: unknown[][]; today: { latency: unknown } | null };
    for (const row of status.hours) row[6] = toPairs(row[6]);
    if (status.today !== null) status.today.latency = toPairs(status.today.latency);
    return JSON.stringify(status);
  },
  status_with_planned(json) {
    const status = JSON.parse(json) as { hours: unknown[][]; today: { tally: number[] } | null };
    for (const row of status.hours) if (row.length === OLD_HOUR_FIELDS) row.splice(OLD_HOUR_FIELDS - 1, 0, 0);
    if (status.today?.tally.length === OLD_TALLY_FIELDS) status.today.tally.push(0);
    return JSON.stringify(status);
  },
};

/** Before planned downtime was counted: the hour, five classes and the answer times. */
const OLD_HOUR_FIELDS = 7;
const OLD_TALLY_FIELDS = 5;

function toPairs(histogram: unknown): unknown {
  if (Array.isArray(histogram)) return histogram;
  const buckets = Object.entries(histogram as Record<string, number>).map(([bucket, count]) => [Number(bucket), count]);
  return buckets.sort(([a = 0], [b = 0]) => a - b).flat();
}
