const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';

/** Bytes of text in RFC 4648's base32, lower case and without padding, as onion names have it. Bits that fill no byte are dropped. */
export function decodeBase32(text: string): Uint8Array {
  const bytes: number[] = [];
  let bits = 0;
  let value = 0;
  for (const letter of text) {
    value = (value << 5) | ALPHABET.indexOf(letter);
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      bytes.push((value >> bits) & 0xff);
      value &= (1 << bits) - 1;
    }
  }
  return Uint8Array.from(bytes);
}
