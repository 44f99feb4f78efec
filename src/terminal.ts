import type { State } from './core/state.ts';

const COLORS: Record<State, string> = { OK: '32', WARNING: '33', CRITICAL: '31', UNKNOWN: '35' };

/** A state's word, coloured where colour is wanted: never by colour alone. */
export function paint(state: State, text: string, color: boolean): string {
  return color ? `\u001b[${COLORS[state]}m${text}\u001b[0m` : text;
}

/** Rows in aligned columns, the last one cut to the terminal's width. `paintRow` gets each finished line. */
export function formatTable(rows: string[][], columns: number): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  return rows.map((row) => {
    const line = row.map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0))).join('  ');
    return line.length > columns ? `${line.slice(0, columns - 1)}…` : line.trimEnd();
  });
}

/** `[########----] 412 of 750`, rewritten in place. */
export function formatProgress(done: number, total: number, columns: number): string {
  const words = ` ${done} of ${total}`;
  const width = Math.max(10, Math.min(50, columns - words.length - 3));
  const filled = Math.round((done / Math.max(1, total)) * width);
  return `[${'#'.repeat(filled)}${'-'.repeat(width - filled)}]${words}`;
}
