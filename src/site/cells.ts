import type { BarRun } from '../core/views-bar.ts';

const CLASSES: ReadonlySet<string> = new Set(['ok', 'warning', 'critical', 'unknown', 'skipped', 'planned', 'none']);
const LONGEST_RUN = 90;

/** Dates, hours, our own words and figures: nothing that could end an attribute. */
const LABEL = /^[A-Za-z0-9 :,.%+–-]*$/;

/**
 * The cells of a bar as markup, one element for each run of equal cells: the one place where markup is built in code, since loops
 * inside a template cost ten times as much. Class names are allow-listed; labels hold only our own dates and figures.
 */
export function renderCells(runs: readonly BarRun[]): string {
  let markup = '';
  for (const run of runs) {
    if (!CLASSES.has(run.class)) throw new Error(`bar: unknown class ${JSON.stringify(run.class)}`);
    if (!Number.isInteger(run.length) || run.length < 1 || run.length > LONGEST_RUN) {
      throw new Error(`bar: run of ${run.length} cells, expected 1 to ${LONGEST_RUN}`);
    }
    if (!LABEL.test(run.label)) throw new Error(`bar: label ${JSON.stringify(run.label)} is not made of dates and figures`);
    markup += `<i class="${run.class} n${run.length}" title="${run.label}"></i>`;
  }
  return markup;
}
