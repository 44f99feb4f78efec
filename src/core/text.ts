/**
 * The one border cleaner for text from outside (peers, children, certificates, people's notes): what comes out holds no control,
 * format or bidirectional characters, no unpaired surrogates and no line breaks, and is at most `maxLength` code points long.
 */
export function cleanText(text: string, maxLength = 200): string {
  if (text.length <= maxLength && PLAIN.test(text)) return text;
  // Longer input is cut before the costly steps: ten thousand combining marks must not cost more than the cap.
  const head = text.slice(0, maxLength * 8);
  const plain = head
    .replace(ANSI_SEQUENCE, '')
    .replace(/[\s\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')
    .replace(/[\p{Cf}\p{Co}\p{Cn}\p{Cs}]/gu, '')
    .replace(STACKED_MARKS, '$1')
    .trim();
  const points = Array.from(plain);
  const cut = points.length > maxLength || head.length < text.length;
  return cut ? `${points.slice(0, maxLength - 1).join('')}…` : plain;
}

/** What needs no cleaning: printable ASCII with single spaces inside. Most texts are, and most texts are cleaned twice. */
const PLAIN = /^(?:[!-~]+(?: [!-~]+)*)?$/;

/** CSI and OSC sequences and two-character escapes of ECMA-48. */
const ANSI_SEQUENCE = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-_])|\u009b[0-?]*[ -/]*[@-~]/g;

/** More than three combining marks in a row are a drawing over the neighbouring lines, not a language. */
const STACKED_MARKS = /(\p{M}{3})\p{M}+/gu;

/** Bytes as text for people: invalid UTF-8 becomes U+FFFD, then the border cleaner. */
export function cleanBytes(bytes: Uint8Array, maxLength = 200): string {
  return cleanText(new TextDecoder('utf-8').decode(bytes.subarray(0, maxLength * 16)), maxLength);
}
