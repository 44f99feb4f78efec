import type { HostReport } from '../core/report.ts';
import type { Database } from './database.ts';

/** The newest verified report of each host: part of the run's one transaction. */
export function storeReports(database: Database, reports: readonly HostReport[], run: number): void {
  if (reports.length === 0) return;
  const store = database.prepare(`
    INSERT INTO reports VALUES (?, ?, ?, ?)
    ON CONFLICT (host) DO UPDATE SET run = excluded.run, created_at = excluded.created_at, content = excluded.content`);
  for (const report of reports) store.run(report.host, run, report.created, JSON.stringify(report));
}

/** Reads the newest verified report of one host: only for pages that are made. */
export function reportReader(database: Database): (host: string) => HostReport | undefined {
  const statement = database.prepare('SELECT content FROM reports WHERE host = ?').pluck();
  return (host) => {
    const content = statement.get(host) as string | undefined;
    return content === undefined ? undefined : (JSON.parse(content) as HostReport);
  };
}

/** The newest verified report of each host, also of those that are no longer configured. */
export function readReports(database: Database): Map<string, HostReport> {
  // A history that is only read may be of a version before.
  if (database.prepare("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'reports'").get() === undefined)
    return new Map();
  const rows = database.prepare('SELECT host, content FROM reports ORDER BY host').raw().all() as [string, string][];
  return new Map(rows.map(([host, content]) => [host, JSON.parse(content) as HostReport]));
}
