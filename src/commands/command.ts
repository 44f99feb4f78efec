import type { ParseArgsConfig } from 'node:util';

/** What a command may touch of the process it runs in; `main.ts` alone knows `process`. */
export interface CommandContext {
  /** For people, or the machine-readable output with `--json`. */
  out(text: string): void;
  err(text: string): void;
  /** Standard output is a terminal: progress and tables are welcome. */
  isTerminal: boolean;
  /** Standard error is one: errors need no rate limit. */
  isWatched: boolean;
  color: boolean;
  columns: number;
  cwd: string;
  env: Readonly<Record<string, string | undefined>>;
  /** The user that we are. */
  uid: number;
  /** The one reading of the clock, milliseconds since 1970. */
  now: number;
  version: string;
  /** `--config PATH`, or the first of `./vigie.yaml` and `/etc/vigie` that is there. */
  configPath: string;
  /** Every `--config PATH` that was given, and whether it stood before the command. */
  configs: { path: string; isBefore: boolean }[];
  /** What is used without `--config`: the first of `./vigie.yaml` and `/etc/vigie` that is there, or null. */
  defaultConfig: string | null;
  debug: boolean;
}

/** `values` are the parsed options; `positionals` what is left. */
export interface Arguments {
  values: Record<string, string | boolean | undefined>;
  positionals: string[];
}

export interface Command {
  /** `check PATTERN...` */
  usage: string;
  /** The words that it takes, one text for each form: `add TARGET`, `[PATTERN...]`; none is a command without words. */
  takes: string[];
  summary: string;
  /** One line for each option. */
  help?: string[];
  options?: NonNullable<ParseArgsConfig['options']>;
  /** Where options belong to its verbs: those of each verb that has any. */
  optionsOf?: Readonly<Record<string, readonly string[]>>;
  run(context: CommandContext, given: Arguments): Promise<number>;
}

/** Exit codes of interface.md section 2; `unknown` is the plug-in guidelines' for `vigie check` and `vigie status --exit-code`. */
export const EXIT = { done: 0, partly: 1, usage: 2, locked: 3, unknown: 3 } as const;

/** The command line itself is wrong. */
export class UsageError extends Error {}
