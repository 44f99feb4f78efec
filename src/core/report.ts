import { FACTS, type FactField, type FactFields, type FactName, type HostFacts } from './report-facts.ts';
import { type Json, type JsonObject, JsonProblem, parseStrictJson } from './report-json.ts';
import { cleanText } from './text.ts';

export type { Fact, FactName, HostFacts } from './report-facts.ts';

/** What a machine says of itself, verified (host-reports.md). */
export interface HostReport {
  host: string;
  /** Higher with each report: an older one that is shown again is a replay. */
  seq: number;
  /** Milliseconds since 1970; whole seconds. */
  created: number;
  /** Seconds between reports, as the machine has it. */
  interval: number;
  /** Another one after each boot; empty where the kernel does not say. */
  boot: string;
  /** The agent's version. */
  agent: string;
  facts: HostFacts;
  /** Facts that are not known here: those of a newer agent. */
  unknownFacts: number;
}

/** The text is no report of version 1: what is wrong. */
export class ReportSchemaProblem extends Error {}

const FIRST_LINE = 'vigie-report 1\n';
const TOP = ['host', 'seq', 'created', 'interval', 'boot', 'agent', 'facts'];
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;

/** What a signature of this host's report is for: one made for anything else, or for another host, is none. */
export function toReportNamespace(host: string): string {
  return `vigie-report-v1@${host}`;
}

/** Reads the signed text, strictly: unknown keys are errors, unknown facts are counted. Throws ReportSchemaProblem. */
export function parseReport(bytes: Uint8Array): HostReport {
  const text = decode(bytes);
  if (!text.startsWith(FIRST_LINE)) refuse('', 'expected "vigie-report 1" in the first line');
  const [line = '', rest] = text.slice(FIRST_LINE.length).split('\n');
  if (rest !== '' || text.split('\n').length !== 3) refuse('', 'expected one line of JSON');
  const top = asObject(parseJson(line), 'report');
  for (const key of Object.keys(top)) if (!TOP.includes(key)) refuse(cleanText(key, 40), 'unknown key');
  const created = takeTime(top['created']);
  const facts = asObject(take(top, 'facts', ''), 'facts');
  const known = Object.keys(facts).filter((name): name is FactName => Object.hasOwn(FACTS, name));
  return {
    host: takeText(top['host'], 'host'),
    seq: takeWhole(top['seq'], 'seq'),
    created,
    interval: takeWhole(top['interval'], 'interval'),
    boot: takeText(top['boot'], 'boot'),
    agent: takeText(top['agent'], 'agent'),
    facts: Object.fromEntries(known.map((name) => [name, readFact(facts[name], name, created / 1000)])) as HostFacts,
    unknownFacts: Object.keys(facts).length - known.length,
  };
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return refuse('', 'not UTF-8');
  }
}

function parseJson(line: string): Json {
  try {
    return parseStrictJson(line);
  } catch (error) {
    if (error instanceof JsonProblem) return refuse('', error.message);
    throw error;
  }
}

function readFact(value: Json | undefined, name: FactName, created: number): object {
  const fact = asObject(value, name);
  if ('unavailable' in fact && Object.keys(fact).length === 1)
    return { unavailable: takeText(fact['unavailable'], `${name}.unavailable`) };
  const { fields } = FACTS[name];
  const { at, ...values } = readFields(fact, { at: { kind: 'time', help: '' }, ...fields }, name);
  // What is said to be from later than the report is from the report's time.
  return { at: Math.min(at as number, created), ...values };
}

function readFields(object: JsonObject, fields: FactFields, path: string): Record<string, unknown> {
  for (const key of Object.keys(object)) if (!Object.hasOwn(fields, key)) refuse(`${path}.${cleanText(key, 40)}`, 'unknown key');
  const values: Record<string, unknown> = {};
  for (const [key, field] of Object.entries(fields)) values[key] = readField(take(object, key, path), field, `${path}.${key}`);
  for (const [key, field] of Object.entries(fields)) {
    const top = field.kind === 'count' && field.atMost !== undefined ? values[field.atMost] : undefined;
    if (typeof top === 'number') values[key] = Math.min(Number(values[key]), top);
  }
  return values;
}

function readField(value: Json, field: FactField, path: string): unknown {
  if (value === null && field.nullable === true) return null;
  switch (field.kind) {
    case 'count':
    case 'time':
      return takeWhole(value, path);
    case 'decimal':
      return typeof value === 'number' ? value : refuse(path, 'expected a number');
    case 'text':
      return takeText(value, path);
    case 'word':
      return typeof value === 'string' && field.words.includes(value)
        ? value
        : refuse(path, `expected one of ${field.words.join(', ')}`);
    case 'flag':
      return typeof value === 'boolean' ? value : refuse(path, 'expected true or false');
    case 'names':
      return asList(value, path).map((item, index) => takeText(item, `${path}[${index}]`));
    case 'list':
      return asList(value, path).map((item, index) => {
        const place = `${path}[${index}]`;
        return readFields(asObject(item, place), field.fields, place);
      });
  }
}

function take(object: JsonObject, key: string, path: string): Json {
  const value = object[key];
  return value === undefined ? refuse(path === '' ? key : `${path}.${key}`, 'missing') : value;
}

function takeWhole(value: Json | undefined, path: string): number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0
    ? value
    : refuse(path, 'expected a whole number of 0 or more');
}

/** What a machine says passes the border here. */
function takeText(value: Json | undefined, path: string): string {
  return typeof value === 'string' ? cleanText(value, 1024) : refuse(path, 'expected text');
}

function takeTime(value: Json | undefined): number {
  const at = typeof value === 'string' && TIME.test(value) ? Date.parse(value) : Number.NaN;
  // A thirtieth of February is read as the first of March.
  const isPlain = !Number.isNaN(at) && new Date(at).toISOString().replace('.000', '') === value;
  return isPlain ? at : refuse('created', 'expected a time such as 2026-11-21T20:00:00Z');
}

function asObject(value: Json | undefined, path: string): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : refuse(path, 'expected an object');
}

function asList(value: Json, path: string): Json[] {
  return Array.isArray(value) ? value : refuse(path, 'expected a list');
}

function refuse(path: string, message: string): never {
  throw new ReportSchemaProblem(path === '' ? message : `${path}: ${message}`);
}
