import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { packResults } from '../src/store/packing.ts';
import { freshHistory } from './support/history.ts';
import { needs } from './support/server.ts';

const ROOT = new URL('../..', import.meta.url).pathname;
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const documents = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md'].concat(
  readdirSync(join(ROOT, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
);

describe('the documents', () => {
  it('[A4] every relative link and every file that is named leads to something', () => {
    const missing: string[] = [];
    let seen = 0;
    for (const document of documents) {
      const text = read(document);
      const links = [...text.matchAll(/\]\(([^)#:]+)(#[^)]*)?\)/g)].map(([, link = '']) => join(dirname(document), link));
      const named = [...text.matchAll(/(?<![\w/.])((?:src|test|cron|docs|checks|templates|public)\/[\w./-]*)/g)].map(
        ([, path = '']) => path,
      );
      for (const path of [...links, ...named.map((name) => name.replace(/\.$/, ''))]) {
        seen += 1;
        // Names of the guide to a new check type, and screenshots that a command makes.
        if (!existsSync(join(ROOT, path)) && !/daytime/.test(path)) missing.push(`${document}: ${path}`);
      }
    }
    assert.deepEqual(missing, []);
    assert.ok(seen > 60, `${seen} seen`);
  });

  it('[A4] every command that the documents name is one of vigie', () => {
    const known = new Set(
      readdirSync(join(ROOT, 'src/commands'))
        .map((name) => name.replace('.ts', ''))
        .concat('help'),
    );
    const code = (text: string) =>
      [...text.matchAll(/```sh\n([\s\S]*?)```|(`[^`\n]+`)/g)].map(([, block, word]) => block ?? word ?? '').join('\n');
    const named = documents.flatMap((document) =>
      [...code(read(document)).matchAll(/(?:`|^|; |do |--init-groups )vigie ([a-z]+)\b/gm)].map(([, name = '']) => name),
    );
    assert.ok(named.length > 15);
    assert.deepEqual([...new Set(named.filter((name) => !known.has(name)))], []);
  });

  it('[R4] the Python reader of docs/history.md reads a packed day', needs('python3'), () => {
    const noon = Date.UTC(2026, 10, 22, 12, 0, 0);
    const history = freshHistory(noon);
    const results = Array.from({ length: 200 }, (_, i) => ({
      at: noon + i * 300_000 + (i % 7) * 1000,
      state: i % 50 === 3 ? 2 : 0,
      scheduled: i % 9 !== 0,
      withheld: i === 53 ? 'unreachable' : null,
      metrics: i % 50 === 3 ? {} : { time: (40 + (i % 13)) / 1000, bytes: 5_000_000_000 + i },
      code: i % 50 === 3 ? 'http.status' : '',
      output: i % 50 === 3 ? 'HTTP 503, expected 200 – “no”' : '',
    }));
    try {
      history.database.prepare("INSERT INTO checks (number, id, status) VALUES (1, 'website/front-page', '{}')").run();
      const insert = history.database.prepare('INSERT INTO packed (check_number, day, results, content) VALUES (1, ?, ?, ?)');
      insert.run('2026-11-22', results.length, packResults(results));
      const script = join(history.state, 'read.py');
      writeFileSync(script, /```python\n([\s\S]*?)```/.exec(read('docs/history.md'))?.[1] ?? '');
      const out = execFileSync('python3', [script, join(history.state, 'history.sqlite')]).toString();
      const lines = out
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));
      assert.deepEqual(
        lines,
        results.map(({ at, ...result }) => ({ check: 'website/front-page', time: at / 1000, ...result })),
      );
    } finally {
      history.remove();
    }
  });

  it('[R4] every view and table of the database is described', () => {
    const history = freshHistory(0);
    const names = history.database
      .prepare("SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%'")
      .pluck()
      .all() as string[];
    history.remove();
    const text = read('docs/history.md');
    assert.ok(names.length > 10);
    assert.deepEqual(
      names.filter((name) => !text.includes(`\`${name}\``)),
      [],
    );
  });

  it('[A3] the licence is whole and named alike everywhere', () => {
    assert.match(
      read('LICENSE'),
      /^GNU AFFERO GENERAL PUBLIC LICENSE\nVersion 3, 19 November 2007\n[\s\S]*END OF TERMS AND CONDITIONS/,
    );
    assert.equal(JSON.parse(read('package.json')).license, 'AGPL-3.0-or-later');
    assert.match(read('README.md'), /AGPL-3\.0-or-later/);
  });
});
