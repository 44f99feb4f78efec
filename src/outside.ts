import type { IncidentBook } from './core/incident.ts';
import type { Snapshot } from './core/snapshot.ts';
import type { Status } from './core/status.ts';
import { readIncidents, stampIncidents } from './incidents.ts';
import type { MailCounts } from './mail/delivery.ts';
import { loadMetricCatalogue } from './registry.ts';
import type { Batch } from './run.ts';
import { isAnyStopped } from './site/stop-mark.ts';
import type { PageFault } from './site/unmade.ts';
import type { SiteCounts } from './site/writer.ts';
import { type Database, isDatabaseError } from './store/database.ts';
import { readMeta, readStatuses, writeMeta } from './store/history.ts';
import { openOutbox } from './store/outbox.ts';
import { isAnythingTold } from './store/replies.ts';

// What a batch has to do with the world beside its checks, each loaded by runs that need it only. None of it stops another: what
// went wrong comes back in words.

/** Takes answers to our mails as acknowledgements; a mailbox that cannot be read stops nothing. */
export async function hearAnswers({ configuration, database, mail, now }: Batch): Promise<string | null> {
  if (configuration.mail.inbox === null || !isAnythingTold(database)) return null;
  try {
    const { hearReplies } = await import('./replies.ts');
    await hearReplies(database, configuration, { ...(await mail()), now });
    return null;
  } catch (error) {
    if (isDatabaseError(error)) throw error;
    return toWords(error);
  }
}

/** What became of the pages. */
export interface Publication {
  pages: SiteCounts;
  /** Pages that could not be made by a fault of ours; all others were. */
  pageFaults: PageFault[];
  /** Why the pages could not be written, or null. */
  pageError: string | null;
  /** A history that cannot be read is no trouble of the pages; it is thrown when what is owed was delivered. */
  historyError: unknown;
}

const UNTOUCHED: Publication = { pages: { written: 0, unchanged: 0 }, pageFaults: [], pageError: null, historyError: null };

/** A run in which nothing happened leaves the pages as they are: they already say by when the next result is due. */
export async function publishPages(
  { database, configuration, banners, incidents }: Batch,
  snapshot: (incidents: IncidentBook) => Snapshot,
  isNews: boolean,
): Promise<Publication> {
  const shown = JSON.stringify([configuration.fingerprint, banners, Object.entries(stampIncidents(incidents.folder))]);
  const known = readMeta(database, 'pages');
  if (!isNews && known === shown && !isAnyStopped(configuration)) return UNTOUCHED;
  try {
    const { publishSites } = await import('./site/publisher.ts');
    const catalogue = await loadMetricCatalogue(configuration.checks.map((check) => check.type));
    const { faults, ...pages } = await publishSites(snapshot(await readIncidents(incidents)), catalogue, isDatabaseError);
    rememberFaults(database, faults);
    // What could not be made is tried again, though nothing may be due.
    const left = faults.length === 0 ? shown : 'failed';
    if (known !== left) writeMeta(database, 'pages', left);
    return { ...UNTOUCHED, pages, pageFaults: faults };
  } catch (error) {
    const origin = error instanceof Error && isDatabaseError(error.cause) ? error.cause : error;
    if (isDatabaseError(origin)) return { ...UNTOUCHED, historyError: origin };
    writeMeta(database, 'pages', 'failed');
    return { ...UNTOUCHED, pageError: toWords(error) };
  }
}

/** A run that owes nothing loads neither the mail libraries nor what composes. */
export async function deliverMail({ database, configuration, mail, now }: Batch): Promise<MailCounts> {
  const outbox = openOutbox(database);
  if (!outbox.isAnythingOwed(now)) return { sent: 0, queued: 0, failed: 0 };
  const { deliverOutbox } = await import('./mail/delivery.ts');
  return deliverOutbox(outbox, configuration, { ...(await mail()), now });
}

/** Says that this run was: in the signed file of both sites, and to the dead man's switch when pages and mail worked. */
export async function giveSignOfLife(
  { configuration, database, now }: Batch,
  run: number,
  { statuses, isGood }: { statuses: Map<string, Status> | null; isGood: boolean },
): Promise<string | null> {
  const { key, url } = configuration.heartbeat;
  if (key === null && url === null) return null;
  const { countForSites, writeHeartbeats } = await import('./heartbeat.ts');
  // A run with nothing due has not read the statuses: it says what the last one counted.
  const known = readMeta(database, 'counts');
  const count = () => JSON.stringify(countForSites(configuration.checks, statuses ?? readStatuses(database)));
  const counts = statuses === null ? (known ?? count()) : count();
  if (counts !== known) writeMeta(database, 'counts', counts);
  try {
    writeHeartbeats(configuration, { run, now, counts: JSON.parse(counts) });
  } catch (error) {
    return toWords(error);
  }
  if (url === null || !isGood) return null;
  const { callDeadManUrl } = await import('./dead-man.ts');
  return callDeadManUrl(url, { run, now });
}

/** One line that names the first of them and its reason, or null. */
export function describePageFaults([first, ...more]: PageFault[]): string | null {
  if (first === undefined) return null;
  const { site, path, reason } = first;
  const rest = more.length === 0 ? '' : ` (and ${more.length} more)`;
  return `page ${path} of the ${site} site could not be made${rest}: ${reason}`;
}

/** For `vigie doctor`; nearly never there is anything to write. */
function rememberFaults(database: Database, faults: PageFault[]): void {
  const known = readMeta(database, 'page_faults') ?? '[]';
  const text = JSON.stringify(faults);
  if (text !== known) writeMeta(database, 'page_faults', text);
}

function toWords(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
