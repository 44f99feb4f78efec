import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, it } from 'node:test';

const ROOT = new URL('../..', import.meta.url).pathname;

interface Import {
  /** Relative to the top, such as `src/core/state.ts`. */
  from: string;
  /** A file relative to the top, or a package. */
  to: string;
  isType: boolean;
}

function sources(folder: string): string[] {
  return (readdirSync(join(ROOT, folder), { recursive: true }) as string[])
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts'))
    .map((name) => join(folder, name))
    .sort();
}

const files = [...sources('src'), ...sources('checks')];
const imports = files.flatMap(readImports);

function readImports(from: string): Import[] {
  const text = readFileSync(join(ROOT, from), 'utf8');
  const statics = [...text.matchAll(/^(?:import|export)\s+(type\s)?[^;'"]*?from\s+'([^']+)'/gm)];
  const bare = [...text.matchAll(/^import\s+()'([^']+)'/gm)];
  const dynamics = [...text.matchAll(/\bimport\(\s*()'([^']+)'\s*\)/g)];
  return [...statics, ...bare, ...dynamics].map(([, type, target = '']) => ({
    from,
    to: target.startsWith('.') ? relative(ROOT, resolve(dirname(join(ROOT, from)), target)) : target,
    isType: type !== undefined && type !== '',
  }));
}

/** The part of the tree that a file belongs to. */
function partOf(file: string): string {
  const [top = '', second = ''] = file.split('/');
  if (top !== 'src') return top;
  return second.endsWith('.ts') ? second.slice(0, -3) : second;
}

const PARTS_OF_RUN = [
  'core',
  'config',
  'registry',
  'store',
  'mail',
  'site',
  'net',
  'observe',
  'observer',
  'outside',
  'snapshot',
  'check-type',
  'mail-outside',
  'hearing',
  'replies',
  'heartbeat',
  'incidents',
  'incident-files',
  'changes',
  'host-news',
  'fleet',
  'settings-news',
  'clock',
  'dead-man',
  'overlap',
  'rate',
  'sentinel',
  'tell',
];

/** Which parts a part may import; what is not listed may import nothing of the project. */
const ALLOWED: Record<string, string[]> = {
  main: ['commands', 'config', 'core'],
  commands: [...PARTS_OF_RUN, 'commands', 'run', 'emergency', 'terminal'],
  run: PARTS_OF_RUN,
  outside: [...PARTS_OF_RUN, 'run'],
  emergency: [...PARTS_OF_RUN],
  snapshot: ['core', 'store'],
  hearing: ['core', 'store'],
  changes: ['core', 'store', 'host-news', 'settings-news'],
  'host-news': ['core', 'store'],
  fleet: ['core', 'store'],
  'settings-news': ['core', 'store'],
  replies: ['core', 'store', 'mail'],
  heartbeat: ['core', 'net'],
  incidents: ['core', 'incident-files'],
  'incident-files': ['core', 'config', 'site', 'incidents'],
  clock: ['net', 'store'],
  'dead-man': ['net'],
  tell: ['core', 'store'],
  observe: ['core', 'check-type'],
  observer: ['core', 'net', 'observe', 'registry'],
  'mail-outside': ['mail', 'net'],
  sentinel: ['core', 'net', 'check-type'],
  overlap: [],
  rate: [],
  terminal: ['core'],
  registry: ['check-type', 'core'],
  'check-type': ['core'],
  core: ['core'],
  checks: ['check-type', 'net'],
  store: ['store', 'core'],
  mail: ['mail', 'core', 'check-type'],
  site: ['site', 'core'],
  net: ['net', 'core', 'check-type'],
  config: ['config', 'core', 'check-type'],
};

describe('the architecture', () => {
  it('[A4] every source file is seen', () => {
    assert.ok(files.length >= 80, `only ${files.length} files`);
    assert.ok(imports.length >= 300, `only ${imports.length} imports`);
    for (const { from, to } of imports) {
      if (to.startsWith('src/') || to.startsWith('checks/'))
        assert.ok(existsSync(join(ROOT, to)), `${from} imports ${to}, which is not there`);
    }
  });

  it('[A4] each part imports only what CONTRIBUTING.md allows it', () => {
    const breaches = imports
      .filter(({ to }) => to.startsWith('src/') || to.startsWith('checks/'))
      .filter(({ from, to }) => !(ALLOWED[partOf(from)] ?? []).includes(partOf(to)));
    assert.deepEqual(
      breaches.map(({ from, to }) => `${from} -> ${to}`),
      [],
    );
  });

  it('[A4] core is pure: no clock, no files, no network, no environment', () => {
    const core = files.filter((file) => file.startsWith('src/core/'));
    const impure = imports.filter(({ from, to }) => core.includes(from) && to.startsWith('node:'));
    assert.deepEqual(
      impure.map(({ from, to }) => `${from} -> ${to}`),
      [],
    );
    for (const file of core) {
      const text = readFileSync(join(ROOT, file), 'utf8');
      assert.doesNotMatch(text, /\bDate\.now\(|new Date\(\)|performance\.now\(|Math\.random\(|\bprocess\.|\bsetTimeout\(/, file);
    }
  });

  it('[A4] only main.ts and net/child.ts touch the process', () => {
    const touching = files.filter((file) =>
      /\bprocess\.(?!$)/.test(readFileSync(join(ROOT, file), 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')),
    );
    assert.deepEqual(touching.sort(), ['src/main.ts', 'src/net/child.ts']);
  });

  it('[A4] each of the given packages is imported in exactly one file under src', () => {
    for (const name of [
      'undici',
      'socks-proxy-agent',
      'better-sqlite3',
      'nodemailer',
      'nunjucks',
      'p-limit',
      'luxon',
      'commonmark',
    ]) {
      const importers = new Set(
        imports.filter(({ to, isType }) => !isType && (to === name || to.startsWith(`${name}/`))).map(({ from }) => from),
      );
      assert.equal(importers.size, 1, `${name}: ${[...importers].join(', ')}`);
    }
  });

  it('[A4] there are no cycles among values', () => {
    const edges = new Map(
      files.map((file) => [file, imports.filter(({ from, isType }) => from === file && !isType).map(({ to }) => to)]),
    );
    const done = new Set<string>();
    const visit = (file: string, path: string[]): void => {
      if (path.includes(file)) assert.fail(`cycle: ${[...path.slice(path.indexOf(file)), file].join(' -> ')}`);
      if (done.has(file)) return;
      for (const next of edges.get(file) ?? []) visit(next, [...path, file]);
      done.add(file);
    };
    for (const file of files) visit(file, []);
    assert.equal(done.size >= files.length, true);
  });

  it('[T1] nothing under src makes code of text or runs a shell', () => {
    for (const file of files) {
      const text = readFileSync(join(ROOT, file), 'utf8');
      assert.doesNotMatch(text, /\beval\(|new Function\(|shell:\s*true|\bexecSync\(|[^.]\bexec\(`/, file);
    }
  });

  it('[A4] every test title names its requirement or its hostile case', () => {
    const tests = sources('test').filter((file) => file.endsWith('.test.ts'));
    assert.ok(tests.length >= 20);
    const untitled: string[] = [];
    for (const file of tests) {
      for (const [, title = ''] of readFileSync(join(ROOT, file), 'utf8').matchAll(/\b(?:it|test)\(\s*['"`]((?:[^'"`\\]|\\.)*)/g)) {
        if (!/^\[(case )?[A-Z]+\d*/.test(title) && !title.startsWith('${')) untitled.push(`${file}: ${title}`);
      }
    }
    assert.deepEqual(untitled, []);
  });
});
