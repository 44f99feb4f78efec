import type { Configuration } from './configuration.ts';
import type { Item, WithheldItem } from './item.ts';
import { describeCheck } from './item-facts.ts';
import { Mailbag, type PlannedMessage } from './mailbag.ts';
import type { ReplayedRun } from './replay.ts';
import type { Status } from './status.ts';
import { type Telling, type TellingContext, tell } from './telling.ts';

/** Who would have got which mail, and when: the budgets of a run on a replay's items. */
export class ReplayTelling {
  readonly messages: PlannedMessage[] = [];
  readonly withheld: WithheldItem[] = [];
  private readonly configuration: Configuration;
  private readonly statuses: Map<string, Status>;
  private readonly bag = new Mailbag();
  private state: Telling | null = null;
  private nextAt = Infinity;
  private isHeldBack: ReplayedRun['isHeldBack'] = () => false;

  constructor(configuration: Configuration, statuses: Map<string, Status>) {
    this.configuration = configuration;
    this.statuses = statuses;
  }

  /** What falls due between runs comes first: reminders, digests, and what waited. */
  take(now: number, run: ReplayedRun): void {
    this.wait(now - 1);
    this.isHeldBack = run.isHeldBack;
    if (run.items.length > 0 || now >= this.nextAt || this.state === null) this.step(now, run.items);
  }

  wait(until: number): void {
    while (this.nextAt <= until) {
      const before = this.nextAt;
      this.step(before, []);
      if (this.nextAt <= before) this.nextAt = before + 60_000;
    }
  }

  private step(now: number, items: Item[]): void {
    const { configuration, statuses } = this;
    const context: TellingContext = {
      configuration,
      run: 0,
      now,
      statuses: () => statuses,
      isHeldBack: (check) => this.isHeldBack(check),
      joins: () => false,
      // Of the week's figures a replay knows the states only: the mail that proves silence is sent all the same.
      week: () => ({
        problems: [],
        soft: [],
        messages: { sent: this.messages.length, failed: 0 },
        noisiest: [],
        runs: 0,
        statuses,
        ending: [],
      }),
      itemOf: (check, status, kind, { reason, to }): Item => ({
        kind,
        at: now,
        run: 0,
        check: check.id,
        host: check.host,
        state: status.latest?.state ?? null,
        onset: status.problem?.onset ?? now,
        reason,
        to,
        facts: describeCheck(check, status, { configuration, statuses, pastProblems: () => [] }),
        lines: [],
      }),
    };
    const told = tell(items, this.state, context);
    this.state = told.state;
    this.nextAt = told.nextAt;
    this.withheld.push(...told.withheld);
    this.messages.push(...this.bag.collect(told, now));
  }
}
