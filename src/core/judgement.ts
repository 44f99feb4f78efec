import type { Check } from './configuration.ts';
import {
  addToSpells,
  findPattern,
  followPattern,
  isPatternsOwn,
  PATTERN_PATIENCE_MS,
  pruneSpells,
  startPattern,
} from './daily-pattern.ts';
import { describeWindow, findFrequent, forgetStreak, hasCalmed, isFailure, recordScheduled } from './frequency.ts';
import type { Result, Withheld } from './observation.ts';
import { type State, worst } from './state.ts';
import type { Problem, Status, Streak, Trouble } from './status.ts';
import { judge, neededAttempts, type Transition, toProblem } from './transition.ts';
import { enterHard, findNowDown, isStableAgain, isThird } from './unstable.ts';
import { formatTimeOfDay } from './wall-clock.ts';

/** What one result makes of a check (alerting.md sections 2 and 3). */
export interface Judgement {
  streak: Streak | null;
  problem: Problem | null;
  trouble: Trouble | undefined;
  transition: Transition | null;
  /** A daily pattern that was seen: it can come together with any transition. */
  recurring: Transition | null;
  /** A problem that would have begun if its failures were not withheld. */
  heldBack: { transition: Transition; because: Exclude<Withheld, 'not-run'> } | null;
  /** Why this result does or does not alert, for `vigie explain`. */
  reason: string;
}

const NO_TROUBLE: Trouble = {
  seen: 0,
  recent: [],
  spells: [],
  hardAt: [],
  unstable: null,
  downs: [],
  down: null,
  recurring: null,
  shadow: null,
};

/** Judges one result. Withheld results are SKIPPED: they neither count nor break a streak. */
export function judgeResult(check: Check, status: Status, result: Result, timezone: string): Judgement {
  const { streak, problem, trouble } = status;
  if (result.withheld !== null) return judgeWithheld(check, status, result, result.withheld);
  // Nearly every result is OK after an OK one: it costs nothing, and little while failures are remembered.
  if (result.state === 'OK' && streak === null && problem === null && (trouble === undefined || isMemoryOnly(trouble))) {
    const kept = trouble === undefined ? undefined : tidy(recordResult(trouble, status, result, check), result.at, false);
    return { streak, problem, trouble: kept, transition: null, recurring: null, heldBack: null, reason: 'OK' };
  }
  return new Bench(check, status, result, timezone).judge();
}

function isMemoryOnly({ unstable, recurring }: Trouble): boolean {
  return unstable === null && recurring === null;
}

/** Frequency and pattern count scheduled results only. */
function recordResult(trouble: Trouble, before: Status, result: Result, check: Check): Trouble {
  if (!result.scheduled) return trouble;
  const failure = isFailure(result.state)
    ? { streak: before.streak?.startedAt ?? result.at, counts: before.problem === null }
    : null;
  if (failure === null && trouble.recent.length === 0) return trouble;
  const { seen, recent } = recordScheduled(trouble, result, check.frequency, failure);
  const spells = failure === null || !check.dailyPattern ? trouble.spells : addToSpells(trouble.spells, result.at);
  // Field by field, as in evaluate: for a week after a failure each result comes by here.
  const { hardAt, unstable, downs, down, recurring, shadow } = trouble;
  return { seen, recent, spells, hardAt, unstable, downs, down, recurring, shadow };
}

/** Nothing of what is over: a check that works keeps nothing but a week of failures. */
function tidy(trouble: Trouble, at: number, isProblem: boolean): Trouble | undefined {
  const spells = pruneSpells(trouble.spells, at);
  const isLasting = isProblem || !isMemoryOnly(trouble) || spells.length > 0 || trouble.recent.length > 0;
  if (!isLasting && !trouble.hardAt.some((entered) => at - entered <= 86_400_000)) return undefined;
  return spells === trouble.spells && trouble.shadow === null ? trouble : { ...trouble, spells, shadow: null };
}

/** A would-be streak of withheld failures: once it has as many as it takes, it is an item that is held back. */
function judgeWithheld(check: Check, status: Status, result: Result, withheld: Withheld): Judgement {
  const { streak, problem, trouble } = status;
  const reason = `not counted: withheld as ${withheld}`;
  const same: Judgement = { streak, problem, trouble, transition: null, recurring: null, heldBack: null, reason };
  if (withheld === 'not-run' || result.state === 'OK' || problem !== null) return same;
  const before = trouble?.shadow ?? {
    startedAt: streak?.startedAt ?? result.at,
    length: streak?.length ?? 0,
    worst: streak?.worst ?? result.state,
    said: false,
  };
  const length = before.length + 1;
  const isSaidNow = !before.said && length >= check.attempts;
  const shadow = { ...before, length, worst: worst([before.worst, result.state]), said: before.said || isSaidNow };
  const next: Judgement = { ...same, trouble: { ...(trouble ?? NO_TROUBLE), shadow } };
  if (!isSaidNow) return next;
  const words = length === 1 ? '1 failure' : `${length} failures in a row`;
  const transition: Transition = { kind: 'problem', state: shadow.worst, onset: shadow.startedAt, reason: words };
  return { ...next, heldBack: { transition, because: withheld } };
}

/** The rules in their order, for one result that counts. Each step reads what the ones before left. */
class Bench {
  private readonly check: Check;
  private readonly before: Status;
  private readonly result: Result;
  private readonly timezone: string;
  private trouble: Trouble;
  private streak: Streak | null = null;
  private problem: Problem | null = null;
  private transition: Transition | null = null;
  private recurring: Transition | null = null;

  constructor(check: Check, before: Status, result: Result, timezone: string) {
    this.check = check;
    this.before = before;
    this.result = result;
    this.timezone = timezone;
    this.trouble = before.trouble ?? NO_TROUBLE;
  }

  judge(): Judgement {
    const { before, result, check } = this;
    this.seePattern();
    this.trouble = recordResult(this.trouble, before, result, check);
    const judged = judge(before, result, check, () => this.describeCalm());
    this.streak = judged.streak;
    this.problem = judged.problem;
    this.transition = judged.transition;
    if (judged.transition?.kind === 'problem') this.forgetStreak(judged.transition.onset);
    else this.seeFrequency();
    const becameUnstable = before.problem === null && this.problem !== null && this.enterHard();
    if (!becameUnstable) this.seeNowDown();
    this.seeStable();
    this.waitForPattern();
    const { streak, problem, transition, recurring } = this;
    const reason = transition === judged.transition ? judged.reason : (transition?.reason ?? judged.reason);
    return {
      streak,
      problem,
      trouble: tidy(this.trouble, result.at, problem !== null),
      transition,
      recurring,
      heldBack: null,
      reason,
    };
  }

  /** At the WARNING or CRITICAL onset of a streak, while neither HARD nor unstable. */
  private seePattern(): void {
    const { before, result, check, trouble, timezone } = this;
    const isOnset = before.streak === null && before.problem === null && trouble.unstable === null && isFailure(result.state);
    const onset = isFailure(result.state) ? (before.streak?.startedAt ?? result.at) : null;
    const isScheduledFailure = result.scheduled && isFailure(result.state);
    const recurring = followPattern(trouble.recurring, { at: result.at, isScheduledFailure, onset }, timezone);
    if (recurring !== trouble.recurring) this.trouble = { ...trouble, recurring };
    if (!isOnset || !check.dailyPattern || recurring?.holds === true) return;
    const { firstSeenAt, lastScheduledAt } = before;
    const found = findPattern({ spells: trouble.spells, firstSeenAt, lastScheduledAt }, result.at, check, timezone);
    if (found === null) return;
    const started = startPattern(recurring, result.at, timezone);
    this.trouble = { ...this.trouble, recurring: started.recurring };
    if (started.isNews) this.recurring = { kind: 'recurring', state: result.state, onset: result.at, reason: found.reason };
  }

  private describeCalm(): string | null {
    const { trouble, result, check } = this;
    if (!hasCalmed(trouble, check.frequency, result.at)) return null;
    return check.frequency === null ? 'frequency is off' : describeWindow(trouble.recent.length, check.frequency);
  }

  private forgetStreak(streak: number): void {
    this.trouble = { ...this.trouble, recent: forgetStreak(this.trouble.recent, streak) };
  }

  /** After the streak rule, at a failing result of a check that is not HARD. */
  private seeFrequency(): void {
    const { result, check, trouble } = this;
    if (this.problem !== null || !isFailure(result.state)) return;
    const found = findFrequent(trouble, check.frequency, result.at);
    if (found === null) return;
    this.problem = { ...toProblem(result, found.onset), by: 'frequency' };
    this.transition = { kind: 'frequent', ...found };
  }

  /** The third entering of HARD within 24 h emits `unstable` instead of `problem`. True at that result. */
  private enterHard(): boolean {
    const { trouble, result, transition } = this;
    const hardAt = enterHard(trouble.hardAt, result.at);
    this.trouble = { ...trouble, hardAt };
    if (transition === null || trouble.unstable !== null || !isThird(hardAt)) return false;
    const { state, onset } = transition;
    this.transition = { kind: 'unstable', state, onset, reason: `a problem for the third time within 24 h: ${transition.reason}` };
    this.trouble = { ...this.trouble, unstable: { onset, toldTo: [] } };
    return true;
  }

  private seeNowDown(): void {
    const { trouble, streak, problem, result, check } = this;
    if (streak === null || result.state === 'OK' || streak.length < neededAttempts(streak, check)) return;
    if (trouble.unstable === null && problem?.by !== 'frequency') return;
    const found = findNowDown(trouble, streak, { at: result.at, priority: check.priority });
    if (found === null) return;
    this.trouble = found.trouble;
    const { state } = found;
    this.transition = { kind: 'worse', state, onset: streak.startedAt, reason: 'now-down', parts: [], isNowDown: true };
  }

  private seeStable(): void {
    const { trouble, problem, streak, result, before } = this;
    const isSoft = problem === null && streak !== null;
    if (trouble.unstable === null || !isStableAgain(trouble, result.at, isSoft)) return;
    const { onset, toldTo } = trouble.unstable;
    const state = problem === null ? 'OK' : this.lastFailing();
    const reason = problem === null ? 'OK, no new problem for 12 h' : 'still failing, no new problem for 12 h';
    const told = [...new Set([...toldTo, ...(before.problem?.toldTo ?? [])])];
    this.transition = { kind: 'stable', state, onset, reason, toldTo: told };
    this.trouble = { ...trouble, unstable: null, hardAt: [], down: null };
  }

  private lastFailing(): State {
    const { result, before } = this;
    if (result.state !== 'OK') return result.state;
    const last = before.latest?.state ?? 'OK';
    return last === 'OK' ? (before.problem?.told ?? 'UNKNOWN') : last;
  }

  /** While a daily pattern holds, a problem of its time of day is told when it has lasted half an hour. */
  private waitForPattern(): void {
    const { problem, transition, trouble, check, result, timezone, streak } = this;
    if (problem === null) return;
    const isNew = transition?.kind === 'problem' && this.before.problem === null;
    if (isNew && check.priority !== 'critical' && isPatternsOwn(trouble.recurring, problem.onset, timezone)) {
      if (result.at - problem.onset >= PATTERN_PATIENCE_MS) return;
      this.problem = { ...problem, waits: 'pattern' };
      const time = formatTimeOfDay(trouble.recurring?.at ?? result.at, timezone);
      this.transition = { ...transition, waits: `waits for 30 min, since it fails daily around ${time}` };
    } else if (problem.waits === 'pattern' && result.state !== 'OK' && result.at - problem.onset >= PATTERN_PATIENCE_MS) {
      const { waits: _over, ...told } = problem;
      this.problem = told;
      if (transition?.kind === 'stable' || (transition?.kind === 'worse' && transition.isNowDown)) return;
      const state = streak?.worst ?? result.state;
      const reason = 'lasted 30 min, longer than its daily pattern may';
      this.transition = { kind: 'problem', state, onset: problem.onset, reason };
    }
  }
}
