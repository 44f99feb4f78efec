import type { Check } from '../core/configuration.ts';
import { formatDuration } from '../core/unit.ts';
import type { FrequencyValue } from './frequency.ts';
import { type Problem, say } from './problem.ts';
import { getNode, type MapNode, type Node, toLayer, toProblem } from './tree.ts';

/** A check's bound settings, as `CHECK` declares them. */
export interface Settings {
  contacts?: string[];
  priority: string;
  escalate?: Check['escalate'];
  remind?: string[];
  every: number;
  recheck: number;
  timeout: number;
  retries?: { times?: number; after?: number };
  attempts: number;
  recoveries: number;
  unknown_attempts: number;
  frequency?: FrequencyValue;
  daily_pattern: boolean;
  depends_on?: string[];
  enabled: boolean;
  notes?: string;
  deadline?: number;
  impact: 'down' | 'degraded';
}

/** One lost circuit is no failure: more and later tries through a proxy [N2]. */
const RETRIES = { direct: { times: 1, after: 2 }, proxied: { times: 2, after: 5 } };

type Time = Pick<Check, 'every' | 'recheck' | 'timeout' | 'deadline' | 'retries'>;

/**
 * A check's deadline is the sum of its tries and pauses. One that could outlive the run is a mistake of whoever asked for so much:
 * of the check, service, host or profile. General defaults are cut to the run's deadline instead, since nobody meant this check.
 */
export function planTime(
  settings: Settings,
  node: MapNode,
  isProxied: boolean,
  context: { runDeadline: number; problems: Problem[] },
): Time {
  const fallback = isProxied ? RETRIES.proxied : RETRIES.direct;
  const retries = { times: settings.retries?.times ?? fallback.times, after: settings.retries?.after ?? fallback.after };
  const { every, recheck, timeout } = settings;
  const total = Math.round((timeout * (retries.times + 1) + retries.after * retries.times) * 1000) / 1000;
  const deadline = settings.deadline === undefined ? total : settings.deadline;
  const nodes = { timeout: getNode(node, 'timeout'), deadline: getNode(node, 'deadline'), retries: getNode(node, 'retries') };
  const refuse = (at: Node | undefined, message: string) => context.problems.push(toProblem(at?.place ?? node.place, message));
  if (settings.deadline !== undefined) {
    if (deadline > context.runDeadline) {
      refuse(
        nodes.deadline,
        say('deadline beyond limits.run_deadline', `at most ${formatDuration(context.runDeadline)}`, formatDuration(deadline)),
      );
    } else if (timeout > deadline && isNear(nodes.timeout)) {
      refuse(nodes.timeout, say('timeout beyond the deadline', `at most ${formatDuration(deadline)}`, formatDuration(timeout)));
    }
  } else if (total > context.runDeadline) {
    const cause = [nodes.timeout, getNode(nodes.retries, 'times'), getNode(nodes.retries, 'after')].find(isNear);
    if (cause) {
      const sum = `tries ${retries.times + 1} x ${formatDuration(timeout)}, pauses ${retries.times} x ${formatDuration(retries.after)}`;
      const expected = `at most ${formatDuration(context.runDeadline)} (limits.run_deadline) in all, or a deadline`;
      refuse(cause, `too long for one run, expected ${expected}, found ${formatDuration(total)}: ${sum}`);
    }
  }
  return { every, recheck, timeout, deadline: Math.min(deadline, context.runDeadline), retries };
}

function isNear(node: Node | undefined): boolean {
  if (!node) return false;
  const layer = toLayer(node.place);
  return layer !== 'defaults' && !layer.startsWith('proxy ');
}
