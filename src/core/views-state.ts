import type { Check } from './configuration.ts';
import { isWorse, type State } from './state.ts';
import type { Status } from './status.ts';
import { STATE_CLASS, type StateClass } from './views-words.ts';

/** Where a check stands on the private site: each check is in exactly one of these. */
export type Standing = 'problem' | 'soft' | 'withheld' | 'ok' | 'new' | 'off';

export function standingOf(check: Check, status: Status | undefined): Standing {
  if (!check.enabled) return 'off';
  if (status === undefined || status.latest === null) return 'new';
  if (status.problem !== null) return 'problem';
  if (status.latest.withheld !== null) return 'withheld';
  return status.streak === null ? 'ok' : 'soft';
}

/** The state of a problem: what was last judged; while it ends or is withheld, what was told. */
export function hardState(status: Status): State {
  const { latest, problem, streak } = status;
  if (problem === null) return 'OK';
  if (latest !== null && latest.withheld === null && latest.state !== 'OK') return latest.state;
  return problem.told ?? streak?.worst ?? 'WARNING';
}

/** One word with its class, for headings. */
export interface StateWord {
  word: string;
  class: StateClass;
}

export function stateWord(check: Check, status: Status | undefined): StateWord {
  const standing = standingOf(check, status);
  if (status === undefined || standing === 'new') return { word: 'NO RESULT YET', class: 'none' };
  if (standing === 'off') return { word: 'SWITCHED OFF', class: 'none' };
  if (standing === 'withheld') return { word: 'NOT JUDGED', class: 'skipped' };
  const state = standing === 'problem' ? hardState(status) : (status.latest?.state ?? 'UNKNOWN');
  return { word: state, class: STATE_CLASS[state] };
}

/**
 * One word for scripts: the worst HARD state. A soft failure is not yet a failure; where nothing is judged nothing is known.
 */
export function hardWord(checks: Check[], statuses: ReadonlyMap<string, Status>): State {
  let found: State = 'OK';
  let isAnyJudged = false;
  for (const check of checks) {
    const status = statuses.get(check.id);
    const standing = standingOf(check, status);
    if (standing === 'off' || standing === 'new' || standing === 'withheld' || status === undefined) continue;
    isAnyJudged = true;
    const state = hardState(status);
    if (isWorse(state, found)) found = state;
  }
  return isAnyJudged ? found : 'UNKNOWN';
}
