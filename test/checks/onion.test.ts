import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import onion from '../../checks/onion.ts';
import { codeOf, problemsOf, runCheck } from '../support/check.ts';
import { type TestContextSettings, testContext } from '../support/context.ts';
import { freePort, temporaryFolder } from '../support/server.ts';
import { DIRECTORIES, event, makeDescriptor, type ScriptedControl, startScriptedControl } from '../support/tor-control.ts';

// The real Tor is asked in test/net/tor.test.ts; here stands what it does not do on demand, and what no Tor would do.

const made = makeDescriptor();
type Script = Parameters<typeof startScriptedControl>[0];

/** Looks with a control port of the test's own; what it was asked is told too. */
async function play(
  answer: Script,
  { options = {}, ...settings }: TestContextSettings & { options?: Record<string, unknown> } = {},
) {
  const control = await startScriptedControl(answer);
  const context = testContext(settings);
  const given = { address: `${made.name}.onion`, control: `127.0.0.1:${control.port}`, ...options };
  const seen = await runCheck(onion, given, context);
  control.stop();
  return { seen, asked: control.asked, steps: context.steps };
}

/** Answers HSFETCH with these events after its `250 OK`. */
const fetching =
  (...events: string[]): Script =>
  (command) =>
    command.startsWith('HSFETCH') ? `250 OK\r\n${events.join('')}` : undefined;
const { requested, failed, received } = event;

describe('onion check', () => {
  it('[K17] a descriptor that is received anew is measured', async () => {
    const { seen, asked } = await play(fetching(requested(made.name), received(made.name, made.text)));
    assert.match(seen.output, /^descriptor with 3 introduction points in [\d.]+ s$/);
    assert.equal(seen.metrics?.['introduction_points'], 3);
    assert.deepEqual(seen.memory, { directories: [DIRECTORIES[0]] });
    assert.ok(asked.includes(`HSFETCH ${made.name}`));
  });

  it('[K17] the next directory has it: how many did not is a metric', async () => {
    const events = [
      requested(made.name),
      failed(made.name, 'NOT_FOUND'),
      requested(made.name, DIRECTORIES[1]),
      received(made.name, made.text, DIRECTORIES[1]),
    ];
    const { seen } = await play(fetching(...events));
    assert.match(seen.output, /, not in 1 of 2 directories$/);
    assert.equal(seen.metrics?.['directories_without'], 1);
  });

  it('[K17] a next directory that Tor names only later is waited for', async () => {
    let turns = 0;
    const { seen } = await play((command) => {
      if (command.startsWith('HSFETCH')) return `250 OK\r\n${requested(made.name)}${failed(made.name, 'UNEXPECTED')}`;
      if (command !== 'GETINFO version') return undefined;
      turns += 1;
      return `250 OK\r\n${turns === 2 ? requested(made.name, DIRECTORIES[1]) + received(made.name, made.text, DIRECTORIES[1]) : ''}`;
    });
    assert.equal(seen.kind, 'measured', seen.output);
  });

  it('[K17] no introduction points: measured as none, which the default thresholds call CRITICAL', async () => {
    const empty = makeDescriptor({ points: 0 });
    const { seen } = await play(fetching(requested(empty.name), received(empty.name, empty.text)), {
      options: { address: `${empty.name}.onion` },
    });
    assert.equal(seen.metrics?.['introduction_points'], 0, seen.output);
    assert.deepEqual(onion.thresholds['introduction_points'], { warning: '2:', critical: '1:' });
  });

  for (const { name, reason, code, output } of [
    {
      name: 'no directory has it',
      reason: 'NOT_FOUND',
      code: 'onion.not_found',
      output: 'descriptor of the onion: none of 1 directories has it',
    },
    {
      name: 'Tor does not accept it',
      reason: 'BAD_DESC',
      code: 'onion.bad',
      output: 'descriptor of the onion: none of 1 directories has one that Tor accepts',
    },
    {
      name: 'the directory rejects the question',
      reason: 'QUERY_REJECTED',
      code: 'onion.rejected',
      output: 'descriptor of the onion: none of 1 directories answers the question for it',
    },
    {
      name: 'no circuit to the directory',
      reason: 'UNEXPECTED',
      code: 'onion.unreachable',
      output: 'descriptor of the onion: none of 1 directories gives it (UNEXPECTED)',
    },
    {
      name: 'a reason with escape codes',
      reason: '\u001b[31mX',
      code: 'onion.unreachable',
      output: 'descriptor of the onion: none of 1 directories gives it (X)',
    },
  ]) {
    it(`[K17] ${name}: ${code}`, async () => {
      const { seen } = await play(fetching(requested(made.name), failed(made.name, reason)));
      assert.deepEqual([codeOf(seen), seen.output, seen.memory], [code, output, { directories: [DIRECTORIES[0]] }]);
    });
  }

  it('[K17] when Tor asks nobody (once in 15 minutes is enough for it), the directories of the last run are asked by name', async () => {
    const { seen, asked } = await play(
      (command) =>
        command.includes('SERVER=')
          ? `250 OK\r\n${requested(made.name, DIRECTORIES[1])}${received(made.name, made.text, DIRECTORIES[1])}`
          : undefined,
      { memory: { directories: [DIRECTORIES[1], DIRECTORIES[2], 'x\r\nSIGNAL HALT', 7] } },
    );
    assert.equal(seen.kind, 'measured', seen.output);
    assert.equal(
      asked.findLast((command) => command.startsWith('HSFETCH')),
      `HSFETCH ${made.name} SERVER=${DIRECTORIES[1]} SERVER=${DIRECTORIES[2]}`,
    );
    assert.equal(
      asked.some((command) => command.startsWith('SIGNAL')),
      false,
    );
  });

  it('[K17] Tor asks nobody and nobody is known: we could not look', async () => {
    const { seen } = await play(fetching());
    assert.deepEqual([seen.kind, codeOf(seen)], ['unknown', 'onion.unasked']);
  });

  it('[K17] events about other services and other things are passed over', async () => {
    const other = makeDescriptor({ points: 1 });
    const events = [
      '650 CIRC 1 BUILT\r\n',
      requested(other.name),
      received(other.name, other.text),
      requested(made.name),
      received(made.name, made.text),
    ];
    assert.equal((await play(fetching(...events))).seen.metrics?.['introduction_points'], 3);
  });

  it('[K17] a Tor without circuits cannot look: UNKNOWN', async () => {
    const { seen } = await play((command) =>
      command.includes('circuit-established') ? '250-status/circuit-established=0\r\n250 OK\r\n' : undefined,
    );
    assert.deepEqual([seen.kind, codeOf(seen)], ['unknown', 'control.circuits']);
  });

  it('[K17] a directory that never answers is timeout.total', async () => {
    const { seen } = await play(fetching(requested(made.name)), { timeoutMs: 300 });
    assert.deepEqual(
      [seen.kind, codeOf(seen), seen.output],
      ['failed', 'timeout.total', 'no descriptor in time, 1 directories asked'],
    );
  });

  it('[A1] an address that is no onion, a control port that is none, two ways to log in', () => {
    const options = { address: `${made.name}.onion`, control: 'nowhere', password: { env: 'P' }, cookie: '/c' };
    assert.deepEqual(Object.keys(problemsOf(onion, options)), ['control', 'cookie']);
  });
});

describe('onion check of a service with client authorisation', () => {
  const locked = makeDescriptor({ isLocked: true, points: 2 });
  const look = (view: string) =>
    play(
      (command) => {
        if (command.startsWith('ONION_CLIENT_AUTH_VIEW')) return view;
        return fetching(requested(locked.name), received(locked.name, locked.text))(command, undefined as never);
      },
      { options: { address: `${locked.name}.onion` } },
    );
  const client = (key: Buffer) =>
    `250-ONION_CLIENT_AUTH_VIEW ${locked.name}\r\n250-CLIENT ${locked.name} x25519:${key.toString('base64')} Flags=Permanent\r\n250 OK\r\n`;

  it('[K17] with the key that this Tor has it is measured, and the key is nowhere to be seen', async () => {
    const { seen, steps } = await look(client(locked.clientKey));
    assert.match(seen.output, /^descriptor with 2 introduction points, with the key of this Tor in/);
    const all = JSON.stringify([seen, steps]);
    assert.equal(all.includes(locked.clientKey.toString('base64')), false);
  });

  for (const { name, view, code } of [
    { name: 'no key', view: `250-ONION_CLIENT_AUTH_VIEW ${locked.name}\r\n250 OK\r\n`, code: 'onion.no_key' },
    { name: 'another key', view: client(Buffer.alloc(32, 7)), code: 'onion.key' },
    { name: 'a key that is none', view: `250-CLIENT ${locked.name} x25519:AAAA\r\n250 OK\r\n`, code: 'onion.no_key' },
    { name: 'a Tor that does not know the question', view: '510 Unrecognized command\r\n', code: 'control.command' },
  ]) {
    it(`[K17] ${name}: ${code}, which is our configuration`, async () => {
      const { seen } = await look(view);
      assert.deepEqual([seen.kind, codeOf(seen)], ['unknown', code], seen.output);
    });
  }
});

describe('onion check logs in to a control port', () => {
  const { path: folder, remove } = temporaryFolder();
  const cookie = Buffer.alloc(32, 0x5a);
  const file = join(folder, 'cookie');
  before(() => writeFileSync(file, cookie));
  after(() => remove());
  const offer = (text: string) => `250-PROTOCOLINFO 1\r\n250-AUTH ${text}\r\n250-VERSION Tor="x"\r\n250 OK\r\n`;
  const offering =
    (methods: string, more: Script = () => undefined): Script =>
    (command, socket) =>
      command.startsWith('PROTOCOLINFO')
        ? offer(methods)
        : (more(command, socket) ?? fetching(requested(made.name), received(made.name, made.text))(command, socket));

  /** Answers the challenge as a Tor that knows these bytes. */
  const challenge =
    (known: Buffer): Script =>
    (command) => {
      const [verb, , nonce = ''] = command.split(' ');
      if (verb !== 'AUTHCHALLENGE') return undefined;
      const server = Buffer.alloc(32, 1);
      const sum = createHmac('sha256', 'Tor safe cookie authentication server-to-controller hash');
      const hash = sum.update(Buffer.concat([known, Buffer.from(nonce, 'hex'), server])).digest('hex');
      return `250 AUTHCHALLENGE SERVERHASH=${hash.toUpperCase()} SERVERNONCE=${server.toString('hex').toUpperCase()}\r\n`;
    };

  it('[T1] by SAFECOOKIE the cookie itself is never sent', async () => {
    const { seen, asked } = await play(offering(`METHODS=COOKIE,SAFECOOKIE COOKIEFILE="${file}"`, challenge(cookie)));
    assert.equal(seen.kind, 'measured', seen.output);
    assert.equal(asked.join(' ').includes(cookie.toString('hex')), false);
    assert.match(asked.find((command) => command.startsWith('AUTHENTICATE')) ?? '', /^AUTHENTICATE [0-9a-f]{64}$/);
  });

  it('[T1] a control port that does not know the cookie gets no answer to its challenge', async () => {
    const { seen, asked } = await play(offering(`METHODS=SAFECOOKIE COOKIEFILE="${file}"`, challenge(Buffer.alloc(32))));
    assert.deepEqual([seen.kind, codeOf(seen)], ['unknown', 'control.login'], seen.output);
    assert.equal(
      asked.some((command) => command.startsWith('AUTHENTICATE')),
      false,
    );
  });

  it('[T1] a file that Tor names is not given away by plain COOKIE, one that a person names is', async () => {
    const stolen = await play(offering(`METHODS=COOKIE COOKIEFILE="${file}"`));
    assert.equal(codeOf(stolen.seen), 'control.login');
    const named = await play(offering('METHODS=COOKIE'), { options: { cookie: file } });
    assert.equal(named.seen.kind, 'measured', named.seen.output);
    assert.ok(named.asked.includes(`AUTHENTICATE ${cookie.toString('hex')}`));
  });

  it('[T1] a file that is no cookie is not read', async () => {
    writeFileSync(join(folder, 'long'), 'a secret of another kind, longer than a cookie');
    for (const path of [join(folder, 'long'), folder, '/dev/zero', join(folder, 'none')]) {
      const { seen } = await play(offering(`METHODS=SAFECOOKIE COOKIEFILE="${path}"`, challenge(cookie)));
      assert.deepEqual([seen.kind, codeOf(seen)], ['unknown', 'control.cookie'], path);
    }
    chmodSync(folder, 0o700);
  });

  it('[T8] a password is quoted, and in no step of the conversation', async () => {
    const options = { password: { env: 'P' } };
    const { seen, asked, steps } = await play(offering('METHODS=HASHEDPASSWORD'), { options, secrets: { P: 'pass"word\\1' } });
    assert.equal(seen.kind, 'measured', seen.output);
    assert.ok(asked.includes('AUTHENTICATE "pass\\"word\\\\1"'));
    assert.equal(steps.join(' ').includes('pass'), false, steps.join('\n'));
    const broken = await play(offering('METHODS=HASHEDPASSWORD'), { options, secrets: { P: 'a\r\nSIGNAL HALT' } });
    assert.equal(codeOf(broken.seen), 'control.password');
    assert.equal(
      broken.asked.some((command) => command.includes('SIGNAL')),
      false,
    );
  });

  for (const { name, methods, options = {}, output } of [
    {
      name: 'a password is wanted and none is set',
      methods: 'METHODS=HASHEDPASSWORD',
      output: 'control port offers HASHEDPASSWORD to log in, expected a `password`',
    },
    {
      name: 'a password is set and not wanted',
      methods: 'METHODS=NULL',
      options: { password: { env: 'P' } },
      output: 'control port offers NULL to log in, expected HASHEDPASSWORD',
    },
    {
      name: 'nothing is offered',
      methods: 'X',
      output: 'control port offers nothing to log in, expected NULL, SAFECOOKIE or HASHEDPASSWORD',
    },
  ]) {
    it(`[K17] ${name}: control.login`, async () => {
      const { seen } = await play(offering(methods), { options, secrets: { P: 'password' } });
      assert.deepEqual([seen.kind, codeOf(seen), seen.output], ['unknown', 'control.login', output]);
    });
  }

  it('[K17] a login that is refused is told with its words', async () => {
    const { seen } = await play((command) =>
      command.startsWith('AUTHENTICATE') ? '515 Authentication failed\u001b[31m\r\n' : undefined,
    );
    assert.equal(seen.output, 'control port refuses no password: 515 Authentication failed');
  });
});

describe('onion check against a hostile control port', () => {
  for (const { name, answer, code, timeoutMs } of [
    { name: 'silence', answer: () => null, code: 'control.timeout', timeoutMs: 200 },
    { name: 'words of another protocol', answer: () => 'HTTP/1.1 400 Bad Request\r\n\r\n', code: 'control.protocol' },
    { name: 'a line without end', answer: () => '250-'.padEnd(100_000, 'a'), code: 'control.protocol' },
    { name: 'a block without end', answer: () => `250+${'a\r\n'.repeat(300_000)}`, code: 'control.connect' },
    {
      name: 'events without end before an answer',
      answer: () => '650 CIRC\r\n'.repeat(100_000),
      code: 'control.timeout',
      timeoutMs: 2000,
    },
  ]) {
    it(`[T1] ${name}: ${code}, UNKNOWN`, async () => {
      const { seen } = await play(answer, { timeoutMs });
      assert.deepEqual([seen.kind, codeOf(seen)], ['unknown', code], seen.output);
    });
  }

  it('[K17] nobody there: control.connect, for a port and for a socket', async () => {
    for (const control of [`127.0.0.1:${await freePort()}`, '/nowhere/control']) {
      const seen = await runCheck(onion, { address: `${made.name}.onion`, control }, testContext());
      assert.deepEqual([seen.kind, codeOf(seen)], ['unknown', 'control.connect'], seen.output);
    }
  });

  it('[T1] a descriptor that is none is the failure onion.descriptor', async () => {
    const { seen } = await play(fetching(requested(made.name), received(made.name, 'hs-descriptor 3\nhello\n')));
    assert.deepEqual([seen.kind, codeOf(seen)], ['failed', 'onion.descriptor']);
  });

  it('[N2] a socket of this machine is a control port too', async () => {
    const { path, remove } = temporaryFolder();
    const control: ScriptedControl = await startScriptedControl(
      fetching(requested(made.name), received(made.name, made.text)),
      join(path, 'control'),
    );
    const seen = await runCheck(onion, { address: `${made.name}.onion`, control: `unix:${join(path, 'control')}` }, testContext());
    control.stop();
    remove();
    assert.equal(seen.kind, 'measured', seen.output);
  });
});
