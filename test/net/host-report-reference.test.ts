import assert from 'node:assert/strict';
import { createPrivateKey } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { FACTS, type FactField, type FactFields } from '../../src/core/report-facts.ts';
import { openReport } from '../../src/net/host-report.ts';
import { toPublicLine } from '../../src/net/sshsig.ts';
import { NOW, signedReport } from '../support/host-report.ts';

const FILE = 'docs/host-report.md';
/** PKCS8 of RFC 8410 before the 32 bytes of the seed: a key that everybody knows, for the example only. */
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');
const key = createPrivateKey({ key: Buffer.concat([PKCS8, Buffer.alloc(32, 7)]), format: 'der', type: 'pkcs8' });
const example = { name: 'web1', key, line: toPublicLine(key) };

function describeKind(field: FactField): string {
  const unit = 'unit' in field && field.unit !== undefined ? `, ${field.unit}` : '';
  const kind = {
    count: 'whole number',
    decimal: 'number',
    time: 'seconds since 1970',
    text: 'text',
    flag: '`true`, `false`',
    names: 'list of texts',
    list: 'list',
    word: field.kind === 'word' ? field.words.map((word) => `\`${word}\``).join(', ') : '',
  }[field.kind];
  const atMost = field.kind === 'count' && field.atMost !== undefined ? `, at most \`${field.atMost}\`` : '';
  return `${kind}${unit}${atMost}${field.nullable === true ? ', or `null`' : ''}`;
}

function toRows(fields: FactFields, prefix = ''): string[] {
  return Object.entries(fields).flatMap(([name, field]) => [
    `| \`${prefix}${name}\` | ${describeKind(field)} | ${field.help} |`,
    ...(field.kind === 'list' ? toRows(field.fields, `${prefix}${name}[].`) : []),
  ]);
}

function renderFacts(): string {
  const facts = Object.entries(FACTS).map(([name, { help, fields }]) =>
    [`### ${name}`, '', help, '', '| field | value | what |', '| --- | --- | --- |', ...toRows(fields), ''].join('\n'),
  );
  return facts.join('\n');
}

function renderExample(): string {
  const { line } = example;
  return `Signed with the key whose public half is \`${line}\`:\n\n\`\`\`\n${signedReport(example)}\`\`\`\n`;
}

/** What stands between `<!-- NAME -->` and `<!-- end -->`. */
function replacePart(text: string, name: string, part: string): string {
  const begin = `<!-- ${name} -->\n`;
  const from = text.indexOf(begin);
  const to = text.indexOf('<!-- end -->', from);
  assert.ok(from >= 0 && to > from, `no part ${name} in ${FILE}`);
  return `${text.slice(0, from + begin.length)}\n${part}\n${text.slice(to)}`;
}

describe('docs/host-report.md', () => {
  it('[A4] has every fact with its fields and units, and a whole example', () => {
    const found = readFileSync(FILE, 'utf8');
    const wanted = replacePart(replacePart(found, 'facts', renderFacts()), 'example', renderExample());
    if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(FILE, wanted);
    assert.equal(readFileSync(FILE, 'utf8'), wanted);
  });

  it('[A4] its example is a report that is accepted', () => {
    const [, file = ''] = /```\n(vigie-report 1\n.*?)```/s.exec(readFileSync(FILE, 'utf8')) ?? [];
    const { report } = openReport(Buffer.from(file), { host: 'web1', keys: [example.line], now: NOW, maxAge: 900, accepted: {} });
    assert.equal(Object.keys(report.facts).length, Object.keys(FACTS).length);
  });
});
