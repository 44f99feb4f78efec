import type { Priority } from './configuration.ts';
import type { State } from './state.ts';

/** The kinds of items that this version makes, out of the closed list of alerting.md section 12. */
export const ITEM_KINDS = ['problem', 'worse', 'recovery', 'new', 'started', 'overlap', 'config', 'removed', 'database'] as const;
export type ItemKind = (typeof ITEM_KINDS)[number];

/** An earlier problem of the same check, for "third time in 90 days". */
export interface PastProblem {
  onset: number;
  /** Seconds; null while it lasts. */
  duration: number | null;
}

/** What a mail needs to say about a check, frozen when the item is planned. */
export interface CheckFacts {
  /** The service's title, or the host's name. */
  title: string;
  type: string;
  target: string;
  output: string;
  code: string;
  priority: Priority;
  notes: string | null;
  /** Where the check is defined, `conf.d/website.yaml:12`. */
  source: string;
  /** The private page's path, relative to the site: `services/website.html#front-page`. */
  page: string;
  failingParts: string[];
  /** Other checks of the same host or service that are not OK, by id. */
  also: string[];
  /** The worst state that was told of the problem that is over; null while it lasts. */
  was: State | null;
  /** What cannot be judged because this check fails: `14 checks, of them critical: website/front-page`; or null. */
  affected: string | null;
  past: PastProblem[];
}

/** One line owed to contacts (alerting.md section 12). Times are milliseconds since 1970. */
export interface Item {
  kind: ItemKind;
  at: number;
  run: number;
  check: string | null;
  /** The check's host; for items about a host or a service without one, its name. */
  host: string | null;
  state: State | null;
  onset: number;
  reason: string;
  /** Contact names. */
  to: string[];
  facts: CheckFacts | null;
  /** Further lines, such as the checks of a `new` item or the errors of a `config` item. */
  lines: string[];
}

/** One entry of the history of changes. `told` is false where nobody had to be told, with the reason saying why. */
export interface Event {
  at: number;
  run: number;
  kind: ItemKind | 'soft' | 'soft-recovery';
  check: string | null;
  host: string | null;
  state: State | null;
  onset: number;
  reason: string;
  output: string;
  told: boolean;
}
