/** A bucket of tokens (alerting.md section 6): so many at once, then one for every pause. */
export interface Bucket {
  tokens: number;
  /** When it was full, or when it last got a token. */
  at: number;
}

export interface Allowance {
  size: number;
  everyMs: number;
}

/** A host may cause four items, then one for every four hours. */
export const PER_HOST: Allowance = { size: 4, everyMs: 4 * 3_600_000 };
/** A recipient gets six messages, then one for every half hour. */
export const PER_RECIPIENT: Allowance = { size: 6, everyMs: 30 * 60_000 };

/** What a bucket holds at `now`; one that was never used is full. A clock that went back adds nothing and takes nothing. */
export function refill(bucket: Bucket | undefined, { size, everyMs }: Allowance, now: number): Bucket {
  if (bucket === undefined || bucket.tokens >= size) return { tokens: size, at: now };
  if (now < bucket.at) return { tokens: bucket.tokens, at: now };
  const gained = Math.floor((now - bucket.at) / everyMs);
  const tokens = Math.min(size, bucket.tokens + gained);
  return { tokens, at: tokens === size ? now : bucket.at + gained * everyMs };
}

/** The bucket without one of its tokens; null when there is none. */
export function takeToken(bucket: Bucket): Bucket | null {
  return bucket.tokens === 0 ? null : { tokens: bucket.tokens - 1, at: bucket.at };
}

/** When an empty bucket has a token again. */
export function nextToken(bucket: Bucket, { everyMs }: Allowance): number {
  return bucket.at + everyMs;
}
