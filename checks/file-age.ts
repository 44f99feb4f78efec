import {
  type Context,
  cleanText,
  defineCheckType,
  formatAge,
  formatBytes,
  LookFailure,
  type Observation,
  option,
  TargetFailure,
} from '../src/check-type.ts';
import { type Fact, takeFreshFact, toAge } from '../src/net/facts.ts';
import { observeParts } from '../src/net/parts.ts';

export default defineCheckType({
  type: 'file-age',
  summary: 'Files of the host are there and were written lately: backups, results. It reports those that its agent is told to.',
  options: {
    paths: option.list('The files, as the configuration of the agent names them.', option.text('A path.', { maxLength: 300 }), {
      orOne: true,
      minItems: 1,
      maxItems: 50,
    }),
  },
  metrics: {
    age: { unit: 's', label: 'Age', help: 'Since it was written; of several files the oldest.' },
    size: { unit: 'B', label: 'Size', help: 'Of several files the smallest.' },
  },
  thresholds: { age: { warning: '26h', critical: '50h' } },
  example: { paths: '/var/backups/database.sql.gz', thresholds: { size: { critical: '1MiB:' } } },
  proxied: false,
  readsReport: true,
  target: ({ paths }) => cleanText(paths.join(', '), 200),
  async run({ paths }, context): Promise<Observation> {
    const { list } = takeFreshFact(context, 'files');
    const looks = paths.map((path) => ({ name: path, look: async () => look(path, list, context) }));
    return observeParts(looks, ['size']);
  },
});

function look(path: string, list: Fact<'files'>['list'], context: Context): Observation {
  const shown = cleanText(path, 50);
  const found = list.find((one) => one.path === path);
  if (found === undefined) throw new LookFailure('file.unasked', `${shown} is not reported: the agent needs "file ${shown}"`);
  if (found.modified === null) throw new TargetFailure('file.missing', `${shown} is not there`);
  const age = toAge(context, found.modified, { code: 'file.future', what: `the time of ${shown}` });
  const output = `${shown} ${formatAge(age)} old, ${formatBytes(found.size)}`;
  return { kind: 'measured', output, metrics: { age, size: found.size } };
}
