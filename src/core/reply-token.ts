/** HMAC-SHA-256 with the secret of the database as its key: core has no cryptography of its own. */
export type Mac = (text: string) => Uint8Array;

/** RFC 4648 section 6 in small letters: no two of them look alike, and a mail program that changes case does no harm. */
const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';
/** 24 letters of 5 bits each: 120 bits cannot be guessed, and the line stays short enough to be quoted unbroken. */
const LENGTH = 24;

/**
 * What a reply must quote so that it counts as an acknowledgement: it proves that whoever answers has read this very message to this
 * very recipient. The word in front keeps it apart from the Message-ID, which is derived from the same secret and is public.
 */
export function replyToken(mac: Mac, message: number, recipient: string): string {
  const bytes = mac(`reply ${message} ${recipient.toLowerCase()}`);
  let bits = 0;
  let held = 0;
  let token = '';
  for (const byte of bytes) {
    bits = ((bits << 8) | byte) & 0xfff;
    held += 8;
    while (held >= 5 && token.length < LENGTH) {
      held -= 5;
      token += ALPHABET[(bits >>> held) & 31];
    }
  }
  return token;
}

/** The line of the mail that carries it. */
export function formatReplyToken(token: string): string {
  return `vigie token: ${token}`;
}

/** Every token that a text carries, quoted (`> `) or not, in the order in which they stand there; each once. */
export function findReplyTokens(text: string): string[] {
  const found = text.matchAll(/vigie token: ([a-z2-7]{24})(?![a-z2-7])/gi);
  return [...new Set(Array.from(found, ([, token = '']) => token.toLowerCase()))];
}
