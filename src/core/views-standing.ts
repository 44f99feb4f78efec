import type { Check } from './configuration.ts';
import { isNew } from './remember.ts';
import { type Status, stateType } from './status.ts';
import { count } from './transition.ts';
import { hardState, type Standing } from './views-state.ts';
import { type Calendar, WITHHELD_WORDS } from './views-words.ts';
import { findHolding } from './why.ts';

/** Since when, and why it does or does not alert. */
export function describeStanding(
  check: Check,
  status: Status,
  known: { standing: Standing; calendar: Calendar; now: number },
): string[] {
  const { problem, streak, latest } = status;
  const { calendar, standing } = known;
  const facts: string[] = [];
  if (latest?.withheld != null) facts.push(`Seen as ${latest.state} and not judged: ${WITHHELD_WORDS[latest.withheld]}.`);
  if (problem !== null) {
    facts.push(
      `${hardState(status)} since ${calendar.full(problem.onset).words}${streak === null ? '' : `, ${streak.length} in a row`}.`,
    );
    facts.push(describeTold(check, status, known.now));
    if (problem.okInARow > 0)
      facts.push(`OK again ${count(problem.okInARow, 'time')} of the ${check.recoveries} that end the problem.`);
  } else if (streak !== null) {
    const needed = streak.judged ? check.attempts : Math.max(check.attempts, check.unknownAttempts);
    facts.push(`Failing since ${calendar.full(streak.startedAt).words}: failure ${streak.length} of ${needed} before an alert.`);
  } else if (standing === 'ok') {
    facts.push(`${stateType(status) === 'hard' ? 'OK' : 'OK, not yet for sure,'} since ${calendar.full(status.since).words}.`);
  }
  return facts;
}

export function describeTold(check: Check, status: Status, now: number): string {
  const { problem } = status;
  if (problem === null || problem.toldTo.length > 0) return `Told ${problem?.toldTo.join(', ') ?? 'nobody'}.`;
  if (isNew(status, now)) return 'Nobody is told yet: the check is new and has never been OK.';
  const holding = findHolding(status, now);
  if (holding !== null) return `Nobody is told: ${holding.words}.`;
  return check.contacts.length === 0 ? 'Nobody is told: it has no contacts.' : 'Nobody was told.';
}
