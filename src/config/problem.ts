/** A place in a configuration file: 1-based line and column, and the path by identity, such as `services.website.checks.front-page.url`. */
export interface Problem {
  file: string;
  line: number;
  column: number;
  path: string;
  /** What is wrong, what was expected, what was found (did you mean ...?). */
  message: string;
  /** The other file of a mistake that two make together. */
  also?: string;
}

/** A configuration that cannot be used: every problem at once. */
export class ConfigurationError extends Error {
  readonly problems: Problem[];
  constructor(problems: Problem[]) {
    super(formatProblems(problems));
    this.problems = problems;
  }
}

export function formatProblem(problem: Problem): string {
  const { file, line, column, path, message } = problem;
  return `${file}:${line}:${column}: ${path === '' ? '' : `${path}: `}${message}`;
}

/** One line for each problem, then a count. */
export function formatProblems(problems: Problem[], noun = 'error'): string {
  const files = new Set(problems.map((problem) => problem.file)).size;
  const count = `${problems.length} ${noun}${problems.length === 1 ? '' : 's'} in ${files} file${files === 1 ? '' : 's'}`;
  return [...problems.map(formatProblem), count].join('\n');
}

/** By place, one for each: a mistake in a profile shows in every host that uses it, and what follows from a mistake is noise. */
export function sortProblems(problems: Problem[]): Problem[] {
  const unique = new Map<string, Problem>();
  for (const problem of problems) {
    const key = `${problem.file}:${problem.line}:${problem.column}:${problem.path}`;
    if (!unique.has(key)) unique.set(key, problem);
  }
  const order = [...new Set(problems.map((problem) => problem.file))].sort();
  return [...unique.values()].sort(
    (a, b) => order.indexOf(a.file) - order.indexOf(b.file) || a.line - b.line || a.column - b.column,
  );
}

/** `problem, expected X, found Y`: the three parts of every message. */
export function say(problem: string, expected: string, ...found: [unknown?]): string {
  return `${problem}, expected ${expected}${found.length === 0 ? '' : `, found ${show(found[0])}`}`;
}

/** A value of a configuration file in at most 80 characters, strings in JSON quoting. */
export function show(value: unknown): string {
  if (value === undefined || value === null) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a map';
  if (typeof value !== 'string') return String(value);
  return JSON.stringify(value.length > 80 ? `${value.slice(0, 79)}…` : value);
}

/** ` (did you mean "timeout"?)`, or nothing when no candidate is near. */
export function didYouMean(found: string, candidates: Iterable<string>): string {
  const word = found.slice(0, 80);
  let best: string | undefined;
  // One mistake in three letters is still a slip of the fingers; more is another word.
  let bestDistance = Math.max(1, Math.floor(word.length / 3)) + 1;
  for (const candidate of candidates) {
    const isShort = word.length >= 3 && candidate.startsWith(word);
    const distance = isShort ? 1 : measureDistance(word, candidate);
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best === undefined ? '' : ` (did you mean ${JSON.stringify(best)}?)`;
}

/** Damerau-Levenshtein distance with adjacent transpositions. */
function measureDistance(a: string, b: string): number {
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const isSame = a[i - 1] === b[j - 1];
      let cost = Math.min(at(previous, j) + 1, at(row, j - 1) + 1, at(previous, j - 1) + (isSame ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) cost = Math.min(cost, at(before, j - 2) + 1);
      row.push(cost);
    }
    before = previous;
    previous = row;
  }
  return at(previous, b.length);
}

function at(row: number[], index: number): number {
  return row[index] ?? 0;
}
