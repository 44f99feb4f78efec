import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Configuration } from '../../src/core/configuration.ts';
import { findWatchedRelay } from '../../src/core/mail-way.ts';
import { checkOf, configurationOf, contactOf } from '../support/model.ts';

const fallback = (transport: string) => ({ after: 900, mail: ['phone@example.net'], transport });

describe('the only way out for mail', () => {
  const rows: { name: string; transport: string; more?: Partial<Configuration>; found: string | null }[] = [
    { name: 'a relay that is a monitored host, by its address', transport: 'smtp://192.0.2.10:25', found: 'host web1' },
    { name: 'a relay that is a monitored host, by its name', transport: 'smtps://web1', found: 'host web1' },
    { name: 'a relay that a check connects to', transport: 'smtp://mail.example.org:587', found: 'check mail/smtp' },
    { name: 'a relay that only a url names', transport: 'smtp://[2001:db8::1]:25', found: 'check mail/web' },
    { name: 'a relay that nothing looks at', transport: 'smtp://relay.example.net', found: null },
    { name: 'a maildir', transport: 'maildir:/var/mail/vigie', found: null },
    {
      name: 'a monitored relay, but a contact has another way',
      transport: 'smtp://192.0.2.10',
      more: { contacts: { a: contactOf('a', ['a@example.org'], fallback('smtp://other.example.net')) } },
      found: null,
    },
    {
      name: 'a fallback by the same way is none',
      transport: 'smtp://192.0.2.10',
      more: { contacts: { a: contactOf('a', ['a@example.org'], fallback('smtp://192.0.2.10')) } },
      found: 'host web1',
    },
  ];
  for (const { name, transport, more, found } of rows) {
    it(`[H1] ${name}: ${found ?? 'nothing to warn of'}`, () => {
      const checks = [
        checkOf({ id: 'mail/smtp', options: { address: 'Mail.example.org', port: 25 } }),
        checkOf({ id: 'mail/web', options: { url: 'https://[2001:db8::1]/' } }),
      ];
      const base = configurationOf(checks, more);
      assert.equal(findWatchedRelay({ ...base, mail: { ...base.mail, transport } }), found);
    });
  }
});
