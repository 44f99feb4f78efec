import { CHECK, INHERITABLE } from './check-fields.ts';
import { type Defined, type Definitions, getChecks } from './define.ts';
import { type Entry, getNode, isNull, type MapNode, mergeNodes, type Node, type OnReplace, toLine, toPlain } from './tree.ts';

/** One check as it was written, nearest layer last. */
export interface CheckPlan {
  name: string;
  /** The host or service that it belongs to. */
  owner: Defined;
  host: Defined | undefined;
  /** Its own entries: those of profiles in their order, then the owner's. */
  definitions: Entry[];
}

/** What two profiles of one host say differently. */
export type OnConflict = (later: Node, earlier: Node) => void;

/** Settings above the check itself: defaults, its proxy's defaults, profiles, host, service; each nearer one wins. */
export class Layers {
  private readonly definitions: Definitions;
  private readonly bases = new Map<string, MapNode>();
  constructor(definitions: Definitions) {
    this.definitions = definitions;
  }

  /** The proxy that a check goes through: the proxies' defaults cannot name one. */
  findVia(plan: CheckPlan): string {
    let via: Node | undefined = getNode(this.getBase(plan, 'direct'), 'via');
    for (const { node } of plan.definitions) {
      const own = getNode(node, 'via');
      if (own) via = isNull(own) ? undefined : own;
    }
    return via?.kind === 'scalar' ? String(via.value) : 'direct';
  }

  getBase(plan: Pick<CheckPlan, 'owner' | 'host'>, via: string): MapNode {
    const key = `${plan.owner.place.segments[0]} ${plan.owner.name} ${via}`;
    const known = this.bases.get(key);
    if (known) return known;
    const proxy = this.definitions.proxies.get(via);
    const profiles = plan.host ? this.getProfiles(plan.host) : [];
    const layers = [
      getNode(this.definitions.global.root, 'defaults'),
      proxy && getNode(proxy.node, 'defaults'),
      ...profiles.map((profile) => profile.node),
      plan.host?.node,
      plan.owner.node,
    ];
    let base: MapNode = { kind: 'map', entries: new Map(), place: plan.owner.place };
    for (const layer of layers) {
      if (layer?.kind !== 'map') continue;
      const merged = mergeNodes(base, pickInheritable(layer));
      if (merged?.kind === 'map') base = merged;
    }
    this.bases.set(key, base);
    return base;
  }

  /** Profiles of a host in their order; unknown ones are reported elsewhere. */
  getProfiles(host: Defined): Defined[] {
    const list = getNode(host.node, 'profiles');
    const names = list?.kind === 'list' ? list.items.map((item) => String(toPlain(item))) : [];
    return names.flatMap((name) => this.definitions.profiles.get(name) ?? []);
  }

  planHost(host: Defined, onConflict: OnConflict): CheckPlan[] {
    const plans = new Map<string, CheckPlan>();
    let settings: Node | undefined;
    for (const profile of this.getProfiles(host)) {
      settings = mergeNodes(settings, pickInheritable(profile.node), toComparison(onConflict));
      for (const [name, entry] of getChecks(profile))
        this.addDefinition(plans, { name, owner: host, host, definitions: [entry] }, onConflict);
    }
    for (const [name, entry] of getChecks(host))
      this.addDefinition(plans, { name, owner: host, host, definitions: [entry] }, () => {});
    return [...plans.values()];
  }

  private addDefinition(plans: Map<string, CheckPlan>, plan: CheckPlan, onConflict: OnConflict): void {
    const entry = plan.definitions[0];
    if (!entry) return;
    if (isNull(entry.node)) {
      plans.delete(plan.name);
      return;
    }
    const known = plans.get(plan.name);
    if (!known) {
      plans.set(plan.name, plan);
      return;
    }
    const earlier = known.definitions.reduce<Node | undefined>((base, { node }) => mergeNodes(base, node), undefined);
    mergeNodes(earlier, entry.node, toComparison(onConflict));
    known.definitions.push(entry);
  }
}

function pickInheritable(layer: MapNode): MapNode {
  const entries = new Map([...layer.entries].filter(([name]) => Object.hasOwn(INHERITABLE, name)));
  return { kind: 'map', entries, place: layer.place };
}

function toComparison(onConflict: OnConflict): OnReplace {
  return (replaced, by) => {
    if (JSON.stringify(toPlain(replaced)) !== JSON.stringify(toPlain(by))) onConflict(by, replaced);
  };
}

/** The settings and the options of a merged check apart. */
export function splitCheck(node: MapNode): { settings: MapNode; options: MapNode } {
  const settings: MapNode = { kind: 'map', entries: new Map(), place: node.place };
  const options: MapNode = { kind: 'map', entries: new Map(), place: node.place };
  for (const [key, entry] of node.entries) (Object.hasOwn(CHECK, key) ? settings : options).entries.set(key, entry);
  return { settings, options };
}

/** `file:line` of a node. */
export function toWhere(node: Node): string {
  return `${node.place.file.name}:${toLine(node.place).line}`;
}
