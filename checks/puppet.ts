import { cleanText, defineCheckType, formatAge, LookFailure, type Metrics, type Observation } from '../src/check-type.ts';
import { type Fact, takeFreshFact, toAge } from '../src/net/facts.ts';

export default defineCheckType({
  type: 'puppet',
  summary: "The Puppet agent's last run, as the host's report says: when it was, and what came of it.",
  options: {},
  metrics: {
    age: { unit: 's', label: 'Last run', help: 'Since the last run was over; absent while Puppet is switched off.' },
    failed: { unit: '', label: 'Failed', help: 'Resources that failed in the last run.' },
    changed: { unit: '', label: 'Changed', help: 'Resources that the last run changed.' },
  },
  thresholds: { age: { warning: '2h', critical: '1d' }, failed: { warning: 0 } },
  example: { thresholds: { age: { warning: '6h' } } },
  proxied: false,
  readsReport: true,
  target: () => "the host's report",
  async run(_options, context): Promise<Observation> {
    const fact = takeFreshFact(context, 'puppet');
    const { last_run: lastRun, result, failed, changed, enabled } = fact;
    if (result === 'never' || lastRun === null) return judgeNever(fact);
    const age = toAge(context, lastRun, { code: 'puppet.future', what: "Puppet's last run" });
    const metrics: Metrics = { failed, changed };
    const last = `last run ${formatAge(age)} ago ${describeResult(fact)}`;
    // Somebody switched it off: how long ago it ran is no news then, and nobody is told twice.
    if (!enabled)
      return { kind: 'judged', state: 'WARNING', code: 'puppet.disabled', output: `${describeSwitch(fact)}, ${last}`, metrics };
    const now = fact.running ? ', running now' : '';
    if (result === 'failed' && failed === 0)
      return { kind: 'failed', code: 'puppet.no_catalogue', output: `${last}${now}`, metrics: { ...metrics, age } };
    return { kind: 'measured', output: `${last}${now}`, metrics: { ...metrics, age } };
  },
});

function describeResult({ result, failed, changed }: Fact<'puppet'>): string {
  if (result === 'failed') return failed === 0 ? 'applied nothing: no catalogue' : `failed in ${count(failed)}`;
  return result === 'changed' ? `changed ${count(changed)}` : 'changed nothing';
}

function count(resources: number): string {
  return `${resources} ${resources === 1 ? 'resource' : 'resources'}`;
}

function describeSwitch({ message }: Fact<'puppet'>): string {
  return message === '' ? 'switched off without a word' : `switched off: ${cleanText(message, 80)}`;
}

/** A machine that Puppet never touched is not yet what it should be, unless that is just happening. */
function judgeNever(fact: Fact<'puppet'>): Observation {
  if (!fact.enabled)
    return { kind: 'judged', state: 'WARNING', code: 'puppet.disabled', output: `${describeSwitch(fact)}, never ran`, metrics: {} };
  if (fact.running) throw new LookFailure('puppet.first', 'the first run is going on');
  return { kind: 'judged', state: 'WARNING', code: 'puppet.never', output: 'never ran', metrics: {} };
}
