import type { CheckType } from '../check-type.ts';
import type { Check, Configuration, Host, Priority, PublicText, Service } from '../core/configuration.ts';
import { type CheckContext, resolveCheck, toPublicText } from './check.ts';
import { type Defined, type Definitions, getChecks } from './define.ts';
import { type CheckPlan, Layers, toWhere } from './layers.ts';
import { type Dependency, resolveParents } from './parents.ts';
import { type Problem, say } from './problem.ts';
import { findMissingReferences } from './references.ts';
import { findSharedKeys, planReport } from './report.ts';
import { findAddressProblem, resolveGeneral, toSource } from './settings.ts';
import { getNode, isNull, locate, type MapNode, toPlain, toProblem } from './tree.ts';

export interface ResolveRequest {
  definitions: Definitions;
  /** The global file's path. */
  path: string;
  types: ReadonlyMap<string, CheckType>;
  typeNames: string[];
  fingerprint: string;
}

export interface Resolved {
  configuration: Configuration;
  problems: Problem[];
  warnings: Problem[];
}

/** The normal form: everything inherited, every reference checked. The configuration is of use only when there are no problems. */
export function resolveConfiguration(request: ResolveRequest): Resolved {
  const { definitions } = request;
  const problems = definitions.problems;
  const general = definitions.hasGlobal ? resolveGeneral(definitions, request.path) : undefined;
  findMissingReferences(definitions);
  problems.push(...findSharedKeys(definitions));
  const resolver = new Resolver(request, general?.limits.runDeadline ?? Infinity);
  const hosts = resolver.resolveHosts();
  const checks = resolver.resolveParents(resolver.resolveChecks(), hosts);
  const services = resolver.resolveServices(checks);
  if (!definitions.isPartial) resolver.judgeWhole(checks, general?.interval ?? 60);
  const configuration = { ...general, hosts, services, checks, fingerprint: request.fingerprint } as Configuration;
  return { configuration, problems, warnings: resolver.warnings };
}

class Resolver {
  readonly warnings: Problem[] = [];
  private readonly request: ResolveRequest;
  private readonly definitions: Definitions;
  private readonly problems: Problem[];
  private readonly layers: Layers;
  private readonly dependencies = new Map<string, Dependency[]>();
  private readonly runDeadline: number;
  constructor(request: ResolveRequest, runDeadline: number) {
    this.request = request;
    this.definitions = request.definitions;
    this.problems = request.definitions.problems;
    this.layers = new Layers(request.definitions);
    this.runDeadline = runDeadline;
  }

  resolveChecks(): Check[] {
    const { hosts, services, proxies, global } = this.definitions;
    const checks: (Check | undefined)[] = [];
    // What is made from something wrong would only repeat its mistake: its checks are tried by themselves, so that theirs are said too.
    const isSound = ['defaults', 'limits', 'interval'].every((key) => !global.broken.has(key));
    for (const host of hosts.values()) {
      if (isSound && this.isSound(host)) checks.push(...this.resolveHost(host));
      else this.tryChecks(host, {});
    }
    for (const service of services.values()) {
      if (isSound && this.isSound(service)) checks.push(...this.resolveService(service));
      else this.tryChecks(service, {});
    }
    for (const proxy of proxies.values()) if (isSound && proxy.values) checks.push(this.resolveProxy(proxy));
    for (const profile of this.findUnused()) this.tryChecks(profile, isSound && profile.values ? profile : {});
    return checks.filter((check) => check !== undefined).sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  private isSound(owner: Defined): boolean {
    const host = this.findHost(owner);
    if (!owner.values || (host && !host.values)) return false;
    return !host || this.layers.getProfiles(host).every((profile) => profile.values);
  }

  private findHost(owner: Defined): Defined | undefined {
    if (owner.place.segments[0] === 'hosts') return owner;
    const name = toPlain(owner.node) as { host?: unknown };
    if (typeof name.host !== 'string') return undefined;
    const host = this.definitions.hosts.get(name.host);
    if (host || !this.definitions.isPartial) return host;
    return { name: name.host, place: owner.place, node: { kind: 'map', entries: new Map(), place: owner.place }, values: MADE_UP };
  }

  private resolveHost(host: Defined): (Check | undefined)[] {
    const plans = this.layers.planHost(host, (later, earlier) => {
      const message = `host ${host.name} has two profiles that set this: the later one wins, over ${toWhere(earlier)}`;
      this.warnings.push(toProblem(later.place, message));
    });
    const address = host.values?.['address'];
    const problem = typeof address === 'string' ? findAddressProblem(address) : undefined;
    if (problem) this.problems.push(toProblem(locate(host.node, ['address']), problem));
    return problem ? [] : planReport(host, plans, this.request.path).map((plan) => this.resolve(plan, null));
  }

  private resolveService(service: Defined): (Check | undefined)[] {
    const host = this.findHost(service);
    const servicePublic = toServicePublic(service);
    const entries = [...getChecks(service)].filter(([, { node }]) => !isNull(node));
    if (entries.length === 0) this.warnings.push(toProblem(service.place, 'a service without checks: nothing is known of it'));
    return entries.map(([name, entry]) => this.resolve({ name, owner: service, host, definitions: [entry] }, servicePublic));
  }

  /** A proxy is looked at by itself, so that what goes through it is not blamed for it. */
  private resolveProxy(proxy: Defined): Check | undefined {
    const url = new URL(String(proxy.values?.['url']));
    const { place } = proxy;
    const scalar = (value: string | number) => ({ place, node: { kind: 'scalar' as const, value, place } });
    const entries = new Map([
      ['type', scalar('proxy')],
      ['address', scalar(url.hostname.replace(/^\[|\]$/g, ''))],
      ['port', scalar(url.port === '' ? 1080 : Number(url.port))],
      ['via', scalar('direct')],
    ]);
    const node: MapNode = { kind: 'map', entries, place };
    const owner: Defined = { ...proxy, name: 'proxy', node: { ...node, entries: new Map() } };
    return this.resolve({ name: proxy.name, owner, host: undefined, definitions: [{ place, node }] }, null);
  }

  private resolve(plan: CheckPlan, servicePublic: PublicText | null): Check | undefined {
    const context: CheckContext = {
      layers: this.layers,
      types: this.request.types,
      typeNames: this.request.typeNames,
      runDeadline: this.runDeadline,
      isPartial: this.definitions.isPartial,
      servicePublic,
      problems: this.problems,
      warnings: this.warnings,
      dependencies: this.dependencies,
    };
    return resolveCheck(plan, context);
  }

  private findUnused(): Defined[] {
    const used = new Set([...this.definitions.hosts.values()].flatMap((host) => this.layers.getProfiles(host)));
    return [...this.definitions.profiles.values()].filter((profile) => !profile.values || !used.has(profile));
  }

  /**
   * The checks of a profile that no host uses yet, or of what is itself wrong, are tried on a made-up host: what they miss there a real
   * one may still add, and how long they take depends on what they would inherit.
   */
  private tryChecks(of: Defined, { node }: { node?: MapNode }): void {
    const before = this.problems.length;
    const owner: Defined = { ...of, node: node ?? { kind: 'map', entries: new Map(), place: of.place }, values: MADE_UP };
    const publicText = of.place.segments[0] === 'services' ? { title: of.name, description: '' } : null;
    for (const [name, entry] of getChecks(of)) {
      if (!isNull(entry.node) && getNode(entry.node, 'type'))
        this.resolve({ name, owner, host: owner, definitions: [entry] }, publicText);
    }
    const found = this.problems.splice(before);
    this.problems.push(...found.filter(({ message }) => !/^(missing|too long for one run)/.test(message)));
  }

  resolveServices(checks: Check[]): Record<string, Service> {
    const known = new Set(checks.map((check) => check.id));
    const services: Record<string, Service> = {};
    for (const service of this.definitions.services.values()) {
      if (!service.values) continue;
      const values = service.values as unknown as ServiceValues;
      const base = this.layers.getBase({ owner: service, host: this.findHost(service) }, 'direct');
      services[service.name] = {
        name: service.name,
        title: values.title ?? service.name,
        host: values.host ?? null,
        group: values.group,
        neededBy: values.needed_by ?? [],
        priority: (toPlain(base) as { priority?: Priority }).priority ?? 'medium',
        public: toServicePublic(service),
        any: this.resolveAny(service, values, known),
        notes: (toPlain(service.node) as { notes?: string }).notes ?? null,
        source: toSource(service.place),
      };
    }
    return services;
  }

  private resolveAny(service: Defined, values: ServiceValues, known: Set<string>): Service['any'] {
    if (!values.any) return null;
    const { of, at_least: atLeast } = values.any;
    const ids = of.map((id) => (id.includes('/') ? id : `${service.name}/${id}`));
    const node = getNode(service.node, 'any');
    if (!node) return null;
    for (const [index, id] of ids.entries()) {
      if (known.has(id) || this.problems.length > 0 || this.definitions.isPartial) continue;
      this.problems.push(
        toProblem(locate(node, ['of', index]), say('unknown check', 'a check of this service, or an id', of[index])),
      );
    }
    if (atLeast > ids.length) {
      this.problems.push(toProblem(locate(node, ['at_least']), say('more than there are', `at most ${ids.length}`, atLeast)));
    }
    return { of: ids, atLeast };
  }

  resolveParents(checks: Check[], hosts: Record<string, Host>): Check[] {
    const { dependencies, problems, definitions } = this;
    const placeOf = (name: string) => getNode(definitions.hosts.get(name)?.node, 'parents')?.place;
    const { types } = this.request;
    return resolveParents({ checks, hosts, dependencies, types, placeOf, isPartial: definitions.isPartial, problems });
  }

  resolveHosts(): Record<string, Host> {
    const hosts: Record<string, Host> = {};
    for (const host of this.definitions.hosts.values()) {
      if (!host.values) continue;
      const values = host.values as {
        address?: string;
        labels?: Record<string, string>;
        profiles?: string[];
        parents?: string[];
        notes?: string;
      };
      const { address = null, labels = {}, profiles = [], parents = [], notes = null } = values;
      hosts[host.name] = { name: host.name, address, labels, profiles, parents, notes, source: toSource(host.place) };
    }
    return hosts;
  }

  /** [case F07] A configuration that looks at nothing would publish that all is well. */
  judgeWhole(checks: Check[], interval: number): void {
    const own = checks.filter((check) => !check.id.startsWith('proxy/'));
    const { place } = this.definitions.global.root;
    if (this.problems.length === 0 && !own.some((check) => check.enabled)) {
      const found = own.length === 0 ? 'none' : `${own.length}, all with enabled: false`;
      this.problems.push(toProblem(place, `no check to run, expected at least one in hosts or services, found ${found}`));
    }
    const mute = own.filter((check) => check.enabled && check.contacts.length === 0);
    if (mute.length > 0) {
      const message = `${mute.length} checks without contacts: nobody is told when they fail (the first is ${mute[0]?.id})`;
      this.warnings.push(toProblem(place, message));
    }
    for (const check of own) {
      if (check.every >= interval && check.recheck <= check.every) continue;
      const message = check.every < interval ? 'every is shorter than the interval between runs' : 'recheck is longer than every';
      const at = { file: check.source.file, line: check.source.line, column: 1 };
      this.warnings.push({ ...at, path: check.id, message });
    }
  }
}

/** Stands for a host that another file defines: an address of RFC 5737. */
const MADE_UP = { address: '192.0.2.1' };

interface ServiceValues {
  title?: string;
  host?: string;
  group: string;
  needed_by?: string[];
  public?: unknown;
  any?: { of: string[]; at_least: number };
}

function toServicePublic(service: Defined): PublicText | null {
  const values = (service.values ?? {}) as Partial<ServiceValues>;
  return toPublicText(values.public, { title: values.title ?? service.name, description: '' });
}
