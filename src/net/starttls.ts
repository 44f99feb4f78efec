import type { Socket } from 'node:net';
import { TargetFailure } from '../core/failure.ts';
import { cleanBytes } from '../core/text.ts';
import { createReader, type Reader } from './limits.ts';
import {
  findLdapResult,
  findReply,
  findStanza,
  findTagged,
  LDAP_START_TLS,
  readLdapResult,
  readStanza,
} from './starttls-messages.ts';

export const STARTTLS_PROTOCOLS = ['smtp', 'imap', 'xmpp', 'xmpp-server', 'ldap'] as const;
export type StartTlsProtocol = (typeof STARTTLS_PROTOCOLS)[number];

interface Limits {
  signal: AbortSignal;
  trace(step: string): void;
  /** Told the server's first line, cleaned: after TLS it is not said again. */
  onGreeting?(text: string): void;
}

/** No server needs more before TLS begins; whoever sends more is not worth waiting for. */
const LARGEST_PREFACE = 16_384;
/** A client without a name of its own shows an address (RFC 5321, section 4.1.4): always the same, since it tells nothing of ours. */
export const OUR_NAME = '[127.0.0.1]';

interface Talk extends Reader {
  write(bytes: string | Uint8Array): void;
  greet(text: string): void;
}

const PREFACES: Record<StartTlsProtocol, (talk: Talk, domain: string) => Promise<void>> = {
  smtp: speakSmtp,
  imap: speakImap,
  xmpp: (talk, domain) => speakXmpp(talk, domain, 'client'),
  'xmpp-server': (talk, domain) => speakXmpp(talk, domain, 'server'),
  ldap: speakLdap,
};

/**
 * Speaks the plaintext part of a protocol up to the moment when TLS begins, and hands the socket back. Nothing goes on in
 * plaintext: a server that does not offer TLS, or an attacker who removed the offer, is `tls.starttls_stripped`; bytes that came
 * before TLS and would be taken for protected ones (CVE-2011-0411) are `tls.starttls_injected`.
 * `domain` is what an XMPP stream is opened to.
 */
export async function negotiateTls(socket: Socket, protocol: StartTlsProtocol, domain: string, limits: Limits): Promise<Socket> {
  const talk = {
    ...createReader(socket, limits.signal, LARGEST_PREFACE),
    write: (bytes: string | Uint8Array) => socket.write(bytes),
    greet: (text: string) => limits.onGreeting?.(cleanBytes(Buffer.from(text, 'latin1'), 100)),
  };
  try {
    await PREFACES[protocol](talk, domain);
    refuseInjected(talk);
    limits.trace(`${protocol}: the server is ready to begin TLS`);
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

/** What came before it was asked for may be anybody's: an answer that is taken for the next one is how sessions are forged. */
function refuseInjected(talk: Talk): void {
  if (talk.pending() === 0) return;
  const found = JSON.stringify(cleanBytes(talk.peek(), 60));
  throw new TargetFailure('tls.starttls_injected', `plaintext that was not asked for: ${found}, expected nothing`);
}

function say(talk: Talk, command: string): void {
  refuseInjected(talk);
  talk.write(command);
}

async function speakSmtp(talk: Talk): Promise<void> {
  talk.greet(await expectReply(talk, '220', 'greeting'));
  say(talk, `EHLO ${OUR_NAME}\r\n`);
  const offers = await expectReply(talk, '250', 'answer to EHLO');
  if (!/^250[ -]STARTTLS *$/im.test(offers)) throw stripped('SMTP');
  say(talk, 'STARTTLS\r\n');
  const answer = await takeReply(talk);
  if (!answer.startsWith('220')) throw refused('SMTP', answer);
}

async function expectReply(talk: Talk, code: string, what: string): Promise<string> {
  const reply = await takeReply(talk);
  if (reply.startsWith(code)) return reply;
  throw new TargetFailure('protocol.smtp', `${what}: ${JSON.stringify(cleanBytes(Buffer.from(reply), 80))}, expected ${code}`);
}

async function takeReply(talk: Talk): Promise<string> {
  return (await talk.read(findReply)).toString('latin1').replace(/\r/g, '');
}

async function speakImap(talk: Talk): Promise<void> {
  const greeting = (await talk.read((bytes) => findTagged(bytes, '*'))).toString('latin1');
  // The list of capabilities in it hides the words.
  talk.greet(greeting.replace(/ \[[^\]\r\n]*\]/, ''));
  // PREAUTH leaves no way to TLS, so an attacker who injects it gets a plaintext session (RFC 9051, section 11.1).
  if (/^\* PREAUTH/i.test(greeting)) throw stripped('IMAP');
  if (!/^\* OK/i.test(greeting))
    throw new TargetFailure('protocol.imap', `greeting: ${JSON.stringify(cleanBytes(Buffer.from(greeting), 80))}, expected * OK`);
  say(talk, 'a1 CAPABILITY\r\n');
  const offers = (await talk.read((bytes) => findTagged(bytes, 'a1'))).toString('latin1');
  if (!/^\* CAPABILITY\b.* STARTTLS\b/im.test(offers)) throw stripped('IMAP');
  say(talk, 'a2 STARTTLS\r\n');
  const answer = (await talk.read((bytes) => findTagged(bytes, 'a2'))).toString('latin1');
  if (!/^a2 OK\b/im.test(answer)) throw refused('IMAP', answer);
}

async function speakXmpp(talk: Talk, domain: string, kind: 'client' | 'server'): Promise<void> {
  talk.write(openStream(domain, kind));
  const features = readStanza(await talk.read((bytes) => findStanza(bytes, 0)));
  if (features.name !== 'features') throw unexpectedStanza(features, 'stream features');
  if (!/<(?:\w+:)?starttls[\s/>]/.test(features.text)) throw stripped('XMPP');
  talk.write("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
  const answer = readStanza(await talk.read((bytes) => findStanza(bytes, 1)));
  if (answer.name === 'failure') throw refused('XMPP', answer.text);
  if (answer.name !== 'proceed') throw unexpectedStanza(answer, 'proceed');
}

/** The opening tag of a stream (RFC 6120, section 4.2). */
export function openStream(domain: string, kind: 'client' | 'server'): string {
  const to = domain.replace(/[&<>'"]/g, (character) => `&#${character.charCodeAt(0)};`);
  const dialback = kind === 'server' ? " xmlns:db='jabber:server:dialback'" : '';
  const names = `xmlns='jabber:${kind}' xmlns:stream='http://etherx.jabber.org/streams'${dialback}`;
  return `<?xml version='1.0'?><stream:stream to='${to}' version='1.0' ${names}>`;
}

export function unexpectedStanza(stanza: { name: string; text: string }, wanted: string): TargetFailure {
  const seen = cleanBytes(Buffer.from(stanza.text), 80);
  return new TargetFailure(
    'protocol.xmpp',
    `${stanza.name === 'error' ? 'stream error' : 'answer'} ${JSON.stringify(seen)}, expected ${wanted}`,
  );
}

async function speakLdap(talk: Talk): Promise<void> {
  talk.write(LDAP_START_TLS);
  const result = readLdapResult(await talk.read(findLdapResult));
  if (result.code === 0) return;
  const words = `LDAP result ${result.code} ${JSON.stringify(cleanBytes(result.diagnostic, 80))}`;
  // RFC 4511, section 4.14.2: protocolError (2) says that the server does not know StartTLS.
  if (result.code === 2) throw new TargetFailure('tls.starttls_stripped', `STARTTLS not offered (${words})`);
  throw new TargetFailure('tls.starttls_refused', `STARTTLS refused: ${words}`);
}

function stripped(protocol: string): TargetFailure {
  return new TargetFailure('tls.starttls_stripped', `STARTTLS not offered by this ${protocol} server, expected it`);
}

function refused(protocol: string, answer: string): TargetFailure {
  return new TargetFailure(
    'tls.starttls_refused',
    `STARTTLS refused by ${protocol} server: ${JSON.stringify(cleanBytes(Buffer.from(answer), 80))}`,
  );
}
