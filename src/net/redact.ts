/**
 * A server that echoes what it was given to log in with must not bring it onto a page: each of these texts becomes `***`, before the
 * text is cut. Shorter ones would blot out ordinary words.
 */
export function redact(text: string, secrets: readonly string[]): string {
  return secrets.filter((secret) => secret.length >= 4).reduce((shown, secret) => shown.replaceAll(toLatin1(secret), '***'), text);
}

/** Conversations are read byte by byte as Latin-1, secrets are sent in UTF-8. */
function toLatin1(text: string): string {
  return Buffer.from(text).toString('latin1');
}
