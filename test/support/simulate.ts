import { chooseDue } from '../../src/core/batch.ts';
import type { Check, Configuration } from '../../src/core/configuration.ts';
import { evaluate } from '../../src/core/evaluate.ts';
import type { SentinelReport } from '../../src/core/isolation.ts';
import type { Item, WithheldItem } from '../../src/core/item.ts';
import { type Plan, planNotifications } from '../../src/core/notify.ts';
import type { Result } from '../../src/core/observation.ts';
import { judgeOurselves, type Situation, USUAL_SITUATION } from '../../src/core/ourselves.ts';
import { nextDueAt } from '../../src/core/schedule.ts';
import type { State } from '../../src/core/state.ts';
import type { Status } from '../../src/core/status.ts';

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** What a check would see. */
export type Seen = State | { state: State; code?: string };

export interface World {
  see(check: Check, at: number): Seen;
  sentinels?(at: number): SentinelReport[];
}

/** Runs of a made-up world, minute by minute, through the very functions that a run goes through: what is due, ourselves, rules, items. */
export class Simulation {
  readonly items: Item[] = [];
  readonly withheld: WithheldItem[] = [];
  readonly results: Result[] = [];
  statuses = new Map<string, Status>();
  private readonly configuration: Configuration;
  private situation: Situation = USUAL_SITUATION;
  private now: number;
  private run = 0;
  private previousAt: number | null = null;
  private nextAt: number;
  /** Keeps every result, for those who ask. */
  private readonly keepsResults: boolean;

  constructor(configuration: Configuration, start: number, options: { keepsResults?: boolean } = {}) {
    this.configuration = configuration;
    this.now = start;
    this.nextAt = start;
    this.keepsResults = options.keepsResults ?? false;
  }

  /** Runs once each interval, up to and without `end`; runs with nothing due are passed over, as they are in a real one. */
  until(end: number, world: World): this {
    const step = this.configuration.interval * 1000;
    for (; this.now < end; this.now += step) {
      if (this.now < this.nextAt - step / 2) continue;
      this.batch(world);
    }
    return this;
  }

  private batch(world: World): Plan {
    const { configuration, now, statuses } = this;
    this.run += 1;
    const due = chooseDue(configuration, statuses, { now, force: null });
    const seen = due.map(({ check, due: kind }) => this.look(check, world.see(check, now), kind === 'scheduled'));
    const own = judgeOurselves(configuration, statuses, seen, {
      run: this.run,
      now,
      situation: this.situation,
      sentinels: due.length === 0 ? [] : (world.sentinels?.(now) ?? []),
      // Runs that are passed over are runs all the same.
      previousAt: this.previousAt === null ? null : now - configuration.interval * 1000,
      isSynchronised: null,
    });
    const evaluated = evaluate(configuration, statuses, own.results, now);
    const plan = planNotifications(configuration, statuses, evaluated, {
      run: this.run,
      now,
      isFirstRun: false,
      pastProblems: () => [],
      whole: own.news,
      situation: own.situation,
    });
    this.statuses = plan.statuses;
    this.situation = plan.situation;
    this.previousAt = now;
    this.nextAt = nextDueAt(configuration, plan.statuses, now);
    this.items.push(...plan.items);
    this.withheld.push(...plan.withheld);
    if (this.keepsResults) this.results.push(...evaluated.map(({ result }) => result));
    return plan;
  }

  private look(check: Check, seen: Seen, scheduled: boolean): Result {
    const { state, code = '' } = typeof seen === 'string' ? { state: seen } : seen;
    return {
      check: check.id,
      at: this.now,
      run: this.run,
      state,
      code,
      output: `seen ${state}`,
      metrics: {},
      parts: [],
      scheduled,
      withheld: null,
      duration: 0.1,
    };
  }
}

/** `website/front-page problem CRITICAL`, with the minutes since `start` in front. */
export function describeItems(items: Item[], start: number): string[] {
  return items.map(({ at, check, host, kind, state }) => {
    const words = [`+${Math.round((at - start) / MINUTE)}`, check ?? host, kind, state];
    return words.filter((word) => word !== null).join(' ');
  });
}

/** Numbers of [0, 1) that are the same in every run: mulberry32. */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
