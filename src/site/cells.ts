import type { BarRun } from '../core/views-bar.ts';
import type { Column } from '../core/views-chart.ts';

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

const COLUMNS_AT_MOST = 400;

/** The columns of a chart: one element each, its three layers as classes. */
export function renderColumns(columns: readonly Column[]): string {
  if (columns.length > COLUMNS_AT_MOST) throw new Error(`chart: ${columns.length} columns, expected at most ${COLUMNS_AT_MOST}`);
  let markup = '';
  for (const column of columns) {
    if (column === null) {
      markup += '<i></i>';
      continue;
    }
    if (!isHeight(column[0]) || !isHeight(column[1]) || !isHeight(column[2])) {
      throw new Error(`chart: heights ${column.join(' ')}, expected whole numbers from 0 to 100`);
    }
    markup += `<i class="a${column[0]} b${column[1]} c${column[2]}"></i>`;
  }
  return markup;
}

function isHeight(height: number): boolean {
  return Number.isInteger(height) && height >= 0 && height <= 100;
}

/** Rows of a table of figures: dates, hours and numbers with their units, the first of each row its heading. */
export function renderRows(rows: readonly (readonly string[])[]): string {
  let markup = '';
  for (const row of rows) {
    for (const cell of row)
      if (!LABEL.test(cell)) throw new Error(`table: ${JSON.stringify(cell)} is not made of dates and figures`);
    markup += `<tr><th scope="row">${row[0] ?? ''}</th>`;
    for (let i = 1; i < row.length; i += 1) markup += `<td>${keepUnits(row[i] ?? '')}</td>`;
    markup += '</tr>\n';
  }
  return markup;
}

/** On a narrow page `1 h 11 min` breaks before a number only. */
function keepUnits(cell: string): string {
  return cell.includes(' h ') ? cell.replace(/ (?=[a-z])/g, '\u00a0') : cell;
}
