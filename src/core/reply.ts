import { findReplyTokens } from './reply-token.ts';
import { cleanText } from './text.ts';

/** What matters of a mail that came into the inbox. */
export interface Reply {
  /** `In-Reply-To` and `References`, with their angle brackets. */
  answers: string[];
  /** The address of `From`, in small letters; null when there is none or more than one. */
  from: string | null;
  /** Made by a program: an absence note or a bounce, which quote our mail too. */
  isAutomatic: boolean;
  /** The plain text, or that of the HTML. */
  text: string;
}

/** A message of ours that a reply names. */
export interface AnsweredMessage {
  /** The checks whose items it told. */
  checks: string[];
  /** What a reply to it must quote. */
  token: string;
}

/** What a reply comes to: these checks are acknowledged with these words, or nothing is, and why. */
export type ReplyVerdict = { checks: string[]; note: string } | { ignored: string };

const OWN_WORDS = 'acknowledged by mail';

/**
 * Only a reply to a known message, from a contact's address, with that very message's token counts. It acknowledges the checks whose
 * lines it quotes: whoever cuts one out does not mean it.
 */
export function judgeReply(
  reply: Reply,
  { contacts, find }: { contacts: ReadonlySet<string>; find(messageId: string): AnsweredMessage | null },
): ReplyVerdict {
  if (reply.isAutomatic) return { ignored: 'made by a program' };
  if (reply.from === null || !contacts.has(reply.from)) return { ignored: 'not from the address of a contact' };
  const known = reply.answers.slice(-MAX_ANSWERS).flatMap((id) => find(id) ?? []);
  if (known.length === 0) return { ignored: 'no reply to a message of ours' };
  const tokens = findReplyTokens(reply.text);
  const proven = known.filter(({ token }) => tokens.includes(token));
  if (proven.length === 0) return { ignored: 'without the token of the message' };
  const checks = [...new Set(proven.flatMap((message) => message.checks))].filter((check) => isQuoted(check, reply.text));
  if (checks.length === 0) return { ignored: 'quotes no check of the message' };
  return { checks, note: ownWords(reply.text) };
}

const MAX_ANSWERS = 50;

/** Stands at the head of an entry, `CRITICAL website/front-page`, or in the command that a mail offers. */
function isQuoted(check: string, text: string): boolean {
  const id = check.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^[>\\s]*(?:(?:OK|WARNING|CRITICAL|UNKNOWN) |(?:ack\\s+)?vigie ack )${id}(?![a-z0-9._/-])`, 'm').test(text);
}

/** What the person wrote: lines above the quotation, without its introduction. */
function ownWords(text: string): string {
  const lines = text.split(/\r?\n/);
  const end = lines.findIndex((line) => /^\s*>/.test(line) || /^-- ?$/.test(line) || /^-{2,}.*(?:Original|Forwarded)/i.test(line));
  const own = (end < 0 ? lines.slice(0, 5) : lines.slice(0, end)).map((line) => line.trim()).filter((line) => line !== '');
  // "On Sunday, vigie wrote:" and its cousins, over one line or two.
  while (own.length > 0 && end >= 0 && /(?:[:：]|\bwrote)$/.test(own.at(-1) ?? '')) own.pop();
  return cleanText(own.slice(0, 5).join(' '), 300) || OWN_WORDS;
}
