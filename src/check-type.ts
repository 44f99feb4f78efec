import type { Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import type { Secret } from './core/configuration.ts';
import type { MetricDeclaration, Observation } from './core/observation.ts';
import type { Bound, Options } from './core/option.ts';
import type { HostReport } from './core/report.ts';

export type { Secret } from './core/configuration.ts';
export { LookFailure, TargetFailure, toFailed } from './core/failure.ts';
export type { Metrics, Observation, Part } from './core/observation.ts';
export type { Bound } from './core/option.ts';
export { option } from './core/option.ts';
export { breaksRange, formatRange } from './core/range.ts';
export { isWorse, type State } from './core/state.ts';
export { cleanBytes, cleanText } from './core/text.ts';
export { formatAge, formatBytes } from './core/unit.ts';

/** Where a socket should lead. `host` is a name or an address; through a proxy the proxy resolves it. */
export interface DialTarget {
  host: string;
  port: number;
  /** Only addresses of this family; default: whichever answers first of those that the name has, in the resolver's order. */
  family?: 4 | 6;
  /** Refuse addresses that are not globally reachable (loopback, private, link-local, mapped ...): for hosts that a peer named. */
  publicOnly?: boolean;
}

export interface ChildCommand {
  /** A program's name or path, never a shell's command line. */
  file: string;
  args: string[];
  /** Bytes of standard output and error that are kept, each. */
  maxOutput?: number;
  /** Address space, bytes; default 512 MiB. */
  maxMemory?: number;
  /** Bytes of any file that it writes; default 64 MiB. */
  maxFile?: number;
  env?: Record<string, string>;
  cwd?: string;
  /** Written to standard input, which is then closed; without it there is nothing to read. */
  input?: Uint8Array;
  /** Speaks with the program instead, over its standard input and output, which is then not kept; the input is closed when it is done. */
  talk?: (input: Writable, output: Readable) => Promise<void>;
}

export interface ChildResult {
  /** null when a signal ended it. */
  exitCode: number | null;
  signal: string | null;
  stdout: string;
  stderr: string;
  truncated: boolean;
}

/** Everything a check may touch. The runner makes one for each try; limits are enforced outside the check. */
export interface Context {
  /** Aborted at the end of this try or of the check's deadline, whichever is first. An abort ends the check within 100 ms. */
  signal: AbortSignal;
  /** A connected socket, direct or through the configured proxy; the check never chooses. Throws TargetFailure or LookFailure. */
  dial(target: DialTarget): Promise<Socket>;
  /** The proxy's name or null: for checks that must know that only TCP with remote names is to be had. */
  via: string | null;
  /** Addresses of a name: literal, /etc/hosts, then DNS with the try's own deadline. Direct checks only. */
  resolve(name: string, family?: 4 | 6): Promise<string[]>;
  /** A confined child process; killed with its group at the deadline. */
  spawn(command: ChildCommand): Promise<ChildResult>;
  /** The secret's text. Throws LookFailure `secret.*`. */
  secret(reference: Secret): string;
  /** Seconds since this try began, monotonic. */
  elapsed(): number;
  /** Start of the batch, milliseconds since 1970: the only clock that verdicts use. */
  now: number;
  /** What the last run of this check left, or undefined. */
  memory: unknown;
  /** The host's verified report of this run, for types that read it: `takeFact` of `src/net/facts.ts` takes one fact. */
  report?: HostReport | undefined;
  /** One step of the conversation, for `vigie check -v`. Never a secret. */
  trace(step: string): void;
}

/** One kind of check: one file in `checks/`, named like its `type`. */
export interface CheckType<O extends Options = Options> {
  type: string;
  /** One sentence. */
  summary: string;
  options: O;
  metrics: Record<string, MetricDeclaration>;
  /** Written as a person writes them in `thresholds:`. */
  thresholds: Record<string, { warning?: string | number; critical?: string | number }>;
  /** Option values that work as they are, for the reference; addresses from the documentation ranges. */
  example: Record<string, unknown>;
  /** Whether it can go through a SOCKS proxy; if not, `via` is a configuration error. */
  proxied: boolean;
  /** It asks Tor itself about onion services: an onion address without `via` is right. */
  asksTor?: true;
  /**
   * It judges what the host's report says: it depends on the host's check `report`, runs with each new report, and finds it in
   * `context.report`. As `alive` too, and then `report` does not depend on it.
   */
  readsReport?: true;
  /** What it looks at, in words for people, without secrets. */
  target(options: Bound<O>): string;
  /** Problems that single options cannot show (two that exclude each other): one sentence each, keyed by option. */
  validate?(options: Bound<O>): Record<string, string>;
  run(options: Bound<O>, context: Context): Promise<Observation>;
}

/** Keeps the types of the options in `run` and forgets them outside. */
export function defineCheckType<const O extends Options>(type: CheckType<O>): CheckType {
  return type as unknown as CheckType;
}
