import type { CheckType } from '../../src/check-type.ts';
import type { Option, Options } from '../../src/core/option.ts';

const SECONDS: Record<string, number> = { ms: 0.001, s: 1, m: 60, h: 3600, d: 86_400 };
const BYTES: Record<string, number> = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };

/** Options of a check type with their defaults, as the loader binds them; values are given already bound. */
export function bind(type: CheckType, values: Record<string, unknown>): never {
  return bindAll(type.options, values) as never;
}

function bindAll(options: Options, values: Record<string, unknown>): Record<string, unknown> {
  const bound: Record<string, unknown> = { ...values };
  for (const [name, option] of Object.entries(options)) {
    const given = values[name];
    if (given === undefined) bound[name] = toDefault(option);
    else if (option.kind === 'object') bound[name] = bindAll(option.fields, given as Record<string, unknown>);
    else if (option.kind === 'list' && !Array.isArray(given)) bound[name] = [given];
  }
  return bound;
}

function toDefault(option: Option): unknown {
  const unit = option.kind === 'duration' ? SECONDS : option.kind === 'size' ? BYTES : null;
  if (unit === null || typeof option.default !== 'string') return option.default;
  const [, number, suffix] = /^([\d.]+)(\w+)$/.exec(option.default) ?? [];
  return Number(number) * (unit[suffix ?? ''] ?? Number.NaN);
}
