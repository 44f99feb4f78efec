import { stringify } from 'yaml';
import type { CheckType } from '../check-type.ts';
import type { Option } from '../core/option.ts';
import { formatDuration, formatSize } from '../core/unit.ts';
import { CHECK, FREQUENCY, INHERITABLE } from './check-fields.ts';
import type { Field, Fields } from './field.ts';
import { GLOBAL, GLOBAL_NAMES } from './global-fields.ts';
import { HOST, SERVICE } from './owner-fields.ts';

const GENERATED =
  '<!-- Generated from the declarations in src/config/*-fields.ts and checks/: UPDATE_GOLDEN=1 npm test writes it anew. -->';

/** `docs/configuration.md`. */
export function renderReference(): string {
  const { checks: _hostChecks, ...host } = without(HOST, INHERITABLE);
  const { checks: _serviceChecks, ...service } = without(SERVICE, INHERITABLE);
  return `${[
    '# Configuration',
    GENERATED,
    INTRODUCTION,
    '## The global file',
    renderTable(dropInherited(GLOBAL)),
    renderTable(GLOBAL_NAMES),
    '## Hosts: `hosts.NAME`',
    renderTable(host),
    'Besides: `checks`, and every setting of the table of settings.',
    '## Services: `services.NAME`',
    renderTable(service),
    'Besides: `checks`, and every setting of the table of settings.',
    '## Profiles: `profiles.NAME`',
    'Reusable for hosts: `checks`, and every setting of the table of settings.',
    '## Settings that are inherited',
    'In `defaults`, in the `defaults` of a proxy (but `via`), in profiles, hosts, services and checks.',
    renderTable(INHERITABLE),
    '## Checks',
    'Besides the settings above, and the options of their type:',
    renderTable(without(CHECK, INHERITABLE)),
    RULES,
  ].join('\n\n')}\n`;
}

/** `checks/README.md`. */
export function renderTypes(types: CheckType[]): string {
  const sorted = [...types].sort((a, b) => (a.type < b.type ? -1 : 1));
  const list = sorted.map((type) => `- [${type.type}](#${type.type}): ${type.summary}`).join('\n');
  const head = ['# Check types', GENERATED, 'One file per type, named like it. `vigie types TYPE` prints the same.', list];
  return `${[...head, ...sorted.map(renderType)].join('\n\n')}\n`;
}

/** One type: what it looks at, its options, metrics and thresholds, and an example. */
export function renderType(type: CheckType): string {
  const metrics = Object.entries(type.metrics).map(([name, metric]) => [`\`${name}\``, metric.unit || '-', metric.help]);
  const thresholds =
    Object.keys(type.thresholds).length > 0 ? `Default thresholds:\n\n${toYaml({ thresholds: type.thresholds })}` : '';
  return [
    `## ${type.type}`,
    `${type.summary} ${type.proxied ? 'Goes through a proxy when `via` names one.' : 'Cannot go through a proxy.'}`,
    renderTable(type.options, true),
    metrics.length > 0 ? toTable(['metric', 'unit', 'what'], metrics) : '',
    thresholds,
    `Example:\n\n${toYaml({ checks: { [`example-${type.type}`]: { type: type.type, ...type.example } } })}`,
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

function without(fields: Fields, others: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([key]) => !Object.hasOwn(others, key)));
}

function toYaml(value: unknown): string {
  return `\`\`\`yaml\n${stringify(value, { lineWidth: 0, flowCollectionPadding: true })}\`\`\``;
}

function renderTable(fields: Fields, isOption = false): string {
  const rows = toRows(fields, '', isOption);
  return rows.length === 0 ? 'No options.' : toTable(['key', 'value', 'default', 'what'], rows);
}

function toRows(fields: Fields, prefix: string, isOption: boolean): string[][] {
  return Object.entries(fields).flatMap(([key, field]) => {
    const name = `${prefix}${key}`;
    const row = [`\`${name}\``, describe(field), describeDefault(name, field, isOption), field.help];
    if (field.kind === 'section') return [row, ...toRows(field.fields, `${name}.`, isOption)];
    if (field.kind === 'frequency') return [row, ...toRows(FREQUENCY, `${name}.`, isOption)];
    if (field.kind === 'object') return [row, ...toRows(field.fields, `${name}.`, isOption)];
    if (field.kind === 'list' && field.item.kind === 'object') return [row, ...toRows(field.item.fields, `${name}[].`, isOption)];
    if (field.kind === 'names' && field.item.kind === 'section' && !isShared(key)) {
      return [row, ...toRows(dropInherited(field.item.fields), `${name}.NAME.`, isOption)];
    }
    return [row];
  });
}

function isShared(key: string): boolean {
  return key === 'profiles' || key === 'hosts' || key === 'services';
}

/** Settings have a table of their own. */
function dropInherited(fields: Fields): Fields {
  return Object.fromEntries(
    Object.entries(fields).map(([key, field]) => [
      key,
      key === 'defaults' && field.kind === 'section' ? { ...field, fields: {} } : field,
    ]),
  );
}

function describeDefault(name: string, field: Field, isOption: boolean): string {
  if (field.default !== undefined)
    return `\`${typeof field.default === 'string' ? field.default : JSON.stringify(field.default)}\``;
  // Only an option of the check itself takes the host's address, none inside of another.
  if (isOption && name === 'address' && !field.optional) return '`${host.address}`';
  return field.optional ? '-' : 'required';
}

function describe(field: Field): string {
  switch (field.kind) {
    case 'names':
      return 'map by name';
    case 'section':
    case 'object':
      return 'map';
    case 'checks':
      return 'checks by name';
    case 'thresholds':
      return 'levels by metric';
    case 'public':
      return '`true`, `false` or a map';
    case 'frequency':
      return '`off` or a map';
    case 'switch':
      return '`true` or `false`';
    default:
      return describeOption(field);
  }
}

function describeOption(option: Exclude<Option, { kind: 'object' }>): string {
  switch (option.kind) {
    case 'choice':
      return option.choices.map((choice) => `\`${choice}\``).join(' ');
    case 'url':
      return `address (${option.schemes.join(', ')})`;
    case 'regex':
      return 'regular expression (RE2)';
    case 'scalar':
      return 'text, number, `true` or `false`';
    case 'secret':
      return '`{ file: PATH }` or `{ env: NAME }`';
    case 'boolean':
      return '`true` or `false`';
    case 'duration':
      return `duration${describeLimits(option, formatDuration)}`;
    case 'size':
      return `size${describeLimits(option, formatSize)}`;
    case 'integer':
    case 'number':
      return `${option.kind === 'integer' ? 'whole number' : 'number'}${describeLimits(option, String)}`;
    case 'list':
      return `${option.orOne ? 'one or a ' : ''}list: ${describe(option.item)}`;
    case 'map':
      return `map: ${describe(option.item)}`;
    default:
      return option.kind;
  }
}

function describeLimits(limits: { min?: number; max?: number }, format: (value: number) => string): string {
  const { min, max } = limits;
  if (min === undefined && max === undefined) return '';
  if (min === undefined) return `, at most ${format(max ?? 0)}`;
  return max === undefined ? `, at least ${format(min)}` : `, ${format(min)} to ${format(max)}`;
}

function toTable(head: string[], rows: string[][]): string {
  const toLine = (cells: string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`;
  return [toLine(head), `|${' --- |'.repeat(head.length)}`, ...rows.map(toLine)].join('\n');
}

const INTRODUCTION = `YAML 1.2: one short global file, \`vigie.yaml\`, which does not change when a check is added, and drop-in files, \`conf.d/*.yaml\`,
which hold \`profiles\`, \`hosts\` and \`services\` and can be written by whatever installs a service. A small installation can have everything
in the global file. \`vigie config check\` says every mistake with its place; \`vigie config show\` prints what comes out, and where each setting
came from; \`vigie config schema\` prints a JSON Schema for editors.

Durations are written \`30s 5m 12h 7d\`, sizes \`500MiB\`, shares \`80%\`. Anchors, aliases, tags and merge keys of YAML are not accepted: what
repeats belongs into a profile or into \`defaults\`. An unknown key is an error.`;

const RULES = `## Rules

**Names and ids.** A check's id is \`SERVICE/CHECK\` or \`HOST/CHECK\`; a proxy's own check is \`proxy/NAME\`. Hosts and services share one name
space. Names are made of small letters, digits, \`.\`, \`_\` and \`-\`; \`proxy\`, \`direct\` and \`constructor\` are reserved. The same host, service,
profile, proxy or contact in two files is an error.

**Inheritance.** Built-in value, \`defaults\`, the proxy's \`defaults\`, the host's profiles in their order, host, service, check: the nearer one
wins. Maps merge by key; lists and single values are replaced; \`null\` removes what was inherited, and what is built in counts again. A check
of a profile is changed key by key under the host's \`checks\`, switched off by \`enabled: false\`, removed by \`null\`. Of two profiles that say
different things of one check the later wins, with a warning. The settings of a host hold for the checks of services with that \`host\` too.

**Public.** Nothing is public unless its service says so. With \`public: true\` the service's title stands on the public page, with
\`public: { title, description }\` those words; nothing else of it does. A public service's checks count there, but for those that say
\`public: false\`. Profiles and \`defaults\` cannot make anything public, and checks of hosts are never public.

**Time.** \`timeout\` is for one try; \`retries\` happen within the run: one more after 2s, through a proxy two after 5s. A check's deadline is
all of that together. A profile, host, service or check that asks for more than \`limits.run_deadline\` without an own \`deadline\` is an error;
general defaults are cut instead.

**Variables.** \`\${host.address}\`, \`\${host.name}\` and \`\${service.name}\` in values of options; nothing else is computed. An \`address\` that a
type needs is \`\${host.address}\` by default.

**Thresholds.** Ranges as in the monitoring plug-in guidelines: \`10\` breaks above 10 and below 0, \`"10:"\` below 10, \`"~:10"\` above 10, \`10:20\`
outside, \`"@10:20"\` inside; with units (\`2s\`, \`80%\`, \`"14d:"\`); or \`{ min: 14d, max: 30d }\`. Ranges that end with a colon or begin with
\`@\` must be in quotes. Each type has thresholds of its own, over which a check's are merged.

**Secrets.** \`{ file: /absolute/path }\` or \`{ env: NAME }\`: read when they are used, shown as \`***\`, never kept.

**Mistakes in a running installation.** A file that does not validate is replaced by its last good version, which is kept in
\`STATE/config\`; a drop-in that disappears is used for 24 hours more, unless \`vigie config confirm\` was said. If a mistake shows in a file
that did not change, then what did change goes back. A configuration without a check to run is an error.`;
