import type { Configuration } from './configuration.ts';
import { judgeRun } from './evaluate.ts';
import type { SentinelReport } from './isolation.ts';
import type { Item, WithheldItem } from './item.ts';
import { type Plan, planNotifications } from './notify.ts';
import type { Result } from './observation.ts';
import { judgeOurselves, type Situation, USUAL_SITUATION } from './ourselves.ts';
import { type Acknowledgement, type Downtime, type People, type PeopleUpdate, planPeople, standNow } from './people.ts';
import { isSelected } from './selection.ts';
import { newStatus, type Status } from './status.ts';

/** What a person said at the time of a run. Times are milliseconds since 1970, durations seconds. */
export type Act =
  | { kind: 'ack'; pattern: string; until: number; note: string }
  | { kind: 'unack'; pattern: string }
  | { kind: 'downtime'; target: string; from: number; duration: number; weekly: boolean; flexible: number | null; note: string };

/** One run as it was: what its checks saw, before any rule. */
export interface ReplayRun {
  at: number;
  /** Numbers of runs are filled in by the replay. */
  results: Result[];
  sentinels: Omit<SentinelReport, 'clockOffsetsMs'>[];
  acts: Act[];
}

export interface ReplayedRun {
  items: Item[];
  withheld: WithheldItem[];
  plan: Plan;
  isHeldBack(check: string): boolean;
}

/**
 * The past once more under a configuration, run by run, through the same functions as a run (alerting.md section 13). No check is new
 * and the first run is no first run. Observed states count: every reason to withhold them is decided anew.
 */
export class Replay {
  readonly statuses: Map<string, Status>;
  private readonly configuration: Configuration;
  private situation: Situation = USUAL_SITUATION;
  private people: People = { acknowledgements: [], downtimes: [], changes: [] };
  private said = 0;
  private run = 0;

  constructor(configuration: Configuration, start: number) {
    this.configuration = configuration;
    this.statuses = new Map(configuration.checks.map(({ id }) => [id, { ...newStatus(id, start), everOk: true }]));
  }

  play({ at: now, results, sentinels, acts }: ReplayRun): ReplayedRun {
    const { configuration, statuses } = this;
    const run = ++this.run;
    for (const act of acts) this.hear(act, now);
    // They were made for this replay: a copy of each of a year's results is a tenth of its time.
    for (const result of results) result.run = run;
    const own = judgeOurselves(configuration, statuses, results, {
      run,
      now,
      situation: this.situation,
      sentinels: this.completeSentinels(sentinels, results),
      previousAt: null,
      isSynchronised: null,
    });
    const evaluated = judgeRun(configuration, statuses, own.results, now);
    const isSilent = this.people.acknowledgements.length + this.people.downtimes.length === 0;
    const standing = isSilent
      ? undefined
      : standNow(
          this.people,
          configuration.checks,
          evaluated.map(({ result }) => result),
          now,
        );
    const plan = planNotifications(configuration, statuses, evaluated, {
      run,
      now,
      isFirstRun: false,
      pastProblems: () => [],
      whole: own.news,
      situation: own.situation,
      standing,
      isReplay: true,
    });
    this.situation = plan.situation;
    if (standing !== undefined) this.conclude(planPeople(this.people, standing.people, plan, { configuration, now }));
    return {
      items: plan.items,
      withheld: plan.withheld,
      plan,
      isHeldBack: (check) =>
        standing?.acknowledged.has(check) === true ||
        standing?.held.has(check) === true ||
        statuses.get(check)?.trouble?.unstable != null,
    };
  }

  /** A group that nobody speaks of answered, if any of its checks was due; otherwise nobody asked it. */
  private completeSentinels(told: ReplayRun['sentinels'], seen: Result[]): SentinelReport[] {
    const isUsual = told.length === 0 && this.situation === USUAL_SITUATION;
    if (isUsual) return [];
    const reports = told.map((report) => ({ ...report, clockOffsetsMs: [] }));
    const cut = Object.keys(this.situation.isolations).filter((group) => !told.some((report) => report.group === group));
    if (cut.length === 0) return reports;
    const groups = new Set(seen.map(({ check }) => this.groupOf(check)));
    return [
      ...reports,
      ...cut.filter((group) => groups.has(group)).map((group) => ({ group, failed: 0, of: 1, clockOffsetsMs: [] })),
    ];
  }

  private groupOf(id: string): string {
    return this.configuration.checks.find((check) => check.id === id)?.via ?? 'direct';
  }

  private hear(act: Act, now: number): void {
    const { people, configuration } = this;
    if (act.kind === 'downtime') {
      const { target, from, duration, weekly, flexible, note } = act;
      const downtime: Downtime = {
        number: ++this.said,
        target,
        from,
        duration,
        repeat: weekly ? 'weekly' : null,
        zone: configuration.timezone,
        flexible,
        begun: null,
        toldUntil: now,
        removedAt: null,
        publicNote: null,
        at: now,
        author: 'replay',
        note,
      };
      this.people = { ...people, downtimes: [...people.downtimes, downtime] };
      return;
    }
    const named = configuration.checks.filter((check) => isSelected(act.pattern, check)).map(({ id }) => id);
    const others = people.acknowledgements.filter(({ check }) => !named.includes(check));
    if (act.kind === 'unack') {
      this.people = { ...people, acknowledgements: others };
      return;
    }
    const { until, note } = act;
    const said = named.map((check): Acknowledgement => {
      return { number: ++this.said, check, at: now, until, author: 'replay', note, publicNote: null };
    });
    this.people = { ...people, acknowledgements: [...others, ...said] };
  }

  private conclude({ begun, told, ended }: PeopleUpdate): void {
    const { people } = this;
    const isOver = new Set(told.filter((one) => one.isOver).map((one) => one.downtime));
    const over = new Set(ended.map((one) => one.acknowledgement));
    const downtimes = people.downtimes
      .filter(({ number }) => !isOver.has(number))
      .map((downtime) => {
        const start = begun.find((one) => one.downtime === downtime.number);
        const end = told.find((one) => one.downtime === downtime.number);
        return {
          ...downtime,
          ...(start === undefined ? {} : { begun: { window: start.window, at: start.at } }),
          ...(end === undefined ? {} : { toldUntil: end.until }),
        };
      });
    this.people = { ...people, downtimes, acknowledgements: people.acknowledgements.filter(({ number }) => !over.has(number)) };
  }
}

/** The order of the output: by time, kind (by spelling) and check. */
export function compareItems(a: Item, b: Item): number {
  return a.at - b.at || compareText(a.kind, b.kind) || compareText(a.check ?? a.host ?? '', b.check ?? b.host ?? '');
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
