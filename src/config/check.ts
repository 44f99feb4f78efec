import type { CheckType } from '../check-type.ts';
import type { Check, Priority, PublicText } from '../core/configuration.ts';
import { cleanText } from '../core/text.ts';
import { CHECK } from './check-fields.ts';
import { resolveFrequency } from './frequency.ts';
import { type CheckPlan, type Layers, splitCheck } from './layers.ts';
import { bindOptions, findHosts } from './options.ts';
import type { Dependency } from './parents.ts';
import { didYouMean, type Problem, say } from './problem.ts';
import { resolveReminders } from './remind.ts';
import { bind, type Schema, toObjectSchema } from './schema.ts';
import { resolveThresholds, toThresholdNode } from './threshold.ts';
import { planTime, type Settings } from './time.ts';
import {
  type Entry,
  getNode,
  locate,
  type MapNode,
  mergeNodes,
  type Node,
  type Place,
  toLayer,
  toLine,
  toPlain,
  toProblem,
} from './tree.ts';

export interface CheckContext {
  layers: Layers;
  types: ReadonlyMap<string, CheckType>;
  typeNames: string[];
  runDeadline: number;
  /** What is not defined may stand in a file that is not here. */
  isPartial: boolean;
  /** Public text of the check's service, or null. */
  servicePublic: PublicText | null;
  problems: Problem[];
  warnings: Problem[];
  /** Filled: what each check says in `depends_on`, resolved when all checks are known. */
  dependencies: Map<string, Dependency[]>;
}

const { type: _type, thresholds: _thresholds, public: _public, ...BOUND } = CHECK;
let settingsSchema: Schema | undefined;

/** One check with everything inherited, or undefined when something in it is wrong: straight-line wiring, one line for each field. */
export function resolveCheck(plan: CheckPlan, context: CheckContext): Check | undefined {
  const place = plan.definitions.at(-1)?.place ?? plan.owner.place;
  const type = findType(plan, place, context);
  if (!type) return undefined;
  const before = context.problems.length;
  const via = context.layers.findVia(plan);
  const merged = merge(plan, context.layers.getBase(plan, via), type);
  const { settings: node, options } = splitCheck(merged);
  const settings = bindSettings(node, context);
  const bound = bindOptions(type, options, { plan, place, problems: context.problems });
  const thresholds = resolveThresholds(type, getNode(node, 'thresholds'), context.problems);
  const service = plan.owner.place.segments[0] === 'services' ? plan.owner.name : null;
  const publicText = resolvePublic(node, service, context);
  if (!settings || !bound || context.problems.length > before) return undefined;
  const check: Check = {
    id: `${plan.owner.name}/${plan.name}`,
    name: plan.name,
    host: plan.host?.name ?? null,
    service,
    type: type.type,
    options: bound,
    target: cleanText(type.target(bound as never)),
    enabled: settings.enabled,
    // What reads a report that is there already goes through nothing.
    via: via === 'direct' || type.readsReport === true ? null : via,
    ...planTime(settings, node, via !== 'direct', context),
    attempts: settings.attempts,
    recoveries: settings.recoveries,
    unknownAttempts: settings.unknown_attempts,
    frequency: resolveFrequency(settings.frequency, node, context.problems),
    dailyPattern: settings.daily_pattern,
    thresholds,
    contacts: settings.contacts ?? [],
    priority: settings.priority as Priority,
    escalate: settings.escalate ?? [],
    remind: resolveReminders(settings.remind, node, context.problems),
    public: publicText,
    impact: settings.impact,
    notes: settings.notes ?? null,
    parents: [],
    source: { file: place.file.name, line: toLine(place).line },
    origins: findOrigins(merged, type, plan),
  };
  checkVia(type, check, { node, options, place }, context);
  if (settings.depends_on !== undefined) context.dependencies.set(check.id, toDependencies(settings.depends_on, node));
  return context.problems.length > before ? undefined : check;
}

function toDependencies(written: string[], node: MapNode): Dependency[] {
  return written.map((each, index) => ({ written: each, place: locate(node, ['depends_on', index]) }));
}

function findType(plan: CheckPlan, place: Place, context: CheckContext): CheckType | undefined {
  let node: Node | undefined;
  for (const definition of plan.definitions) node = getNode(definition.node, 'type') ?? node;
  const name = node?.kind === 'scalar' && typeof node.value === 'string' ? node.value : undefined;
  if (name === undefined) {
    // The type may come from a profile of a file that is not here.
    const isOverride = context.isPartial && plan.owner.values?.['profiles'] !== undefined;
    if (!isOverride) context.problems.push(toProblem(place, say('no type', 'type: one of those that `vigie types` lists')));
    return undefined;
  }
  const type = context.types.get(name);
  if (!type) {
    const near = didYouMean(name, context.typeNames);
    const message = `${say('unknown check type', context.typeNames.join(', '), name)}${near}`;
    context.problems.push(toProblem(node?.place ?? place, message));
  }
  return type;
}

function merge(plan: CheckPlan, base: MapNode, type: CheckType): MapNode {
  const place = plan.definitions.at(-1)?.place ?? plan.owner.place;
  const thresholds = toThresholdNode(type, place.file);
  let merged: MapNode = {
    ...base,
    entries: new Map(base.entries).set('thresholds', { place: thresholds.place, node: thresholds }),
  };
  for (const { node } of plan.definitions) {
    const next = mergeNodes(merged, node);
    if (next?.kind === 'map') merged = next;
  }
  return { ...merged, place };
}

function bindSettings(node: MapNode, context: CheckContext): Settings | undefined {
  settingsSchema ??= toObjectSchema(BOUND, 'a check');
  const plain = toPlain(node) as Record<string, unknown>;
  const { type, thresholds, public: _shown, ...rest } = plain;
  const bound = bind(settingsSchema, rest);
  for (const { path, message, atKey } of bound.mistakes ?? []) context.problems.push(toProblem(locate(node, path, atKey), message));
  return bound.value as Settings | undefined;
}

/** Words on the public site come from a public text only: the service's, or the check's own. */
function resolvePublic(node: MapNode, service: string | null, context: CheckContext): PublicText | null {
  const own = getNode(node, 'public');
  if (!own) return service === null ? null : context.servicePublic;
  if (own.place.segments[0] === 'profiles') {
    context.problems.push(toProblem(own.place, say('public in a profile', 'it in a service or its check: it is never inherited')));
  } else if (service === null) {
    context.problems.push(
      toProblem(own.place, say('public in a check of a host', 'it in a service: the public page lists services')),
    );
  } else if (!context.servicePublic && toPlain(own) !== false) {
    context.problems.push(
      toProblem(own.place, say('public check of a service that is not public', `services.${service}.public too`)),
    );
  }
  return toPublicText(toPlain(own), context.servicePublic);
}

/** `true` takes the words of `inherited`. */
export function toPublicText(value: unknown, inherited: PublicText | null): PublicText | null {
  if (value === undefined || value === false || inherited === null) return null;
  if (value === true) return inherited;
  const { title, description } = value as { title?: string; description?: string };
  return { title: title ?? inherited.title, description: description ?? '' };
}

function checkVia(
  type: CheckType,
  check: Check,
  at: { node: MapNode; options: MapNode; place: Place },
  context: CheckContext,
): void {
  if (check.via !== null && !type.proxied) {
    const via = getNode(at.node, 'via');
    const message = say(`type ${type.type} cannot go through a proxy`, 'via: direct for this check', check.via);
    context.problems.push(toProblem(via?.place.segments.includes('checks') ? via.place : at.place, message));
  }
  const onion = findHosts(check.options, []).find(({ host }) => host.endsWith('.onion'));
  if (onion && check.via === null && !type.asksTor) {
    const place = locate({ ...at.options, place: at.place }, onion.path);
    context.warnings.push(toProblem(place, 'an onion address without a proxy: it can be reached through `via` only'));
  }
}

function findOrigins(merged: MapNode, type: CheckType, plan: CheckPlan): Record<string, string> {
  const origins: Record<string, string> = {};
  const note = (key: string, entry: Entry | undefined, otherwise: string) => {
    origins[key] = entry ? toLayer(entry.node.place) : otherwise;
  };
  for (const key of Object.keys(CHECK)) {
    if (key !== 'retries' && key !== 'thresholds') note(key, merged.entries.get(key), 'default');
  }
  const retries = merged.entries.get('retries')?.node;
  for (const key of ['times', 'after'])
    note(`retries.${key}`, retries?.kind === 'map' ? retries.entries.get(key) : undefined, 'default');
  for (const key of Object.keys(type.options)) note(key, merged.entries.get(key), `type ${type.type}`);
  const isHosts =
    !merged.entries.has('address') && Object.hasOwn(type.options, 'address') && plan.host?.values?.['address'] !== undefined;
  if (isHosts) origins['address'] = `host ${plan.host?.name}`;
  const isServices = !merged.entries.has('public') && getNode(plan.owner.node, 'public') !== undefined;
  if (isServices) origins['public'] = `service ${plan.owner.name}`;
  const thresholds = merged.entries.get('thresholds')?.node;
  if (thresholds?.kind !== 'map') return origins;
  for (const [metric, { node }] of thresholds.entries) {
    for (const [level, entry] of node.kind === 'map' ? node.entries : []) note(`thresholds.${metric}.${level}`, entry, 'default');
  }
  return origins;
}
