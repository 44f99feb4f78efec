import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Command, UsageError } from '../../src/commands/command.ts';
import { refuseForeignOptions, refuseStrayOptions, refuseStrayWords } from '../../src/commands/words.ts';
import { BUNDLE, globalFile, installation, vigie } from '../support/cli.ts';

const COMMAND: Command = { usage: 'x', takes: [], summary: '', run: async () => 0 };

/** What is said of these words, or nothing. */
function said(takes: string[], words: string, options: Command['options'] = {}): string {
  try {
    refuseStrayWords('x', { ...COMMAND, takes, options }, words === '' ? [] : words.split(' '));
    return '';
  } catch (error) {
    assert.ok(error instanceof UsageError);
    assert.doesNotMatch(error.message, /\n/);
    return error.message;
  }
}

const VERBS = ['add TARGET', 'list', 'remove N', 'schema [drop-in]'];
const cases: { name: string; takes: string[]; words: string; says: string }[] = [
  { name: 'no word where none is taken', takes: [], words: '', says: '' },
  { name: 'a word where none is taken', takes: [], words: 'web1', says: 'x: expected nothing more, found "web1"; usage: vigie x' },
  { name: 'the word that may be missing', takes: ['[URL]'], words: '', says: '' },
  { name: 'one word', takes: ['[URL]'], words: 'a', says: '' },
  { name: 'one word too many', takes: ['[URL]'], words: 'a b', says: 'x a: expected nothing more, found "b"; usage: vigie x' },
  { name: 'one word missing', takes: ['ID'], words: '', says: 'x: expected ID, found nothing' },
  { name: 'many words', takes: ['PATTERN...'], words: 'a b c', says: '' },
  { name: 'none of many', takes: ['PATTERN...'], words: '', says: 'x: expected PATTERN, found nothing' },
  { name: 'none of many that may be missing', takes: ['[PATTERN...]'], words: '', says: '' },
  { name: 'a verb', takes: VERBS, words: 'list', says: '' },
  { name: 'a verb and its word', takes: VERBS, words: 'remove 3', says: '' },
  { name: 'no verb', takes: VERBS, words: '', says: 'x: expected add, list, remove or schema, found nothing' },
  {
    name: 'a verb mistyped',
    takes: VERBS,
    words: 'remvoe 3',
    says: 'x: expected add, list, remove or schema, found "remvoe" (did you mean "remove"?)',
  },
  { name: 'a verb without its word', takes: VERBS, words: 'add', says: 'x add: expected TARGET, found nothing' },
  { name: 'a word after a verb', takes: VERBS, words: 'list 3', says: 'x list: expected nothing more, found "3"; usage: vigie x' },
  { name: 'a fixed word that may be missing', takes: VERBS, words: 'schema drop-in', says: '' },
  {
    name: 'a fixed word mistyped',
    takes: VERBS,
    words: 'schema dropin',
    says: 'x schema: expected drop-in, found "dropin" (did you mean "drop-in"?)',
  },
];

describe('the words of a command', () => {
  for (const { name, takes, words, says } of cases) {
    it(`[H1] ${name}: ${says === '' ? 'is taken' : 'is refused with the word and what was expected'}`, () => {
      assert.equal(said(takes, words), says);
    });
  }

  it('[H1] where options take texts, a stray word may be a part of one', () => {
    assert.match(said(['ID'], 'a b', { note: { type: 'string' } }), /found "b"; a text with spaces needs quotes; usage/);
  });

  it('[H1] an option that is not known is named with the nearest', () => {
    assert.throws(() => refuseStrayOptions('run', ['--config', '--nwo'], ['--config', '--now', '--json']), {
      message: 'vigie run: no option "--nwo" (did you mean "--now"?); vigie run --help lists the options',
    });
    refuseStrayOptions('run', ['--now', '-h'], ['--now', '-h']);
  });

  it('[H1] an option of another verb is refused with the verb that takes it; what no verb owns goes with all', () => {
    const command = { ...COMMAND, optionsOf: { add: ['note'], check: ['json'] } };
    assert.throws(() => refuseForeignOptions('x', command, 'list', ['config', 'note']), {
      message: 'x list: takes no --note, expected it after x add only',
    });
    assert.throws(() => refuseForeignOptions('x', command, 'add', ['note', 'json']), UsageError);
    refuseForeignOptions('x', command, 'add', ['config', 'note']);
    refuseForeignOptions('x', COMMAND, 'list', ['note']);
  });

  it('[A4] every command says in its usage what it takes, and no more', async () => {
    const folder = join(import.meta.dirname, '../../src/commands');
    let seen = 0;
    for (const file of readdirSync(folder).filter((name) => name.endsWith('.js'))) {
      const exported = Object.values((await import(join(folder, file))) as Record<string, unknown>);
      for (const command of exported as Partial<Command>[]) {
        if (typeof command !== 'object' || command === null || !Array.isArray(command.takes)) continue;
        seen += 1;
        const { usage = '', takes, options = {}, optionsOf } = command;
        // With verbs that own options, each option has an owner, and each owner is a verb.
        const owned = Object.values(optionsOf ?? {}).flat();
        if (optionsOf !== undefined) assert.deepEqual([...new Set(owned)].sort(), Object.keys(options).sort(), usage);
        for (const verb of Object.keys(optionsOf ?? {}))
          assert.ok(
            takes.some((form) => form.split(' ')[0] === verb),
            usage,
          );
        const [name = '', ...rest] = usage.split(' ');
        // Without options and their values; what stands alone after `|` is another form.
        const bare = rest
          .join(' ')
          .replace(/ ?\| ?--[\w-]+/g, '')
          .replace(/(?<!\w)\[?-{1,2}[a-z][\w-]*( [A-Z0-9][\w,:-]*| weekly)?\]?/g, '');
        const forms = bare.split(' | ').map((form) =>
          form
            .replace(/\s+|\s*\[\]/g, ' ')
            .replace(/ (?=\])/g, '')
            .trim(),
        );
        assert.deepEqual(
          forms.filter((form) => form !== ''),
          takes,
          `${name}: ${usage}`,
        );
      }
    }
    assert.equal(seen, 21);
  });
});

describe('every command', () => {
  let folder: { path: string; remove: () => void };
  before(() => {
    folder = installation(globalFile('maildir:state/mail'), {
      'website.yaml': 'services:\n  website:\n    checks:\n      front-page: { type: tcp, address: 127.0.0.1, port: 1 }\n',
    });
  });
  after(() => folder.remove());

  const wrong: { args: string[]; code?: number; says: RegExp }[] = [
    { args: ['status', 'websit'], says: /^status: no check matches "websit", .* \(did you mean "website"\?\)/ },
    { args: ['status', 'websit', '--exit-code'], code: 3, says: /^status: no check matches/ },
    { args: ['check', 'website', 'front-page'], code: 3, says: /^check: no check matches "front-page"/ },
    { args: ['explain', 'website/frontpage'], says: /^explain: no check has .* \(did you mean "website\/front-page"\?\)/ },
    { args: ['doctor', 'http://127.0.0.1:1/', 'y'], says: /^doctor http:\S+: expected nothing more, found "y"/ },
    { args: ['mail', 'nonsense'], says: /^mail: expected test, found "nonsense"$/ },
    { args: ['mail', 'test', 'sysadmin'], says: /^mail: no contact "sysadmin".* \(did you mean "sysadmins"\?\)/ },
    { args: ['render', 'website'], says: /^render: expected nothing more, found "website"/ },
    { args: ['config', 'chekc'], says: /^config: expected check, .* \(did you mean "check"\?\)$/ },
    { args: ['ack', 'check', 'watch', '--note', 'x'], says: /^ack check: expected nothing more, found "watch"/ },
    { args: ['downtime', 'list', '--note', 'x'], says: /^downtime list: takes no --note, expected it after downtime add only$/ },
    {
      args: ['downtime', 'remove', '1', '--for', '2h'],
      says: /^downtime remove: takes no --for, expected it after downtime add only$/,
    },
    { args: ['config', 'show', '--drop-in', 'x'], says: /^config show: takes no --drop-in, expected it after config check only$/ },
    { args: ['status', '--problem'], says: /^vigie status: no option "--problem" \(did you mean "--problems"\?\)/ },
    { args: ['run', '--now'], says: /^vigie run: Option '--now <value>' argument missing/ },
    { args: ['stauts'], says: /^vigie: no command "stauts", expected one of .* \(did you mean "status"\?\)$/ },
    { args: ['help', 'stauts'], says: /^vigie: no command "stauts"/ },
    { args: ['--versoin'], says: /^vigie: no option "--versoin" \(did you mean "--version"\?\)/ },
  ];
  for (const { args, code = 2, says } of wrong) {
    it(`[H1] vigie ${args.join(' ')}: one line names the word and the nearest, and nothing is done`, async () => {
      const ended = await vigie(folder.path, args, { program: BUNDLE });
      assert.deepEqual([ended.code, ended.stdout], [code, '']);
      assert.match(ended.stderr.replace(/\n$/, ''), says);
      assert.equal(ended.stderr.split('\n').length, 2);
      assert.deepEqual(readdirSync(folder.path).sort(), ['conf.d', 'vigie.yaml']);
    });
  }
});
