import { TargetFailure } from '../core/failure.ts';
import { cleanText } from '../core/text.ts';
import { parsePath, valuesAt } from './json-path.ts';

/** A block every ten minutes: this is two hundred years away. What is more is no height. */
const MAX_HEIGHT = 10_000_000;

/**
 * The height that an answer holds: the text itself, or the number at a path of a JSON document. Throws TargetFailure `bitcoin.height`
 * for what is no whole number of a chain, `bitcoin.answer` for what is no JSON.
 */
export function parseHeight(text: string, path?: string): number {
  if (path === undefined) {
    const trimmed = text.trim();
    return toHeight(/^\d{1,10}$/.test(trimmed) ? Number(trimmed) : trimmed);
  }
  const values = valuesAt(parseDocument(text), parsePath(path) ?? []);
  if (values.length !== 1)
    throw new TargetFailure('bitcoin.height', `${values.length} values at ${cleanText(path, 40)}, expected 1`);
  return toHeight(values[0]);
}

/** The answer to one JSON-RPC call. bitcoind sends errors with HTTP 500, and while it starts (error -28) too. */
export function parseRpcHeight(text: string, id: string): number {
  const answer = parseDocument(text);
  if (typeof answer !== 'object' || answer === null || Array.isArray(answer)) {
    throw new TargetFailure('bitcoin.answer', 'the answer is no JSON-RPC object');
  }
  const { result, error, id: found } = answer as Record<string, unknown>;
  if (typeof error === 'object' && error !== null) {
    const { code, message } = error as Record<string, unknown>;
    throw new TargetFailure('bitcoin.error', `the node says ${cleanText(`${String(message)} (${String(code)})`, 100)}`);
  }
  if (found !== id) throw new TargetFailure('bitcoin.answer', 'the answer belongs to another request');
  return toHeight(result);
}

function parseDocument(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new TargetFailure('bitcoin.answer', `the answer is no JSON: "${cleanText(text, 30)}"`, { cause: error });
  }
}

function toHeight(value: unknown): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MAX_HEIGHT) return value;
  const seen = typeof value === 'object' && value !== null ? 'a structure' : cleanText(JSON.stringify(value) ?? 'nothing', 30);
  throw new TargetFailure('bitcoin.height', `height is ${seen}, expected a whole number up to ${MAX_HEIGHT}`);
}

export interface Voice {
  name: string;
  height: number;
}

export interface Vote {
  /** The middle height of those who agree; null when they are too few, or as many as others who agree on something else. */
  height: number | null;
  agreeing: Voice[];
  outvoted: Voice[];
}

/**
 * The largest group of voices within `tolerance` blocks of each other. Honest sources hear of a block at different times; a liar among
 * them cannot move the middle further than the tolerance.
 */
export function vote(voices: readonly Voice[], quorum: number, tolerance: number): Vote {
  const sorted = [...voices].sort((a, b) => a.height - b.height);
  const groups = sorted.map(({ height }) => sorted.filter((one) => one.height >= height && one.height <= height + tolerance));
  const best = groups.reduce<Voice[]>((most, group) => (group.length > most.length ? group : most), []);
  // Two groups that share no voice and are of one size: nobody knows which of them is right.
  const isSplit = groups.some((group) => group.length === best.length && !group.some((one) => best.includes(one)));
  const agreeing = isSplit || best.length < quorum ? [] : best;
  const middle = agreeing[Math.floor(agreeing.length / 2)];
  return { height: middle?.height ?? null, agreeing, outvoted: sorted.filter((one) => !agreeing.includes(one)) };
}
