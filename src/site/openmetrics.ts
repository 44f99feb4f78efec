import type { Snapshot } from '../core/snapshot.ts';
import { toExitCode } from '../core/state.ts';
import { stateType } from '../core/status.ts';

/**
 * What vigie knows as a text that Prometheus reads: OpenMetrics 1.0, and with gauges alone also the older text format 0.0.4.
 * https://prometheus.io/docs/specs/om/open_metrics_spec/
 */
export function toMetricsText({ configuration, statuses, run, runs, messages, now }: Snapshot): string {
  const checks = configuration.checks.filter(({ enabled }) => enabled);
  const families = {
    state: new Family('vigie_check_state', 'Last observed state: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN.'),
    problem: new Family('vigie_check_problem', '1 while the check has a problem: failures enough in a row, or too frequent.'),
    withheld: new Family('vigie_check_withheld', '1 while the last result is not judged.'),
    at: new Family('vigie_check_last_result_timestamp_seconds', 'When the last result was taken.', 'seconds'),
    took: new Family('vigie_check_duration_seconds', 'How long the last look took.', 'seconds'),
    metric: new Family(
      'vigie_check_metric',
      'Metrics of the last result, in the unit that the check type declares: s, B, %, d or none.',
    ),
  };
  for (const { id, host, service, type } of checks) {
    const status = statuses.get(id);
    const latest = status?.latest ?? null;
    if (status === undefined || latest === null) continue;
    // Host, service and type stand with the state alone: PromQL joins them on `check`.
    const own = `check="${escapeLabel(id)}"`;
    families.state.add(own + label('host', host) + label('service', service) + label('type', type), toExitCode(latest.state));
    families.problem.add(own, status.problem !== null && stateType(status) === 'hard' ? 1 : 0);
    families.withheld.add(own, latest.withheld === null ? 0 : 1);
    families.at.add(own, latest.at / 1000);
    families.took.add(own, latest.duration);
    for (const name in latest.metrics) families.metric.add(own + label('metric', name), latest.metrics[name] ?? 0);
  }
  const finished = runs.find(({ durationMs }) => durationMs !== null);
  const whole = [
    new Family('vigie_run_number', 'Number of the run that made this text.').add('', run.run),
    new Family('vigie_run_start_timestamp_seconds', 'When that run began.', 'seconds').add('', now / 1000),
    new Family('vigie_run_duration_seconds', 'How long the last finished run took.', 'seconds').add(
      '',
      (finished?.durationMs ?? 0) / 1000,
    ),
    new Family('vigie_run_late_seconds', 'How much too late the run began.', 'seconds').add('', (run.lateMs ?? 0) / 1000),
    new Family('vigie_checks_configured', 'Checks that are switched on.').add('', checks.length),
    toMessageFamily(messages),
  ];
  return `${[...whole, ...Object.values(families)].map(String).join('')}# EOF\n`;
}

/**
 * The text after monitoring has stopped: the run with its time, and nothing of a check, so that Prometheus holds the old samples for
 * stale rather than for news.
 */
export function toForgottenMetrics(text: string): string {
  const isOfCheck = /^(?:# (?:TYPE|UNIT|HELP) )?vigie_check_/;
  return text
    .split('\n')
    .filter((line) => !isOfCheck.test(line))
    .join('\n');
}

function toMessageFamily(messages: Snapshot['messages']): Family {
  const family = new Family('vigie_mails', 'Of the newest 100 mails: how many were sent, wait, or failed.');
  for (const [state, words] of [
    ['sent', 'sent'],
    ['frozen', 'waiting'],
    ['failed', 'failed'],
  ] as const) {
    family.add(`state="${words}"`, messages.filter((message) => message.state === state).length);
  }
  return family;
}

/** All samples of a name stand together, as the format demands. */
class Family {
  private text = '';
  private readonly name: string;
  private readonly head: string;

  constructor(name: string, help: string, unit = '') {
    this.name = name;
    this.head = `# TYPE ${name} gauge\n${unit === '' ? '' : `# UNIT ${name} ${unit}\n`}# HELP ${name} ${help}\n`;
  }

  add(labels: string, value: number): this {
    this.text += `${this.name}${labels === '' ? '' : `{${labels}}`} ${value}\n`;
    return this;
  }

  toString(): string {
    return this.text === '' ? '' : this.head + this.text;
  }
}

function label(name: string, value: string | null): string {
  return value === null ? '' : `,${name}="${escapeLabel(value)}"`;
}

/** Backslash, quote and line feed, in this order. */
function escapeLabel(text: string): string {
  return /[\\"\n]/.test(text) ? text.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n') : text;
}
