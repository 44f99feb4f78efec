/** The four states of a check, with the exit codes 0-3 of the monitoring plug-in guidelines. */
export const STATES = ['OK', 'WARNING', 'CRITICAL', 'UNKNOWN'] as const;
export type State = (typeof STATES)[number];

/** Worse-than order of alerting.md section 1: CRITICAL > WARNING > UNKNOWN > OK. */
const SEVERITY: Record<State, number> = { OK: 0, UNKNOWN: 1, WARNING: 2, CRITICAL: 3 };

export function isWorse(a: State, b: State): boolean {
  return SEVERITY[a] > SEVERITY[b];
}

export function worst(states: Iterable<State>): State {
  let result: State = 'OK';
  for (const state of states) if (isWorse(state, result)) result = state;
  return result;
}

/** The plug-in contract's exit code: OK 0, WARNING 1, CRITICAL 2, UNKNOWN 3. The database stores the same numbers. */
export function toExitCode(state: State): 0 | 1 | 2 | 3 {
  return STATES.indexOf(state) as 0 | 1 | 2 | 3;
}

/** The state behind an exit code; anything outside 0-3 is UNKNOWN, as the guidelines say. */
export function toState(code: number): State {
  return STATES[code] ?? 'UNKNOWN';
}
