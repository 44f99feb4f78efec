import type { HostReport } from './report.ts';
import type { State } from './state.ts';

/**
 * Units of a metric: seconds, bytes, a share of 0-100, a count without unit, or days. Perfdata spells them
 * `s`, `B`, `%`, `` and `d`.
 */
export type Unit = 's' | 'B' | '%' | 'd' | '';

/** What a check type declares of one metric. Metric names match `[a-z][a-z0-9_]*`. */
export interface MetricDeclaration {
  unit: Unit;
  label: string;
  help: string;
}

/** Finite numbers by metric name, in the unit that the type declares. */
export type Metrics = Record<string, number>;

/** One file system, unit, address family or series of a check: at most 100 of them. */
export interface Part {
  name: string;
  state: State;
  output: string;
}

interface Common {
  /** One line of at most 80 characters: what was seen, then what was wanted. */
  output: string;
  parts?: Part[];
  /** The check's own JSON for its next run, at most 4 KiB. */
  memory?: unknown;
  /** What the host's report says, of the check that has it: for the checks that read it. */
  report?: ReportNews;
}

/** A host's report of this run; `isNews`: not the one of the last run, so that what reads it counts. */
export interface ReportNews {
  report: HostReport;
  isNews: boolean;
}

/** What a check saw. It never decides about alerts: thresholds and `core/evaluate` do. */
export type Observation =
  /** Numbers follow; thresholds decide. */
  | ({ kind: 'measured'; metrics: Metrics } & Common)
  /** The target is at fault (refused, timeout, wrong answer, NXDOMAIN): CRITICAL. */
  | ({ kind: 'failed'; code: string; metrics?: Metrics } & Common)
  /** The target names its own state, as a monitoring plug-in does. */
  | ({ kind: 'judged'; state: State; metrics: Metrics; code?: string } & Common)
  /** We could not look: UNKNOWN. */
  | ({ kind: 'unknown'; code: string; metrics?: Metrics } & Common);

/** Why alerting must not judge a result, the first that applies in this order (alerting.md section 1). */
export const WITHHELD = ['config', 'isolated', 'clock', 'proxy', 'report', 'unreachable', 'grace', 'not-run'] as const;
export type Withheld = (typeof WITHHELD)[number];

/** An observation after thresholds: what is stored, unchanged, whatever alerting makes of it. */
export interface Result {
  /** The check's id, `<service>/<check>` or `<host>/<check>`. */
  check: string;
  /** Start of the batch, milliseconds since 1970. */
  at: number;
  /** The sequence number of the batch: the order of results, whatever the wall clock did. */
  run: number;
  state: State;
  /** A stable reason such as `timeout.total`; empty when there is none. */
  code: string;
  output: string;
  metrics: Metrics;
  parts: Part[];
  /** It came by `every`; otherwise it is a recheck (alerting.md section 1). */
  scheduled: boolean;
  withheld: Withheld | null;
  /** How long the check took, seconds, all tries included. */
  duration: number;
  memory?: unknown;
  /** Never stored with the result. */
  report?: ReportNews;
}
