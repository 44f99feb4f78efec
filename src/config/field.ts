import { type Option, option } from '../core/option.ts';

/**
 * What a configuration file may hold, as plain declarations like those of a check type's options: the loader's schema, the
 * JSON Schema and the reference are made from them. Some kinds exist only here.
 */
export type Field =
  | Option
  /** A map with fixed keys. */
  | Section
  /** A map with names as keys. */
  | { kind: 'names'; help: string; item: Field; optional: true; default?: undefined }
  /** Checks by name: settings, and the options of their type. */
  | { kind: 'checks'; help: string; optional: true; default?: undefined }
  /** Levels by metric. */
  | { kind: 'thresholds'; help: string; optional: true; default?: undefined }
  /** `true`, `false` or `{ title, description }`. */
  | { kind: 'public'; help: string; optional: true; default?: undefined }
  /** FREQUENCY, or `off`. */
  | { kind: 'frequency'; help: string; optional: true; default?: undefined }
  /** `true` or `false`; `on` and `off` mean the same. */
  | { kind: 'switch'; help: string; optional?: undefined; default: boolean };
export type Fields = Record<string, Field>;
export interface Section {
  kind: 'section';
  help: string;
  fields: Fields;
  optional: true;
  default?: undefined;
}

/** Names become ids and names of pages: never a path, never a shell's word. */
export const NAME = '[a-z0-9][a-z0-9._-]*';
/** `proxy` is the owner of the proxies' checks; `constructor` is a member of every JavaScript object; `direct` means no proxy. */
export const RESERVED = ['proxy', 'constructor', 'direct'];

export const section = (help: string, fields: Fields): Section => ({ kind: 'section', help, fields, optional: true });
export const names = (help: string, item: Field): Field => ({ kind: 'names', help, item, optional: true });
/** Text that may become a header of a mail or a line of a page: no line break and no other control character. */
export const line = (help: string, extra: { default?: string; optional?: true } = {}) =>
  option.text(help, { pattern: '[^\\p{Cc}\\p{Zl}\\p{Zp}]*', maxLength: 500, ...extra });
export const optional = { optional: true } as const;
export const publicField = (help: string): Field => ({ kind: 'public', help, optional: true });
export const checksField = (help: string): Field => ({ kind: 'checks', help, optional: true });
