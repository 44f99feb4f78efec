import { hearChanges, withChanges } from './changes.ts';
import { toDay } from './core/availability.ts';
import { chooseDue, toBatchRecord, toRunRecord } from './core/batch.ts';
import type { Check, Configuration } from './core/configuration.ts';
import { countRun, judgeRun } from './core/evaluate.ts';
import type { IncidentBook } from './core/incident.ts';
import { groupOf } from './core/isolation.ts';
import { type Plan, planNotifications, type RunFacts } from './core/notify.ts';
import { judgeOurselves, type Situation, USUAL_SITUATION } from './core/ourselves.ts';
import type { RunRecord } from './core/run-record.ts';
import { nextDueAt } from './core/schedule.ts';
import type { Snapshot } from './core/snapshot.ts';
import type { Status } from './core/status.ts';
import { hearPeople } from './hearing.ts';
import type { IncidentPlaces } from './incidents.ts';
import type { MailCounts, MailOutside } from './mail/delivery.ts';
import { type Observer, observeAll } from './observe.ts';
import { deliverMail, giveSignOfLife, hearAnswers, type Publication, publishPages } from './outside.ts';
import type { AskedSentinels } from './sentinel.ts';
import { takeSnapshot } from './snapshot.ts';
import { compact } from './store/compaction.ts';
import type { Database } from './store/database.ts';
import { readFleetMark } from './store/fleet.ts';
import { appendBatch, finishRun, lastRun, readMeta, readPastProblems, readStatuses, writeMeta } from './store/history.ts';
import { PastBook } from './store/pasts.ts';
import { takeNews } from './store/people.ts';
import type { TellingRun, tellPlan } from './tell.ts';

/** What one batch works with; everything that is not pure comes in here. */
export interface Batch {
  configuration: Configuration;
  database: Database;
  /** The one reading of the clock, milliseconds since 1970. */
  now: number;
  /** `--now PATTERN`: run these whether due or not. */
  force: string | null;
  /** Items that the caller owes: configuration in its last good version, a moved database. */
  whole: RunFacts['whole'];
  /** What is told by these, so that it is told once. */
  remember: Record<string, string>;
  banners: string[];
  /** Where people write incidents. */
  incidents: IncidentPlaces;
  observerFor(run: number): Promise<Observer>;
  /** Asks the sentinels of these network groups. */
  sentinelsFor(run: number, groups: string[]): Promise<AskedSentinels>;
  /** Told how many checks are due, for the progress bar. */
  onDue?(due: number): void;
  mail(): Promise<MailOutside>;
}

export interface RunSummary extends Omit<Publication, 'historyError'> {
  record: RunRecord;
  snapshot: () => Snapshot;
  mail: MailCounts;
  /** Why answers to our mails could not be read, or null. */
  inboxError: string | null;
  /** Why others may think that we are dead, or null. */
  heartbeatError: string | null;
}

/** What is known before anything is looked at. */
interface Beginning {
  number: number;
  previous: { run: number; startedAt: number } | null;
  inboxError: string | null;
  hasNews: boolean;
  /** Nothing is due and nobody said anything: statuses need not be read. */
  isIdle: boolean;
  statuses: Map<string, Status>;
  hearing: Awaited<ReturnType<typeof hearPeople>>;
}

/** One batch, from the due checks to the pages and the mail. What is owed is stored before anything is told. */
export async function runBatch(batch: Batch): Promise<RunSummary> {
  const began = performance.now();
  const beginning = await begin(batch);
  const own = await look(batch, beginning);
  const { record, plan, toStore } = await decide(batch, beginning, own);
  appendBatch(batch.database, toStore);
  const { isIdle, hasNews, hearing, inboxError } = beginning;
  const isNews = own.results.length + plan.items.length > 0 || hasNews || hearing !== null;
  const pasts = new PastBook(batch.database, toDay(batch.now));
  const summary = await show(batch, { record, isNews, statuses: isIdle ? null : plan.statuses, pasts });
  const durationMs = Math.round(performance.now() - began);
  finishRun(batch.database, record.run, durationMs);
  if (!isIdle) await compact(batch.database, batch.configuration.retention, batch.now, pasts);
  if (!isIdle) await countFleetDaily(batch, plan.statuses);
  return { ...summary, record: { ...record, durationMs }, inboxError };
}

async function begin(batch: Batch): Promise<Beginning> {
  const { configuration, database, now } = batch;
  const previous = lastRun(database);
  const inboxError = await hearAnswers(batch);
  const hasNews = takeNews(database);
  const isIdle = !hasNews && isNothingDueYet(batch, previous);
  return {
    number: (previous?.run ?? 0) + 1,
    previous,
    inboxError,
    hasNews,
    isIdle,
    statuses: isIdle ? new Map<string, Status>() : readStatuses(database),
    hearing: isIdle ? null : await hearPeople(database, configuration, now),
  };
}

/** Runs what is due and asks whether it was us. */
async function look(batch: Batch, { number, previous, isIdle, statuses, hearing }: Beginning): Promise<OwnVerdict> {
  const { configuration, now } = batch;
  const due = isIdle ? [] : chooseDue(configuration, statuses, { now, force: batch.force, watched: hearing?.watched });
  batch.onDue?.(due.length);
  const groups = findWatchedGroups(configuration, due);
  const asked = groups.length === 0 ? null : await batch.sentinelsFor(number, groups);
  const seen = due.length === 0 ? [] : await observeAll(due, await batch.observerFor(number));
  return judgeOurselves(configuration, statuses, seen, {
    run: number,
    now,
    situation: readSituation(batch.database),
    sentinels: asked === null ? [] : await asked.finish(),
    previousAt: previous?.startedAt ?? null,
    isSynchronised: isIdle ? null : await hearClock(batch),
  });
}

type OwnVerdict = ReturnType<typeof judgeOurselves>;

/** Judges what was seen and plans who is told: all that is stored in one transaction. */
async function decide(batch: Batch, { number, previous, isIdle, statuses, hearing }: Beginning, own: OwnVerdict) {
  const { configuration, database, now } = batch;
  const judged = judgeRun(configuration, statuses, own.results, now);
  const pastProblems = (check: string) => readPastProblems(database, check, now);
  const standing = hearing?.stand(judged);
  const evaluated = countRun(judged, standing?.held);
  const news = await hearChanges({ configuration, database, now, run: number }, evaluated);
  const whole = [...batch.whole, ...own.news];
  const facts = { run: number, now, isFirstRun: previous === null, pastProblems, whole, situation: own.situation, standing };
  const planned = planNotifications(configuration, statuses, evaluated, facts);
  const changed = news?.conclude(planned);
  const changes = news?.changes ?? [];
  const { plan, told } = await decideTelling(batch, planned, {
    ...facts,
    statuses: () => (isIdle ? readStatuses(database) : planned.statuses),
    isHeldBack: (check) =>
      standing?.acknowledged.has(check) === true ||
      standing?.held.has(check) === true ||
      planned.statuses.get(check)?.trouble?.unstable != null,
    said: withChanges(hearing?.said ?? null, changes),
    ending: () => hearing?.ending() ?? [],
  });
  const record = toRunRecord(number, now, previous, { evaluated, items: plan.items.length, interval: configuration.interval });
  const heard = standing === undefined ? undefined : hearing?.conclude(standing, plan);
  const remember = {
    ...batch.remember,
    ...changed,
    ...rememberSituation(readSituation(database), plan.situation),
  };
  // What a host newly says to have changed is watched from the next run on.
  if (!isIdle) remember['next_due'] = nextDue(batch, plan.statuses, changes.length > 0 ? now : heard?.turn);
  const toTell = { ...told, remember: { ...remember, ...told.remember } };
  return { record, plan, toStore: { ...toBatchRecord(record, evaluated, plan, toTell, heard?.update), changes } };
}

/** Once a day, and with another configuration. */
async function countFleetDaily({ configuration, database, now }: Batch, statuses: Map<string, Status>): Promise<void> {
  const mark = readFleetMark(database);
  if (mark?.key === configuration.fingerprint && now < mark.nextAt) return;
  const { keepFleet } = await import('./fleet.ts');
  keepFleet(database, configuration, { statuses, now });
}

/** Pages, mail and the sign of life, once everything is stored. `statuses` is null where none were read. */
async function show(
  batch: Batch,
  shown: { record: RunRecord; isNews: boolean; statuses: Map<string, Status> | null; pasts: PastBook },
): Promise<Omit<RunSummary, 'inboxError' | 'record'>> {
  const { configuration, database, now, banners } = batch;
  const { record, isNews, statuses, pasts } = shown;
  const known = () => statuses ?? readStatuses(database);
  const snapshot = (book?: IncidentBook) =>
    takeSnapshot(database, { configuration, statuses: known(), record, now, banners, pasts }, book);
  const { historyError, ...pages } = await publishPages(batch, snapshot, isNews);
  const mail = await deliverMail(batch);
  if (historyError !== null) throw historyError;
  // A page less is no reason for others to think that we are dead; without an overview nobody sees anything.
  const isBlind = pages.pageError !== null || pages.pageFaults.some(({ path }) => path === 'index.html');
  const isGood = !isBlind && mail.failed === 0;
  const heartbeatError = await giveSignOfLife(batch, record.run, { statuses, isGood });
  if (mail.sent + mail.failed > 0) writeMeta(database, 'pages', 'stale');
  return { snapshot, mail, ...pages, heartbeatError };
}

/** Where https sentinels have no vote the system has: asked now and then. */
async function hearClock({ configuration, database, now }: Batch): Promise<boolean | null> {
  const voters = Object.values(configuration.sentinels)
    .flat()
    .filter((sentinel) => 'https' in sentinel);
  if (voters.length >= 3) return null;
  const { askClock } = await import('./clock.ts');
  return askClock(database, now);
}

/** Network groups that have sentinels and checks to run: a batch without checks asks nobody. */
function findWatchedGroups({ sentinels }: Configuration, due: { check: Check }[]): string[] {
  const groups = Object.keys(sentinels).filter((group) => (sentinels[group]?.length ?? 0) > 0);
  return groups.filter((group) => due.some(({ check }) => groupOf(check) === group));
}

function readSituation(database: Database): Situation {
  const text = readMeta(database, 'situation');
  return text === undefined ? USUAL_SITUATION : { ...USUAL_SITUATION, ...(JSON.parse(text) as Partial<Situation>) };
}

/** Written only when it changes: nearly never. */
function rememberSituation(before: Situation, after: Situation): Record<string, string> {
  const text = JSON.stringify(after);
  return text === JSON.stringify(before) ? {} : { situation: text };
}

/** When the next check is due, and by which configuration: until then a run need not read any status. */
function nextDue({ configuration, now }: Batch, statuses: Map<string, Status>, turn: number | null = null): string {
  const at = nextDueAt(configuration, statuses, now);
  return JSON.stringify([configuration.fingerprint, turn === null ? at : Math.min(at, turn)]);
}

/** Most runs of a small installation have nothing to do: they cost little more than their start. */
function isNothingDueYet({ configuration, database, now, force }: Batch, previous: { startedAt: number } | null): boolean {
  if (force !== null || previous === null || now < previous.startedAt || now >= tellNext(database)) return false;
  const [fingerprint, at] = JSON.parse(readMeta(database, 'next_due') ?? '["", 0]') as [string, number];
  return fingerprint === configuration.fingerprint && now < at - (configuration.interval / 2) * 1000;
}

/** When reminders, digests or what waits are next to be looked at, though nothing happened. */
function tellNext(database: Database): number {
  return Number(readMeta(database, 'tell_next') ?? 0);
}

/** Who is told, and when; a run in which nothing happened and nothing is due loads nothing for it. */
async function decideTelling(
  { database, configuration, now }: Batch,
  plan: Plan,
  facts: Pick<TellingRun, 'run' | 'statuses' | 'pastProblems' | 'isHeldBack' | 'said' | 'ending'>,
): Promise<ReturnType<typeof tellPlan>> {
  if (plan.items.length === 0 && now < tellNext(database)) return { plan, told: { owed: [], moves: [], remember: {} } };
  const { tellPlan } = await import('./tell.ts');
  return tellPlan(database, plan, { ...facts, configuration, now });
}
