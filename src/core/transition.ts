import type { Result } from './observation.ts';
import { isWorse, type State, worst } from './state.ts';
import { type Problem, type Status, type Streak, stateType } from './status.ts';

/** How many results it takes (interface.md: `attempts`, `recoveries`, `unknown_attempts`). */
export interface AttemptRules {
  attempts: number;
  recoveries: number;
  unknownAttempts: number;
}

/** What a result changed, for the events page, and for `notify` to make items of. */
export type Transition =
  | { kind: 'soft' | 'soft-recovery'; state: State; onset: number; reason: string }
  /** `waits`: what it has to outlast before it is told, in words. */
  | { kind: 'problem'; state: State; onset: number; reason: string; waits?: string }
  | { kind: 'frequent' | 'recurring' | 'unstable'; state: State; onset: number; reason: string }
  /** `isNowDown`: a real outage of a check that is unstable or HARD by frequency; nothing holds it back but a downtime. */
  | { kind: 'worse'; state: State; onset: number; reason: string; parts: string[]; isNowDown?: true }
  /** Unstable no more: for those who were told that it began. */
  | { kind: 'stable'; state: State; onset: number; reason: string; toldTo: string[] }
  | { kind: 'recovery'; state: 'OK'; onset: number; reason: string; toldTo: string[]; told: State | null };

export interface Judged {
  streak: Streak | null;
  problem: Problem | null;
  transition: Transition | null;
  /** Why this result does or does not alert, for `vigie explain`. */
  reason: string;
}

/**
 * The streak rule (alerting.md section 2) for one result that counts. `told` of a new problem is set by `notify`, which knows
 * whether anybody is told. `calmed` says why a problem by frequency may end, or null.
 */
export function judge(status: Status, result: Result, rules: AttemptRules, calmed: () => string | null): Judged {
  const { streak, problem } = status;
  if (result.state === 'OK') return problem?.by === 'frequency' ? judgeCalm(problem, rules, calmed) : judgeOk(status, rules);
  const grown = growStreak(streak, result);
  if (problem !== null) return judgeInProblem({ ...problem, okInARow: 0 }, grown, result);
  return judgeFailure(status, grown, result, rules);
}

function judgeOk(status: Status, rules: AttemptRules): Judged {
  const { streak, problem } = status;
  if (problem === null) {
    if (streak === null) return { streak, problem, transition: null, reason: 'OK' };
    const reason = `OK after ${count(streak.length, 'failure')}: never a problem`;
    return { streak: null, problem, transition: { kind: 'soft-recovery', state: 'OK', onset: streak.startedAt, reason }, reason };
  }
  const okInARow = problem.okInARow + 1;
  if (okInARow < rules.recoveries) {
    const reason = `${count(okInARow, 'OK result')} of the ${rules.recoveries} that end the problem`;
    return { streak: null, problem: { ...problem, okInARow }, transition: null, reason };
  }
  const reason = rules.recoveries === 1 ? 'OK again' : `${rules.recoveries} OK results in a row`;
  return { streak: null, problem: null, transition: toRecovery(problem, reason), reason };
}

function toRecovery({ onset, toldTo, told }: Problem, reason: string): Transition {
  return { kind: 'recovery', state: 'OK', onset, reason, toldTo, told };
}

/** HARD by frequency: few failures are left in the window, and the last `attempts` counted results are OK. */
function judgeCalm(problem: Problem, { attempts }: AttemptRules, calmed: () => string | null): Judged {
  const okInARow = problem.okInARow + 1;
  const why = okInARow < attempts ? null : calmed();
  if (why === null) {
    const reason = `HARD by frequency: ${count(okInARow, 'OK result')} in a row, too many failures left`;
    return { streak: null, problem: { ...problem, okInARow }, transition: null, reason };
  }
  const reason = `${why}, the last ${count(attempts, 'result')} OK`;
  return { streak: null, problem: null, transition: toRecovery(problem, reason), reason };
}

function growStreak(streak: Streak | null, result: Result): Streak {
  const isJudged = result.state !== 'UNKNOWN';
  if (streak === null) return { startedAt: result.at, length: 1, worst: result.state, judged: isJudged };
  return {
    startedAt: streak.startedAt,
    length: streak.length + 1,
    worst: worst([streak.worst, result.state]),
    judged: streak.judged || isJudged,
  };
}

/** HARD is entered when the streak has so many results; a streak of UNKNOWN alone needs the larger of both numbers. */
export function neededAttempts(streak: Streak, rules: AttemptRules): number {
  return streak.judged ? rules.attempts : Math.max(rules.attempts, rules.unknownAttempts);
}

function judgeFailure(status: Status, streak: Streak, result: Result, rules: AttemptRules): Judged {
  const needed = neededAttempts(streak, rules);
  if (streak.length < needed) {
    const reason = `failure ${streak.length} of ${needed} before an alert`;
    const transition: Transition | null =
      streak.length === 1 ? { kind: 'soft', state: result.state, onset: streak.startedAt, reason } : null;
    return { streak, problem: null, transition, reason };
  }
  const reason = streak.judged ? `${count(streak.length, 'failure')} in a row` : `${streak.length} results in a row could not look`;
  const problem = toProblem(result, streak.startedAt);
  const transition: Transition = { kind: 'problem', state: streak.worst, onset: streak.startedAt, reason };
  return { streak, problem, transition, reason: stateType(status) === 'soft' ? reason : `${reason}: HARD at once` };
}

export function toProblem(result: Result, onset: number): Problem {
  return { onset, told: null, toldTo: [], parts: failingParts(result), okInARow: 0, run: result.run };
}

/**
 * The first single result above the state that was told is `worse`, and so is a part that newly fails. Getting better without
 * being OK is no item.
 */
function judgeInProblem(problem: Problem, streak: Streak, result: Result): Judged {
  const fresh = failingParts(result).filter((part) => !problem.parts.includes(part));
  const kept = { ...problem, parts: [...problem.parts, ...fresh].slice(0, 100) };
  const reason = worseReason(problem, result, fresh);
  if (reason === null) return { streak, problem: kept, transition: null, reason: 'still a problem, already known' };
  const transition: Transition = { kind: 'worse', state: result.state, onset: problem.onset, reason, parts: fresh };
  return { streak, problem: kept, transition, reason };
}

function worseReason(problem: Problem, result: Result, freshParts: string[]): string | null {
  if (problem.told !== null && isWorse(result.state, problem.told)) return `was told as ${problem.told}, is now ${result.state}`;
  if (freshParts.length > 0) return `newly failing: ${freshParts.slice(0, 5).join(', ')}`;
  return null;
}

function failingParts(result: Result): string[] {
  return result.parts.filter((part) => part.state === 'WARNING' || part.state === 'CRITICAL').map((part) => part.name);
}

export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
