import type { CheckType } from '../check-type.ts';
import { CHECK } from './check-fields.ts';
import { findFurther } from './further.ts';
import type { CheckPlan } from './layers.ts';
import { findOnionProblem } from './onion.ts';
import { didYouMean, type Problem, say } from './problem.ts';
import { bind, type Mistake, type Schema, toObjectSchema } from './schema.ts';
import { substitute, type Variables } from './substitute.ts';
import { locate, type MapNode, type Place, toPlain, toProblem } from './tree.ts';

const optionSchemas = new WeakMap<CheckType, Schema>();

interface Binding {
  plan: CheckPlan;
  place: Place;
  problems: Problem[];
}

/** Options of a check's type with variables replaced and defaults filled in; undefined when something is wrong. */
export function bindOptions(
  type: CheckType,
  node: MapNode,
  { plan, place, problems }: Binding,
): Record<string, unknown> | undefined {
  const host = plan.host?.values;
  const variables: Variables = {
    'host.address': host?.['address'] as string | undefined,
    'host.name': plan.host?.name,
    'service.name': plan.owner.place.segments[0] === 'services' ? plan.owner.name : undefined,
  };
  const written = { ...toDefaults(type, variables), ...(toPlain(node) as Record<string, unknown>) };
  const { value, mistakes } = substitute(written, variables);
  const report = (path: readonly PropertyKey[], message: string, atKey = false) =>
    problems.push(toProblem(locate({ ...node, place }, path, atKey), message));
  for (const mistake of mistakes) report(mistake.path, mistake.message);
  const schema = optionSchemas.get(type) ?? toObjectSchema(type.options, `a check of type ${type.type}`);
  optionSchemas.set(type, schema);
  const bound = bind(schema, value);
  const isOpen = ({ path }: Mistake) => mistakes.some((open) => open.path.every((part, index) => part === path[index]));
  for (const mistake of bound.mistakes ?? [])
    if (!isOpen(mistake)) report(mistake.path, advise(mistake, { type, plan }), mistake.atKey);
  if (bound.mistakes || mistakes.length > 0) {
    const wrong = [...mistakes.map(({ path }) => ({ path, message: '', atKey: false })), ...(bound.mistakes ?? [])];
    for (const [key, message] of Object.entries(findFurther(type, schema, value as Record<string, unknown>, wrong)))
      report([key], message, true);
    return undefined;
  }
  const options = bound.value as Record<string, unknown>;
  for (const { path, host } of findHosts(options, [])) {
    const problem = node.entries.has(String(path[0])) ? findOnionProblem(host) : undefined;
    if (problem) report(path, say(problem, '56 letters and digits before .onion', host));
  }
  for (const [key, message] of Object.entries(type.validate?.(options as never) ?? {})) report([key], message, true);
  return options;
}

/** Texts that are a host name or a web address, however deep. */
export function findHosts(value: unknown, path: (string | number)[]): { path: (string | number)[]; host: string }[] {
  if (Array.isArray(value)) return value.flatMap((item, index) => findHosts(item, [...path, index]));
  if (typeof value === 'object' && value !== null)
    return Object.entries(value).flatMap(([key, item]) => findHosts(item, [...path, key]));
  if (typeof value !== 'string' || !value.includes('.onion')) return [];
  const host = /^(?:[a-z][a-z0-9+.-]*:\/\/)?([^\s/:?#]+\.onion)(?:[:/?#]|$)/i.exec(value)?.[1];
  return host === undefined ? [] : [{ path, host }];
}

/** An unknown option may be a mistyped setting, or belong into a group such as `tls`, and an address may come from the host. */
function advise({ message, path }: Mistake, { type, plan }: { type: CheckType; plan: CheckPlan }): string {
  if (path.length !== 1) return message;
  if (path[0] === 'address' && message.startsWith('missing')) {
    return `${message}, or an address of ${plan.host ? `host ${plan.host.name}` : 'a host that the service names'}`;
  }
  if (!message.startsWith('unknown key') || message.includes('did you mean')) return message;
  const key = String(path[0]);
  const group = Object.entries(type.options).find(([, each]) => each.kind === 'object' && Object.hasOwn(each.fields, key));
  return `${message}${group ? ` (did you mean "${group[0]}.${key}"?)` : didYouMean(key, Object.keys(CHECK))}`;
}

/** Defaults that name variables, and the host's address where a type needs an `address`. */
function toDefaults(type: CheckType, variables: Variables): Record<string, unknown> {
  const defaults: Record<string, unknown> = {};
  for (const [key, option] of Object.entries(type.options)) {
    const isVariable = typeof option.default === 'string' && option.default.includes('${');
    const isAddress = option.default === HOST_ADDRESS || (key === 'address' && option.default === undefined && !option.optional);
    // Without an address of the host the option is missing, and that is what is said.
    if (isAddress && variables['host.address'] !== undefined) defaults[key] = variables['host.address'];
    else if (isVariable && !isAddress) defaults[key] = option.default;
  }
  return defaults;
}

const HOST_ADDRESS = '${host.address}';
