import PostalMime from 'postal-mime';
import type { Reply } from '../core/reply.ts';

/** RFC 3834: what answers by itself says so; older programs use the other words. */
function isAutomatic(headers: { key: string; value: string }[]): boolean {
  const value = (name: string) =>
    headers
      .find(({ key }) => key === name)
      ?.value.trim()
      .toLowerCase() ?? '';
  const submitted = value('auto-submitted');
  if (submitted !== '' && !submitted.startsWith('no')) return true;
  if (/^(bulk|junk|auto_reply|list)$/.test(value('precedence'))) return true;
  return (
    value('x-autoreply') !== '' ||
    value('x-autorespond') !== '' ||
    value('x-auto-response-suppress') === 'all' ||
    value('return-path') === '<>'
  );
}

/** Reads what matters of a mail; null when it is none. Any bytes may come. */
export async function parseReply(bytes: Buffer): Promise<Reply | null> {
  try {
    const mail = await PostalMime.parse(bytes, { maxNestingDepth: 20, maxHeadersSize: 64 * 1024 });
    const from = mail.headers.filter(({ key }) => key === 'from');
    const address = from.length === 1 ? (mail.from?.address ?? null) : null;
    const answers = `${mail.inReplyTo ?? ''} ${mail.references ?? ''}`.match(/<[^<>\s]{1,250}>/g) ?? [];
    return {
      answers: [...new Set(answers)],
      from: address === null ? null : address.toLowerCase(),
      isAutomatic: isAutomatic(mail.headers),
      text: (mail.text ?? toText(mail.html ?? '')).slice(0, 64 * 1024),
    };
  } catch {
    // Nested without end, headers without end: nobody's reply.
    return null;
  }
}

/** Only what is needed to find an id and a token: tags become line breaks. */
function toText(html: string): string {
  return html
    .slice(0, 64 * 1024)
    .replace(/<[^<>]{0,2000}>/g, '\n')
    .replace(/&gt;/g, '>')
    .replace(/&nbsp;/g, ' ')
    .replace(/&amp;/g, '&');
}
