import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Rota } from '../../src/core/configuration.ts';
import { formatRota, inCharge, resolveContact } from '../../src/core/rota.ts';
import { configurationOf, contactOf } from '../support/model.ts';

const PARIS = 'Europe/Paris';
const weekly: Rota = {
  members: ['anna', 'bert', 'carl'],
  every: { count: 2, unit: 'week' },
  since: '2026-01-05',
  handover: { weekday: 1, minutes: 540 },
};
const contacts = { anna: contactOf('anna'), bert: contactOf('bert'), carl: contactOf('carl') };
const utc = (text: string) => Date.parse(`${text}:00Z`);

describe('a rota', () => {
  const rows: { name: string; rota: Rota; at: string; member: string }[] = [
    { name: 'before it begins the first member is in charge', rota: weekly, at: '2026-01-01T12:00', member: 'anna' },
    { name: 'the first duty', rota: weekly, at: '2026-01-05T12:00', member: 'anna' },
    { name: 'the last minute of it, Monday 08:59', rota: weekly, at: '2026-01-19T07:59', member: 'anna' },
    { name: 'the handover, Monday 09:00', rota: weekly, at: '2026-01-19T08:00', member: 'bert' },
    { name: 'the third', rota: weekly, at: '2026-02-02T08:00', member: 'carl' },
    { name: 'round again', rota: weekly, at: '2026-02-16T08:00', member: 'anna' },
    { name: 'in summer too it is 09:00 on the clock: 06:59 UTC is before', rota: weekly, at: '2026-05-11T06:59', member: 'carl' },
    { name: 'and 07:00 UTC is after', rota: weekly, at: '2026-05-11T07:00', member: 'anna' },
    {
      name: 'since in the middle of a week begins with the next handover',
      rota: { ...weekly, since: '2026-01-07', every: { count: 1, unit: 'week' } },
      at: '2026-01-19T08:00',
      member: 'bert',
    },
    {
      name: 'ten days each',
      rota: { ...weekly, every: { count: 10, unit: 'day' }, handover: { weekday: null, minutes: 540 } },
      at: '2026-01-15T08:00',
      member: 'bert',
    },
    {
      name: 'ten days each, an hour before',
      rota: { ...weekly, every: { count: 10, unit: 'day' }, handover: { weekday: null, minutes: 540 } },
      at: '2026-01-15T07:00',
      member: 'anna',
    },
    {
      name: 'a month each, from the 31st to the last of February',
      rota: { ...weekly, since: '2026-01-31', every: { count: 1, unit: 'month' }, handover: { weekday: null, minutes: 0 } },
      at: '2026-02-27T23:30',
      member: 'bert',
    },
    {
      name: 'and not a day before',
      rota: { ...weekly, since: '2026-01-31', every: { count: 1, unit: 'month' }, handover: { weekday: null, minutes: 0 } },
      at: '2026-02-27T22:30',
      member: 'anna',
    },
  ];
  for (const { name, rota, at, member } of rows) {
    it(`[H6] ${name}`, () => assert.deepEqual(inCharge(rota, contacts, utc(at), PARIS), { member, insteadOf: null }));
  }

  it('[H6] who is absent is passed over for those days, both included, and only by the rota', () => {
    const away = { ...contacts, anna: { ...contacts.anna, absent: [{ from: '2026-01-07', to: '2026-01-08' }] } };
    const on = (at: string) => inCharge(weekly, away, utc(at), PARIS);
    assert.deepEqual(on('2026-01-06T22:59'), { member: 'anna', insteadOf: null });
    assert.deepEqual(on('2026-01-06T23:00'), { member: 'bert', insteadOf: 'anna' });
    assert.deepEqual(on('2026-01-08T22:59'), { member: 'bert', insteadOf: 'anna' });
    assert.deepEqual(on('2026-01-08T23:00'), { member: 'anna', insteadOf: null });
    const configuration = configurationOf([], { contacts: { ...away, duty: { ...contactOf('duty', []), rota: weekly } } });
    assert.equal(resolveContact('duty', configuration, utc('2026-01-07T12:00'))?.name, 'bert');
    assert.equal(resolveContact('anna', configuration, utc('2026-01-07T12:00'))?.name, 'anna');
    assert.equal(resolveContact('nobody', configuration, utc('2026-01-07T12:00')), null);
  });

  it('[H6] when everybody is absent, whose turn it is must be told all the same', () => {
    const absent = [{ from: '2026-01-01', to: '2026-12-31' }];
    const away = Object.fromEntries(Object.values(contacts).map((contact) => [contact.name, { ...contact, absent }]));
    assert.deepEqual(inCharge(weekly, away, utc('2026-01-20T12:00'), PARIS), { member: 'bert', insteadOf: null });
  });

  it('[H6] the page says the rule in words', () => {
    assert.equal(formatRota(weekly), 'anna, bert, carl: 2 weeks each, handover Mon 09:00, since 2026-01-05');
  });
});
