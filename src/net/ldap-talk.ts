import type { Socket } from 'node:net';
import { BindRequest, type Filter, FilterParser, SearchRequest, UnbindRequest } from 'ldapts';
import { TargetFailure } from '../core/failure.ts';
import { cleanBytes } from '../core/text.ts';
import { createReader } from './limits.ts';
import { redact } from './redact.ts';
import { findLdapResult, type LdapMessage, readLdapEntryName, readLdapMessage } from './starttls-messages.ts';

/** One message: an entry without attributes is a name. */
const MAX_MESSAGE = 66_000;
const BIND_RESPONSE = 0x61;
const SEARCH_ENTRY = 0x64;
const SEARCH_DONE = 0x65;
const SEARCH_REFERENCE = 0x73;

/** Result codes of RFC 4511, section 4.1.9, that a sysadmin meets. */
const RESULTS: Record<number, string> = {
  1: 'operations error',
  2: 'protocol error',
  3: 'time limit exceeded',
  7: 'method not supported',
  8: 'stronger authentication required',
  10: 'referral to another server',
  11: 'administrative limit exceeded',
  13: 'confidentiality required',
  18: 'inappropriate matching',
  32: 'no such object',
  34: 'invalid name',
  48: 'inappropriate authentication',
  49: 'invalid credentials',
  50: 'insufficient access rights',
  51: 'busy',
  52: 'unavailable',
  53: 'unwilling to perform',
  80: 'other error',
};

export interface LdapSearch {
  base: string;
  scope: 'base' | 'one' | 'sub';
  filter: Filter;
  /** Entries that are counted at most. */
  limit: number;
}

export interface LdapTalk {
  /** An empty name binds anonymously. Throws TargetFailure `ldap.auth`, `ldap.result`. */
  bind(name: string, password: string): Promise<void>;
  /**
   * How many entries there are, their names (DN) as the server wrote them, and whether there may be more. Throws TargetFailure
   * `ldap.base`, `ldap.result`.
   */
  search(search: LdapSearch): Promise<{ entries: number; names: string[]; isCut: boolean }>;
  leave(): void;
}

/** Throws when the text is no filter of RFC 4515. */
export function parseFilter(text: string): Filter {
  // A bracket inside of a value is written \28 or \29, so those that are left come in pairs; ldapts takes half a filter for a whole.
  if (text.split('(').length !== text.split(')').length) throw new Error('brackets that are no pairs');
  return FilterParser.parseString(text);
}

/**
 * Bind and search, one after the other. ldapts builds the requests; answers are read here message by message, since its client keeps
 * whatever a server sends until the search is over.
 */
export function createLdapTalk(socket: Socket, signal: AbortSignal, trace: (step: string) => void): LdapTalk {
  const reader = createReader(socket, signal, MAX_MESSAGE);
  // 1 was StartTLS, if it was asked for.
  let messageId = 1;
  const next = async (): Promise<LdapMessage & { bytes: Buffer }> => {
    const bytes = await reader.read(findLdapResult);
    const message = { ...readLdapMessage(bytes), bytes };
    if (message.id === 0) {
      const words = message.result ? cleanBytes(message.result.diagnostic, 60) : '';
      throw new TargetFailure('ldap.disconnected', `the server ends the session: ${JSON.stringify(words)}`);
    }
    if (message.id !== messageId) throw new TargetFailure('protocol.ldap', 'the server answers to something that was not asked');
    return message;
  };
  return {
    bind: async (dn, password) => {
      messageId += 1;
      trace(`ldap: > bind as ${dn === '' ? 'nobody' : JSON.stringify(dn)}`);
      socket.write(new BindRequest({ messageId, dn, password }).write());
      const { tag, result: raw } = await next();
      const result = raw && { ...raw, diagnostic: hide(raw.diagnostic, password) };
      if (tag !== BIND_RESPONSE || result === null) throw new TargetFailure('protocol.ldap', 'no answer to the bind');
      trace(`ldap: < ${describe(result)}`);
      if (result.code !== 0) throw toFailure(result, 'bind', result.code === 49 ? 'ldap.auth' : 'ldap.result');
    },
    search: async ({ base, scope, filter, limit }) => {
      messageId += 1;
      trace(`ldap: > search ${scope} ${JSON.stringify(base)} ${filter.toString()}`);
      // "1.1": no attributes (RFC 4511, section 4.5.1.8).
      const request = { messageId, baseDN: base, scope, filter, sizeLimit: limit, attributes: ['1.1'] };
      socket.write(new SearchRequest(request).write());
      let entries = 0;
      const names: string[] = [];
      for (let count = 0; count <= limit * 2; count += 1) {
        const { tag, result, bytes } = await next();
        if (tag === SEARCH_ENTRY) {
          entries += 1;
          names.push(readLdapEntryName(bytes));
        } else if (tag === SEARCH_DONE && result !== null) {
          trace(`ldap: < ${entries} entries, ${describe(result)}`);
          // 4: there are more than the limit, ours or the server's.
          if (result.code === 0 || result.code === 4) return { entries, names, isCut: result.code === 4 };
          throw toFailure(result, 'search', result.code === 32 ? 'ldap.base' : 'ldap.result');
        } else if (tag !== SEARCH_REFERENCE) throw new TargetFailure('protocol.ldap', 'no answer to the search');
        if (entries > limit) break;
      }
      throw new TargetFailure('protocol.ldap', `more than the ${limit} entries that were asked for`);
    },
    leave: () => {
      trace('ldap: > unbind');
      socket.write(new UnbindRequest({ messageId: messageId + 1 }).write());
    },
  };
}

function hide(words: Buffer, password: string): Buffer {
  return Buffer.from(redact(words.toString('latin1'), [password]), 'latin1');
}

type Result = NonNullable<LdapMessage['result']>;

function describe({ code, diagnostic }: Result): string {
  const words = cleanBytes(diagnostic, 60);
  return `${code === 0 ? 'success' : (RESULTS[code] ?? `result ${code}`)}${words === '' ? '' : ` ${JSON.stringify(words)}`}`;
}

function toFailure(result: Result, what: string, code: string): TargetFailure {
  return new TargetFailure(code, `${what}: ${describe(result)} (${result.code}), expected success`);
}
