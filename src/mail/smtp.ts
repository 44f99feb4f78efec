import { isIP } from 'node:net';
import { Readable } from 'node:stream';
import MailComposer from 'nodemailer/lib/mail-composer';
import MimeNode from 'nodemailer/lib/mime-node';
import SMTPConnection from 'nodemailer/lib/smtp-connection';
import { cleanText } from '../core/text.ts';
import type { Delivery, Letter, Send } from './transport.ts';

export interface SmtpSettings {
  host: string;
  port: number;
  /** TLS from the start (`smtps://`). */
  secure: boolean;
  /** STARTTLS or nothing. Off only on the loopback interface, or where the configuration says so. */
  requireTls: boolean;
  verify: boolean;
  /** PEM text of a CA of our own. */
  ca: string | null;
  login: { user: string; password: string } | null;
  /** The whole attempt, milliseconds: a relay that hangs costs no more. */
  deadlineMs: number;
}

/** Whether traffic to this host never leaves the machine. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

/** One connection, one transaction, one recipient: an answer always belongs to exactly one of them. */
export function smtpTransport(settings: SmtpSettings): Send {
  return (letter) => new Attempt(settings, letter).run();
}

interface SmtpError extends Error {
  responseCode?: number | undefined;
  response?: string | undefined;
}

class Attempt {
  private readonly settings: SmtpSettings;
  private readonly letter: Letter;
  private readonly connection: SMTPConnection;
  /** The whole content went into the connection, so its final dot may have gone out. */
  private isDotSent = false;
  /** MAIL FROM was sent: from here on an answer concerns this message and its recipient. */
  private hasBegun = false;

  constructor(settings: SmtpSettings, letter: Letter) {
    const { host, port, secure, requireTls, verify, ca, deadlineMs } = settings;
    this.settings = settings;
    this.letter = letter;
    this.connection = new SMTPConnection({
      host,
      port,
      secure,
      // Never a fallback: either TLS is required, or it is not tried (a loopback relay's snake-oil certificate would stop the mail).
      requireTLS: requireTls && !secure,
      ignoreTLS: !requireTls && !secure,
      connectionTimeout: deadlineMs,
      greetingTimeout: deadlineMs,
      socketTimeout: deadlineMs,
      dnsTimeout: Math.min(deadlineMs, 10_000),
      socketCloseTimeout: 1000,
      maxResponseSize: 64 * 1024,
      tls: { rejectUnauthorized: verify, minVersion: 'TLSv1.2', ...(ca === null ? {} : { ca }) },
    });
  }

  run(): Promise<Delivery> {
    return new Promise((resolve) => {
      const timer = setTimeout(
        () => end(this.toFailure(new Error(`no answer within ${this.settings.deadlineMs / 1000} s`))),
        this.settings.deadlineMs,
      );
      const end = (delivery: Delivery) => {
        clearTimeout(timer);
        // First the verdict: close() itself emits events that end here again.
        resolve(delivery);
        this.connection.close();
      };
      // Errors outside of a command come as events; the first word counts, resolve() ignores the later ones.
      this.connection.on('error', (error: SmtpError) => end(this.toFailure(error)));
      this.connection.on('end', () => end(this.toFailure(new Error('connection closed'))));
      this.connection.connect((error) => (error ? end(unreachable(error)) : this.login(end)));
    });
  }

  private login(end: (delivery: Delivery) => void): void {
    const { login } = this.settings;
    if (login === null) {
      this.send(end);
      return;
    }
    const { user, password: pass } = login;
    this.connection.login({ user, pass }, (error) => (error ? end(unreachable(error)) : this.send(end)));
  }

  private send(end: (delivery: Delivery) => void): void {
    const { from, to, content } = this.letter;
    const stream = Readable.from([content], { objectMode: false });
    stream.once('end', () => {
      this.isDotSent = true;
    });
    this.hasBegun = true;
    this.connection.send({ from, to, size: content.length }, stream, (error, sent) => {
      if (error) end(this.toFailure(error));
      else end({ outcome: 'sent', answer: cleanText(sent?.response ?? '') });
    });
  }

  /** An answer of the server decides; without one, the question is whether the final dot may have left. */
  private toFailure(error: SmtpError): Delivery {
    if (!this.hasBegun) return unreachable(error);
    const answer = describe(error);
    if (error.responseCode !== undefined && error.responseCode >= 500) return { outcome: 'refused', answer };
    if (error.responseCode !== undefined) return { outcome: 'deferred', answer, mayHaveArrived: false };
    return this.isDotSent ? { outcome: 'deferred', answer, mayHaveArrived: true } : unreachable(error);
  }
}

/** Whatever fails before MAIL FROM, a 5xx included, says nothing about a recipient: the relay itself is the trouble. */
function unreachable(error: SmtpError): Delivery {
  return { outcome: 'unreachable', answer: describe(error) };
}

function describe(error: SmtpError): string {
  return cleanText(error.response ?? error.message);
}

export interface MailContent {
  from: string;
  to: string;
  subject: string;
  body: string;
  messageId: string;
  references: string[];
  date: Date;
  /** Domain of the list that readers file by. */
  listId: string;
}

/** The part that is encrypted: the true subject stands in its own headers, which readers that know of it show instead. */
export function composeProtectedPart({ subject, body, messageId, date }: MailContent): Promise<Buffer> {
  const part = new MimeNode('text/plain; charset=utf-8; protected-headers="v1"', { newline: 'windows', disableUrlAccess: true });
  part.setHeader({ Subject: subject, 'Message-ID': messageId, Date: date.toUTCString().replace('GMT', '+0000') });
  part.setContent(body);
  return part.build();
}

/** A mail whose text is `armored` (RFC 3156 section 4): two parts, both 7bit. */
export function composeEncryptedMail(mail: Omit<MailContent, 'body'>, armored: string): Promise<Buffer> {
  const options = { newline: 'windows', disableFileAccess: true, disableUrlAccess: true };
  const root = new MimeNode('multipart/encrypted; protocol="application/pgp-encrypted"', options);
  root.setHeader({
    From: { name: 'vigie', address: mail.from },
    To: mail.to,
    Subject: mail.subject,
    'Message-ID': mail.messageId,
    ...(mail.references.length > 0 ? { References: mail.references.join(' '), 'In-Reply-To': mail.references.at(-1) ?? '' } : {}),
    Date: mail.date.toUTCString().replace('GMT', '+0000'),
    'Auto-Submitted': 'auto-generated',
    'List-Id': `vigie <${mail.listId}>`,
  });
  const plain = { 'Content-Transfer-Encoding': '7bit' };
  root.createChild('application/pgp-encrypted').setHeader(plain).setContent('Version: 1\r\n');
  root.createChild('application/octet-stream; name="encrypted.asc"').setHeader(plain).setContent(armored);
  return root.build();
}

/** The message's bytes. Header values are encoded by the composer; it may not open files or addresses. */
export async function composeMail(mail: MailContent): Promise<Buffer> {
  const composer = new MailComposer({
    from: { name: 'vigie', address: mail.from },
    to: { name: '', address: mail.to },
    subject: mail.subject,
    text: mail.body,
    messageId: mail.messageId,
    ...(mail.references.length > 0 ? { references: mail.references, inReplyTo: mail.references.at(-1) ?? '' } : {}),
    date: mail.date,
    headers: { 'Auto-Submitted': 'auto-generated', 'List-Id': `vigie <${mail.listId}>` },
    disableFileAccess: true,
    disableUrlAccess: true,
    newline: 'windows',
  });
  return composer.compile().build();
}
